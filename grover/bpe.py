"""Learning the byte pairs of a genome, exactly and in parallel; `grover.encoder` encodes with them.

Letters have the ids A0 C1 G2 T3 and merge number r (from 0) makes the token 4 + r. Merges and their order are those that Hugging
Face `tokenizers` learns from the same segments, ties included: the most frequent adjacent pair first, among equals the one with
the smaller ids.

Sizes: positions and counts are 64-bit throughout, so that a genome of 17 Gb (wheat) overflows nothing; while merges are learnt a base
takes one byte.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numba import njit

from grover.encoder import LETTERS
from grover.errors import InputError
from grover.files import release

LARGEST_VOCABULARY = 10_004  # the table of pairs then takes 0.8 GB
BATCH = 64
READ = 1 << 25  # bases copied at a time
FORWARD, BOTH = "forward", "both"


class Learnt(NamedTuple):
    """What `train` returns, in the order of the merges.

    `merges`: int32 [n, 2], left and right id; `counts`: int64 [n], how often the two stood side by side when they were merged;
    `tokens`: int64 [n], tokens of the whole genome after the merge (strands "both": of both strands).
    """

    merges: np.ndarray
    counts: np.ndarray
    tokens: np.ndarray


def train(
    codes: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    cycles: int,
    *,
    strands: str = FORWARD,
    threads: int = 1,
    partial: bool = False,
    progress: Callable[[int, int], None] | None = None,
    reading: Callable[[int], None] | None = None,
) -> Learnt:
    """Learn `cycles` merges from the segments of a genome; no merge crosses the end of a segment.

    codes: uint8, 0..3, may be memory-mapped; segment i is `codes[starts[i]:ends[i]]`. threads: segments are dealt to so many
    threads, which does not change the result. strands: with "both" pairs are counted on both strands and a merge is followed at
    once by the one that makes its token's reverse complement, so that the vocabulary is closed under reverse complement;
    then one merge more than `cycles` may be learnt. partial: return what was learnt where no pair occurs twice any more, instead
    of raising an InputError. reading: called with the bases read; progress: called after each
    pass with the merges it made and the tokens left.

    Memory: one byte a base (three at most where the bases hardly compress, twice as much with both strands), and eight bytes for
    each pair of tokens.

    Several merges are made in one pass where this provably gives the same as one by one: pairs are taken in the order of
    their count as long as they share no token, and behind a pair of two equal tokens with count n only pairs that count at least
    n / 2, since merging (a, a) may create (aa, a) and (aa, aa), each at most n / 2 times. Any other new pair counts no more than
    a pair of one of the merged tokens that is still behind in the order.
    """
    if cycles + LETTERS > LARGEST_VOCABULARY:
        raise InputError(
            f"{cycles} byte-pair cycles asked for, but at most {LARGEST_VOCABULARY - LETTERS} are supported"
        )
    starts, ends = np.asarray(starts, np.int64), np.asarray(ends, np.int64)
    if strands not in (FORWARD, BOTH):
        raise InputError(f"strands is {strands!r}; give {FORWARD} or {BOTH}")
    if len(starts) == 0:
        raise InputError(
            "there is no segment to learn byte pairs from; give a genome that holds A, C, G and T, or with "
            "`vocabulary.mask: exclude` one that is not soft-masked throughout"
        )
    size = LETTERS + cycles + (strands == BOTH)
    parts = _deal(codes, starts, ends, strands == BOTH, threads, reading)
    pairs = _Pairs(size)
    closed = _Closed(pairs) if strands == BOTH else None
    choose = closed.next_batch if closed else pairs.next_batch
    tokens_left = sum(part.bases for part in parts)
    merges, counts, tokens = [], [], []
    with ThreadPoolExecutor(len(parts)) as pool:
        for found in pool.map(_Part.count_letters, parts):
            pairs.table[:LETTERS, :LETTERS] += found
        pairs.apply([_Change.nothing(np.arange(LETTERS), LETTERS)], LETTERS)
        while len(merges) < cycles or (closed and closed.waiting):
            used = LETTERS + len(merges)
            batch = choose(used, cycles - len(merges))
            if len(batch) == 0 and partial:
                break
            if len(batch) == 0:
                raise InputError(
                    f"the genome supports only {len(merges)} byte-pair cycles, {cycles} were asked for: no pair of tokens occurs "
                    f"twice any more; lower `vocabulary.cycles`, or give more sequence"
                )
            made = np.arange(used, used + len(batch))
            counts += [int(pairs.table[left, right]) for left, right in batch]
            changes = list(pool.map(lambda part, batch=batch, made=made: part.merge(batch, made), parts))
            merged = sum(change.merged for change in changes)
            tokens += [int(number) for number in tokens_left - np.cumsum(merged)]
            tokens_left = tokens[-1]
            merges += batch
            pairs.apply(changes, used + len(batch))
            if progress is not None:
                progress(len(batch), tokens_left)
    return Learnt(np.array(merges, np.int32).reshape(-1, 2), np.array(counts, np.int64), np.array(tokens, np.int64))


def sample_segments(starts: np.ndarray, ends: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Starts and ends of whole segments drawn at random, in their order, until they hold `share` of the bases."""
    order = np.random.default_rng(seed).permutation(len(starts))
    drawn = np.cumsum((ends - starts)[order])
    few = int(np.searchsorted(drawn, share * drawn[-1])) + 1 if len(order) else 0
    chosen = np.sort(order[:few])
    return starts[chosen], ends[chosen]


