"""Which occurrences of each token are compared and which are kept: evenly spaced over all of them, the same for any number of shards.

An occurrence is identified by its number among all occurrences of its token in all regions. This number and their total decide whether it
is taken. So a shard needs no choice of another shard, only how often each token occurs before it.
"""

import numpy as np
from numba import njit

from grover.runtime.files import release

REGIONS_AT_ONCE = 1 << 16


class Occurrences:
    """Chooses among the occurrences of tokens, block by block in the order of the regions.

    tokens: ids of the genome; first, last: first token of each region and the one behind its last, int64; begin: the region that the
    first block begins with; size: of the vocabulary; used, stored: most occurrences of a token that are compared, and most of these that
    are kept. `count` and `used_count`, int64 [size], are what has been seen so far.
    """

    def __init__(
        self, tokens: np.ndarray, first: np.ndarray, last: np.ndarray, begin: int, size: int, used: int, stored: int
    ):
        self.used, self.stored = used, stored
        self.before = count_tokens(tokens, first[:begin], last[:begin], size)
        self.total = self.before + count_tokens(tokens, first[begin:], last[begin:], size)
        self.count, self.used_count = np.zeros((2, size), np.int64)

    def choose(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return masks, bool [tokens], of the next tokens: those that are compared, and those of them that are kept."""
        size = len(self.total)
        used, stored = choose_occurrences(ids, self.before + self.count, self.total, self.used, self.stored)
        self.count += np.bincount(ids, minlength=size)
        self.used_count += np.bincount(ids[used], minlength=size)
        return used, stored


def choose_occurrences(
    ids: np.ndarray, before: np.ndarray, total: np.ndarray, used: int, stored: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return two masks, bool [tokens]: the at most `used` occurrences per token that are compared, and the at most `stored` of these that
    are kept.

    ids: tokens in the order of the regions; before: int64 [V], occurrences in earlier regions; total: int64 [V], those in all.
    """
    number = before[ids] + _numbers(ids)
    compared, kept = np.minimum(total, used), np.minimum(total, min(used, stored))
    rank, chosen = _evenly(number, compared[ids], total[ids])
    return chosen, chosen & _evenly(rank, kept[ids], np.maximum(compared[ids], 1))[1]


def count_tokens(tokens: np.ndarray, first: np.ndarray, last: np.ndarray, size: int) -> np.ndarray:
    """Count each of `size` ids, int64 [size], in the tokens from `first` to before `last` of each region."""
    counts = np.zeros(size, np.int64)
    for begin in range(0, len(first), REGIONS_AT_ONCE):
        block = slice(begin, begin + REGIONS_AT_ONCE)
        _count(tokens, first[block], last[block], counts)
        release(tokens)
    return counts


def _evenly(number: np.ndarray, wanted: np.ndarray, total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Take exactly `wanted` evenly spaced ones of items numbered from 0 to before `total`.

    Returns how many were taken before each item, int64, and whether it is taken, bool.
    """
    rank = number * wanted // total
    return rank, (number + 1) * wanted // total > rank


def _numbers(ids: np.ndarray) -> np.ndarray:
    """Count how often the id of each item occurs before it, int64."""
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    begins = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ids)])
    numbers = np.empty(len(ids), np.int64)
    numbers[order] = np.arange(len(ids)) - np.repeat(begins, np.diff(np.append(begins, len(ids))))
    return numbers


@njit(cache=True)
def _count(tokens: np.ndarray, first: np.ndarray, last: np.ndarray, counts: np.ndarray) -> None:
    for i in range(first.size):
        for j in range(first[i], last[i]):
            counts[tokens[j]] += 1
