"""Other names of the contigs of an assembly, from a chromAlias table of UCSC or an assembly report of NCBI."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from grover.intervals.contigs import some_of
from grover.intervals.lines import fault
from grover.runtime.errors import InputError
from grover.runtime.text import open_text

# Columns of an assembly report with names. The molecule names its scaffolds too, so it counts only where it is the sequence.
REPORT = ("Sequence-Name", "GenBank-Accn", "RefSeq-Accn", "UCSC-style-name")
MOLECULE, ROLE, WHOLE = "Assigned-Molecule", "Sequence-Role", "assembled-molecule"
ABSENT = ("", "na")
SOURCES = {"assembly", "ensembl", "genbank", "refseq", "ncbi", "ucsc", "flybase", "wormbase", "sgd", "insdc"}

Row = tuple[int, list[str]]


class Synonyms:
    """Names in groups, each of one contig."""

    def __init__(self, groups: Iterable[tuple[str, ...]] = ()):
        self.groups = [*groups]
        self._group = {name: group for group in self.groups for name in group}

    def of(self, name: str) -> tuple[str, ...]:
        """Return all names of the contig that has this name, itself among them."""
        return self._group.get(name, (name,))


def read_aliases(path: Path) -> Synonyms:
    """Read a chromAlias table or an assembly report.

    A chromAlias table has a row for each contig, whose columns are its names, or rows of alias, contig and source of the alias. Raises
    `InputError` at a row that is malformed, or that gives a name of another contig.
    """
    header, rows = _read(path)
    if header and header[0] == REPORT[0]:
        found: Iterable[Row] = _of_report(path, header, rows)
    elif _is_long(header, rows):
        found = _of_pairs(path, header or ["alias", "chrom", "source"], rows)
    else:
        found = _of_rows(path, rows)
    groups: dict[int, tuple[str, ...]] = {}
    first: dict[str, int] = {}
    for number, names in found:
        groups[number] = tuple(dict.fromkeys(names))
        for name in groups[number]:
            if first.setdefault(name, number) != number:
                raise fault(
                    path,
                    number,
                    "",
                    f"{name!r} is a name of the contig of line {first[name]} too; remove one of the rows",
                )
    return Synonyms(groups.values())


def check_synonyms(synonyms: Synonyms, contigs: Iterable[str], path: Path | str) -> None:
    """Raise `InputError` where the table contains none of the contigs of the FASTA, or one name for two of them."""
    contigs = dict.fromkeys(contigs)
    known = 0
    for group in synonyms.groups:
        ours = [name for name in group if name in contigs]
        known += len(ours)
        if len(ours) > 1:
            raise InputError(
                f"{path}: {ours[0]!r} and {ours[1]!r} are names of one contig, but the FASTA holds both; correct the table"
            )
    if not known:
        theirs = [name for group in synonyms.groups for name in group]
        raise InputError(
            f"{path} has the names {some_of(theirs)}, none of which the FASTA has ({some_of(contigs)}); give the table of this assembly"
        )


def _read(path: Path) -> tuple[list[str], list[Row]]:
    """Return the last comment above the rows, in columns, and the rows with their line numbers."""
    header: list[str] = []
    rows: list[Row] = []
    with open_text(path) as stream:
        for number, line in enumerate(stream, start=1):
            fields = [field.strip() for field in line.rstrip("\n").split("\t")]
            if not line.startswith("#") and any(fields):
                if len(fields) < 2:
                    raise fault(path, number, line.strip(), "expected names of a contig separated by tabs")
                rows.append((number, fields))
            elif line.startswith("#") and not rows:
                header = [fields[0].lstrip("# "), *fields[1:]]
    if not rows:
        raise InputError(f"{path} has no row; give a chromAlias table of UCSC or an assembly report of NCBI")
    return header, rows


def _of_report(path: Path, header: list[str], rows: list[Row]) -> Iterator[Row]:
    places = {name: header.index(name) for name in (*REPORT, MOLECULE, ROLE) if name in header}
    table = []
    for number, fields in rows:
        if len(fields) != len(header):
            raise fault(
                path, number, fields[0], f"expected {len(header)} columns separated by tabs, found {len(fields)}"
            )
        table.append((number, {name: fields[place] for name, place in places.items()}))
    molecules = Counter(row.get(MOLECULE) for _, row in table if row.get(ROLE, WHOLE) == WHOLE)
    sequences = Counter(row.get(REPORT[0]) for _, row in table)
    for number, row in table:
        names = [row.get(name, "") for name in REPORT]
        if sequences[names[0]] > 1:  # `ANONYMOUS`, which each replicon of a bacterium may be called
            names[0] = ""
        if row.get(ROLE, WHOLE) == WHOLE and molecules[row.get(MOLECULE)] == 1:
            names.append(row.get(MOLECULE, ""))
        yield number, [name for name in names if name not in ABSENT]


def _is_long(header: list[str], rows: list[Row]) -> bool:
    """True for a table of alias, contig and source of the alias, as UCSC's database has it."""
    if {"alias", "chrom"} <= {*header}:
        return True
    return all(len(fields) == 3 and {*fields[2].lower().split(",")} <= SOURCES for _, fields in rows)


def _of_pairs(path: Path, header: list[str], rows: list[Row]) -> list[Row]:
    alias, contig = header.index("alias"), header.index("chrom")
    found: dict[str, Row] = {}
    for number, fields in rows:
        if len(fields) <= max(alias, contig) or not fields[alias] or not fields[contig]:
            raise fault(path, number, " ".join(fields), "expected an alias and a contig separated by a tab")
        found.setdefault(fields[contig], (number, [fields[contig]]))[1].append(fields[alias])
    return [*found.values()]


def _of_rows(path: Path, rows: list[Row]) -> Iterator[Row]:
    for number, fields in rows:
        # a cell may have several names
        yield number, [name for field in fields for name in field.split(",") if name not in ABSENT]
