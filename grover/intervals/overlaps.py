"""Overlaps of intervals: tables with chrom, start, end (0-based half-open) in any order.

Overlaps are worked out one contig at a time, or several short ones, so that memory holds little more than the tables; every region is
answered from prefix sums by binary search. Chromosome names may be categories, as `grover.intervals.formats.read_columns` gives them,
which cost less than texts.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

# on the line of all contigs one ends far before the next begins
SPACING = 1 << 40
# Rows of short contigs that are looked at in one go, since an assembly may have a hundred thousand of them; with few contigs the
# grouping costs more than it saves.
TOGETHER, MANY = 1 << 16, 1000


def merge(intervals: pd.DataFrame) -> pd.DataFrame:
    """Union of intervals as sorted, disjoint rows chrom, start, end; touching ones are joined."""
    codes, names = pd.factorize(intervals["chrom"], sort=True)
    origin = codes.astype(np.int64) * SPACING
    starts, ends = union(*(origin + intervals[edge].to_numpy(np.int64) for edge in ("start", "end")))
    chrom = starts // SPACING
    return pd.DataFrame({"chrom": names[chrom], "start": starts % SPACING, "end": ends - chrom * SPACING})


def overlap_bases(regions: pd.DataFrame, intervals: pd.DataFrame) -> np.ndarray:
    """Bases of each region that at least one interval covers, int64."""
    covered = np.zeros(len(regions), np.int64)
    for rows, starts, ends, _, from_, to in by_contig(regions, intervals, TOGETHER):
        merged = union(from_, to)
        covered[rows] = bases_before(*merged, ends) - bases_before(*merged, starts)
    return covered


def share_covered(regions: pd.DataFrame, intervals: pd.DataFrame) -> np.ndarray:
    """Share of the bases of each region that at least one interval covers, float64."""
    share: np.ndarray = overlap_bases(regions, intervals) / (regions["end"] - regions["start"]).to_numpy()
    return share


def overlaps(regions: pd.DataFrame, intervals: pd.DataFrame) -> np.ndarray:
    """True for each region that shares a base with an interval."""
    return overlap_bases(regions, intervals) > 0


def inside(intervals: pd.DataFrame, regions: pd.DataFrame) -> np.ndarray:
    """True for each interval that lies wholly within the union of `regions`."""
    whole: np.ndarray = overlap_bases(intervals, regions) == (intervals["end"] - intervals["start"]).to_numpy()
    return whole


def union(starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorted, disjoint starts and ends of intervals on one line (int64); touching ones are joined."""
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], np.maximum.accumulate(ends[order])
    first = np.concatenate([[True], starts[1:] > ends[:-1]])[: starts.size]
    last = np.concatenate([first[1:], [True]])[: starts.size]
    return starts[first], ends[last]


def within(positions: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """True for each position inside one of the sorted, disjoint intervals."""
    before = np.searchsorted(starts, positions, side="right") - 1
    found: np.ndarray = (before >= 0) & (positions < np.append(ends, 0)[before])
    return found


def bases_before(
    starts: np.ndarray, ends: np.ndarray, positions: np.ndarray, heights: np.ndarray | None = None
) -> np.ndarray:
    """Bases, or sum of `heights` over bases, that sorted disjoint intervals cover left of each position."""
    if not starts.size:
        return np.zeros(positions.shape, np.int64 if heights is None else np.float64)
    widths = ends - starts
    before = np.concatenate([[0], np.cumsum(widths if heights is None else widths * heights)])
    i = np.searchsorted(starts, positions, side="right") - 1
    partial = np.minimum(positions - starts[i], widths[i])
    if heights is not None:
        partial = partial * heights[i]
    return np.where(i >= 0, before[np.maximum(i, 0)] + partial, 0)


def by_contig(
    regions: pd.DataFrame, intervals: pd.DataFrame, together: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | slice, np.ndarray, np.ndarray]]:
    """Yield, for each contig with both, rows, starts and ends (int64) of the regions, then those of the intervals.

    Of many contigs those that have no more than about `together` rows come together, each `SPACING` further on one line than the one
    before.
    """
    codes, names = pd.factorize(regions["chrom"])
    names = pd.Index(np.asarray(names, object))
    kind = np.int16 if len(names) < 1 << 15 else np.int32
    chrom = intervals["chrom"]
    if isinstance(chrom.dtype, pd.CategoricalDtype):
        known = names.get_indexer(np.asarray(chrom.cat.categories, object)).astype(kind)
        known = known[chrom.cat.codes.to_numpy()] if len(known) else np.zeros(0, kind)
    else:
        known = names.get_indexer(chrom).astype(kind)
    codes = codes.astype(kind)
    if together and len(names) > MANY:
        group = _groups(codes, known, len(names), together).astype(kind)
        number, spacing = int(group[-1]) + 1, SPACING
        ours, theirs = _rows_of(group[codes], number), _rows_of(np.append(group, kind(-1))[known], number)
    else:
        number, spacing = len(names), 0
        ours, theirs = _rows_of(codes, number), _rows_of(known, number)
    places = [
        (table[name].to_numpy(), of)
        for table, of in ((regions, codes), (intervals, known))
        for name in ("start", "end")
    ]
    for code in range(number):
        mine, other = ours(code), theirs(code)
        found = [
            values[which].astype(np.int64)
            for (values, _), which in zip(places, (mine, mine, other, other), strict=True)
        ]
        if spacing:
            for place, (_, of), which in zip(found, places, (mine, mine, other, other), strict=True):
                place += of[which].astype(np.int64) * spacing
        if found[0].size and found[2].size:
            rows = np.arange(mine.start, mine.stop) if isinstance(mine, slice) else mine
            yield rows, found[0], found[1], other, found[2], found[3]


def _groups(ours: np.ndarray, theirs: np.ndarray, contigs: int, together: int) -> np.ndarray:
    """Return the group of each contig, numbered without a hole; a group has at most `together` rows and those of one contig more."""
    rows = np.bincount(ours, minlength=contigs) + np.bincount(theirs[theirs >= 0], minlength=contigs)
    bucket = np.cumsum(rows) // together
    return np.cumsum(np.diff(bucket, prepend=bucket[:1]) > 0)


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
