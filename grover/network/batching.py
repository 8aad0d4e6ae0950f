"""From windows of tokens to padded arrays: [CLS] tokens [SEP], and as little padding as possible."""

from collections.abc import Sequence

import numpy as np

from grover.tokenization.vocabulary import CLS, PAD, SEP

SPECIALS = 2  # [CLS] and [SEP] around every window


def pad(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Token ids as int64 [rows, longest + 2]: [CLS] tokens [SEP] and then [PAD]."""
    padded = np.full((len(rows), max(map(len, rows)) + SPECIALS), PAD, dtype=np.int64)
    padded[:, 0] = CLS
    for line, row in zip(padded, rows, strict=True):
        line[1 : len(row) + 1] = row
        line[len(row) + 1] = SEP
    return padded


def by_length(lengths: np.ndarray, limit: int) -> list[np.ndarray]:
    """Cut rows into groups of similar length, of at most `limit` padded tokens each (and of one row at least).

    Returns the row numbers of each group. A training step adds up the gradients of its groups, so that grouping saves
    padding and memory but changes neither which windows a step sees nor what it learns from them.
    """
    order = np.argsort(-lengths, kind="stable")
    groups, begin = [], 0
    while begin < len(order):
        rows = max(1, int(limit // (lengths[order[begin]] + SPECIALS)))
        groups.append(order[begin : begin + rows])
        begin += rows
    return groups
