"""Loci of dependency maps: around sites of the tasks, or around intervals that are given."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from grover.genome.assembly import Genome


def middles_of_sites(dataset: pd.DataFrame, genome: Genome) -> np.ndarray:
    """Return the middles, int64 places in the genome's codes, of the sites of fold test with another label than 0.

    dataset: chrom, start, end, fold, label. Sites without a place are left out.
    """
    rows = dataset[(dataset["fold"] == "test") & (dataset["label"] > 0) & (dataset["chrom"].astype(str) != "")]
    places = genome.positions(rows["chrom"], ((rows["start"] + rows["end"]) // 2).to_numpy())
    return places[places >= 0]


def choose_loci(middles: Iterable[np.ndarray], genome: Genome, *, length: int, most: int, seed: int) -> pd.DataFrame:
    """Choose up to `most` loci of `length` bases around places in the genome's codes: locus, chrom, start, end, in the order of choice.

    middles: int64 arrays from which loci are drawn by turns at random. A locus lies wholly in one segment and overlaps none before it.
    """
    rng = np.random.default_rng(seed)
    turns = [
        list(rng.permutation(_within_segments(np.asarray(each) - length // 2, length, genome))) for each in middles
    ]
    chosen: list[int] = []
    while any(turns) and len(chosen) < most:
        for left in turns:
            apart = _draw_apart(left, chosen, length)
            if apart is not None and len(chosen) < most:
                chosen.append(apart)
    chroms, starts = genome.locate(np.array(chosen, np.int64))
    table = {
        "locus": range(len(chosen)),
        "chrom": np.array(genome.chroms, object)[chroms],
        "start": starts,
        "end": starts + length,
    }
    return pd.DataFrame(table)


def _within_segments(left: np.ndarray, length: int, genome: Genome) -> np.ndarray:
    """Those places at which `length` bases of one segment begin."""
    left = left[(left >= 0) & (left + length <= len(genome.codes))]
    segment = np.searchsorted(genome.bounds, left, side="right")
    return left[segment == np.searchsorted(genome.bounds, left + length - 1, side="right")]


def _draw_apart(left: list[int], chosen: Sequence[int], length: int) -> int | None:
    """Remove places from the end of `left` up to one that is `length` bases or more from all chosen ones; None where there is none."""
    while left:
        place = int(left.pop())
        if all(abs(place - other) >= length for other in chosen):
            return place
    return None