class _Change(NamedTuple):
    """What one pass did to one part: the tokens concerned, changes of the counts of pairs that have one of them on the
    left (`rows`) or else on the right (`columns`), int64 [concerned, tokens], and how often each merge was made."""

    concerned: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    merged: np.ndarray

    @classmethod
    def nothing(cls, concerned: np.ndarray, size: int, merges: int = 0) -> "_Change":
        zeros = (np.zeros((len(concerned), size), np.int64) for _ in range(2))
        return cls(concerned, *zeros, np.zeros(merges, np.int64))


class _Part:
    """The tokens of some segments, with a boundary behind each; the work of one thread.

    One byte a token until ids need two; by then the tokens have become so few that the wider ones fit into the same memory.
    """

    def __init__(self, codes, starts, ends, backwards, reading):
        self.bases = int((ends - starts).sum())
        self.tokens = np.empty(self.bases + len(starts), np.uint8)
        places = np.concatenate([[0], np.cumsum(ends - starts + 1)])
        # about READ bases at a time, so that of a memory-mapped genome little is held beside its copy
        group = places[:-1] // READ
        for first in np.flatnonzero(np.diff(group, prepend=-1)):
            last = int(np.searchsorted(group, group[first], side="right"))
            _copy_segments(
                codes, starts[first:last], ends[first:last], backwards[first:last], places[first:last], self.tokens
            )
            release(codes)
            if reading is not None:
                reading(int((ends[first:last] - starts[first:last]).sum()))
        self.length = self.tokens.size

    def count_letters(self) -> np.ndarray:
        """int64 [4, 4]: how often each letter follows each."""
        return _count_letters(self.tokens, _boundary(self.tokens))

    def merge(self, batch: list[tuple[int, int]], made: np.ndarray) -> _Change:
        """Merge the pairs of a batch, which share no token, into the tokens `made`."""
        if made[-1] >= 255 and self.tokens.dtype == np.uint8:
            self._widen()
        partner = np.full(_boundary(self.tokens) + 1, -1, np.int32)
        result = np.zeros(len(partner), np.int32)
        for (left, right), token in zip(batch, made, strict=True):
            partner[left], result[left] = right, token
        concerned = np.unique(np.concatenate([np.ravel(batch), made]))
        used = int(made[-1]) + 1
        slot = np.full(used, -1, np.int32)
        slot[concerned] = np.arange(len(concerned))
        change = _Change.nothing(concerned, used, len(batch))
        self.length = _merge_pass(
            self.tokens, self.length, _boundary(self.tokens), partner, result, int(made[0]), slot, *change[1:]
        )
        return change

    def _widen(self) -> None:
        if 2 * self.length <= self.tokens.size:
            wide = self.tokens[: self.tokens.size // 2 * 2].view(np.uint16)
        else:
            wide = np.empty(self.length, np.uint16)
        _widen(self.tokens, wide, self.length)
        self.tokens = wide


def _deal(codes, starts, ends, both, threads, reading) -> list[_Part]:
    """Deal the segments, on both strands if asked, to as many parts of about equal size as there are threads."""
    backwards = np.repeat([False, True], len(starts)) if both else np.zeros(len(starts), bool)
    starts, ends = np.resize(starts, len(backwards)), np.resize(ends, len(backwards))
    dealt: list[list[int]] = [[] for _ in range(max(1, min(threads, len(starts))))]
    load = np.zeros(len(dealt), np.int64)
    for segment in np.argsort(starts - ends, kind="stable"):
        lightest = int(np.argmin(load))
        dealt[lightest].append(int(segment))
        load[lightest] += ends[segment] - starts[segment]
    return [_Part(codes, starts[mine], ends[mine], backwards[mine], reading) for mine in map(sorted, dealt)]


def _boundary(tokens: np.ndarray) -> int:
    """The id that stands behind each segment and is never part of a pair."""
    return int(np.iinfo(tokens.dtype).max)


class _Pairs:
    """How often each token follows each, with the best partner of each token at hand.

    Looking through the whole table (25 million cells at 5,000 cycles) for each batch would cost more than the pass.
    """

    def __init__(self, size: int):
        self.table = np.zeros((size, size), np.int64)
        self.best = np.zeros(size, np.int64)  # the largest count in each row, and
        self.partner = np.zeros(size, np.int64)  # the first column that has it

    def apply(self, changes: list[_Change], used: int) -> None:
        """Add what a pass changed."""
        rows = sum(change.rows for change in changes)
        columns = sum(change.columns for change in changes)
        _apply(self.table, used, changes[0].concerned, rows, columns, self.best, self.partner)

    def next_batch(self, used: int, most: int) -> list[tuple[int, int]]:
        """The next merges that may share one pass, in their exact order."""
        batch = _next_batch(self.table, used, min(most, BATCH), self.best, self.partner)
        return [(int(left), int(right)) for left, right in batch]


class _Closed:
    """Chooses merges on both strands: the best pair, and with it the pair that spells its reverse complement.

    A pair is taken only if the reverse complement of its token would then be two tokens, which become the second merge;
    otherwise the next best is looked at.
    """

    def __init__(self, pairs: _Pairs):
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
            batch = self._with_mate(*pair)
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
        left, right = min(possible, key=ranks.get)
        merged, i = [], 0
        while i < len(parts):
            if parts[i : i + 2] == [left, right]:
                merged.append(left + right)
                i += 2
            else:
                merged.append(parts[i])
                i += 1
        parts = merged


@njit(cache=True, nogil=True)
def _copy_segments(codes, starts, ends, backwards, places, tokens):
    """Copy segments to their places in `tokens`, with a boundary behind each, as the other strand reads them where asked."""
    for i in range(starts.size):
        place = places[i]
        for j in range(ends[i] - starts[i]):
            tokens[place + j] = 3 - codes[ends[i] - 1 - j] if backwards[i] else codes[starts[i] + j]
        tokens[place + ends[i] - starts[i]] = 255


@njit(cache=True, nogil=True)
def _count_letters(tokens, boundary):
    counts = np.zeros((LETTERS, LETTERS), np.int64)
    for i in range(tokens.size - 1):
        if tokens[i] != boundary and tokens[i + 1] != boundary:
            counts[tokens[i], tokens[i + 1]] += 1
    return counts


@njit(cache=True, nogil=True)
def _widen(narrow, wide, length):
    # from the end, since both may lie in the same memory
    for i in range(length - 1, -1, -1):
        token = narrow[i]
        wide[i] = 65_535 if token == 255 else token


@njit(cache=True, nogil=True)
def _merge_pass(tokens, length, boundary, partner, result, first_made, slot, rows, columns, merged):
    """Replace every pair (t, partner[t]) by result[t], compacting in place; note how the counts of pairs change.

    Each emitted token knows the old tokens at its two ends. Between two neighbours of which one is new, the old pair goes and the
    new pair comes; elsewhere nothing changes. Returns the new length.
    """
    written = np.int64(0)
    previous = np.int64(boundary)  # the token emitted last
    previous_end = np.int64(boundary)  # its last old token
    previous_new = False
    read = np.int64(0)
    while read < length - 1:  # the last is a boundary
        first = np.int64(tokens[read])
        follower = np.int64(tokens[read + 1])
        if partner[first] != follower:
            # an old token, as nearly all are; its pair with the one before is new if that one is
            if previous_new and first != boundary:
                rows[slot[previous_end], first] -= 1
                rows[slot[previous], first] += 1
            tokens[written] = first
            written += 1
            read += 1
            previous = first
            previous_end = first
            previous_new = False
            continue
        token = np.int64(result[first])
        merged[token - first_made] += 1
        rows[slot[first], follower] -= 1
        if previous != boundary:
            if slot[previous_end] >= 0:
                rows[slot[previous_end], first] -= 1
            else:
                columns[slot[first], previous_end] -= 1
            if slot[previous] >= 0:
                rows[slot[previous], token] += 1
            else:
                columns[slot[token], previous] += 1
        tokens[written] = token
        written += 1
        read += 2
        previous = token
        previous_end = follower
        previous_new = True
    tokens[written] = boundary
    return written + 1


@njit(cache=True)
def _best_of_row(table, row, used, without):
    """Largest count of a row and the first column that has it, one column left out."""
    best, partner = np.int64(0), np.int64(-1)
    for column in range(used):
        if table[row, column] > best and column != without:
            best, partner = table[row, column], column
    return best, partner


@njit(cache=True)
def _apply(table, used, concerned, rows, columns, best, partner):
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
def _next_batch(table, used, most, best, partner):
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
def _best_except(table, used, best, partner, refused):
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
