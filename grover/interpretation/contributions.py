"""Contributions of single bases to the logit of a class, from the table of in-silico mutagenesis.

The contribution of a base is minus the mean change of the logit over its three substitutions: positive where the base raises the logit.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from grover.genome.bases import COMPLEMENT, N, encode
from grover.runtime.errors import InputError

METHOD = "ism"


@dataclass(frozen=True)
class Contributions:
    """Sequences with the contribution of each base, both along the strand on which the data set has them.

    example: int64 [examples], rows of the data set. codes: uint8 [length] of each. values: float64 [length] of each, 0 for a base that
    was not replaced.
    """

    example: np.ndarray
    codes: list[np.ndarray]
    values: list[np.ndarray]

    def take(self, rows: np.ndarray) -> "Contributions":
        """Return some of the examples, in the order of `rows`."""
        return Contributions(self.example[rows], [self.codes[row] for row in rows], [self.values[row] for row in rows])


def read_contributions(importance: pd.DataFrame, dataset: pd.DataFrame) -> Contributions:
    """Return the contributions of the examples of an importance table, in the order of the data set.

    importance: method, example, chrom, pos, strand, ref, delta; rows of other methods are not read. An example may be there on both
    strands, whose changes are averaged. dataset: sequence, and chrom, start, end, strand where the sites have coordinates.

    Raises InputError for a base that is not the one of the data set.
    """
    rows = importance[importance["method"] == METHOD]
    if rows.empty:
        raise InputError(
            f"the importance table has no row of method {METHOD}; run interpret_importance with this method"
        )
    examples, number = np.unique(rows["example"].to_numpy(np.int64), return_inverse=True)
    if examples[-1] >= len(dataset):
        raise InputError(
            f"the importance table has example {examples[-1]}, but the data set has {len(dataset):,}; make it anew"
        )
    sites = dataset.iloc[examples]
    codes = [encode(sequence) for sequence in sites["sequence"]]
    lengths = np.array([len(each) for each in codes], np.int64)
    begins = np.cumsum(lengths) - lengths

    place = _place(rows, sites, number)
    outside = (place < 0) | (place >= lengths[number])
    cell = begins[number] + np.where(outside, 0, place)
    ref = encode("".join(rows["ref"]))
    opposite = _minus(rows["strand"]) != _minus(_column(sites, "strand"))[number]
    wrong = outside | (np.where(opposite, COMPLEMENT[ref], ref) != np.concatenate(codes)[cell])
    if wrong.any():
        row = rows.iloc[int(np.argmax(wrong))]
        raise InputError(
            f"the importance table has {row['ref']} at {row['chrom'] or 'position'}:{row['pos']} of example {row['example']}, which the "
            "data set has not; make it anew from this data set"
        )
    total = np.bincount(cell, rows["delta"].to_numpy(np.float64), int(lengths.sum()))
    counted = np.bincount(cell, minlength=int(lengths.sum()))
    values = -np.divide(total, counted, out=np.zeros_like(total), where=counted > 0)
    return Contributions(examples, codes, np.split(values, begins[1:]))


def one_hot(codes: np.ndarray) -> np.ndarray:
    """Return float32 [..., 4] of uint8 codes; a code of 4 (no base) is a row of zeros."""
    return np.eye(N + 1, N, dtype=np.float32)[codes]


def _place(rows: pd.DataFrame, sites: pd.DataFrame, number: np.ndarray) -> np.ndarray:
    """Place in the sequence, from 0, of each row; number: of the row's site among `sites`."""
    pos = rows["pos"].to_numpy(np.int64)
    if "start" not in sites:
        return pos
    start, end = (sites[name].to_numpy(np.int64)[number] for name in ("start", "end"))
    along = np.where(_minus(sites["strand"])[number], end - 1 - pos, pos - start)
    return np.where((rows["chrom"].astype(str) != "").to_numpy(), along, pos)


def _column(sites: pd.DataFrame, name: str) -> pd.Series:
    return sites[name] if name in sites else pd.Series(".", sites.index)


def _minus(strand: pd.Series) -> np.ndarray:
    return (strand == "-").to_numpy()
