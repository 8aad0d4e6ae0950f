"""Contigs of a table of intervals against those of the assembly: names and coordinates."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from grover.intervals.lines import refuse
from grover.intervals.overlaps import overlaps
from grover.runtime.errors import InputError

RENAMES = ("", "add-chr", "strip-chr")
PLACES = ["chrom", "start", "end"]


def check(
    table: pd.DataFrame, lengths: dict[str, int], path: Path | str, regions: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the rows of `table` on contigs of the assembly, after a check of names and coordinates.

    `lengths` maps contigs to lengths. Rows on other contigs are dropped as long as the names agree in style; `regions`
    keeps only the rows that overlap it. Raises `InputError` as `check_names` does, and at the first line whose start is negative or
    whose end is not after the start or lies beyond the contig.
    """
    codes, names = pd.factorize(table["chrom"])
    check_names(dict(zip(names, np.bincount(codes).tolist(), strict=True)), lengths, path)
    limits = np.array([lengths.get(name, -1) for name in names], np.int64)[codes]
    wrong = misplaced(table["start"].to_numpy(), table["end"].to_numpy(), limits)
    if wrong.any():
        chrom, start, end = table.iloc[wrong.argmax()][PLACES]
        reason = f"the end lies beyond {chrom} ({lengths.get(chrom, 0):,} bases); is this another assembly?"
        reason = "the end is not after the start" if end <= start else reason
        refuse(path, pd.Series(wrong, table.index), "the start is negative" if start < 0 else reason)
    table = table[limits >= 0]
    return table if regions is None else table[overlaps(table, regions)]


def check_names(rows_on: Mapping[str, int], lengths: Mapping[str, int], path: Path | str) -> None:
    """Raise `InputError` where the assembly has none of the contigs, or where `rename` would match more rows.

    rows_on: number of rows by contig.
    """
    if not rows_on:
        return
    names, rows = [*rows_on], [*rows_on.values()]
    matched = {
        rename: sum(n for name, n in zip(rename_contigs(names, rename), rows, strict=True) if name in lengths)
        for rename in RENAMES
    }
    best = max(matched, key=matched.__getitem__)
    if matched[best] > matched[""]:
        theirs = next(name for name in names if name not in lengths)
        raise InputError(
            f"{path} names its contigs like {theirs!r}, the assembly like {rename_contigs([theirs], best)[0]!r}; "
            f"set `rename: {best}` for this source to map them"
        )
    if not matched[""]:
        raise InputError(
            f"{path} lies on {some_of(names)}, none of which the assembly has ({some_of(lengths)}); "
            "give the annotation of this assembly"
        )


def rename_contigs(names: Iterable[str], rename: str) -> list[str]:
    """Return contig names as `rename`, one of `RENAMES`, writes them."""
    if rename == "add-chr":
        added = ["chr" + name.removeprefix("chr") for name in names]
        return ["chrM" if name == "chrMT" else name for name in added]
    if rename == "strip-chr":
        stripped = [name.removeprefix("chr") for name in names]
        return ["MT" if name == "M" else name for name in stripped]
    if rename:
        raise InputError(f"rename {rename!r} is unknown; use add-chr, strip-chr or leave it empty")
    return [*names]


def misplaced(starts: np.ndarray, ends: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Return True for rows with wrong coordinates; `limits` is -1 on unknown contigs."""
    return (starts < 0) | (ends <= starts) | ((limits >= 0) & (ends > limits))


def some_of(names: Iterable[str]) -> str:
    """Return the first five names in alphabetical order, as a text."""
    names = sorted(names)
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
