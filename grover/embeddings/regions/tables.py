"""Tables with the rows of the table of regions, and checks that they are the same rows."""

from pathlib import Path

import numpy as np
import pandas as pd

from grover.embeddings.vectors import Embeddings
from grover.runtime.errors import InputError

REPEATS = "repeat_share"  # share of a region's bases in repeats, beside the tracks


def read_annotation(path: Path, regions: Path, number: int) -> pd.DataFrame:
    """Read the annotation of `number` regions; raises InputError where it has another number of rows."""
    table = pd.read_parquet(path)
    if table.columns.empty:
        # without a track, Parquet does not keep how many rows there were
        return table.reindex(range(number))
    if len(table) != number:
        raise InputError(
            f"{path} has {len(table):,} rows and {regions} has {number:,}; annotate the regions anew, so that their rows agree"
        )
    return table


def check_places(embeddings: Embeddings, table: pd.DataFrame, regions: Path) -> None:
    """Raise InputError where the vectors are not those of the regions (chrom, start, end), row by row."""
    names = ["chrom", "start", "end"]
    found = embeddings.regions()
    same = len(found) == len(table) and all((found[name].to_numpy() == table[name].to_numpy()).all() for name in names)
    if not same:
        raise InputError(
            f"{embeddings.paths[0]} and {regions} do not contain the same regions in the same order; embed the regions anew"
        )


def given_properties(table: pd.DataFrame, annotation: pd.DataFrame) -> pd.DataFrame:
    """Return GC content (`gc`) and, where it is known, the share of repeats (`repeats`) of each region, float64."""
    columns = {"gc": table["gc"]} | ({"repeats": annotation[REPEATS]} if REPEATS in annotation else {})
    return pd.DataFrame({name: values.to_numpy(np.float64) for name, values in columns.items()})
