"""Learning the byte pairs of a genome, exactly and in parallel; `grover.tokenization.encoder` encodes with them.

Bases have the ids A0 C1 G2 T3 and merge number r (from 0) makes the token 4 + r. Merges and their order are those that Hugging
Face `tokenizers` learns from the same segments. The most frequent adjacent pair is merged first; of equally frequent pairs the one with
the smaller ids.

Sizes: positions and counts are 64-bit throughout, so that a genome of 17 Gb (wheat) overflows nothing; while merges are learnt a base
takes one byte.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numba import njit

from grover.runtime.errors import InputError
from grover.runtime.files import release
from grover.tokenization.encoder import BASES
from grover.tokenization.pairs import Change, Closed, Pairs

LARGEST_VOCABULARY = 10_004  # the table of pairs then takes 0.8 GB
READ = 1 << 25  # bases copied at a time
BOTH = "both"  # strands on which pairs are counted

Report = Callable[[int], None]


class Learnt(NamedTuple):
    """What `train` returns, in the order of the merges.

    `merges`: int32 [n, 2], left and right id; `counts`: int64 [n], how often the two stood side by side when they were merged;
    `tokens`: int64 [n], tokens of the whole genome after the merge (strands "both": of both strands).
    """

    merges: np.ndarray
    counts: np.ndarray
    tokens: np.ndarray


@dataclass(frozen=True)
class Rules:
    """How merges are learnt.

    strands: with "both" pairs are counted on both strands, and a merge is followed by the one that makes its token's reverse
    complement. The vocabulary is then closed under reverse complement, and may have one merge more than asked for.
    partial: return what was learnt where no pair occurs twice any more, instead of raising an InputError.
    """

    strands: Literal["forward", "both"] = "forward"
    partial: bool = False


@dataclass(frozen=True)
class Watch:
    """What is called while merges are learnt.

    reading: called with the bases read; progress: called after each pass with the merges it made and the tokens left.
    """

    reading: Report | None = None
    progress: Callable[[int, int], None] | None = None


RULES, SILENT = Rules(), Watch()


def train(
    codes: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    cycles: int,
    *,
    rules: Rules = RULES,
    threads: int = 1,
    watch: Watch = SILENT,
) -> Learnt:
    """Learn `cycles` merges from the segments of a genome; no merge crosses the end of a segment.

    codes: uint8, 0..3, may be memory-mapped; segment i is `codes[starts[i]:ends[i]]`. threads: segments are dealt to so many
    threads, which does not change the result.

    Memory: one byte per base and eight bytes for each pair of tokens. Sequence that hardly compresses takes up to three bytes per base,
    and both strands take twice as much.

    Several merges are made in one pass where this provably gives the same as one by one. Pairs are taken in the order of
    their count as long as they share no token. After a pair of two equal tokens with count n, only pairs with a count of at least
    n / 2 are taken. Merging (a, a) may create (aa, a) and (aa, aa), each at most n / 2 times. Any other new pair counts no more than
    a pair of one of the merged tokens that is still behind in the order.
    """
    if cycles + BASES > LARGEST_VOCABULARY:
        raise InputError(f"{cycles} byte-pair cycles asked for, but at most {LARGEST_VOCABULARY - BASES} are supported")
    starts, ends = np.asarray(starts, np.int64), np.asarray(ends, np.int64)
    if len(starts) == 0:
        raise InputError(
            "there is no segment to learn byte pairs from; give a genome that holds A, C, G and T, or with "
            "`vocabulary.mask: exclude` one that is not soft-masked throughout"
        )
    both = rules.strands == BOTH
    size = BASES + cycles + both
    parts = _deal(codes, starts, ends, both, threads, watch.reading)
    pairs = Pairs(size)
    closed = Closed(pairs) if both else None
    choose = closed.next_batch if closed else pairs.next_batch
    tokens_left = sum(part.bases for part in parts)
    merges: list[tuple[int, int]] = []
    counts: list[int] = []
    tokens: list[int] = []
    with ThreadPoolExecutor(len(parts)) as pool:
        for found in pool.map(_Part.count_dinucleotides, parts):
            pairs.table[:BASES, :BASES] += found
        pairs.apply([Change.nothing(np.arange(BASES), BASES)], BASES)
        while len(merges) < cycles or (closed and closed.waiting):
            used = BASES + len(merges)
            batch = choose(used, cycles - len(merges))
            if len(batch) == 0 and rules.partial:
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
            if watch.progress is not None:
                watch.progress(len(batch), tokens_left)
    return Learnt(np.array(merges, np.int32).reshape(-1, 2), np.array(counts, np.int64), np.array(tokens, np.int64))


def sample_segments(starts: np.ndarray, ends: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Starts and ends of whole segments drawn at random, in their order, until they hold `share` of the bases."""
    order = np.random.default_rng(seed).permutation(len(starts))
    drawn = np.cumsum((ends - starts)[order])
    few = int(np.searchsorted(drawn, share * drawn[-1])) + 1 if len(order) else 0
    chosen = np.sort(order[:few])
    return starts[chosen], ends[chosen]


