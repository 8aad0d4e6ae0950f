"""Means of a bigWig over regions, read from the file's own index: memory does not grow with the genome."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from grover.intervals.contigs import UNCHANGED, ContigNames, check_names
from grover.runtime.errors import InputError


def read_means(
    path: Path | str, regions: pd.DataFrame, lengths: dict[str, int], contigs: ContigNames = UNCHANGED
) -> np.ndarray:
    """Mean over the covered bases of each region (chrom, start, end), float64; NaN where none is covered.

    A base whose value is NaN or infinite is not covered. lengths: of the contigs of the assembly. Raises `InputError` where the file is
    no bigWig or is damaged, and where a contig has another name or another size than in the assembly.
    """
    means = np.full(len(regions), np.nan)
    with open(path, "rb") as stream:
        reader = _open(stream, path)
        theirs = check_contigs(reader.chroms(), lengths, path, contigs)
        with _damage_named(path):
            for i, (chrom, start, end) in enumerate(
                zip(regions["chrom"], regions["start"], regions["end"], strict=True)
            ):
                if chrom in theirs:
                    means[i] = _mean(reader, theirs[chrom], int(start), int(end))
    return means


def _mean(reader: Any, chrom: str, start: int, end: int) -> float:
    # exact: not from the coarse copies in the file; fillna said outright, since it has changed between versions
    mean = float(reader.values(chrom, start, end, bins=1, exact=True, fillna=np.nan)[0])
    if math.isfinite(mean):
        return mean
    # one NaN makes the library's mean NaN, although it lies on few of the bases
    total, covered = 0.0, 0
    for left, right, value in reader.records(chrom, start, end):
        if math.isfinite(value):
            total, covered = total + value * (right - left), covered + right - left
    return total / covered if covered else math.nan


def check_contigs(
    sizes: dict[str, int], lengths: dict[str, int], path: Path | str, contigs: ContigNames = UNCHANGED
) -> dict[str, str]:
    """Name in the file by name in the assembly, of the contigs that are read and in the file."""
    names = contigs.of(sizes)
    # by bases, since a file may list many contigs without a value
    check_names(dict(zip(names, sizes.values(), strict=True)), lengths, path, "bases")
    for name, size in zip(names, sizes.values(), strict=True):
        if lengths.get(name, 0) not in (0, size):
            raise InputError(
                f"{path} gives {name} {size:,} bases, the assembly has {lengths[name]:,}; give the bigWig of this assembly"
            )
    found: dict[str, str] = {}
    for name, theirs in zip(names, sizes, strict=True):
        if lengths.get(name, 0) > 0 and found.setdefault(name, theirs) != theirs:
            raise InputError(
                f"{path} has {found[name]!r} and {theirs!r}, which are both {name} of the assembly; give a bigWig with one of them"
            )
    return found


def _open(stream: BinaryIO, path: Path | str) -> Any:
    import pybigtools

    with _damage_named(path):
        # an open file, since of a path the library judges by the suffix
        reader = pybigtools.open(stream)
    if not reader.is_bigwig:
        raise InputError(f"{path} is a bigBed; give a bigWig, or the table that it was made of")
    return reader


@contextmanager
def _damage_named(path: Path | str) -> Iterator[None]:
    """Turn what the library raises for a damaged file into `InputError`; its panics are no `Exception`."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise InputError(f"{path} cannot be read as a bigWig ({error}); give a whole file of this format") from None
        raise
