"""How a model reads the sequences of a benchmark: as tokens of its own vocabulary."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from grover.genome.bases import encode
from grover.tokenization.vocabulary import Vocabulary

ROWS = 4096  # of a dataset that are tokenised at a time: some 60 bytes per token are needed for it, and 2 are kept


def read_tokens(dataset: pd.DataFrame, vocabulary: Vocabulary, threads: int = 1) -> list[np.ndarray]:
    """Token ids, without specials, of each row of a dataset.

    A sequence is tokenised between its neighbours in the genome (`before`, `after`), as in the genome itself, and the tokens
    that lie wholly in it are kept: a cut changes the tokens beside it. Where none does, the sequence is tokenised alone, so that
    nothing outside it is read. Where the row says how the sequence is cut
    (`pieces`, the tokens of a shuffle), a vocabulary with all of these tokens reads it so; any other reads the bare sequence.
    """
    found: list[np.ndarray] = []
    for begin in range(0, len(dataset), ROWS):
        found += _of_rows(dataset.iloc[begin : begin + ROWS], vocabulary, threads)
    if "pieces" in dataset:
        ids = {text: number for number, text in enumerate(vocabulary.tokens)}
        for row, pieces in enumerate(dataset["pieces"]):
            parts = pieces.split()
            if parts and all(part in ids for part in parts):
                found[row] = np.array([ids[part] for part in parts], np.uint16)
    return found


def _of_rows(rows: pd.DataFrame, vocabulary: Vocabulary, threads: int) -> list[np.ndarray]:
    """Token ids of some rows of a dataset, without their `pieces`."""
    before, after = (rows[name] if name in rows else pd.Series("", rows.index) for name in ("before", "after"))
    whole = (before + rows["sequence"] + after).to_list()
    bounds = np.concatenate([[0], np.cumsum(list(map(len, whole)))]).astype(np.int64)
    first = before.str.len().to_numpy(np.int64)
    last = first + rows["sequence"].str.len().to_numpy(np.int64)
    tokens, _, offsets = tokens_within(encode("".join(whole)), bounds, first, last, vocabulary, threads)
    found = [tokens[start:end] for start, end in pairwise(offsets)]
    for row, own in enumerate(found):
        if not len(own):
            found[row] = vocabulary.encode(encode(rows["sequence"].iloc[row]))
    return found


def tokens_of_stretches(
    stretches: Sequence[np.ndarray], first: np.ndarray, last: np.ndarray, vocabulary: Vocabulary, threads: int = 1
) -> list[np.ndarray]:
    """Token ids, without specials, of sequences that are given as codes with their neighbours, by the rules of `read_tokens`.

    The sequence of each stretch is from base `first` to before `last`.
    """
    bounds = np.cumsum([0] + [len(codes) for codes in stretches])
    tokens, _, offsets = tokens_within(np.concatenate(stretches), bounds, first, last, vocabulary, threads)
    found = [tokens[start:end] for start, end in pairwise(offsets)]
    for row, own in enumerate(found):
        if not len(own):
            found[row] = vocabulary.encode(stretches[row][first[row] : last[row]])
    return found


def tokens_within(
    codes: np.ndarray,
    bounds: np.ndarray,
    first: np.ndarray | int,
    last: np.ndarray | int,
    vocabulary: Vocabulary,
    threads: int = 1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Encode the stretches `codes[bounds[i]:bounds[i + 1]]`, each alone, and keep the tokens that lie wholly between two of its bases.

    first, last: of each stretch, or of all, counted from its beginning. Returns the ids, uint16, the first base of each, int64,
    counted from `first`, and offsets, int64 [stretches + 1]: those of stretch i are at `offsets[i]:offsets[i + 1]`.
    """
    tokens, offsets = vocabulary.encode_windows(codes, bounds[:-1], bounds[1:], threads)
    owner = np.repeat(np.arange(len(bounds) - 1), np.diff(offsets))
    strides = vocabulary.strides[tokens].astype(np.int64)
    before = np.concatenate([[0], np.cumsum(strides)])  # strides before each token, over all stretches
    first, last = (np.broadcast_to(np.asarray(value, np.int64), len(bounds) - 1)[owner] for value in (first, last))
    starts = before[:-1] - before[offsets[owner]]
    kept = (starts >= first) & (starts + vocabulary.spans[tokens] <= last)
    numbers = np.bincount(owner[kept], minlength=len(bounds) - 1)
    return tokens[kept], (starts - first)[kept], np.concatenate([[0], np.cumsum(numbers)])
