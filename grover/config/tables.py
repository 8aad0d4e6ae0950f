"""Reading TSV tables whose columns are known."""

import csv
import re
from pathlib import Path

from grover.runtime.errors import InputError
from grover.runtime.text import open_text


def numbered_lines(path: Path) -> list[tuple[int, str]]:
    """Return the lines of a table with their numbers from 1, without comments and empty ones."""
    with open_text(path) as stream:
        lines = [line.rstrip("\n") for line in stream]
    return [(number, line) for number, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]


def read_table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a small table with tabs and a header, by column; nothing is checked."""
    return list(csv.DictReader((line for _, line in numbered_lines(path)), delimiter="\t"))


def read_rows(
    path: Path | str, columns: dict[str, str], optional: dict[str, str] | None = None
) -> list[dict[str, str]]:
    """Return the rows of a TSV table with a header; lines that start with # are comments.

    columns: name and a regular expression that each value must match; `optional` ones may follow them. Raises InputError, naming
    file, line and column.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; a table with the columns {', '.join(columns)} was expected")
    lines = [(number, line.split("\t")) for number, line in numbered_lines(path)]
    if lines and lines[0][1] == [*columns, *(optional or {})]:
        columns = columns | (optional or {})
    if not lines or lines[0][1] != list(columns):
        found = "\t".join(lines[0][1]) if lines else "nothing"
        raise InputError(f"{path}: the header must be {' '.join(columns)} (separated by tabs), found {found!r}")
    rows = []
    for number, values in lines[1:]:
        if len(values) != len(columns):
            raise InputError(
                f"{path}, line {number}: {len(columns)} columns were expected ({', '.join(columns)}), between tabs, found {len(values)}"
            )
        row = dict(zip(columns, values, strict=True))
        for name, pattern in columns.items():
            if not re.fullmatch(pattern, row[name]):
                raise InputError(
                    f"{path}, line {number}: {name} is {row[name]!r}, but something like {pattern} was expected"
                )
        rows.append(row)
    return rows
