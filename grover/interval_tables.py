"""Annotation of a whole genome in little memory: the rows of a table of intervals with only the columns that are asked for.

A file is read in blocks; of each block coordinates stay as whole numbers of 4 bytes where they fit and texts as codes. A file with comments
between its rows, or blanks for tabs, is read once more without them, and what is wrong with a file is said by the readers of
`grover.intervals`, which read it again for that.
"""

import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from grover.errors import InputError
from grover.files import is_gzip, open_text
from grover.intervals import (
    BED,
    BEDGRAPH,
    COMMENTS,
    GTF,
    NARROWPEAK,
    READERS,
    RMSK,
    TRUNCATED,
    check,
    columns_of_first_row,
    data_lines,
    rename_contigs,
)

PLACES = ["chrom", "start", "end"]
GTF_COLUMNS = [*PLACES, "feature", "strand", "gene_id", "gene_name", "transcript_id"]
MISSING = ["", ".", "NA", "NaN", "nan"]  # of columns of numbers
LAID_OUT = {"bed": BED, "narrowPeak": NARROWPEAK, "bedgraph": BEDGRAPH, "rmsk": RMSK, "gtf": GTF}


def read_table(path: Path | str, rename: str = "") -> pd.DataFrame:
    """A tab-separated table whose header holds chrom, start and end: these first, then its other columns as text.

    Coordinates are 0-based half-open; the header may begin with #. Raises `InputError`, naming the line.
    """
    names, before = _header(path)
    try:
        with _open(path) as stream:
            table = pa.csv.read_csv(stream, *_options(names, names, (), before)).to_pandas()
    except OSError:
        raise InputError(TRUNCATED.format(path)) from None
    except pa.ArrowInvalid:
        raise _fault(path, names, before) from None
    table = table.astype(dict.fromkeys(names, "str") | {"start": "int64", "end": "int64"})
    # an index that counts rows as `check` counts lines, to which a header without # is one
    table.index += before - _comments(path, before)
    return table.assign(chrom=rename_contigs(table["chrom"], rename))[_places_first(names)]


def columns_of(path: Path | str, form: str) -> list[str]:
    """Names of the columns of a file in one of the formats of the readers, or `table`."""
    if form == "table":
        return _places_first(_header(path)[0])
    if form == "gtf":
        return GTF_COLUMNS
    if form != "bed":
        return _places_first(LAID_OUT[form])
    return BED[: max(3, columns_of_first_row(path) or len(BED))]


def read_columns(
    path: Path | str,
    form: str,
    lengths: dict[str, int],
    rename: str = "",
    text: Iterable[str] = (),
    numbers: Iterable[str] = (),
) -> pd.DataFrame:
    """The rows on contigs of the assembly: chrom and the columns `text` as categories, start and end (int32 where they fit), and
    the columns `numbers` as float64, NaN where there is none.

    lengths: of the contigs of the assembly. Raises `InputError` as the reader of the format and `grover.intervals.check` do.
    """
    path, text, numbers = Path(path), [*dict.fromkeys(text)], [*dict.fromkeys(numbers)]
    text = [name for name in text if name != "chrom"]  # which is read anyway
    if form == "table":
        names, before = _header(path)
    else:
        names, before = list(LAID_OUT[form]), 0
        present = columns_of_first_row(path) or len(names)
        if form == "bed" or present > len(names):
            names = [*names[:present], *(f"more{i}" for i in range(present - len(names)))]
    wanted = [*PLACES, *text, *numbers]
    table = None
    if {*wanted} <= {*names}:
        first = 1 if form == "gtf" else 0
        try:
            with _open(path) as stream:
                blocks = pa.csv.open_csv(stream, *_options(names, wanted, numbers, before))
                table = _gather(blocks, first, path, lengths, rename, text, numbers)
        except (pa.ArrowInvalid, OSError):
            table = None
        if table is not None:
            return table
        table = _read_rows(path, names, wanted, before, first, lengths, rename)
    if table is None:
        # something is wrong, which the reader says; or a column is made of the attributes of a GTF
        table = check((READERS | {"table": read_table})[form](path, rename=rename), lengths, path)
        table = table.astype(dict.fromkeys(["chrom", *text], "category")).reset_index(drop=True)
    try:
        return table[wanted].assign(**{name: to_numbers(table, name) for name in numbers})
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def to_numbers(table: pd.DataFrame, name: str) -> pd.Series:
    """A column as float64; raises `InputError` where a text is neither a number nor a sign for a missing one."""
    column = table[name]
    if pd.api.types.is_float_dtype(column):
        return column
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(str)
    values = pd.to_numeric(column, errors="coerce").astype("float64")
    wrong = values.isna() & column.notna() & ~column.isin(MISSING)
    if wrong.any():
        row = table[wrong].iloc[0]
        raise InputError(f"{name} must be a number, not {row[name]!r}, at {row['chrom']}:{row['start']}-{row['end']}")
    return values


def _read_rows(path, names, wanted, before, first, lengths, rename) -> pd.DataFrame | None:
    """The rows of a file alone, without comments and separated by tabs, with all columns but start and end as texts; None where a row
    does not fit."""
    with tempfile.TemporaryFile() as rows:
        for number, line in data_lines(path):
            if number > before:
                rows.write(line.encode() + b"\n")
        empty = not rows.tell()
        rows.seek(0)
        try:
            blocks = [] if empty else pa.csv.open_csv(rows, *_options(names, wanted, (), 0))
            return _gather(blocks, first, path, lengths, rename, [name for name in wanted if name not in PLACES], [])
        except pa.ArrowInvalid:
            return None


