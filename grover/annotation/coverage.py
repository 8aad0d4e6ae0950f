"""How intervals lie on regions, at the size of a genome: leading category, mean, distance to the nearest.

Regions and intervals are tables with chrom, start and end in any order; what comes back is in the order of the regions. One contig is
worked on at a time, so that memory holds little more than the tables. Texts read by `grover.intervals.formats` are categories, which
cost less than plain ones.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from grover.intervals.overlaps import bases_before, by_contig, union
from grover.runtime.errors import InputError

CELLS = 1 << 21  # regions x categories that are counted at a time


def weighted_mean(regions: pd.DataFrame, intervals: pd.DataFrame, column: str = "value") -> np.ndarray:
    """Mean of `column` over the covered bases of each region (float64); NaN where nothing lies. Rows without a finite
    number count as absent.

    Raises `InputError` where intervals overlap, since a base would have two values.
    """
    intervals = intervals[np.isfinite(intervals[column].to_numpy(np.float64))]
    values = intervals[column].to_numpy(np.float64)
    mean = np.full(len(regions), np.nan)
    for rows, starts, ends, of, left, right in by_contig(regions, intervals):
        order = np.argsort(left, kind="stable")
        left, right, height = left[order], right[order], values[of][order]
        twice = np.flatnonzero(left[1:] < right[:-1])
        if twice.size:
            chrom = regions["chrom"].iloc[rows[0]]
            raise InputError(f"two intervals with a {column} overlap at {chrom}:{left[twice[0] + 1]:,}; keep one")
        covered = bases_before(left, right, ends) - bases_before(left, right, starts)
        total = bases_before(left, right, ends, height) - bases_before(left, right, starts, height)
        mean[rows] = np.divide(total, covered, out=np.full(rows.size, np.nan), where=covered > 0)
    return mean


def distance(regions: pd.DataFrame, intervals: pd.DataFrame) -> np.ndarray:
    """Bases between each region and the nearest interval (int64): 0 where they overlap or touch, -1 without any on the contig."""
    nearest = np.full(len(regions), -1, np.int64)
    for rows, starts, ends, _, *places in by_contig(regions, intervals):
        left, right = union(*places)
        after = np.searchsorted(left, ends)
        far = np.iinfo(np.int64).max
        follows = np.where(after < left.size, left[np.minimum(after, left.size - 1)] - ends, far)
        precedes = np.where(after > 0, np.maximum(starts - right[np.maximum(after - 1, 0)], 0), far)
        nearest[rows] = np.minimum(follows, precedes)
    return nearest


def leading_category(
    regions: pd.DataFrame, intervals: pd.DataFrame, column: str
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Sorted values of `column`, which of them covers most bases of each region (int64; the first of equals), and how many (int64)."""
    names, blocks = _category_blocks(regions, intervals, column)
    leading, bases = np.zeros((2, len(regions)), np.int64)
    for rows, covered in blocks:
        leading[rows] = covered.argmax(1)
        bases[rows] = covered.max(1)
    return names, leading, bases


def _category_blocks(
    regions: pd.DataFrame, intervals: pd.DataFrame, column: str
) -> tuple[list[str], Iterator[tuple[np.ndarray, np.ndarray]]]:
    """Names of the categories that occur, and for each run of regions their rows and bases under each category."""
    # an empty text is no category: the row of a contig in a GFF3 has no gene and covers all genes
    named = intervals[column].notna() & (intervals[column] != "")
    if not named.all():
        intervals = intervals[named]
    code, values = pd.factorize(intervals[column], sort=False)
    rank = np.argsort(np.argsort(np.asarray(values, object)))
    names = sorted(map(str, values))
    code = rank[code].astype(np.int32)

    def blocks() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for rows, starts, ends, of, *places in by_contig(regions, intervals):
            line, span = code[of].astype(np.int64), max(ends.max(), places[1].max()) + 1
            left, right = union(line * span + places[0], line * span + places[1])
            line = left // span
            left, right = left - line * span, right - line * span
            order = np.argsort(starts, kind="stable")
            for first in range(0, rows.size, max(1, CELLS // len(names))):
                part = order[first : first + max(1, CELLS // len(names))]
                yield rows[part], _cells(starts[part], ends[part], left, right, line, len(names))

    return names, blocks() if names else iter(())


def _cells(
    starts: np.ndarray, ends: np.ndarray, left: np.ndarray, right: np.ndarray, category: np.ndarray, number: int
) -> np.ndarray:
    """Bases of each region under each category: int64 [regions, number]; intervals of a category are disjoint.

    The ends of the regions cut the contig into pieces; each interval adds its bases to those that it reaches, and a region is the
    difference of two sums over pieces.
    """
    cuts, place = np.unique(np.concatenate([starts, ends]), return_inverse=True)
    left, right = np.maximum(left, cuts[0]), np.minimum(right, cuts[-1])
    inside = left < right
    left, right, category = left[inside], right[inside], category[inside]
    first = np.searchsorted(cuts, left, side="right") - 1
    pieces = np.searchsorted(cuts, right) - first
    which = np.repeat(np.arange(left.size), pieces)
    piece = np.arange(which.size) - np.repeat(np.cumsum(pieces) - pieces - first, pieces)
    bases = np.minimum(right[which], cuts[piece + 1]) - np.maximum(left[which], cuts[piece])
    # sums of whole numbers below 2^53 are exact
    cells = np.bincount((piece + 1) * number + category[which], bases, cuts.size * number).astype(np.int64)
    before = cells.reshape(cuts.size, number).cumsum(0)
    return before[place[starts.size :]] - before[place[: starts.size]]
