"""Rows of a table of intervals in blocks of typed columns.

A file is read in blocks of whole lines, a few megabytes each. pyarrow parses a block. A block that pyarrow refuses, or might read by other
rules than these, is parsed again without its comments, and then line by line. The first row that breaks a rule raises an error:

- All rows have as many columns as the first.
- Every row names its contig; blanks around the name do not belong to it.
- Whole numbers are written out in digits. Decimal numbers may be missing.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from grover.intervals.lines import COMMENT, FASTA, fault, is_comment, with_tabs
from grover.runtime.text import open_bytes

BLOCK = 1 << 22  # bytes
MISSING = ("", ".", "NA", "N/A", "NaN", "nan", "NULL", "null")  # of columns of decimal numbers
TEXT, WHOLE, DECIMAL = pa.dictionary(pa.int32(), pa.string()), pa.int64(), pa.float64()
# how the numbers of a row are written; pyarrow takes all of these, and some more
DIGITS = 18
DECIMAL_TEXT = r"[+-]?(?i:inf(inity)?|nan|([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?)"
DECIMAL_TEXT = f"({'|'.join([DECIMAL_TEXT, *map(re.escape, MISSING)])})"
NUMBERS = {
    WHOLE: ("a whole number, written out in digits", re.compile(rf"-?0*[0-9]{{1,{DIGITS}}}")),
    DECIMAL: ("a number, or . where it is missing", re.compile(DECIMAL_TEXT)),
}
MORE = (b"0x", b"0X", b"n(", b"N(")  # in what pyarrow alone takes: 0x1F, nan(7)
COMMENT_LINES = re.compile(rf"(?m){COMMENT}.*\n?".encode())
SEQUENCES = re.compile(rf"(?m)^{FASTA}\s*$".encode())

Block = dict[str, pa.Array]


@dataclass(frozen=True)
class Layout:
    """The columns of one file.

    names: of all columns, in their order.
    types: of those that are no text.
    computed: for a column that the file does not have as such, the columns that it is made of, and how.
    header: line of the header, 0 without one.
    split: how a line becomes the cells of these columns, where they are not separated by tabs; it raises ValueError, with the
    reason, for what is no row.
    """

    names: list[str]
    types: Mapping[str, pa.DataType]
    computed: dict[str, tuple[list[str], Callable[[Block], pa.Array]]]
    header: int = 0
    split: Callable[[str], list[str]] | None = None


def typed_blocks(path: Path | str, layout: Layout, types: dict[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    """Yield the columns of the file in `types`, chrom among them; raise `InputError` at the first row that breaks a rule."""
    for place, block in enumerate(_blocks_below(path, layout.header)):
        table = None if layout.split else _parse(block, layout.names, types)
        if table is None:
            found = SEQUENCES.search(block) if FASTA.encode() in block else None
            rows = block[: found.start()] if found else block
            # a comment may have as many columns as a row, and pyarrow takes it for one
            table = None if layout.split else _parse(COMMENT_LINES.sub(b"", rows), layout.names, types)
            if table is None:
                try:
                    table = _parse_lines(rows, layout, types)
                except _Wrong as wrong:
                    above = (block.count(b"\n") for block in islice(_blocks_below(path, layout.header), place))
                    raise fault(path, layout.header + sum(above) + wrong.line, wrong.text, wrong.reason) from None
            if found:
                yield from table.to_batches()
                return
        yield from table.to_batches()


def _blocks_below(path: Path | str, header: int) -> Iterator[bytes]:
    """Yield the whole lines below the header, some megabytes at a time."""
    with open_bytes(path) as stream:
        for _ in range(header):
            stream.readline()
        while block := stream.read(BLOCK):
            yield block + stream.readline()


def _parse(block: bytes, names: list[str], types: dict[str, pa.DataType]) -> pa.Table | None:
    """Return the columns of a block; None where pyarrow refuses a row or may have read one that breaks a rule."""
    read = {names[0]: TEXT} | types
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(block),
            pa.csv.ReadOptions(column_names=names, block_size=1 << 20),
            pa.csv.ParseOptions(delimiter="\t", quote_char=False),
            pa.csv.ConvertOptions(
                column_types=read, include_columns=list(read), strings_can_be_null=False, null_values=list(MISSING)
            ),
        )
    except pa.ArrowInvalid:
        return None
    if any(mark[1:] in block and mark in block for mark in MORE):
        return None
    whole = [table[name] for name, kind in read.items() if kind == WHOLE]
    if any(column.null_count or _extent(column) >= 10**DIGITS for column in whole):
        return None
    if read[names[0]] == TEXT and _any_matches(table[names[0]], COMMENT) or _any_matches(table["chrom"], "^$|^ | $"):
        return None
    return table.select(list(types))


def _extent(column: pa.ChunkedArray) -> int:
    """Largest distance of a whole number from 0."""
    found = pc.min_max(column).as_py()
    return max(-(found["min"] or 0), found["max"] or 0)


def _any_matches(column: pa.ChunkedArray, pattern: str) -> bool:
    return any(pc.any(pc.match_substring_regex(chunk.dictionary, pattern)).as_py() for chunk in column.chunks)


class _Wrong(Exception):
    """A row that breaks a rule. line: its number in the block, from 1."""

    def __init__(self, line: int, text: str, reason: str):
        self.line, self.text, self.reason = line, text, reason


def _parse_lines(block: bytes, layout: Layout, types: dict[str, pa.DataType]) -> pa.Table:
    """Return the columns of a block; raise `_Wrong` at the first row that breaks a rule."""
    places = [(layout.names.index(name), name, kind) for name, kind in types.items()]
    found: list[list[str | int | float | None]] = [[] for _ in places]
    for number, line in enumerate(block.decode().split("\n"), 1):
        if is_comment(line):
            continue
        try:
            cells = layout.split(line) if layout.split else with_tabs(line).split("\t")
            if len(cells) != len(layout.names):
                raise ValueError(f"expected {len(layout.names)} columns separated by tabs, found {len(cells)}")
            for values, (place, name, kind) in zip(found, places, strict=True):
                values.append(_value(name, kind, cells[place]))
        except ValueError as error:
            raise _Wrong(number, line, str(error)) from None
    columns = [
        pa.array(values, pa.string()).dictionary_encode() if kind == TEXT else pa.array(values, kind)
        for values, (_, _, kind) in zip(found, places, strict=True)
    ]
    return pa.table(columns, names=list(types))


def _value(name: str, kind: pa.DataType, cell: str) -> str | int | float | None:
    """Return what a cell says; raise ValueError where it breaks a rule."""
    if name == "chrom":
        cell = cell.strip(" ")
        if not cell:
            raise ValueError("the name of the contig is empty")
    if kind not in NUMBERS:
        return cell
    cell = cell.strip()
    expected, pattern = NUMBERS[kind]
    if not pattern.fullmatch(cell):
        raise ValueError(f"{name} must be {expected}, not {cell!r}")
    return int(cell) if kind == WHOLE else None if cell in MISSING else float(cell)
