"""Which byte pairs are merged next.

Counts how often each token follows each, and returns the best pairs in their exact order; with both strands, each with its mirrored pair.
`grover.tokenization.bpe` carries the merges out.
"""

from functools import reduce
from typing import NamedTuple

import numpy as np
from numba import njit

BATCH = 64


class Change(NamedTuple):
    """What one pass did to one part.

    concerned: the tokens concerned; rows, columns: changes of the counts of pairs with one of them on the left, or else on the
    right, int64 [concerned, tokens]; made: how often each merge was made.
    """

    concerned: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    merged: np.ndarray

    @classmethod
    def nothing(cls, concerned: np.ndarray, size: int, merges: int = 0) -> "Change":
        rows, columns = (np.zeros((len(concerned), size), np.int64) for _ in range(2))
        return cls(concerned, rows, columns, np.zeros(merges, np.int64))


class Pairs:
    """How often each token follows each, with the best partner of each token at hand.

    Looking through the whole table (25 million cells at 5,000 cycles) for each batch would cost more than the pass.
    """

    def __init__(self, size: int):
        self.table = np.zeros((size, size), np.int64)
        self.best = np.zeros(size, np.int64)  # the largest count in each row, and
        self.partner = np.zeros(size, np.int64)  # the first column that has it

    def apply(self, changes: list[Change], used: int) -> None:
        """Add what a pass changed."""
        rows = reduce(np.add, (change.rows for change in changes))
        columns = reduce(np.add, (change.columns for change in changes))
        _apply(self.table, used, changes[0].concerned, rows, columns, self.best, self.partner)

    def next_batch(self, used: int, most: int) -> list[tuple[int, int]]:
        """The next merges that may share one pass, in their exact order."""
        batch = _next_batch(self.table, used, min(most, BATCH), self.best, self.partner)
        return [(int(left), int(right)) for left, right in batch]


class Closed:
    """Chooses merges on both strands: the best pair, and with it the pair that spells its reverse complement.

    A pair is taken only if the reverse complement of its token would then be two tokens, which become the second merge;
    otherwise the next best is looked at.
    """

    def __init__(self, pairs: Pairs):
        self.pairs = pairs
        self.texts = list("ACGT")
        self.ranks: dict[tuple[str, str], int] = {}
        self.waiting: list[tuple[int, int]] = []  # a second merge that shares a token with the first
        self.refused = np.zeros(pairs.table.shape, np.bool_)  # in this cycle; one cycle later they may be possible

    def next_batch(self, used: int, most: int) -> list[tuple[int, int]]:
        """One merge and its mate, or one of the two where they share a token; `most` is not minded, so that none stays alone."""
        if self.waiting:
            return self._take([self.waiting.pop()])
        batch, refused = None, []
        while batch is None:
            pair = _best_except(self.pairs.table, used, self.pairs.best, self.pairs.partner, self.refused)
            if pair[0] < 0:
                return []
            batch = self._with_mate(int(pair[0]), int(pair[1]))
            if batch is None:
                self.refused[pair] = True
                refused.append(pair)
        for pair in refused:
            self.refused[pair] = False
        if len(batch) == 2 and (set(batch[0]) & set(batch[1]) or used in batch[1]):
            self.waiting = [batch.pop()]
        return self._take(batch)

    def _with_mate(self, left: int, right: int) -> list[tuple[int, int]] | None:
        """A merge and the one that makes the reverse complement of its token, if that is another; None where no one merge does."""
        pair = (self.texts[left], self.texts[right])
        token = "".join(pair)
        mirrored = reverse_complement(token)
        if mirrored == token:
            return [(left, right)]
        halves = apply_merges(mirrored, self.ranks | {pair: len(self.ranks)})
        if len(halves) != 2:
            return None
        ids = {text: number for number, text in enumerate([*self.texts, token])}
        return [(left, right), (ids[halves[0]], ids[halves[1]])]

    def _take(self, batch: list[tuple[int, int]]) -> list[tuple[int, int]]:
        for left, right in batch:
            pair = (self.texts[left], self.texts[right])
            self.ranks[pair] = len(self.ranks)
            self.texts.append("".join(pair))
        return batch


