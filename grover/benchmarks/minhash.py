"""Near-duplicates among short DNA sequences: how much of their k-mers two sequences share, estimated from sketches.

The similarity is the Jaccard index of the sets of canonical k-mers (the smaller of a k-mer and its reverse complement). So a
sequence and its reverse complement are one; k-mers that hold anything but A, C, G, T do not count. A sketch has 128 entries. Two
sketches agree in an entry with the probability that is the similarity. Their share of equal entries estimates it with a standard
error of at most 0.044. Sketches are filled as by Dahlgaard, Knudsen and Thorup (Fast similarity sketching, FOCS 2017). Each k-mer of a
sequence is thrown into one entry per round, until no entry is empty. For long sequences this costs one hash per k-mer, and MinHash 128.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from grover.genome.bases import N, encode

ENTRIES = 128
ROWS = 2  # entries of a band: a pair of similarity s is looked at with probability 1 - (1 - s^2)^64, 0.93 at s = 0.2
BLOCK = 1 << 26  # bases held as codes at a time
MOST = 64  # references of one band that a query is compared with


def nearest(
    queries: Sequence[str], references: Sequence[str], k: int = 11, seed: int = 0, most: int = MOST
) -> tuple[np.ndarray, np.ndarray]:
    """The most similar reference of each query: estimated Jaccard index of the k-mers (float32) and its number (int64).

    Queries without a k-mer (shorter than k, or N everywhere) and those that share a band with no reference get 0 and -1. `most`
    bounds how many references of a crowded band are looked at, so that the cost is near linear even among repeats.
    """
    known, numbers, first = _distinct(sketches(references, k, seed))
    ours = sketches(queries, k, seed)
    best, found = np.zeros(len(ours), np.int32), np.full(len(ours), -1, np.int64)
    asked = np.flatnonzero(ours.any(axis=1))
    for band in range(0, ENTRIES, ROWS):
        keys = _keys(known[:, band : band + ROWS])
        order = np.argsort(keys, kind="stable")
        keys, wanted = keys[order], _keys(ours[asked, band : band + ROWS])
        low, high = np.searchsorted(keys, wanted), np.searchsorted(keys, wanted, side="right")
        some = low < high
        _compare(ours, asked[some], known, order, low[some], high[some], most, best, found)
    found[found >= 0] = numbers[first[found[found >= 0]]]
    return (best / ENTRIES).astype(np.float32), found


def sketches(sequences: Sequence[str], k: int = 11, seed: int = 0) -> np.ndarray:
    """A row of 128 entries (uint32) for each sequence; all 0 where it has no k-mer. `k` is odd and at most 31."""
    seeds = np.random.default_rng(seed).integers(1 << 63, size=2 * ENTRIES, dtype=np.uint64)
    found = np.zeros((len(sequences), ENTRIES), np.uint32)
    ends = np.cumsum(np.fromiter(map(len, sequences), np.int64, len(sequences)))
    first = 0
    while first < len(sequences):
        before = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + BLOCK, side="right")))
        codes = encode("".join(sequences[first:last]))
        _sketch(codes, np.append(0, ends[first:last] - before), k, seeds, found[first:last])
        first = last
    return found


def _distinct(found: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The different sketches, the rows of `found` that are not empty, and which of these each sketch came from first."""
    numbers = np.flatnonzero(found.any(axis=1))
    if not len(numbers):
        return found[:0], numbers, numbers
    rows = np.ascontiguousarray(found[numbers]).view(f"V{4 * ENTRIES}").ravel()
    first = np.sort(np.unique(rows, return_index=True)[1])
    return found[numbers[first]], numbers, first


def _keys(band: np.ndarray) -> np.ndarray:
    """The entries of one band as one number."""
    return band[:, 0].astype(np.uint64) << np.uint64(32) | band[:, 1]


@njit(cache=True)
def _mix(value: np.uint64) -> np.uint64:
    """The finaliser of SplitMix64, which spreads every bit over all others."""
    value ^= value >> np.uint64(30)
    value *= np.uint64(0xBF58476D1CE4E5B9)
    value ^= value >> np.uint64(27)
    value *= np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@njit(cache=True)
def _canonical(codes: np.ndarray, k: int, kmers: np.ndarray) -> int:
    """Write the canonical k-mers of a sequence to `kmers` and return how many they are."""
    mask = (np.uint64(1) << np.uint64(2 * k)) - np.uint64(1)
    top = np.uint64(2 * (k - 1))
    forward, backward = np.uint64(0), np.uint64(0)
    length, number = 0, 0
    for code in codes:
        if code >= N:
            length = 0
            continue
        length += 1
        forward = (forward << np.uint64(2) | np.uint64(code)) & mask
        backward = backward >> np.uint64(2) | np.uint64(3 - code) << top
        if length >= k:
            kmers[number] = min(forward, backward)
            number += 1
    return number


@njit(cache=True)
def _sketch(codes: np.ndarray, bounds: np.ndarray, k: int, seeds: np.ndarray, found: np.ndarray) -> None:
    entries = found.shape[1]
    kmers = np.empty(np.diff(bounds).max(), np.uint64)
    for row in range(len(found)):
        number = _canonical(codes[bounds[row] : bounds[row + 1]], k, kmers)
        if number == 0:
            continue
        sketch = found[row]
        sketch[:] = 0xFFFFFFFF
        empty = entries
        for turn in range(2 * entries):
            for i in range(number):
                value = _mix(kmers[i] ^ seeds[turn])
                # after as many rounds as there are entries each round fills one for certain
                entry = np.int64(value & np.uint64(entries - 1)) if turn < entries else turn - entries
                # an earlier round is always smaller, as the method needs; the high bits do not depend on the entry
                thrown = np.uint32(turn << 24 | np.int64(value >> np.uint64(40)))
                if sketch[entry] == np.uint32(0xFFFFFFFF):
                    empty -= 1
                    sketch[entry] = thrown
                elif thrown < sketch[entry]:
                    sketch[entry] = thrown
            if empty == 0:
                break


@njit(cache=True)
def _compare(  # noqa: PLR0913 - a numba kernel takes arrays and numbers
    queries: np.ndarray,
    asked: np.ndarray,
    references: np.ndarray,
    order: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    most: int,
    best: np.ndarray,
    found: np.ndarray,
) -> None:
    """Keep for each query the reference, among those of its band, that agrees in the most entries."""
    for i in range(len(asked)):
        query = asked[i]
        # of a crowded band as many as are looked at, evenly apart
        step = max(1, (high[i] - low[i] + most - 1) // most)
        for place in range(low[i], high[i], step):
            reference = order[place]
            same = 0
            for entry in range(queries.shape[1]):
                same += queries[query, entry] == references[reference, entry]
            if same > best[query] or (same == best[query] and reference < found[query]):
                best[query], found[query] = same, reference
