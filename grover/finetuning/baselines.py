"""Baselines: predictors without a language model, fitted and scored on the same folds as the models.

`majority`                        the share of each label, whatever the sequence
`gc`                              logistic regression on the share of G and C
`dinucleotide`                    logistic regression on the shares of the 16 dinucleotides
`tfidf-logistic`, `tfidf-forest`  TF-IDF of k-mers into logistic regression, or into a random forest as in the GROVER
                                  paper (doi 10.1038/s42256-024-00872-0)
`token-logistic`, `token-forest`  the same with the tokens of a vocabulary
`pwm`                             logistic regression on the score of a motif
`adjacency`                       the forbidden-adjacency rule, which is not fitted: BPE never emits two adjacent tokens that it
                                  would have merged, but shuffled tokens contain such pairs
those of start codons             `grover.finetuning.start_baselines`
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from grover.annotation import motifs
from grover.benchmarks.tokenise import read_tokens
from grover.config.names import LIMITED_BASELINES, SEEDED_BASELINES
from grover.finetuning import start_baselines
from grover.genome.bases import encode
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import FIRST_BASE, NOT_ACGT, UNK, Vocabulary

BASES_AT_ONCE = 1 << 24
LONGEST = 10  # bases of a k-mer: 4^10 are a million features
DENSE_BYTES = 2_000_000_000


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


def predict(dataset: pd.DataFrame, baseline: str, seeds: Sequence[int], settings: Settings) -> pd.DataFrame:
    """Fit a baseline on fold train and predict folds valid and test.

    `dataset` has the columns sequence, label (0..classes - 1), fold and, where the baseline reads them, score, before, after,
    pieces. A forest is fitted once per seed, another baseline once, with the first seed. Returns the table of `predictions`, whose
    `attrs` have the number of examples of a fit (`n_train`). Raises InputError for an unknown baseline, for labels without a training
    example and for a missing motif or vocabulary.
    """
    if baseline not in STEPS:
        raise InputError(f"unknown baseline {baseline!r}; choose one of {', '.join(STEPS)}")
    train, held_out = train_and_held_out(dataset)
    label = dataset["label"].to_numpy(np.int64)
    read, learn = STEPS[baseline]
    seeds = seeds if baseline in SEEDED_BASELINES else seeds[:1]
    maximum = settings.maximum_train if baseline in LIMITED_BASELINES else 0
    drawn = [_draw(train, label, maximum, seed) for seed in seeds]
    used = np.unique(np.concatenate([*drawn, held_out]))
    features = read(dataset.iloc[used], settings)
    asked = np.searchsorted(used, held_out)
    if baseline in CHOSEN_ON_VALID:
        valid = np.flatnonzero(dataset["fold"].to_numpy()[held_out] == "valid")
        learn = partial(learn, valid=valid, valid_label=label[held_out[valid]])
    tables = []
    for seed, rows in zip(seeds, drawn, strict=True):
        # rows by number are a copy, which may be changed
        probability = learn(features[np.searchsorted(used, rows)], label[rows], features[asked], seed, settings)
        tables.append(predictions(dataset, held_out, probability, seed))
    table = pd.concat(tables, ignore_index=True)
    table.attrs = {"n_train": 0 if learn is _rule else len(drawn[0])}
    return table


def _draw(train: np.ndarray, label: np.ndarray, maximum: int, seed: int) -> np.ndarray:
    """Draw the same examples as `grover.finetuning.finetune.draw` does with this seed, but in their order; 0: all."""
    rows = np.sort(np.random.default_rng(seed).permutation(train)[:maximum]) if maximum else train
    if set(label[rows]) != set(label[train]):
        raise InputError(
            f"a label is not among the {len(rows):,} examples of fold train that seed {seed} draws; raise --maximum-train"
        )
    return rows


def train_and_held_out(dataset: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the row numbers of fold train, and of the folds valid and test.

    Raises an InputError where a label is missing in training or no example is held out.
    """
    names = dataset.attrs.get("labels") or range(int(dataset["label"].max()) + 1)
    train = np.flatnonzero(dataset["fold"] == "train")
    held_out = np.flatnonzero(dataset["fold"].isin(["valid", "test"]))
    counts = np.bincount(dataset["label"].to_numpy(np.int64)[train], minlength=len(names))
    missing = [str(name) for name, count in zip(names, counts, strict=True) if count == 0]
    if len(names) < 2 or missing:
        which = f"{missing[0]} has none" if missing else "there is one label only"
        raise InputError(f"fold train needs examples of every label, but {which}; check the dataset and its folds")
    if not len(held_out):
        raise InputError("the dataset has no example in the folds valid and test; check its folds")
    return train, held_out


