"""What is taken from the values of base tracks for browsers and the report: scored regions, the best locus, tracks of importance."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from grover.genome.assembly import Genome
from grover.genome.bases import decode
from grover.interpretation.track_files import read_track
from grover.interpretation.track_values import BASES, LOG_PROBABILITY
from grover.intervals.bigwig_writer import Stretch

WINDOW = 100  # bases that the report shows
METHOD = "ism"  # of the importance


def scored_regions(paths: Sequence[Path]) -> pd.DataFrame:
    """Return what has values: chrom, start, end and a name, in the order of the files; pieces that touch are one region."""
    rows: list[list] = []
    for chrom, start, values in read_track(paths, LOG_PROBABILITY):
        if rows and rows[-1][:1] == [chrom] and rows[-1][2] == start:
            rows[-1][2] = start + len(values)
        else:
            rows.append([chrom, start, start + len(values), f"{chrom}:{start + 1}"])
    return pd.DataFrame(rows, columns=["chrom", "start", "end", "name"])


def best_window(paths: Sequence[Path], genome: Genome) -> pd.DataFrame:
    """Return the 100 bases whose log-probabilities gain most over token frequencies: chrom, pos, base (of the reference), A, C, G, T
    (heights) and the gain; fewer where no piece is as long.
    """
    best: tuple[float, int, int] = (-np.inf, 0, 0)
    for number, (_, _, values) in enumerate(read_track(paths, LOG_PROBABILITY)):
        size = min(WINDOW, len(values))
        sums = np.append(0, np.cumsum(values, dtype=np.float64))
        means = (sums[size:] - sums[:-size]) / size
        best = max(best, (float(means.max()), -number, -int(means.argmax())))
    _, number, first = best[0], -best[1], -best[2]
    columns = {}
    for name in (*BASES, LOG_PROBABILITY):
        chrom, start, values = next(piece for i, piece in enumerate(read_track(paths, name)) if i == number)
        columns[name] = values[first : first + WINDOW]
    size = len(columns[LOG_PROBABILITY])
    codes = genome.fetch(chrom, start + first, start + first + size)
    return pd.DataFrame(
        {"chrom": chrom, "pos": start + first + np.arange(size), "base": list(decode(codes)), **columns}
    )


def importance_stretches(table: pd.DataFrame) -> list[Stretch]:
    """Return importance of bases (method, chrom, pos, importance) by in-silico mutagenesis as stretches of neighbouring bases.

    They are sorted by name of the contig. A base of several sites has their mean. Rows without coordinates (chrom "") are left out.
    """
    placed = table[(table["method"] == METHOD) & (table["chrom"].astype(str) != "")]
    means = placed.groupby(["chrom", "pos"], observed=True, sort=True)["importance"].mean()
    found: list[Stretch] = []
    for chrom, part in means.groupby(level=0, observed=True):
        pos, values = part.index.get_level_values(1).to_numpy(np.int64), part.to_numpy(np.float32)
        cuts = np.flatnonzero(np.diff(pos) != 1) + 1
        for where, each in zip(np.split(pos, cuts), np.split(values, cuts), strict=True):
            found.append((str(chrom), int(where[0]), each))
    return found
