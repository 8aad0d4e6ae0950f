"""Lines of tables of intervals: which of them are comments, how they are counted, and the errors that name them.

- A file is plain or compressed, in any encoding that `grover.runtime.text` opens.
- A comment is a line that begins with `#`, a line whose first word is `track` or `browser`, or a blank line.
- Lines are counted from 1, comments included.
- `##FASTA` ends the rows, as GFF3 has it; sequences follow.
- Columns are separated by tabs, or by blanks in a line without a tab.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import pandas as pd

from grover.runtime.errors import InputError
from grover.runtime.text import open_text

COMMENT = r"^(#|[ \t]*((track|browser)([ \t]|$)|$))"  # of a line, for Python and for pyarrow

FASTA = "##FASTA"


def is_comment(line: str) -> bool:
    """Return True for a comment, a `track` or `browser` line, or a blank line."""
    return re.match(COMMENT, line) is not None


def data_lines(path: Path | str) -> Iterator[tuple[int, str]]:
    """Yield number (from 1) and text of each line that is no comment, with tabs for blanks where it has no tab.

    Raises `InputError` where the file cannot be read.
    """
    for number, line in _lines(path):
        if line.rstrip() == FASTA:
            return
        if not is_comment(line):
            yield number, with_tabs(line)


def with_tabs(line: str) -> str:
    """Return a row with tabs between its columns."""
    return line if "\t" in line else "\t".join(re.findall("[^ ]+", line))


def _lines(path: Path | str) -> Iterator[tuple[int, str]]:
    with open_text(path) as stream:
        for number, line in enumerate(stream, start=1):
            yield number, line.rstrip("\n")


def fault(path: Path | str, number: int, line: str, reason: str) -> InputError:
    """Return the error for a line, which it names and quotes."""
    shown = f" ({line[:80]})".replace("\t", " ") if line else ""
    return InputError(f"{path}, line {number}: {reason}{shown}")


def refuse(path: Path | str, wrong: pd.Series, reason: str) -> None:
    """Raise `InputError`, naming the line, at the first row where `wrong` is true; its index is that of the reader."""
    if wrong.any():
        number, line = next(islice(data_lines(path), int(wrong.index[wrong.to_numpy().argmax()]), None))
        raise fault(path, number, line, reason)


def find_header(path: Path | str, columns: Iterable[str]) -> tuple[int, list[str]] | None:
    """Return line and names of a header that has these columns, or None.

    It is the first line that is no comment, or a comment with one # above it.
    """
    for number, line in _lines(path):
        names = line.removeprefix("#").strip(" ").split("\t")
        if {*columns} <= {*names}:
            return number, names
        if not is_comment(line):
            return None
    return None


def rows_below_header(path: Path | str, columns: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield what `data_lines` does, without a header that has these columns."""
    header = find_header(path, columns)
    first = header[0] + 1 if header else 0
    return ((number, line) for number, line in data_lines(path) if number >= first)


def columns_of_first_row(path: Path | str) -> int:
    """Return how many columns the first row has; 0 without rows."""
    return next((line.count("\t") + 1 for _, line in data_lines(path)), 0)
