"""Pairs of bases in dependency maps: beside their null, and against planted elements.

Maps are float [length, length] with NaN where a pair is not read (`grover.interpretation.dependency`). The value of a pair falls with its
distance in any model, so that pairs are compared at equal distance.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from grover.statistics.bootstrap import draw, interval, resampled_auroc

PAIRS = ["i", "j", "distance", "model", "null", "shuffle", "random", "p", "q"]


def describe_pairs(observed: np.ndarray, null: np.ndarray, random: np.ndarray) -> pd.DataFrame:
    """Return a row for each pair that is read, with the columns `PAIRS`: i is substituted, j is predicted.

    null: float [shuffles, length, length], maps of dinucleotide shuffles of the locus; random: map of the locus by the randomly
    initialised model. `null` is the mean of the shuffles' pairs at the same distance; `shuffle` is the same pair in the first shuffle; p
    is the share of the shuffles' pairs at that distance that are at least as large, with the observed one among them. q:
    Benjamini-Hochberg over the pairs of the locus.
    """
    length = len(observed)
    distance = np.abs(np.subtract.outer(np.arange(length), np.arange(length)))
    i, j = np.nonzero((distance > 0) & ~np.isnan(observed))
    table = pd.DataFrame({"i": i, "j": j, "distance": distance[i, j], "model": observed[i, j]})
    table["null"], table["p"] = np.nan, np.nan
    for apart, rows in table.groupby("distance").groups.items():
        drawn = null[:, distance == apart].ravel()
        drawn = np.sort(drawn[~np.isnan(drawn)])
        if len(drawn):
            reached = len(drawn) - np.searchsorted(drawn, table.loc[rows, "model"], "left")
            table.loc[rows, "null"], table.loc[rows, "p"] = drawn.mean(), (reached + 1) / (len(drawn) + 1)
    known = table["p"].notna()
    table["q"] = np.nan
    if known.any():
        table.loc[known, "q"] = false_discovery_control(table.loc[known, "p"])
    table["shuffle"], table["random"] = null[0, i, j], random[i, j]
    types = {name: np.int16 if name in ("i", "j", "distance") else np.float32 for name in PAIRS}
    return table.astype(types)[PAIRS]


class Recovery(NamedTuple):
    """How well pairs within elements are found: pairs within and others of the same distances, AUROC and its 95 % interval."""

    within: int
    others: int
    auroc: float
    low: float
    high: float


def recover_elements(
    maps: Sequence[np.ndarray], elements: pd.DataFrame, *, resamples: int = 1000, seed: int = 0
) -> Recovery:
    """Judge whether pairs within an element have larger values than other pairs of the same distance.

    elements: locus (number of the map), start, end (0-based half-open, in the locus), element (equal for parts of one element, such as
    copies). Two bases are a pair within an element where both lie in parts of it. The AUROC is computed at each distance and averaged
    with the number of its comparisons as weight. Loci are drawn for the interval (percentile bootstrap).
    """
    tables = [_pairs(matrix, elements[elements["locus"] == locus], locus) for locus, matrix in enumerate(maps)]
    table = pd.concat(tables, ignore_index=True)
    drawn = draw(len(maps), resamples, seed)
    drawn = np.concatenate([np.ones((1, len(maps)), drawn.dtype), drawn])  # the first is the sample itself
    right, weights, within, others = np.zeros(len(drawn)), np.zeros(len(drawn)), 0, 0
    for _, rows in table.groupby("distance"):
        inside, locus = rows["inside"].to_numpy(), rows["locus"].to_numpy()
        if not inside.any() or inside.all():
            continue
        weight = np.prod(
            [drawn @ np.bincount(locus[each], minlength=len(maps)) for each in (inside, ~inside)], 0, float
        )
        value = resampled_auroc(drawn, locus, inside.astype(np.int64), rows["value"].to_numpy(np.float64))
        right += np.where(weight > 0, np.nan_to_num(value) * weight, 0)
        weights += weight
        within, others = within + int(inside.sum()), others + int((~inside).sum())
    values = np.divide(right, weights, out=np.full(len(drawn), np.nan), where=weights > 0)
    return Recovery(within, others, float(values[0]), *interval(values[1:], 1.0))


def _pairs(matrix: np.ndarray, elements: pd.DataFrame, locus: int) -> pd.DataFrame:
    """Distance, value, whether within an element, and locus of each pair that is read."""
    length = len(matrix)
    inside = np.zeros((length, length), bool)
    for _, parts in elements.groupby("element"):
        holds = np.zeros(length, bool)
        for start, end in zip(parts["start"], parts["end"], strict=True):
            holds[max(0, start) : max(0, end)] = True
        inside |= np.outer(holds, holds)
    i, j = np.nonzero(~np.isnan(matrix) & ~np.eye(length, dtype=bool))
    return pd.DataFrame({"distance": np.abs(i - j), "value": matrix[i, j], "inside": inside[i, j], "locus": locus})
