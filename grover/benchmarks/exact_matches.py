"""Where given sequences stand in the genome, base by base, on either strand: for sets that carry no coordinates.

One pass over the genome looks up the first bases of every sequence and of its reverse complement at each base, and verifies each
candidate. The genome is never copied, so memory does not grow with it.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from grover.genome.bases import N, encode, reverse_complement
from grover.runtime.files import release

LONGEST_K = 31
FILTER_BITS = 22
STRETCH = 1 << 26  # bases that are read before they are let go


def locate(
    sequences: Sequence[str], codes: np.ndarray, bounds: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All places of the sequences in `codes` (uint8, 0..3, may be memory-mapped), none across the bounds of a segment.

    bounds: int64, where each segment begins and where the last ends. Returns, sorted by row and start, the number of the sequence
    (int64), the place of its leftmost base in `codes` (int64) and its strand, "+" or "-". A sequence that is its own
    reverse complement is found on "+" only. Sequences with another base than A, C, G, T are not found, nor are empty ones. The lookup
    uses as many bases as the shortest sequence has, up to 31, and slows down where these are fewer than 12.
    """
    patterns, rows, minus = [], [], []
    for row, sequence in enumerate(sequences):
        bases = encode(sequence)
        if bases.size and bases.max() < N:
            opposite = reverse_complement(bases)
            patterns.append(bases)
            rows.append(row)
            minus.append(False)
            if not np.array_equal(bases, opposite):
                patterns.append(opposite)
                rows.append(row)
                minus.append(True)
    if not patterns:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, "U1")
    ends = np.cumsum([0, *map(len, patterns)])
    k = min(LONGEST_K, int(np.diff(ends).min()))
    bases = np.concatenate(patterns)
    keys = _first_kmers(bases, ends, k)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    maybe = np.zeros(1 << FILTER_BITS, np.bool_)
    _note(keys, maybe)
    entries, starts = [], []
    for first, last in zip(bounds[:-1], bounds[1:], strict=True):
        for start in range(first, last, STRETCH):
            stop = min(start + STRETCH, last)
            here, places = _search(codes, start, stop, last, keys, order, bases, ends, k, maybe)
            entries.append(here)
            starts.append(places)
            if stop < last:
                release(codes)
    entry, at = np.concatenate(entries), np.concatenate(starts)
    row_of, strand = np.array(rows, np.int64)[entry], np.where(np.array(minus)[entry], "-", "+")
    order = np.lexsort((at, row_of))
    return row_of[order], at[order], strand[order]


@njit(cache=True)
def _slot(key: np.uint64) -> np.uint64:
    return (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - FILTER_BITS)


@njit(cache=True)
def _first_kmers(bases: np.ndarray, ends: np.ndarray, k: int) -> np.ndarray:
    kmers = np.zeros(len(ends) - 1, np.uint64)
    for i in range(len(kmers)):
        for j in range(ends[i], ends[i] + k):
            kmers[i] = kmers[i] << np.uint64(2) | np.uint64(bases[j])
    return kmers


@njit(cache=True)
def _note(keys: np.ndarray, maybe: np.ndarray) -> None:
    for key in keys:
        maybe[_slot(key)] = True


@njit(cache=True)
def _search(  # noqa: PLR0913 - a numba kernel takes arrays and numbers
    codes: np.ndarray,
    start: int,
    stop: int,
    end: int,
    keys: np.ndarray,
    order: np.ndarray,
    bases: np.ndarray,
    ends: np.ndarray,
    k: int,
    maybe: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Entries that begin in [start, stop) and end before `end`, and where, both int64."""
    mask = (np.uint64(1) << np.uint64(2 * k)) - np.uint64(1)
    entries, places = np.empty(1024, np.int64), np.empty(1024, np.int64)
    number = 0
    kmer = np.uint64(0)
    for position in range(start, min(stop + k - 1, end)):
        kmer = (kmer << np.uint64(2) | np.uint64(codes[position])) & mask
        place = position - k + 1
        if place < start or not maybe[_slot(kmer)]:
            continue
        for i in range(np.searchsorted(keys, kmer), len(keys)):
            if keys[i] != kmer:
                break
            entry = order[i]
            length = ends[entry + 1] - ends[entry]
            if place + length > end:
                continue
            j = k
            while j < length and bases[ends[entry] + j] == codes[place + j]:
                j += 1
            if j == length:
                if number == len(entries):
                    entries = np.concatenate((entries, np.empty(number, np.int64)))
                    places = np.concatenate((places, np.empty(number, np.int64)))
                entries[number], places[number] = entry, place
                number += 1
    return entries[:number].copy(), places[:number].copy()
