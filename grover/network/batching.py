"""Groups of sequences for networks that read padded arrays, with as little padding as possible."""

import numpy as np
from numpy.typing import ArrayLike

SPECIALS = 2  # [CLS] and [SEP] around every window


def by_length(lengths: ArrayLike, limit: int) -> list[np.ndarray]:
    """Cut rows into groups of similar length, of at most `limit` padded tokens each (and of one row at least).

    Returns the row numbers of each group. A training step adds up the gradients of its groups. Grouping saves padding and memory. It does
    not change which windows belong to a step, nor what is learnt from them.
    """
    lengths = np.asarray(lengths, np.int64)
    order = np.argsort(-lengths, kind="stable")
    groups, begin = [], 0
    while begin < len(order):
        rows = max(1, int(limit // (lengths[order[begin]] + SPECIALS)))
        groups.append(order[begin : begin + rows])
        begin += rows
    return groups
