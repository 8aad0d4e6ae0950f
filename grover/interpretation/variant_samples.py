"""Samples of variants that are drawn while all of them pass by, so that memory does not grow with the file."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from grover.genome.folds import fold_of
from grover.interpretation.vcf import OK, Variants


class Sample:
    """At most `most` rows of the tables that are added, in their order: those that come first, the others with the same chance each."""

    def __init__(self, most: int, seed: int):
        self.most, self._rng = most, np.random.default_rng(seed)
        self._parts: list[pd.DataFrame] = []
        self._first = 0

    def add(self, table: pd.DataFrame, first: np.ndarray | bool = False) -> None:
        """first: whether a row is kept before all others; of more than `most` such rows each has the same chance."""
        key = self._rng.random(len(table)) + np.where(first, 0, 1)
        drawn = table.assign(_key=key, _row=np.arange(self._first, self._first + len(table)))
        self._first += len(table)
        self._parts.append(drawn)
        if sum(map(len, self._parts)) > 2 * self.most:
            self._parts = [self._kept()]

    def table(self) -> pd.DataFrame:
        """Return the rows drawn so far."""
        return self._kept().drop(columns=["_key", "_row"]).reset_index(drop=True)

    def _kept(self) -> pd.DataFrame:
        table = pd.concat(self._parts, ignore_index=True)
        return table.nsmallest(self.most, "_key").sort_values("_row")


def sample_records(variants: Variants, most: int, seed: int, folds: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the alleles of at most `most` records in the order of the file: those of fold test first, the others drawn at random.

    Models are judged on fold test alone. The file is read twice, and the first reading checks the whole of it.
    """
    sample = Sample(most, seed)
    for block in variants:
        start = block["pos"].to_numpy(np.int64) - 1
        fold = fold_of(folds, block["chrom"], start, start + block["ref"].str.len().to_numpy(np.int64))
        in_test = block.loc[(fold == "test") & (block["status"] == OK), "record"]
        records = block[["record"]].drop_duplicates()
        sample.add(records, records["record"].isin(in_test).to_numpy())
    drawn = sample.table()["record"].to_numpy()
    for block in variants:
        yield block[np.isin(block["record"].to_numpy(), drawn)].reset_index(drop=True)
