"""Contigs of a table of intervals against those of the assembly: names and coordinates."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from grover.intervals.lines import refuse
from grover.runtime.errors import InputError

RENAMES = ("", "add-chr", "strip-chr")
PLACES = ["chrom", "start", "end"]


@dataclass(frozen=True)
class ContigNames:
    """How the contig names of a file become those of the assembly.

    rename: one of `RENAMES`; aliases: the assembly's name of every name that a contig is known by, its own among them.
    """

    rename: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.rename not in RENAMES:
            raise InputError(f"rename {self.rename!r} is unknown; use add-chr, strip-chr or leave it empty")

    def of(self, names: Iterable[str]) -> list[str]:
        """Return the assembly's name of each: by its aliases, else by `rename`. A name that the assembly has stays."""
        return [self.aliases.get(name) or self._renamed(name) for name in names]

    def candidates(self, name: str) -> list[str]:
        """Return all names that `of` may give a contig, whatever contigs the assembly has."""
        return list(dict.fromkeys([name, *_styled(name, self.rename)]))

    def _renamed(self, name: str) -> str:
        if not self.rename:
            return name
        renamed = _styled(name, self.rename)
        return next((self.aliases[other] for other in renamed if other in self.aliases), renamed[0])


UNCHANGED = ContigNames()


@dataclass(frozen=True)
class Contigs:
    """Contigs of an assembly.

    lengths: of those that are read, and 0 for one that is known but left out. aliases: as `ContigNames` has them.
    """

    lengths: dict[str, int]
    aliases: dict[str, str]

    def names(self, rename: str = "") -> ContigNames:
        """Return how the contig names of a source become these."""
        return ContigNames(rename, self.aliases)

    def names_of(self, sources: Iterable[str], renames: Mapping[str, str]) -> dict[str, ContigNames]:
        """Return how the contig names of each source become these; `renames` has those sources that have a `rename`."""
        return {source: self.names(renames.get(source, "")) for source in sources}


def check(table: pd.DataFrame, lengths: Mapping[str, int], path: Path | str) -> pd.DataFrame:
    """Return the rows of `table` on contigs that are read, after a check of names and coordinates.

    `lengths` is as `Contigs` has it. Rows on other contigs are dropped. Raises `InputError` as `check_names` does. Also raises it at the
    first line with a negative start, an end not after the start, or an end beyond the contig.
    """
    codes, names = pd.factorize(table["chrom"])
    check_names(dict(zip(names, np.bincount(codes).tolist(), strict=True)), lengths, path)
    limits = limits_of(names, lengths)[codes]
    wrong = misplaced(table["start"].to_numpy(), table["end"].to_numpy(), limits)
    if wrong.any():
        chrom, start, end = table.iloc[wrong.argmax()][PLACES]
        reason = f"the end lies beyond {chrom} ({lengths.get(chrom, 0):,} bases); is this another assembly?"
        reason = "the end is not after the start" if end <= start else reason
        refuse(path, pd.Series(wrong, table.index), "the start is negative" if start < 0 else reason)
    return table[limits > 0]


def check_names(rows_on: Mapping[str, int], lengths: Mapping[str, int], path: Path | str, unit: str = "rows") -> None:
    """Raise `InputError` where more than half of the rows are on contigs unknown to the assembly, or `rename` would match more of them.

    rows_on: number of rows, or of another unit, by contig; lengths: as `Contigs` has them.
    """
    unknown = [name for name in rows_on if name not in lengths]
    if not unknown:
        return
    own = {name: name for name in lengths}
    gained = {
        rename: sum(
            rows_on[name]
            for name, renamed in zip(unknown, ContigNames(rename, own).of(unknown), strict=True)
            if lengths.get(renamed, 0) > 0
        )
        for rename in RENAMES
    }
    best = max(gained, key=gained.__getitem__)
    if gained[best]:
        theirs = next(name for name in unknown if ContigNames(best, own).of([name])[0] in lengths)
        raise InputError(
            f"{path} names its contigs like {theirs!r}, the assembly like {ContigNames(best, own).of([theirs])[0]!r}; "
            f"set `rename: {best}` for this source to map them"
        )
    rows, lost = sum(rows_on.values()), sum(rows_on[name] for name in unknown)
    if 2 * lost > rows:
        unknown = sorted(unknown, key=rows_on.__getitem__, reverse=True)
        what = "none of which the assembly has" if lost == rows else "which the assembly does not have"
        raise InputError(
            f"{path} has {lost:,} of its {rows:,} {unit} on {some_of(unknown)}, {what} ({some_of(lengths)}); give the annotation of this "
            "assembly or a table of contig names as `genome.aliases`; for a FASTA of a part of it, give "
            "all contig lengths as `genome.sizes`"
        )


def limits_of(names: Iterable[str], lengths: Mapping[str, int]) -> np.ndarray:
    """Return the length of each contig, int64; 0 for one that is unknown or left out."""
    return np.array([lengths.get(name, 0) for name in names], np.int64)


def misplaced(starts: np.ndarray, ends: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Return True for rows with wrong coordinates; `limits` is 0 on contigs that are not read, of which the length does not count."""
    return (starts < 0) | (ends <= starts) | ((limits > 0) & (ends > limits))


def _styled(name: str, rename: str) -> list[str]:
    """Return the names that a contig may have in the style of `rename`, the likely one first."""
    bare = name.removeprefix("chr")
    if rename == "add-chr":
        return ["chrM", "chrMT"] if bare in ("M", "MT") else [f"chr{bare}"]
    if rename == "strip-chr":
        return ["MT", "M"] if bare in ("M", "MT") else [bare]
    return [name]


def some_of(names: Iterable[str]) -> str:
    """Return the first five names as a text."""
    names = list(names)
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
