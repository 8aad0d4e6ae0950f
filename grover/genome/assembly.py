"""Access to the encoded assembly: bases of an interval, and places in the sequence to coordinates and back.

A base is a code, A 0, C 1, G 2, T 3, and 4 stands for anything else. Coordinates are 0-based half-open.
"""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
from numba import njit

from grover.genome.bases import C, G, N
from grover.intervals.overlaps import within
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
        self._of_chrom = {
            name: (rows["start"].to_numpy(), rows["end"].to_numpy(), rows["offset"].to_numpy())
            for name, rows in self.segments.groupby("chrom", sort=False)
        }
        length = int((self.segments["end"] - self.segments["start"]).sum())
        if length != len(self.codes):
            raise InputError(f"{segments_path} spans {length:,} bases but {sequence_path} holds {len(self.codes):,}")

    def fetch(self, chrom: str, start: int, end: int) -> np.ndarray:
        """Codes of an interval (uint8 copy of length end - start); bases outside the segments are 4."""
        codes = np.full(end - start, N, dtype=np.uint8)
        starts, ends, offsets = self._of_chrom.get(chrom, ((), (), ()))
        first = np.searchsorted(ends, start, side="right")
        last = np.searchsorted(starts, end, side="left")
        for i in range(first, last):
            left, right = max(start, starts[i]), min(end, ends[i])
            offset = offsets[i] - starts[i]
            codes[left - start : right - start] = self.codes[left + offset : right + offset]
        return codes

    def locate(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Contig (index into `chroms`) and coordinate of places in `codes`; both int64, the shape of `positions`."""
        positions = np.asarray(positions, dtype=np.int64)
        segment = np.searchsorted(self.bounds[1:-1], positions, side="right")
        return self.chrom_codes[segment], positions - self.bounds[segment] + self.segments["start"].to_numpy()[segment]

    def position(self, chrom: str, coordinates: np.ndarray) -> np.ndarray:
        """Places in `codes` (int64) of coordinates on one contig; -1 where no segment holds them."""
        coordinates = np.asarray(coordinates, dtype=np.int64)
        if chrom not in self._of_chrom:
            return np.full(coordinates.shape, -1, dtype=np.int64)
        starts, ends, offsets = self._of_chrom[chrom]
        segment = np.maximum(np.searchsorted(starts, coordinates, side="right") - 1, 0)
        inside = (coordinates >= starts[segment]) & (coordinates < ends[segment])
        return np.where(inside, coordinates - starts[segment] + offsets[segment], -1)

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
        found = np.full(len(coordinates), -1, np.int64)
        numbers, names = pd.factorize(chroms)
        for number, name in enumerate(names):
            found[numbers == number] = self.position(name, coordinates[numbers == number])
        return found

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
        places = [self._places(chrom, rows) for chrom, rows in intervals.groupby("chrom", sort=False)]
        return np.concatenate([np.zeros((2, 0), np.int64), *places], axis=1)

    def _places(self, chrom: str, intervals: pd.DataFrame) -> np.ndarray:
        starts, ends, offsets = self._of_chrom.get(chrom, (np.zeros(0, np.int64),) * 3)
        if not len(starts):
            return np.zeros((2, 0), np.int64)
        coordinates = intervals[["start", "end"]].to_numpy(np.int64).T
        segment = np.searchsorted(ends, coordinates, side="right")
        behind = segment == len(starts)
        segment = np.minimum(segment, len(starts) - 1)
        places = np.maximum(coordinates, starts[segment]) - starts[segment] + offsets[segment]
        return np.where(behind, offsets[-1] + ends[-1] - starts[-1], places)


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
