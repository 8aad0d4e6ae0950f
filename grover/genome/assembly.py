"""Access to the encoded assembly: bases of an interval, and places in the sequence to coordinates and back.

A base is a code, A 0, C 1, G 2, T 3, and 4 stands for anything else. Coordinates are 0-based half-open.
"""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
from numba import njit

from grover.genome.bases import C, G, N
from grover.intervals.overlaps import SPACING, within
from grover.runtime.errors import InputError


class Genome:
    """The encoded assembly on disk.

    `codes`     uint8 memory map of all segments end to end (0..3 only)
    `segments`  pandas: chrom, start, end, name, offset; `offset` is the place of the segment's first base in `codes`
    `chroms`    names of the contigs, in the order of the segments
    `bounds`    int64 [segments + 1]: where each segment begins in `codes`, and the end of the last
    """

    def __init__(self, sequence_path: Path | str, segments_path: Path | str):
        self.codes = np.load(sequence_path, mmap_mode="r")
        self.segments = read_segments(segments_path)
        self.bounds = np.append(self.segments["offset"].to_numpy(), len(self.codes))
        self.chrom_codes, names = pd.factorize(self.segments["chrom"])
        self.chroms = list(names)
        self._names = pd.Index(np.asarray(names, object))
        self._number = {name: number for number, name in enumerate(self.chroms)}
        # the segments of each contig lie end to end; `_first` is the first of each, and the number of all
        self._first = np.searchsorted(self.chrom_codes, np.arange(len(names) + 1))
        self._starts, self._ends = (self.segments[name].to_numpy(np.int64) for name in ("start", "end"))
        self._plain = self.codes.view(np.ndarray)  # of which slices are taken in a tenth of the time
        # the contigs side by side on one line
        self._line_starts, self._line_ends = (
            self.chrom_codes * SPACING + edges for edges in (self._starts, self._ends)
        )
        if (np.diff(self._line_starts) <= 0).any():
            raise InputError(f"{segments_path} is not sorted by contig and start; make it anew by encode_genome.py")
        length = int((self.segments["end"] - self.segments["start"]).sum())
        if length != len(self.codes):
            raise InputError(f"{segments_path} spans {length:,} bases but {sequence_path} holds {len(self.codes):,}")

    def fetch(self, chrom: str, start: int, end: int) -> np.ndarray:
        """Codes of an interval (uint8 copy of length end - start); bases outside the segments are 4."""
        codes = np.full(end - start, N, dtype=np.uint8)
        first, last = self._segments_of(chrom)
        for i in range(
            first + self._ends[first:last].searchsorted(start, side="right"),
            first + self._starts[first:last].searchsorted(end, side="left"),
        ):
            left, right = max(start, self._starts[i]), min(end, self._ends[i])
            offset = self.bounds[i] - self._starts[i]
            codes[left - start : right - start] = self._plain[left + offset : right + offset]
        return codes

    def locate(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Contig (index into `chroms`) and coordinate of places in `codes`; both int64, the shape of `positions`."""
        positions = np.asarray(positions, dtype=np.int64)
        segment = np.searchsorted(self.bounds[1:-1], positions, side="right")
        return self.chrom_codes[segment], positions - self.bounds[segment] + self._starts[segment]

    def position(self, chrom: str, coordinates: np.ndarray) -> np.ndarray:
        """Places in `codes` (int64) of coordinates on one contig; -1 where no segment holds them."""
        return self._position(np.int64(self._number.get(chrom, -1)), np.asarray(coordinates, dtype=np.int64))

    def outside(self, intervals: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Starts and ends in `codes` (int64) of the stretches of the segments that no interval covers, in their order.

        intervals: chrom, start, end, disjoint and sorted within each contig, as `softmask.bed` has them.
        """
        covered = self.places(intervals)
        covered = covered[:, covered[1] > covered[0]]
        first, last = covered[:, np.argsort(covered[0])]
        starts = np.union1d(self.bounds[:-1], last)
        ends = np.union1d(self.bounds[1:], first)
        starts = starts[~within(starts, first, last) & (starts < len(self.codes))]
        return starts, ends[np.searchsorted(ends, starts, side="right")]

    def positions(self, chroms: pd.Series, coordinates: np.ndarray) -> np.ndarray:
        """Places in `codes` (int64) of coordinates on several contigs; -1 where no segment holds them."""
        return self._position(self._names.get_indexer(np.asarray(chroms, object)), np.asarray(coordinates, np.int64))

    def wholly(self, intervals: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Starts and ends in `codes` (int64) of intervals; both -1 where an interval is not wholly within one segment."""
        left = self.positions(intervals["chrom"], intervals["start"].to_numpy())
        right = self.positions(intervals["chrom"], intervals["end"].to_numpy() - 1) + 1
        segment = np.searchsorted(self.bounds, left, side="right")
        whole = (left >= 0) & (right > left) & (segment == np.searchsorted(self.bounds, right - 1, side="right"))
        return np.where(whole, left, -1), np.where(whole, right, -1)

    def places(self, intervals: pd.DataFrame) -> np.ndarray:
        """For the starts and ends of intervals, contig by contig, the first kept base at or behind them, int64 [2, intervals]; without
        those on unknown contigs.
        """
        codes, names = pd.factorize(intervals["chrom"])
        numbers = np.append(self._names.get_indexer(np.asarray(names, object)), -1)[codes]
        rows = np.flatnonzero(numbers >= 0)
        rows = rows[np.argsort(codes[rows], kind="stable")]
        numbers = numbers[rows]
        last = self._first[numbers + 1] - 1
        places = np.empty((2, rows.size), np.int64)
        for found, edge in zip(places, ("start", "end"), strict=True):
            coordinates = intervals[edge].to_numpy(np.int64)[rows]
            segment = np.searchsorted(self._line_ends, numbers * SPACING + coordinates, side="right")
            inside = np.minimum(segment, last)
            found[:] = np.maximum(coordinates - self._starts[inside], 0) + self.bounds[inside]
            behind = segment > last
            found[behind] = self.bounds[last[behind] + 1]
        return places

    def _segments_of(self, chrom: str) -> tuple[int, int]:
        """First segment of a contig, and the one behind its last."""
        number = self._number.get(chrom)
        return (0, 0) if number is None else (int(self._first[number]), int(self._first[number + 1]))

    def _position(self, chrom: np.ndarray | np.int64, coordinates: np.ndarray) -> np.ndarray:
        """Places in `codes` of coordinates on contigs by number (-1: unknown); -1 where no segment holds them."""
        line = chrom * SPACING + coordinates
        segment = np.maximum(np.searchsorted(self._line_starts, line, side="right") - 1, 0)
        inside = (self.chrom_codes[segment] == chrom) & (coordinates < self._ends[segment]) & (coordinates >= 0)
        return np.where(
            inside & (coordinates >= self._starts[segment]),
            coordinates - self._starts[segment] + self.bounds[segment],
            -1,
        )


def read_segments(path: Path | str) -> pd.DataFrame:
    """`segments.bed` as a table chrom, start, end, name, offset (first base in `sequence.npy`)."""
    names = ["chrom", "start", "end", "name"]
    types = {"chrom": str, "name": str}
    segments = pd.read_csv(
        path, sep="\t", header=None, names=names, dtype=types, keep_default_na=False, quoting=csv.QUOTE_NONE
    )
    lengths = segments["end"] - segments["start"]
    return segments.assign(offset=lengths.cumsum() - lengths)


@njit(cache=True, nogil=True)
def gc_shares(codes: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Share of C and G among the bases from `left` to before `right` of each region in `codes`, float64."""
    shares = np.empty(left.size, np.float64)
    for i in range(left.size):
        number = 0
        for j in range(left[i], right[i]):
            number += codes[j] == C or codes[j] == G
        shares[i] = number / (right[i] - left[i])
    return shares