def predictions(dataset: pd.DataFrame, rows: np.ndarray, probability: np.ndarray, seed: int) -> pd.DataFrame:
    """Tabulate predictions as all predictors write them.

    Columns: example (index of the dataset), seed, fold, label and, float64, the `probability` of label 1 of two, else one column
    `probability_{label}` per label. `probability` is float [rows, labels].
    """
    chosen = dataset.iloc[rows]
    table = pd.DataFrame(
        {"example": chosen.index, "seed": seed, "fold": chosen["fold"].to_numpy(), "label": chosen["label"].to_numpy()}
    )
    columns = {f"probability_{label}": values for label, values in enumerate(probability.T.astype(np.float64))}
    return table.assign(**({"probability": columns["probability_1"]} if len(columns) == 2 else columns))


# features of the baselines: one row per example, dense or sparse


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


# fits: (features, labels) of fold train and held-out features to probabilities [held out, labels]; a matrix of k-mers takes 15 kB per
# 1,000 bases, so that it is changed in place


def _prior(train: np.ndarray, label: np.ndarray, held_out: np.ndarray, seed: int, settings: Settings) -> np.ndarray:
    return DummyClassifier(strategy="prior").fit(train, label).predict_proba(held_out)


def _logistic(train: np.ndarray, label: np.ndarray, held_out: np.ndarray, seed: int, settings: Settings) -> np.ndarray:
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return model.fit(train, label).predict_proba(held_out)


def _rule(train: np.ndarray, label: np.ndarray, held_out: np.ndarray, seed: int, settings: Settings) -> np.ndarray:
    return np.hstack([1 - held_out, held_out])


def _tfidf_logistic(
    train: csr_matrix, label: np.ndarray, held_out: csr_matrix, seed: int, settings: Settings
) -> np.ndarray:
    train, held_out = tfidf(train, held_out)
    # lbfgs stops early in single precision
    train.data = train.data.astype(np.float64)
    return LogisticRegression(max_iter=1000).fit(train, label).predict_proba(held_out)


def _tfidf_forest(
    train: csr_matrix, label: np.ndarray, held_out: csr_matrix, seed: int, settings: Settings
) -> np.ndarray:
    train, held_out = tfidf(train, held_out)
    if 4 * train.shape[0] * train.shape[1] <= DENSE_BYTES:
        train = train.toarray()  # the same trees in a third of the time
    forest = RandomForestClassifier(settings.trees, random_state=seed, n_jobs=settings.threads).fit(train, label)
    rows = max(1, DENSE_BYTES // (32 * held_out.shape[1]))
    blocks = range(0, held_out.shape[0], rows)
    return np.concatenate([forest.predict_proba(held_out[start : start + rows].toarray()) for start in blocks])


def tfidf(train: csr_matrix, held_out: csr_matrix) -> tuple[csr_matrix, csr_matrix]:
    """Turn counts into TF-IDF with weights of fold train, in place; terms that fold train lacks are left out, as scikit-learn does."""
    seen = np.flatnonzero(train.getnnz(axis=0))
    if not len(seen):
        raise InputError(
            "no sequence of fold train contains a k-mer of A, C, G and T of that length; check the sequences"
        )
    if len(seen) < train.shape[1]:
        train, held_out = train[:, seen], held_out[:, seen]
    weights = TfidfTransformer().fit(train)
    return weights.transform(train, copy=False), weights.transform(held_out, copy=False)


# how each baseline reads features and how it learns; what else it takes: `grover.config.names`
STEPS: dict[str, tuple[Callable, Callable]] = {
    "majority": (gc_share, _prior),
    "gc": (gc_share, _logistic),
    "dinucleotide": (dinucleotide_shares, _logistic),
    "tfidf-logistic": (kmer_counts, _tfidf_logistic),
    "tfidf-forest": (kmer_counts, _tfidf_forest),
    "token-logistic": (token_counts, _tfidf_logistic),
    "token-forest": (token_counts, _tfidf_forest),
    "pwm": (motif_scores, _logistic),
    "adjacency": (allowed, _rule),
    "open-frame": (start_baselines.frame_lengths, _logistic),
    "open-frame-window": (start_baselines.window_frame_lengths, _logistic),
    "codon-markov": (start_baselines.phased_bases, start_baselines.fit_markov),
    "shine-dalgarno": (start_baselines.upstream_bases, start_baselines.fit_shine_dalgarno),
}
CHOSEN_ON_VALID = {
    "codon-markov"
}  # whose fit also takes the rows of fold valid among the held-out ones, and their labels
