"""The stretches of the genome that base tracks are made of."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from grover.genome.assembly import Genome
from grover.intervals.contigs import some_of
from grover.intervals.overlaps import merge
from grover.runtime.errors import InputError

TEST = "test"  # stands for loci of fold test
PIECE = 20_000  # bases that are read at a time


class Piece(NamedTuple):
    """A piece of a stretch: where it lies, its first base in the genome's codes, and the bounds of its segment there."""

    chrom: str
    start: int
    end: int
    place: int
    left: int
    right: int


def loci_of_test(genome: Genome, folds: pd.DataFrame, number: int, size: int) -> pd.DataFrame:
    """Place `number` loci of `size` bases in fold test (chrom, start, end), evenly over its bases; each lies within one segment."""
    held_out = folds[folds["fold"] == TEST]
    pieces = []
    for chrom, start, end in held_out[["chrom", "start", "end"]].itertuples(index=False):
        segments = genome.segments[genome.segments["chrom"] == chrom]
        left, right = (segments[edge].clip(start, end) for edge in ("start", "end"))
        pieces.append(pd.DataFrame({"chrom": chrom, "start": left, "end": right}))
    table = pd.concat(pieces, ignore_index=True) if pieces else held_out[["chrom", "start", "end"]]
    table = table[table["end"] - table["start"] >= size].reset_index(drop=True)
    if table.empty:
        raise InputError(
            f"fold test has no stretch of {size:,} bases without N; lower `interpretation.track_locus` or name other regions in "
            "`interpretation.tracks`"
        )
    room = (table["end"] - table["start"]).to_numpy() // size
    place = (np.arange(min(number, room.sum())) + 0.5) / min(number, room.sum()) * room.sum()
    row = np.searchsorted(np.cumsum(room), place, side="right")
    within = (place - (np.cumsum(room) - room)[row]).astype(np.int64)
    start = table["start"].to_numpy()[row] + within * size
    return pd.DataFrame({"chrom": table["chrom"].to_numpy()[row], "start": start, "end": start + size})


def whole_contigs(lengths: dict[str, int], pattern: str) -> pd.DataFrame:
    """Return the contigs whose name matches a pattern such as `chr21` or `*`, as regions."""
    found = {name: length for name, length in lengths.items() if length and fnmatchcase(name, pattern)}
    if not found:
        kept = [name for name, length in lengths.items() if length]
        raise InputError(
            f"interpretation.tracks: {pattern!r} is neither `test`, nor a source, nor the name of a kept contig ({some_of(kept)})"
        )
    return pd.DataFrame({"chrom": list(found), "start": 0, "end": list(found.values())})


def stretches(regions: pd.DataFrame, genome: Genome, path: Path | str = "the regions") -> pd.DataFrame:
    """Cut regions into what lies in the segments of the genome, without overlaps, by name of the contig and start.

    Returns chrom, start, end, `place` (first base in the genome's codes), `left` and `right` (bounds of its segment there).
    """
    merged = merge(regions)
    rows = []
    for chrom, table in merged.groupby("chrom", sort=True):
        segments = genome.segments[genome.segments["chrom"] == chrom]
        starts, ends, offsets = (segments[name].to_numpy(np.int64) for name in ("start", "end", "offset"))
        for start, end in table[["start", "end"]].itertuples(index=False):
            for i in range(int(np.searchsorted(ends, start, side="right")), int(np.searchsorted(starts, end))):
                low, high = max(start, starts[i]), min(end, ends[i])
                rows.append(
                    (chrom, low, high, offsets[i] + low - starts[i], offsets[i], offsets[i] + ends[i] - starts[i])
                )
    if not rows:
        raise InputError(
            f"{path}: no base of it lies in the kept sequence of the genome; give regions of this assembly"
        )
    return pd.DataFrame(rows, columns=["chrom", "start", "end", "place", "left", "right"])


def pieces(table: pd.DataFrame, shard: int, shards: int) -> Iterator[Piece]:
    """Yield the stretches of one shard in pieces of at most 20,000 bases.

    Shards have equally many pieces, one behind the other, so that their results in order are sorted.
    """
    sizes = (table["end"] - table["start"]).to_numpy(np.int64)
    ends = np.cumsum(-(-sizes // PIECE))
    for number in range(int(ends[-1]) * shard // shards, int(ends[-1]) * (shard + 1) // shards):
        row = int(np.searchsorted(ends, number, side="right"))
        within = number - (int(ends[row - 1]) if row else 0)
        chrom, start, end, place, left, right = table.iloc[row]
        first, last = within * PIECE, min((within + 1) * PIECE, int(end - start))
        yield Piece(chrom, int(start) + first, int(start) + last, int(place) + first, int(left), int(right))
