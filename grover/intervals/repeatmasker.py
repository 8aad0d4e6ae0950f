"""Rows of RepeatMasker's own output, `.out`, in the columns of UCSC's table `rmsk`.

The columns are described in https://www.repeatmasker.org/webrepeatmaskerhelp.html and are converted as `hgLoadOut` of UCSC does. Shares in
percent become thousandths, bases left become negative, and C becomes the strand -. A class without a family is its own family.
"""

import re
from pathlib import Path

from grover.intervals.lines import data_lines

COLUMNS = 15  # a sixteenth, *, marks a row that overlaps a better one
TITLE = ("SW", "perc")  # the first words of the header, which has two lines
LEFT = re.compile(r"\([0-9]+\)")


def is_output(path: Path | str) -> bool:
    """Return True for RepeatMasker's own output, by its header or by its first row."""
    cells = next((line.split("\t") for _, line in data_lines(path)), [])
    return tuple(cells[:2]) == TITLE or _is_row(cells)


def end_of_header(path: Path | str) -> int:
    """Return the number of the last line above the rows; 0 where there is none."""
    last = 0
    for number, line in data_lines(path):
        if line.split("\t")[0] not in (TITLE[0], "score"):
            break
        last = number
    return last


def split(line: str) -> list[str]:
    """Return a row as the 17 columns of UCSC's table; raise ValueError for anything else."""
    cells = line.split()
    if not _is_row(cells):
        raise ValueError(f"expected the {COLUMNS} columns of RepeatMasker's output, separated by blanks")
    score, divergence, deleted, inserted, chrom, begin, end, left, strand, name, kind, *place, number = cells[:COLUMNS]
    start = str(int(begin) - 1) if begin.isdecimal() else begin
    kind, _, family = kind.partition("/")
    place = [_negative(cell) if LEFT.fullmatch(cell) else cell for cell in place]
    shares = [_thousandths(cell) for cell in (divergence, deleted, inserted)]
    place_of_match = [start, end, _negative(left), "-" if strand == "C" else strand]
    return ["", score, *shares, chrom, *place_of_match, name, kind, family or kind, *place, number]


def _is_row(cells: list[str]) -> bool:
    if len(cells) not in (COLUMNS, COLUMNS + 1):
        return False
    return cells[8] in ("+", "C") and LEFT.fullmatch(cells[7]) is not None


def _negative(left: str) -> str:
    return str(-int(left[1:-1]))


def _thousandths(cell: str) -> str:
    return str(round(10 * float(cell))) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", cell) else cell
