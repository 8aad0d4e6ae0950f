"""Negatives that are made of the positives: shuffles of their tokens or bases, or like stretches of the genome.

A shuffle stands at the place of its positive (chrom, start, end, strand, fold), so that the two are held out and resampled together.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from grover.benchmarks.datasets import drop, read_sequences
from grover.benchmarks.matched_negatives import Background, genomic_matched
from grover.benchmarks.shuffles import dinucleotide_shuffle, token_shuffle
from grover.benchmarks.tokenise import read_tokens
from grover.genome.bases import decode, encode
from grover.intervals.overlaps import overlaps
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import Vocabulary

Pair = tuple[pd.DataFrame, pd.DataFrame]


def tokens_shuffled(positives: pd.DataFrame, vocabulary: Vocabulary, seed: int, pieces: bool) -> Pair:
    """Positives as the tokens that lie wholly in them, cut in their place in the genome, and these tokens in another order.

    The sequences of both are their joined tokens, so that the bases agree, and the intervals are those of the tokens. Neither has a
    `before` or `after`, since a shuffle has none. With `pieces`, both say how they are cut (the task of the paper, whose
    shuffles have neighbours that no tokenisation gives); without, both are cut anew by who reads them.
    """
    if vocabulary.kind == "overlap":
        raise InputError(
            f"the tokens of the vocabulary {vocabulary.name} overlap and cannot be shuffled; take other negatives or k-mers side by side"
        )
    texts = np.array(vocabulary.tokens, object)
    tokens = read_tokens(positives, vocabulary)
    positives = _cut(positives, ["".join(texts[row]) for row in tokens])
    tokens = [row for row, reason in zip(tokens, positives["dropped"], strict=True) if not reason]
    stays = (positives["dropped"] == "").to_numpy()
    shuffles = positives[stays].assign(label=0, score=np.nan)
    for rows, order in ((positives, tokens), (shuffles, token_shuffle(tokens, np.random.default_rng(seed)))):
        spelt = [texts[row] for row in order]
        kept = (rows["dropped"] == "").to_numpy()
        rows.loc[kept, "sequence"] = ["".join(row) for row in spelt]
        rows.loc[kept, "pieces"] = [" ".join(row) for row in spelt] if pieces else ""
    return _pairs(positives.assign(before="", after=""), shuffles.assign(before="", after=""))


def bases_shuffled(positives: pd.DataFrame, seed: int) -> Pair:
    """Positives as they are, and their bases in an order that has the same dinucleotides (Altschul & Erickson 1985).

    A shuffle has the `before` and `after` of its positive, so that both are read in the same place.
    """
    codes = dinucleotide_shuffle([encode(text) for text in positives["sequence"]], seed)
    return _pairs(positives.copy(), positives.assign(sequence=[decode(row) for row in codes], label=0, score=np.nan))


def matched(positives: pd.DataFrame, background: Background, context: int, seed: int) -> Pair:
    """Positives off the blacklist, and for each a window of its fold that is like it in GC and repeats; see `genomic_matched`.

    A positive that nothing is like leaves, since its GC alone would tell it.
    """
    positives = positives.copy()
    if background.blacklist is not None:
        drop(positives, overlaps(positives, background.blacklist), "on the blacklist")
    stays = positives[positives["dropped"] == ""]
    found = genomic_matched(stays[["chrom", "start", "end", "strand", "fold"]], background, seed)
    drop(
        positives,
        positives.index.isin(stays.index[(found["chrom"] == "").to_numpy()]),
        "nothing in its fold is like it",
    )
    found = found[(found["chrom"] != "").to_numpy()].assign(label=0, score=np.nan, dropped="", pieces="", stratum="")
    return positives, read_sequences(found, background.genome, context)


def deriver(
    kind: str, background: Background, vocabulary: Vocabulary | None, *, context: int, seed: int
) -> Callable[[pd.DataFrame], Pair]:
    """Return the function that makes negatives of this kind, one of `grover.config.benchmark_table.DERIVED`."""
    if kind == "genomic-matched":
        return lambda positives: matched(positives, background, context, seed)
    if kind == "dinucleotide-shuffle":
        return lambda positives: bases_shuffled(positives, seed)
    if vocabulary is None:
        raise InputError(f"negatives {kind} are made of tokens; give --vocabulary tokenizer.json")
    return lambda positives: tokens_shuffled(positives, vocabulary, seed, pieces=kind == "token-shuffle")


def _cut(positives: pd.DataFrame, sequences: list[str]) -> pd.DataFrame:
    """The positives with the intervals of these parts of their sequences; dropped where a part is none."""
    left = np.array([whole.find(part) for whole, part in zip(positives["sequence"], sequences, strict=True)], np.int64)
    right = positives["sequence"].str.len().to_numpy() - left - np.array([len(part) for part in sequences], np.int64)
    minus = (positives["strand"] == "-").to_numpy()
    found = left >= 0
    parts = positives.copy()
    parts["start"] += np.where(found, np.where(minus, right, left), 0)
    parts["end"] -= np.where(found, np.where(minus, left, right), 0)
    drop(parts, ~found, "no token lies in it")
    return parts


def _pairs(positives: pd.DataFrame, shuffles: pd.DataFrame) -> Pair:
    """Both without those whose shuffle is the sequence itself; rows of a pair have one index."""
    same = shuffles.index[shuffles["sequence"] == positives.loc[shuffles.index, "sequence"]]
    drop(positives, positives.index.isin(same), "its shuffle is the same")
    return positives, shuffles.drop(index=same)