def _gather(blocks, first, path, lengths, rename, text, numbers) -> pd.DataFrame | None:
    """The rows of blocks on contigs of the assembly, or None where a row does not fit; `first` is the number of the first base."""
    contigs, codes = (
        _Codes(lambda name: rename_contigs(pd.Series([name]), rename)[0]),
        {name: _Codes() for name in text},
    )
    found: dict[str, list[np.ndarray]] = {name: [] for name in [*PLACES, *text, *numbers]}
    for block in blocks:
        if block["start"].null_count or block["end"].null_count:
            return None
        start, end = block["start"].to_numpy() - first, block["end"].to_numpy()
        chrom = contigs.encode(block["chrom"])
        limit = np.array([lengths.get(name, -1) for name in contigs.values])[chrom]
        known = limit >= 0
        if ((start < 0) | (end <= start) | (known & (end > limit))).any():
            return None
        columns = {"chrom": chrom, "start": _narrow(start), "end": _narrow(end)}
        columns |= {name: codes[name].encode(block[name]) for name in text}
        columns |= {name: block[name].to_numpy(zero_copy_only=False) for name in numbers}
        for name, values in columns.items():
            found[name].append(values if known.all() else values[known])
    if contigs.values:
        check(pd.DataFrame({"chrom": contigs.values, "start": 0, "end": 1}), lengths, path)
    columns = {}
    for name in list(found):
        kind = np.float64 if name in numbers else np.int8
        values = np.concatenate(found.pop(name) or [np.zeros(0, kind)])
        made = contigs if name == "chrom" else codes.get(name)
        columns[name] = pd.Categorical.from_codes(values, made.values) if made else values
    return pd.DataFrame(columns, copy=False)


class _Codes:
    """Numbers for texts in the order in which they come; `change` is applied to each."""

    def __init__(self, change=str):
        self.change, self.known, self.values, self._number = change, {}, [], {}

    def encode(self, column: pa.DictionaryArray) -> np.ndarray:
        """Codes of a block's texts, int16 or int32."""
        table = np.zeros(max(1, len(column.dictionary)), np.int32)
        for i, text in enumerate(column.dictionary.to_pylist()):
            if text not in self.known:
                value = self.change(text)
                self.known[text] = self._number.setdefault(value, len(self._number))
                if len(self._number) > len(self.values):
                    self.values.append(value)
            table[i] = self.known[text]
        kind = np.int16 if len(self.values) < 1 << 15 else np.int32
        return table.astype(kind)[column.indices.to_numpy()]


def _narrow(values: np.ndarray) -> np.ndarray:
    return values.astype(np.int32) if not values.size or values.max() < 1 << 31 else values


def _options(names: list[str], wanted: list[str], numbers: Iterable[str], before: int) -> tuple:
    types = dict.fromkeys(wanted, pa.dictionary(pa.int32(), pa.string()))
    types |= {"start": pa.int64(), "end": pa.int64()} | dict.fromkeys(numbers, pa.float64())
    rows = pa.csv.ParseOptions(
        delimiter="\t",
        quote_char=False,
        invalid_row_handler=lambda row: "skip" if row.text.startswith(COMMENTS) else "error",
    )
    convert = pa.csv.ConvertOptions(
        column_types=types, include_columns=wanted, strings_can_be_null=False, null_values=MISSING
    )
    return pa.csv.ReadOptions(column_names=names, skip_rows=before), rows, convert


def _open(path: Path | str):
    stream = pa.OSFile(str(path))
    return pa.CompressedInputStream(stream, "gzip") if is_gzip(path) else stream


def _lines(path: Path | str):
    try:
        with open_text(path) as stream:
            yield from enumerate(stream, start=1)
    except (EOFError, zlib.error):
        raise InputError(TRUNCATED.format(path)) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None


def _header(path: Path | str) -> tuple[list[str], int]:
    """Names of the columns of a table, and the number of lines up to them."""
    number, line = next(((i, line) for i, line in _lines(path) if line.strip() and not line.startswith("##")), (1, ""))
    names = line.lstrip("#").strip("\r\n ").split("\t")
    if not {*PLACES} <= {*names}:
        raise InputError(
            f"{path}, line {number}: expected a header with the columns chrom, start, end and others, separated by tabs, "
            f"found {line.strip()[:80]!r}"
        )
    return names, number


def _comments(path: Path | str, before: int) -> int:
    """How many of the first `before` lines are blank or comments."""
    first = (line for number, line in _lines(path) if number <= before)
    return sum(1 for line in first if not line.strip() or line.startswith(COMMENTS))


def _places_first(names: list[str]) -> list[str]:
    return [*PLACES, *(name for name in names if name not in PLACES)]


def _fault(path: Path | str, names: list[str], before: int) -> InputError:
    """What is wrong with a table that cannot be read."""
    for number, line in _lines(path):
        fields = line.rstrip("\r\n").split("\t")
        if number <= before or not line.strip() or line.startswith(COMMENTS):
            continue
        if len(fields) != len(names):
            return InputError(
                f"{path}, line {number}: expected {len(names)} columns separated by tabs, as the header has, found {len(fields)}"
            )
        for name in ("start", "end"):
            value = fields[names.index(name)]
            if not value.lstrip("-").isdigit():
                return InputError(f"{path}, line {number}: {name} must be a whole number, not {value!r}")
    return InputError(f"{path} cannot be read as a table separated by tabs; look for stray comments between its rows")