def reverse_complement(text: str) -> str:
    """The other strand of a text of A, C, G and T, read in its own direction."""
    return text[::-1].translate(str.maketrans("ACGT", "TGCA"))


def apply_merges(text: str, ranks: dict[tuple[str, str], int]) -> list[str]:
    """Encode a short text by its definition: always the merge of the lowest rank, from left to right."""
    parts = list(text)
    while True:
        possible = [pair for pair in zip(parts, parts[1:], strict=False) if pair in ranks]
        if not possible:
            return parts
        left, right = min(possible, key=ranks.__getitem__)
        merged, i = [], 0
        while i < len(parts):
            if parts[i : i + 2] == [left, right]:
                merged.append(left + right)
                i += 2
            else:
                merged.append(parts[i])
                i += 1
        parts = merged


@njit(cache=True)
def _best_of_row(table: np.ndarray, row: int, used: int, without: int) -> tuple[np.int64, np.int64]:
    """Largest count of a row and the first column that has it, one column left out."""
    best, partner = np.int64(0), np.int64(-1)
    for column in range(used):
        if table[row, column] > best and column != without:
            best, partner = table[row, column], column  # type: ignore[assignment]  # one type for numba
    return best, partner


@njit(cache=True)
def _apply(
    table: np.ndarray,
    used: int,
    concerned: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    best: np.ndarray,
    partner: np.ndarray,
) -> None:
    """Add the changes of a pass to the counts, and find the best partners anew where they may be others."""
    stale = np.zeros(used, np.bool_)
    for i in range(concerned.size):
        token = concerned[i]
        stale[token] = True
        for other in range(used):
            table[token, other] += rows[i, other]
            # few of these change, and touching one costs a line of the cache
            if columns[i, other] != 0:
                table[other, token] += columns[i, other]
                count = table[other, token]
                if count > best[other] or (count == best[other] and token < partner[other]):
                    best[other], partner[other] = count, token
                elif token == partner[other]:
                    stale[other] = True
    for row in range(used):
        if stale[row]:
            best[row], partner[row] = _best_of_row(table, row, used, -1)


@njit(cache=True)
def _next_batch(table: np.ndarray, used: int, most: int, best: np.ndarray, partner: np.ndarray) -> np.ndarray:
    batch = np.empty((most, 2), np.int64)
    taken = np.zeros(used, np.bool_)
    is_left = np.zeros(used, np.bool_)
    least = 2  # behind a pair of two equal tokens: half of its count
    rest, rest_left = np.int64(0), -1  # the best pair of a row whose best is in the batch: it shares a token
    size = 0
    while size < most:
        left = -1
        for row in range(used):
            if not is_left[row] and (left < 0 or best[row] > best[left]):
                left = row
        if left < 0 or best[left] < least:
            break
        count, right = best[left], partner[left]
        if taken[left] or taken[right] or rest > count or (rest == count and rest_left < left):
            break
        batch[size] = left, right
        size += 1
        taken[left] = taken[right] = is_left[left] = True
        if left == right:
            least = max(least, (count + 1) // 2)
        second = _best_of_row(table, left, used, right)[0]
        if second > rest or (second == rest and left < rest_left):
            rest, rest_left = second, left
    return batch[:size]


@njit(cache=True)
def _best_except(
    table: np.ndarray, used: int, best: np.ndarray, partner: np.ndarray, refused: np.ndarray
) -> tuple[np.int64, np.int64]:
    """The most frequent pair that was not refused; (-1, -1) where none occurs twice."""
    highest, pair = np.int64(1), (np.int64(-1), np.int64(-1))
    for row in range(used):
        if best[row] <= highest:
            continue
        if not refused[row, partner[row]]:
            highest, pair = best[row], (np.int64(row), np.int64(partner[row]))
            continue
        for column in range(used):
            if table[row, column] > highest and not refused[row, column]:
                highest, pair = table[row, column], (np.int64(row), np.int64(column))
    return pair