class _Part:
    """The tokens of some segments, with a boundary behind each; the work of one thread.

    One byte per token until ids need two; by then the tokens have become so few that the wider ones fit into the same memory.
    """

    def __init__(
        self, codes: np.ndarray, starts: np.ndarray, ends: np.ndarray, backwards: np.ndarray, reading: Report | None
    ):
        self.bases = int((ends - starts).sum())
        self.tokens: np.ndarray = np.empty(self.bases + len(starts), np.uint8)
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
        self.length = int(self.tokens.size)

    def count_dinucleotides(self) -> np.ndarray:
        """int64 [4, 4]: how often each base follows each."""
        return _count_dinucleotides(self.tokens, _boundary(self.tokens))

    def merge(self, batch: list[tuple[int, int]], made: np.ndarray) -> Change:
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
        change = Change.nothing(concerned, used, len(batch))
        length = _merge_pass(
            self.tokens, self.length, _boundary(self.tokens), partner, result, int(made[0]), slot, *change[1:]
        )
        self.length = int(length)
        return change

    def _widen(self) -> None:
        if 2 * self.length <= self.tokens.size:
            wide = self.tokens[: self.tokens.size // 2 * 2].view(np.uint16)
        else:
            wide = np.empty(self.length, np.uint16)
        _widen(self.tokens, wide, self.length)
        self.tokens = wide


def _deal(
    codes: np.ndarray, starts: np.ndarray, ends: np.ndarray, both: bool, threads: int, reading: Report | None
) -> list[_Part]:
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


@njit(cache=True, nogil=True)
def _copy_segments(
    codes: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    backwards: np.ndarray,
    places: np.ndarray,
    tokens: np.ndarray,
) -> None:
    """Copy segments to their places in `tokens`, with a boundary behind each, as the other strand reads them where asked."""
    for i in range(starts.size):
        place = places[i]
        for j in range(ends[i] - starts[i]):
            tokens[place + j] = 3 - codes[ends[i] - 1 - j] if backwards[i] else codes[starts[i] + j]
        tokens[place + ends[i] - starts[i]] = 255


@njit(cache=True, nogil=True)
def _count_dinucleotides(tokens: np.ndarray, boundary: int) -> np.ndarray:
    counts = np.zeros((BASES, BASES), np.int64)
    for i in range(tokens.size - 1):
        if tokens[i] != boundary and tokens[i + 1] != boundary:
            counts[tokens[i], tokens[i + 1]] += 1
    return counts


@njit(cache=True, nogil=True)
def _widen(narrow: np.ndarray, wide: np.ndarray, length: int) -> None:
    # from the end, since both may lie in the same memory
    for i in range(length - 1, -1, -1):
        token = narrow[i]
        wide[i] = 65_535 if token == 255 else token


@njit(cache=True, nogil=True)
def _merge_pass(  # noqa: PLR0913 - a numba kernel takes arrays and numbers
    tokens: np.ndarray,
    length: int,
    boundary: int,
    partner: np.ndarray,
    result: np.ndarray,
    first_made: int,
    slot: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    merged: np.ndarray,
) -> np.int64:
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
