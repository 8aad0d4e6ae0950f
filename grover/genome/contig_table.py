"""The contigs of an assembly: their lengths in a table of the user, and `contigs.tsv`, which says what is known of each."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from grover.genome.aliases import Synonyms
from grover.intervals.contigs import Contigs, some_of
from grover.intervals.lines import data_lines, fault
from grover.runtime.errors import InputError
from grover.runtime.files import atomic

COUNTS = ("kept", "segments", "not_acgt", "too_short", "outside_regions")
READ = ("kept", "empty")  # status of contigs that are read
ABSENT = "not in the FASTA"


def row(name: str, length: int, status: str, counts: dict[str, int] | None = None) -> dict[str, Any]:
    """Return a row of the table without aliases."""
    return {"contig": name, "length": length, **dict.fromkeys(COUNTS, 0), **(counts or {}), "status": status}


def with_aliases(rows: dict[str, dict[str, Any]], synonyms: Synonyms, sizes: dict[str, int]) -> pd.DataFrame:
    """Return the table of the contigs in `rows`, by name, with their aliases, and of those that only `synonyms` or `sizes` know."""
    rows = dict(rows)
    named = {other for name in rows for other in synonyms.of(name)}
    for names in [*synonyms.groups, *map(synonyms.of, sizes)]:
        if not named & {*names}:
            named |= {*names}
            length = next((sizes[name] for name in names if name in sizes), 0)
            rows[names[0]] = row(names[0], length, ABSENT)
    aliases = [",".join(other for other in synonyms.of(name) if other != name) for name in rows]
    return pd.DataFrame(rows.values()).assign(aliases=aliases)


def write_contig_table(path: Path, table: pd.DataFrame) -> None:
    """Write `contigs.tsv`; a name with a quote is written as it is."""
    with atomic(path) as temporary:
        table.to_csv(temporary, sep="\t", index=False, quoting=csv.QUOTE_NONE)


def read_contig_table(path: Path | str) -> Contigs:
    """Read the contigs of the assembly from `contigs.tsv`."""
    return contigs_of(read_rows(path))


def read_rows(path: Path | str) -> pd.DataFrame:
    """Read `contigs.tsv` as the table that `encode_genome` wrote; names such as `NA`, `1` or one with a quote stay texts.

    A table of an earlier version has no aliases.
    """
    types = {"contig": str, "aliases": str, "status": str}
    table = pd.read_csv(path, sep="\t", dtype=types, keep_default_na=False, quoting=csv.QUOTE_NONE)
    return table if "aliases" in table else table.assign(aliases="")


def contigs_of(table: pd.DataFrame) -> Contigs:
    """Return the contigs of the table, with the names that they are known by."""
    lengths = table["length"].where(table["status"].isin(READ), 0)
    aliases = {name: name for name in table["contig"]}
    for name, others in zip(table["contig"], table["aliases"], strict=True):
        if others:
            aliases |= dict.fromkeys(others.split(","), name)
    return Contigs(dict(zip(table["contig"], lengths.tolist(), strict=True)), aliases)


def read_sizes(path: Path | str) -> dict[str, int]:
    """Read lengths of contigs: the first two columns of UCSC's `chrom.sizes`, of a `.fai`, or of a table with a header."""
    sizes: dict[str, int] = {}
    for number, line in data_lines(path):
        name, length, *_ = [*line.split("\t"), ""]
        if not sizes and length.strip().isalpha():
            continue  # a header
        if not (length.strip().isascii() and length.strip().isdigit() and int(length) > 0):
            raise fault(path, number, line, "expected a contig and its length in bases, separated by a tab")
        if sizes.setdefault(name, int(length)) != int(length):
            raise fault(path, number, line, f"another row gives {name} {sizes[name]:,} bases; remove one of the two")
    if not sizes:
        raise InputError(f"{path} has no contig and length; give a chrom.sizes or .fai of the assembly")
    return sizes


def check_sizes(sizes: dict[str, int], contigs: Iterable[str], synonyms: Synonyms, path: Path | str) -> None:
    """Raise `InputError` where a table of lengths has none of the contigs of the FASTA."""
    contigs = [*contigs]
    if not any(name in sizes for contig in contigs for name in synonyms.of(contig)):
        raise InputError(
            f"{path} has the contigs {some_of(sizes)}, none of which the FASTA has ({some_of(contigs)}); give the lengths of this assembly"
        )
