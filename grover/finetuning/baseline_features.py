"""What the baselines read of a data set: one row per example, dense or sparse."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, hstack, vstack

from grover.annotation import motifs
from grover.benchmarks.tokenise import read_tokens
from grover.genome.bases import encode
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import FIRST_BASE, NOT_ACGT, UNK, Vocabulary

BASES_AT_ONCE = 1 << 24
LONGEST = 10  # bases of a k-mer: 4^10 are a million features


@dataclass(frozen=True)
class Settings:
    """Settings of the baselines.

    `kmers` are the shortest and longest k of tfidf-*, `trees` those of a forest; `vocabulary` makes the tokens of token-* and adjacency;
    `matrix` (float64 [4, positions]) is the motif of pwm where the sites have no score; `maximum_train` (0: all) limits the examples of
    fold train, drawn by the seed, that the baselines of `LIMITED_BASELINES` are fitted on.
    """

    trees: int
    kmers: tuple[int, int]
    maximum_train: int
    threads: int = 1
    vocabulary: Vocabulary | None = None
    matrix: np.ndarray | None = None


def gc_share(dataset: pd.DataFrame, settings: Settings | None = None) -> np.ndarray:
    """Compute the share of G and C among the bases A, C, G and T of each sequence, float64 [examples, 1]."""
    return _shares(dataset, 1) @ np.array([[0.0], [1.0], [1.0], [0.0]])


def dinucleotide_shares(dataset: pd.DataFrame, settings: Settings | None = None) -> np.ndarray:
    """Compute the shares of AA, AC, ..., TT among the dinucleotides of each sequence, float64 [examples, 16]."""
    return _shares(dataset, 2)


def motif_scores(dataset: pd.DataFrame, settings: Settings) -> np.ndarray:
    """Score the motif in bits, float64 [examples, 1]: the score of the site, or else the highest on either strand of the sequence."""
    if "score" in dataset and not dataset["score"].isna().any():
        return dataset[["score"]].to_numpy(dtype=np.float64)
    if settings.matrix is None:
        raise InputError(
            "the baseline pwm needs scores of the sites in the column `score`, or a motif; name one or leave it out"
        )
    shortest = dataset["sequence"].str.len().min()
    if shortest < settings.matrix.shape[1]:
        raise InputError(
            f"the baseline pwm: a sequence has {shortest} bases, but the motif has {settings.matrix.shape[1]}; use longer sequences"
        )
    return np.asarray(motifs.best_scores([encode(text) for text in dataset["sequence"]], settings.matrix), np.float64)[
        :, None
    ]


def kmer_counts(dataset: pd.DataFrame, settings: Settings) -> csr_matrix:
    """Count each k-mer in each sequence, sparse float32 [examples, sum of 4^k]: by k, then in alphabetical order.

    K-mers with anything but A, C, G and T do not count.
    """
    return _count_kmers(dataset, *settings.kmers)


def _count_kmers(dataset: pd.DataFrame, shortest: int, longest: int) -> csr_matrix:
    if not 1 <= shortest <= longest <= LONGEST:
        raise InputError(f"k-mers of {shortest} to {longest} bases: choose 1 <= shortest <= longest <= {LONGEST}")
    ends = dataset["sequence"].str.len().cumsum().to_numpy()
    blocks = np.split(np.arange(len(dataset)), np.flatnonzero(np.diff(ends // BASES_AT_ONCE)) + 1)
    sequences = dataset["sequence"].to_numpy()
    sizes = range(shortest, longest + 1)
    return vstack([hstack([_kmers(sequences[rows], k) for k in sizes], "csr") for rows in blocks], "csr")


def token_counts(dataset: pd.DataFrame, settings: Settings) -> csr_matrix:
    """Count each token of the vocabulary in each sequence, sparse float32 [examples, tokens]; specials do not count."""
    vocabulary = _vocabulary_of(settings)
    tokens = [row[row >= FIRST_BASE] for row in read_tokens(dataset, vocabulary, settings.threads)]
    return _counts(np.concatenate(tokens), np.array([len(row) for row in tokens]), vocabulary.size)


def allowed(dataset: pd.DataFrame, settings: Settings) -> np.ndarray:
    """Return 1 where no two adjacent tokens of a sequence are a merge, else 0, float64 [examples, 1].

    A vocabulary of k-mers has no merges, so that all values are 1.
    """
    vocabulary = _vocabulary_of(settings)
    if vocabulary.kind == "overlap":
        raise InputError(
            f"the baseline adjacency needs disjoint tokens, but those of {vocabulary.name} overlap; leave it out here"
        )
    if dataset["label"].max() > 1:
        raise InputError("the baseline adjacency predicts two labels, but the dataset has more; leave it out here")
    # an unknown base between two sequences is part of no merge
    tokens = [np.append(row, UNK) for row in read_tokens(dataset, vocabulary, settings.threads)]
    rows = np.repeat(np.arange(len(tokens)), [len(row) for row in tokens])
    line = np.concatenate(tokens).astype(np.int64)
    merges = vocabulary.merges.astype(np.int64) @ np.array([vocabulary.size, 1])
    forbidden = np.isin(line[:-1] * vocabulary.size + line[1:], merges)
    found = np.ones((len(dataset), 1))
    found[rows[:-1][forbidden]] = 0.0
    return found


def _shares(dataset: pd.DataFrame, k: int) -> np.ndarray:
    counts = _count_kmers(dataset, k, k).toarray().astype(np.float64)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)


def _kmers(sequences: np.ndarray, k: int) -> csr_matrix:
    # N ends each sequence, so that no k-mer spans two of them
    codes = encode("N".join(sequences) + "N")
    row = np.repeat(np.arange(len(sequences)), [len(text) + 1 for text in sequences])
    places = max(0, len(codes) - k + 1)
    kmers, known = np.zeros(places, np.int32), np.ones(places, bool)
    for offset in range(k):
        bases = codes[offset : offset + places]
        kmers = 4 * kmers + bases
        known &= bases < NOT_ACGT
    return _counts(kmers[known], np.bincount(row[:places][known], minlength=len(sequences)), 4**k)


def _counts(items: np.ndarray, sizes: np.ndarray, columns: int) -> csr_matrix:
    """Count each item in consecutive rows of `sizes` items."""
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    table = csr_matrix((np.ones(len(items), np.float32), items.astype(np.int32), offsets), (len(sizes), columns))
    table.sum_duplicates()
    return table


def _vocabulary_of(settings: Settings) -> Vocabulary:
    if settings.vocabulary is None:
        raise InputError("the baselines token-* and adjacency need a vocabulary; give the tokenizer.json of one")
    return settings.vocabulary
