"""The table of tracks: one row makes an annotation track of the regions.

Read when the workflow is put together, so that a mistake in a row is known before the first job.
"""

import re
from pathlib import Path

from grover.config.tables import numbered_lines, read_rows
from grover.runtime.errors import InputError

KINDS = ("category", "presence", "quantity", "strand")
FORMATS = ("rmsk", "bed", "narrowPeak", "gtf", "tss", "bedgraph", "bigwig", "table")
STRANDED = ("rmsk", "bed", "narrowPeak", "gtf", "tss", "table")
NUMBERED = ("bedgraph", "bigwig")  # whose numbers need no name
RESERVED = ("gc", "repeat_share")
ALL = "-"
COLUMNS = {
    "track": "[A-Za-z0-9_]+",
    "source": "[a-z][a-z0-9_]*",
    "format": "|".join(FORMATS),
    "kind": "|".join(KINDS),
    "column": r"\S+",
}
OPTIONAL = {"where": ".+"}
WHERE = r"(\w+)=([^|]+(?:\|[^|]+)*)"


def read_track_rows(path: Path | str) -> list[dict[str, str]]:
    """Rows of the table of tracks: track, source, format, kind, column (`-`: none), where (`-`: all rows of the source).

    `where` may be absent from the table. Raises `InputError`, naming file, line and what was expected.
    """
    path = Path(path)
    rows = read_rows(path, COLUMNS, OPTIONAL)
    numbers = [number for number, _ in numbered_lines(path)]
    names = set()
    for number, row in zip(numbers[1:], rows, strict=True):
        row.setdefault("where", ALL)
        fault = _fault(row)
        if row["track"] in names:
            fault = f"track {row['track']} stands there twice; names must be unique"
        if fault:
            raise InputError(f"{path}, line {number}: {fault}")
        names.add(row["track"])
    return rows


def selection(where: str) -> tuple[str, list[str]]:
    """Column and values of a `where` that is not `-`."""
    column, _, values = where.partition("=")
    return column, values.split("|")


def _fault(row: dict[str, str]) -> str:
    """What is wrong with a row whose values each have the right form; empty where nothing is."""
    name, kind, form = row["track"], row["kind"], row["format"]
    if name in RESERVED:
        return f"the name {name} is taken by a column that every annotation has; give the track another name"
    if row["where"] != ALL and not re.fullmatch(WHERE, row["where"]):
        return (
            f"where is {row['where']!r}; expected - for all rows, or COLUMN=VALUE with further values behind |, such as "
            "class=LINE|SINE"
        )
    if form == "bigwig" and (kind != "quantity" or {row["where"], row["column"]} != {ALL}):
        return f"a bigWig holds numbers alone; track {name} must be of kind quantity with - under column and where"
    named = row["where"].partition("=")[0]
    if {named, row["column"]} & {"start", "end"} or (kind == "quantity" and row["column"] == "chrom"):
        return f"chrom, start and end are where track {name} lies; name another column (chrom may be a category or stand under where)"
    if kind == "strand" and form not in STRANDED:
        return f"{form} has no strand; track {name} of kind strand needs one of {', '.join(STRANDED)}"
    if row["column"] == ALL and (kind == "category" or (kind == "quantity" and form not in NUMBERED)):
        return f"track {name} of kind {kind} needs the name of a column of its source under column, found -"
    return ""
