"""Rows of a table of intervals in blocks of typed columns.

A file is read in blocks of a megabyte by pyarrow. From the first block that pyarrow refuses, or that contains a comment with as many
columns as a row, it is read line by line: the rows without comments are copied to a temporary file, and the first row that breaks a rule
raises an error. All rows have as many columns as the first. Whole numbers are written out in digits; decimal numbers may be missing.
"""

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from grover.intervals.lines import COMMENT, data_lines, fault, is_comment
from grover.runtime.files import is_gzip

MISSING = ("", ".", "NA", "N/A", "NaN", "nan", "NULL", "null")  # of columns of decimal numbers
TEXT, WHOLE, DECIMAL = pa.dictionary(pa.int32(), pa.string()), pa.int64(), pa.float64()
# how the numbers of a row are written: pyarrow takes all of these (and, beyond them, whole numbers like 0x1F or of 19 digits)
DECIMAL_TEXT = r"[+-]?(?i:inf(inity)?|nan|([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?)"
DECIMAL_TEXT = f"({'|'.join([DECIMAL_TEXT, *map(re.escape, MISSING)])})"
NUMBERS = {
    WHOLE: ("a whole number written out in digits", re.compile("-?0*[0-9]{1,18}")),
    DECIMAL: ("a number, or . where it is missing", re.compile(DECIMAL_TEXT)),
}

Block = dict[str, pa.Array]


@dataclass(frozen=True)
class Layout:
    """The columns of one file.

    names: of all columns, in their order. types: of those that are no text. computed: by the name of a column that the file does not
    have as such, those that it is made of, and how. header: line of the header, 0 without one.
    """

    names: list[str]
    types: Mapping[str, pa.DataType]
    computed: dict[str, tuple[list[str], Callable[[Block], pa.Array]]]
    header: int = 0


def typed_blocks(path: Path | str, layout: Layout, types: dict[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    """Yield the columns of the file in `types`; raise `InputError` at the first row that breaks a rule."""
    first, done = layout.names[0], 0
    read = {first: TEXT} | types
    # comments above the rows may have as many columns as these, as #CHROM in a VCF does
    begin = next((number for number, _ in data_lines(path) if number > layout.header), layout.header + 1)
    try:
        with _open_arrow(path) as stream, _parse(stream, layout.names, read, begin - 1) as blocks:
            for block in blocks:
                if _has_comment(block, first) or any(block[name].null_count for name in read if read[name] == WHOLE):
                    break
                yield block
                done += block.num_rows
            else:
                return
    except (pa.ArrowInvalid, OSError):
        pass  # what is wrong, if anything, is said below
    with tempfile.TemporaryFile() as rows:
        _write_rows(rows, path, layout, types, done)
        if rows.tell():
            rows.seek(0)
            yield from _parse(rows, list(types), types, 0)


def _parse(stream: BinaryIO, names: list[str], types: dict[str, pa.DataType], skip: int) -> pa.csv.CSVStreamingReader:
    read = pa.csv.ReadOptions(column_names=names, skip_rows=skip)
    parse = pa.csv.ParseOptions(
        delimiter="\t", quote_char=False, invalid_row_handler=lambda row: "skip" if is_comment(row.text) else "error"
    )
    convert = pa.csv.ConvertOptions(
        column_types=types, include_columns=list(types), strings_can_be_null=False, null_values=list(MISSING)
    )
    return pa.csv.open_csv(stream, read, parse, convert)


def _has_comment(block: pa.RecordBatch, first: str) -> bool:
    """True if a comment with as many columns as the rows may have been taken for a row, by the first column."""
    column = block[first]
    if not pa.types.is_dictionary(column.type):
        return False
    return bool(pc.any(pc.match_substring_regex(column.dictionary, COMMENT)).as_py())


def _write_rows(stream: BinaryIO, path: Path | str, layout: Layout, types: dict[str, pa.DataType], done: int) -> None:
    """Write the columns in `types` of the rows from number `done` on."""
    columns = len(layout.names)
    places = [(layout.names.index(name), name, kind) for name, kind in types.items()]
    rows = ((number, line) for number, line in data_lines(path) if number > layout.header)
    for number, line in islice(rows, done, None):
        fields = line.split("\t")
        if len(fields) != columns:
            raise fault(path, number, line, f"expected {columns} columns separated by tabs, found {len(fields)}")
        for place, name, kind in places:
            if kind in NUMBERS:
                fields[place] = fields[place].strip()
                expected, pattern = NUMBERS[kind]
                if not pattern.fullmatch(fields[place]):
                    raise fault(path, number, line, f"{name} must be {expected}, not {fields[place]!r}")
        stream.write("\t".join(fields[place] for place, _, _ in places).encode() + b"\n")


def _open_arrow(path: Path | str) -> pa.NativeFile:
    stream = pa.OSFile(str(path))
    return pa.CompressedInputStream(stream, "gzip") if is_gzip(path) else stream
