"""How intervals lie on regions, at the size of a genome: bases covered, leading category, mean, distance to the nearest.

Regions and intervals are tables with chrom, start and end in any order; what comes back is in the order of the regions. One contig is
worked on at a time, so that memory holds little more than the tables. Texts read by `grover.interval_tables` are categories, which
cost less than plain ones.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from grover.errors import InputError
from grover.intervals import union

CELLS = 1 << 21  # regions x categories that are counted at a time


def overlap_bases(regions: pd.DataFrame, intervals: pd.DataFrame) -> np.ndarray:
    """Bases of each region that at least one interval covers, int64."""
    covered = np.zeros(len(regions), np.int64)
    for rows, starts, ends, _, *places in _contigs(regions, intervals):
        places = union(*places)
        covered[rows] = _before(*places, ends) - _before(*places, starts)
    return covered


def weighted_mean(regions: pd.DataFrame, intervals: pd.DataFrame, column: str = "value") -> np.ndarray:
    """Mean of `column` over the covered bases of each region (float64); NaN where nothing lies. Rows without a number count as absent.

    Raises `InputError` where intervals overlap, since a base would have two values.
    """
    intervals = intervals[intervals[column].notna()]
    values = intervals[column].to_numpy(np.float64)
    mean = np.full(len(regions), np.nan)
    for rows, starts, ends, of, left, right in _contigs(regions, intervals):
        order = np.argsort(left, kind="stable")
        left, right, height = left[order], right[order], values[of][order]
        twice = np.flatnonzero(left[1:] < right[:-1])
        if twice.size:
            chrom = regions["chrom"].iloc[rows[0]]
            raise InputError(f"two intervals with a {column} overlap at {chrom}:{left[twice[0] + 1]:,}; keep one")
        covered = _before(left, right, ends) - _before(left, right, starts)
        total = _before(left, right, ends, height) - _before(left, right, starts, height)
        mean[rows] = np.divide(total, covered, out=np.full(rows.size, np.nan), where=covered > 0)
    return mean


def distance(regions: pd.DataFrame, intervals: pd.DataFrame) -> np.ndarray:
    """Bases between each region and the nearest interval (int64): 0 where they overlap or touch, -1 without any on the contig."""
    nearest = np.full(len(regions), -1, np.int64)
    for rows, starts, ends, _, *places in _contigs(regions, intervals):
        left, right = union(*places)
        after = np.searchsorted(left, ends)
        far = np.iinfo(np.int64).max
        follows = np.where(after < left.size, left[np.minimum(after, left.size - 1)] - ends, far)
        precedes = np.where(after > 0, np.maximum(starts - right[np.maximum(after - 1, 0)], 0), far)
        nearest[rows] = np.minimum(follows, precedes)
    return nearest


def coverage_by_category(regions: pd.DataFrame, intervals: pd.DataFrame, column: str) -> tuple[list[str], np.ndarray]:
    """Sorted values of `column` and the bases of each region under each: int64 [regions, categories]."""
    names, blocks = _category_blocks(regions, intervals, column)
    coverage = np.zeros((len(regions), len(names)), np.int64)
    for rows, covered in blocks:
        coverage[rows] = covered
    return names, coverage


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


def _category_blocks(regions, intervals, column) -> tuple[list[str], Iterator[tuple[np.ndarray, np.ndarray]]]:
    """Names of the categories that occur, and for each run of regions their rows and bases under each category."""
    code, values = pd.factorize(intervals[column], sort=False)
    rank = np.argsort(np.argsort(np.asarray(values, object)))
    names = sorted(map(str, values))
    code = rank[code].astype(np.int32)

    def blocks():
        for rows, starts, ends, of, *places in _contigs(regions, intervals):
            line, span = code[of].astype(np.int64), max(ends.max(), places[1].max()) + 1
            left, right = union(line * span + places[0], line * span + places[1])
            line = left // span
            left, right = left - line * span, right - line * span
            order = np.argsort(starts, kind="stable")
            for first in range(0, rows.size, max(1, CELLS // len(names))):
                part = order[first : first + max(1, CELLS // len(names))]
                yield rows[part], _cells(starts[part], ends[part], left, right, line, len(names))

    return names, blocks() if names else iter(())


def _cells(starts, ends, left, right, category, number) -> np.ndarray:
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


def _before(
    starts: np.ndarray, ends: np.ndarray, positions: np.ndarray, heights: np.ndarray | None = None
) -> np.ndarray:
    """Bases, or sum of `heights` over bases, that sorted disjoint intervals cover left of each position."""
    widths = ends - starts
    before = np.concatenate([[0], np.cumsum(widths if heights is None else widths * heights)])
    i = np.searchsorted(starts, positions, side="right") - 1
    partial = np.minimum(positions - starts[i], widths[i])
    if heights is not None:
        partial = partial * heights[i]
    return np.where(i >= 0, before[np.maximum(i, 0)] + partial, 0)


def _contigs(regions: pd.DataFrame, intervals: pd.DataFrame) -> Iterator[tuple[np.ndarray, ...]]:
    """For each contig with regions and intervals: rows, starts and ends (int64) of the regions, and which, starts and ends of the
    intervals."""
    codes, names = pd.factorize(regions["chrom"])
    names = pd.Index(np.asarray(names, object))
    kind = np.int16 if len(names) < 1 << 15 else np.int32
    chrom = intervals["chrom"]
    if isinstance(chrom.dtype, pd.CategoricalDtype):
        known = names.get_indexer(np.asarray(chrom.cat.categories, object)).astype(kind)
        known = known[chrom.cat.codes.to_numpy()] if len(known) else np.zeros(0, kind)
    else:
        known = names.get_indexer(chrom).astype(kind)
    ours, theirs = _rows_of(codes.astype(kind), len(names)), _rows_of(known, len(names))
    places = [table[name].to_numpy() for table in (regions, intervals) for name in ("start", "end")]
    for code in range(len(names)):
        mine, other = ours(code), theirs(code)
        found = [
            values[which].astype(np.int64) for values, which in zip(places, (mine, mine, other, other), strict=True)
        ]
        if found[0].size and found[2].size:
            rows = np.arange(mine.start, mine.stop) if isinstance(mine, slice) else mine
            yield rows, *found[:2], other, *found[2:]


def _rows_of(codes: np.ndarray, number: int) -> Callable[[int], np.ndarray | slice]:
    """A function that gives the rows of a code from 0 to `number` - 1, in their order."""
    edges = np.concatenate([[0], np.flatnonzero(codes[1:] != codes[:-1]) + 1, [codes.size]])
    run = codes[edges[:-1]] if codes.size else codes
    if np.unique(run).size == run.size:  # each contig in one piece, as files are written
        at = {int(code): (edges[i], edges[i + 1]) for i, code in enumerate(run)}
        return lambda code: slice(*at.get(code, (0, 0)))
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(number + 1))
    return lambda code: order[starts[code] : starts[code + 1]]
