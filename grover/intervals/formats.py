"""Read tables of intervals: BED, narrowPeak, bedGraph, RepeatMasker, GTF, VCF, and tables with a header.

The same rules hold for every format:

- A file is plain or gzip-compressed, which is decided by its content.
- A comment is a line that begins with `#`, a line whose first word is `track` or `browser`, or a blank line.
- Lines are counted from 1, comments included.
- Columns are separated by tabs, or by blanks in a line without a tab. All rows have as many columns as the first.
- Whole numbers are written out in digits. Decimal numbers may be missing (`MISSING`).
- Tables come back with chrom, start, end: 0-based half-open, whatever the format counts from.
- `rename` adapts contig names to the assembly: "add-chr" (1 -> chr1, MT -> chrM), "strip-chr" (the reverse) or "" (unchanged).

`_typed_blocks` reads every file, in blocks of a megabyte by pyarrow. From the first block that pyarrow refuses, or that contains a comment
with as many columns as a row, `_write_rows` reads line by line. It copies the rows without comments to a temporary file, and raises at
the first row that breaks a rule. `read_columns` keeps a block as numbers of 4 bytes and codes of texts, so that the annotation of a whole
genome needs little memory.
"""

import gzip
import io
import re
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice, takewhile
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from grover.intervals.overlaps import overlaps
from grover.runtime.errors import InputError
from grover.runtime.files import is_gzip

RENAMES = ("", "add-chr", "strip-chr")
COMMENT = r"^(#|\s*((track|browser)(\s|$)|$))"  # of a line, for Python and for pyarrow
MISSING = ("", ".", "NA", "N/A", "NaN", "nan", "NULL", "null")  # of columns of decimal numbers

PLACES = ["chrom", "start", "end"]
BED = [*PLACES, "name", "score", "strand", "thickStart", "thickEnd", "itemRgb"]
NARROWPEAK = [*BED[:6], "signal", "pvalue", "qvalue", "summit"]
BEDGRAPH = [*PLACES, "value"]
RMSK = ["bin", "swScore", "milliDiv", "milliDel", "milliIns", "chrom", "start", "end", "genoLeft", "strand", "name"]
RMSK += ["class", "family", "repStart", "repEnd", "repLeft", "id"]
GTF = ["chrom", "source", "feature", "start", "end", "score", "strand", "frame", "attributes"]
GTF_ATTRIBUTES = ["gene_id", "gene_name", "transcript_id"]
VCF = ["chrom", "position", "id", "ref", "alt"]
COLUMNS = {"bed": BED, "narrowPeak": NARROWPEAK, "bedgraph": BEDGRAPH, "rmsk": RMSK, "gtf": GTF, "vcf": VCF}
GIVEN = COLUMNS | {"gtf": [*PLACES, "feature", "strand", *GTF_ATTRIBUTES], "vcf": [*PLACES, "id", "ref", "alt"]}

TEXT, WHOLE, DECIMAL = pa.dictionary(pa.int32(), pa.string()), pa.int64(), pa.float64()
TYPES = dict.fromkeys(["start", "end", "position", "summit", "swScore", "milliDiv", "milliDel", "milliIns"], WHOLE)
TYPES |= dict.fromkeys(["value", "signal", "pvalue", "qvalue"], DECIMAL)  # all other columns are text
# how the numbers of a row are written: pyarrow takes all of these (and, beyond them, whole numbers like 0x1F or of 19 digits)
DECIMAL_TEXT = r"[+-]?(?i:inf(inity)?|nan|([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?)"
DECIMAL_TEXT = f"({'|'.join([DECIMAL_TEXT, *map(re.escape, MISSING)])})"
NUMBERS = {
    WHOLE: ("a whole number written out in digits", re.compile("-?0*[0-9]{1,18}")),
    DECIMAL: ("a number, or . where it is missing", re.compile(DECIMAL_TEXT)),
}

Block = dict[str, pa.Array]


# Whole tables


def read_bed(path: Path | str, names: list[str] | None = None, rename: str = "") -> pd.DataFrame:
    """Read BED3 to BED9: chrom, start, end and as many of name, score, strand, ... as the file has.

    Columns beyond the ninth are left out. `names` gives other names to all columns but the first three. `score`
    is float64, missing where it is no number.
    """
    columns = [*PLACES, *names[3:]] if names else BED
    layout = _layout(path, "bed", columns)
    return _score_as_number(_read(path, layout, columns[: columns_of_first_row(path) or 3], rename))


def read_narrowpeak(path: Path | str, rename: str = "") -> pd.DataFrame:
    """Read ENCODE narrowPeak: BED6 and signal, pvalue, qvalue, summit (offset from start).

    A summit at or beyond the width, as some ENCODE rows have, is moved to the last base; -1 (not called) becomes the
    middle of the peak.
    """
    return _score_as_number(_read(path, _layout(path, "narrowPeak"), NARROWPEAK, rename))


def read_bedgraph(path: Path | str, rename: str = "") -> pd.DataFrame:
    """Read bedGraph: chrom, start, end, value (float64, NaN where missing)."""
    return _read(path, _layout(path, "bedgraph"), BEDGRAPH, rename)


def read_rmsk(path: Path | str, rename: str = "") -> pd.DataFrame:
    """Read UCSC's table of RepeatMasker (17 columns): chrom, start, end, strand, name, class, family, swScore, milliDiv."""
    wanted = [*PLACES, "strand", "name", "class", "family", "swScore", "milliDiv"]
    return _read(path, _layout(path, "rmsk"), wanted, rename)


def read_gtf(path: Path | str, rename: str = "") -> pd.DataFrame:
    """Read GTF: chrom, start, end, feature (gene, transcript, exon, ...), strand, gene_id, gene_name, transcript_id.

    A missing attribute is an empty text.
    """
    return _read(path, _layout(path, "gtf"), GIVEN["gtf"], rename)


def read_vcf(path: Path | str, rename: str = "") -> pd.DataFrame:
    """Read the sites of a VCF: chrom, start, end (of REF), id, ref, alt."""
    return _read(path, _layout(path, "vcf"), GIVEN["vcf"], rename)


def read_table(path: Path | str, rename: str = "") -> pd.DataFrame:
    """Read a table whose header has chrom, start and end, 0-based half-open: these first, then its other columns as text.

    The header may begin with #.
    """
    layout = _layout(path, "table")
    return _read(path, layout, _places_first(layout.names), rename)


def read_headed(path: Path | str, columns: list[str], whole: Iterable[str] = (), rename: str = "") -> pd.DataFrame:
    """Read columns of a table with a header, chrom among them: those of `whole` as int64, the others as text."""
    return _read(path, _headed_layout(path, columns, whole), columns, rename)


READERS: dict[str, Callable[..., pd.DataFrame]] = {
    "bed": read_bed,
    "narrowPeak": read_narrowpeak,
    "bedgraph": read_bedgraph,
    "rmsk": read_rmsk,
    "gtf": read_gtf,
    "vcf": read_vcf,
}


def _read(path: Path | str, layout: "Layout", wanted: list[str], rename: str) -> pd.DataFrame:
    """Return the columns `wanted` of all rows; the index counts the rows as `data_lines` does."""
    types = {name: layout.types.get(name, TEXT) for name in wanted}
    stored = {name: pa.string() if kind == TEXT else kind for name, kind in types.items()}
    found: dict[str, list[pa.Array]] = {name: [] for name in wanted}
    for block in _blocks(path, layout, types, rename):
        for name, column in block.items():
            found[name].append(column.cast(stored[name]))
    table = pa.table({name: pa.chunked_array(found[name], stored[name]) for name in wanted}).to_pandas()
    table = table.astype({name: "str" for name, kind in types.items() if kind == TEXT})
    if layout.header:  # which is one of these lines unless it begins with #
        table.index += sum(1 for _ in takewhile(lambda item: item[0] <= layout.header, data_lines(path)))
    return table


def _score_as_number(table: pd.DataFrame) -> pd.DataFrame:
    if "score" in table:
        table["score"] = pd.to_numeric(table["score"], errors="coerce").astype("float64")
    return table


# Chosen columns of whole genomes


def columns_of(path: Path | str, form: str) -> list[str]:
    """Return the columns that `read_columns` can give of a file in one of the formats of `READERS`, or `table`."""
    if form == "bed":
        return BED[: max(3, columns_of_first_row(path) or len(BED))]
    return _places_first(_layout(path, form).names if form == "table" else GIVEN[form])


def read_columns(
    path: Path | str,
    form: str,
    lengths: dict[str, int],
    rename: str = "",
    text: Iterable[str] = (),
    numbers: Iterable[str] = (),
) -> pd.DataFrame:
    """Read the rows on contigs of the assembly, checked as `check` does.

    lengths: of the contigs of the assembly. Returns chrom and the columns `text` as categories, start and end (int32 where they fit),
    and the columns `numbers` as float64, NaN where one is missing.
    """
    layout = _layout(path, form)
    types = {"chrom": TEXT, "start": WHOLE, "end": WHOLE}
    types |= {name: kind for names, kind in ((text, TEXT), (numbers, DECIMAL)) for name in names if name not in PLACES}
    codes = {name: _Codes() for name, kind in types.items() if kind == TEXT}
    found: dict[str, list[np.ndarray]] = {name: [] for name in types}
    rows_on: Counter[str] = Counter()
    for block in _blocks(path, layout, types, rename):
        columns = {
            name: codes[name].encode(column) if name in codes else column.to_numpy(zero_copy_only=False)
            for name, column in block.items()
        }
        names = codes["chrom"].texts()
        rows_on.update(dict(zip(names, np.bincount(columns["chrom"]).tolist(), strict=False)))
        limits = np.array([lengths.get(name, -1) for name in names])[columns["chrom"]]
        if _misplaced(columns["start"], columns["end"], limits).any():
            check(_read(path, layout, PLACES, rename), lengths, path)  # raises
        known = limits >= 0
        for name, values in columns.items():
            if name in ("start", "end") and values.max(initial=0) < 1 << 31:
                values = values.astype(np.int32)
            found[name].append(values if known.all() else values[known])
    check_names(rows_on, lengths, path)
    gathered = {}
    for name, kind in types.items():
        values = np.concatenate(found.pop(name) or [np.zeros(0, np.float64 if kind == DECIMAL else np.int32)])
        gathered[name] = pd.Categorical.from_codes(values, codes[name].texts()) if name in codes else values
    return pd.DataFrame(gathered, copy=False)


def to_numbers(table: pd.DataFrame, name: str) -> pd.Series:
    """Return a column as float64; raise `InputError` where a text is neither a number nor a sign for a missing one."""
    if pd.api.types.is_float_dtype(table[name]):
        return table[name]
    column = table[name].astype("str").str.strip()
    wrong = ~column.str.fullmatch(DECIMAL_TEXT)
    if wrong.any():
        row = table[wrong].iloc[0]
        raise InputError(
            f"{name} must be {NUMBERS[DECIMAL][0]}, not {row[name]!r}, at {row['chrom']}:{row['start']}-{row['end']}"
        )
    return pd.to_numeric(column, errors="coerce").astype("float64")


class _Codes:
    """Numbers of texts, in the order in which they come."""

    def __init__(self) -> None:
        self._number: dict[str, int] = {}

    def texts(self) -> list[str]:
        return [*self._number]

    def encode(self, column: pa.DictionaryArray) -> np.ndarray:
        """Return the codes of a block's texts, int16 or int32."""
        number = self._number
        table = [number.setdefault(text, len(number)) for text in column.dictionary.to_pylist()]
        kind = np.int16 if len(number) < 1 << 15 else np.int32
        return np.array(table or [0], kind)[column.indices.to_numpy()]


# Rows against the assembly


def check(
    table: pd.DataFrame, lengths: dict[str, int], path: Path | str, regions: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the rows of `table` on contigs of the assembly, after a check of names and coordinates.

    `lengths` maps contigs to lengths. Rows on other contigs are dropped as long as the names agree in style; `regions`
    keeps only the rows that overlap it. Raises `InputError` as `check_names` does, and at the first line whose start is negative or
    whose end is not after the start or lies beyond the contig.
    """
    codes, names = pd.factorize(table["chrom"])
    check_names(dict(zip(names, np.bincount(codes).tolist(), strict=True)), lengths, path)
    limits = np.array([lengths.get(name, -1) for name in names], np.int64)[codes]
    wrong = _misplaced(table["start"].to_numpy(), table["end"].to_numpy(), limits)
    if wrong.any():
        chrom, start, end = table.iloc[wrong.argmax()][PLACES]
        reason = f"the end lies beyond {chrom} ({lengths.get(chrom, 0):,} bases); is this another assembly?"
        reason = "the end is not after the start" if end <= start else reason
        refuse(path, pd.Series(wrong, table.index), "the start is negative" if start < 0 else reason)
    table = table[limits >= 0]
    return table if regions is None else table[overlaps(table, regions)]


def check_names(rows_on: Mapping[str, int], lengths: Mapping[str, int], path: Path | str) -> None:
    """Raise `InputError` where the assembly has none of the contigs, or where `rename` would match more rows.

    rows_on: number of rows by contig.
    """
    if not rows_on:
        return
    names, rows = [*rows_on], [*rows_on.values()]
    matched = {
        rename: sum(n for name, n in zip(rename_contigs(names, rename), rows, strict=True) if name in lengths)
        for rename in RENAMES
    }
    best = max(matched, key=matched.get)
    if matched[best] > matched[""]:
        theirs = next(name for name in names if name not in lengths)
        raise InputError(
            f"{path} names its contigs like {theirs!r}, the assembly like {rename_contigs([theirs], best)[0]!r}; "
            f"set `rename: {best}` for this source to map them"
        )
    if not matched[""]:
        raise InputError(
            f"{path} lies on {_some(names)}, none of which the assembly has ({_some(lengths)}); "
            "give the annotation of this assembly"
        )


def rename_contigs(names: Iterable[str], rename: str) -> list[str]:
    """Return contig names as `rename`, one of `RENAMES`, writes them."""
    if rename == "add-chr":
        added = ["chr" + name.removeprefix("chr") for name in names]
        return ["chrM" if name == "chrMT" else name for name in added]
    if rename == "strip-chr":
        stripped = [name.removeprefix("chr") for name in names]
        return ["MT" if name == "M" else name for name in stripped]
    if rename:
        raise InputError(f"rename {rename!r} is unknown; use add-chr, strip-chr or leave it empty")
    return [*names]


def refuse(path: Path | str, wrong: pd.Series, reason: str) -> None:
    """Raise `InputError`, naming the line, at the first row where `wrong` is true; its index is that of the reader."""
    if wrong.any():
        row = int(wrong.index[wrong.to_numpy().argmax()])
        raise _fault(path, *next(islice(data_lines(path), row, None)), reason)


def _misplaced(starts: np.ndarray, ends: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Return True for rows with wrong coordinates; `limits` is -1 on unknown contigs."""
    return (starts < 0) | (ends <= starts) | ((limits >= 0) & (ends > limits))


def _some(names: Iterable[str]) -> str:
    names = sorted(names)
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


# What each format has in which column


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


def _layout(path: Path | str, form: str, columns: list[str] | None = None) -> Layout:
    if form == "table":
        return _headed_layout(path, PLACES, PLACES[1:])
    columns = columns or COLUMNS[form]
    least = 3 if form == "bed" else len(columns)
    number, line = next(data_lines(path), (0, ""))
    present = line.count("\t") + 1 if number else len(columns)
    if present < least:
        raise _fault(path, number, line, f"expected {least} columns separated by tabs, found {present}")
    names = [*columns[:present], *(f"more{i}" for i in range(present - len(columns)))]
    return Layout(names, TYPES, COMPUTED.get(form, {}))


def _headed_layout(path: Path | str, columns: list[str], whole: Iterable[str]) -> Layout:
    header = find_header(path, columns)
    if not header:
        number, line = next(data_lines(path), (1, ""))
        listed = ", ".join(columns)
        raise _fault(path, number, line, f"expected a header with the columns {listed} and others, separated by tabs")
    number, names = header
    names = [name if names.index(name) == i else f"{name}.{i + 1}" for i, name in enumerate(names)]  # no name twice
    return Layout(names, dict.fromkeys(whole, WHOLE), {}, number)


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


def columns_of_first_row(path: Path | str) -> int:
    """Return how many columns the first row has; 0 without rows."""
    return next((line.count("\t") + 1 for _, line in data_lines(path)), 0)


def _places_first(names: list[str]) -> list[str]:
    return [*PLACES, *(name for name in names if name not in PLACES)]


def _summit(peaks: Block) -> pa.Array:
    width = pc.subtract(peaks["end"], peaks["start"])
    summit = pc.if_else(pc.less(peaks["summit"], 0), pc.divide(width, 2), peaks["summit"])
    return pc.min_element_wise(summit, pc.subtract(width, 1))


def _attribute(rows: Block, key: str) -> pa.Array:
    column = rows["attributes"]
    found = pc.extract_regex(column.dictionary, rf'\b{key} "(?P<value>[^"]*)"')
    return pa.DictionaryArray.from_arrays(column.indices, pc.fill_null(pc.struct_field(found, "value"), ""))


def _end_of_ref(sites: Block) -> pa.Array:
    length = pc.utf8_length(sites["ref"].cast(pa.string()))
    return pc.add(pc.subtract(sites["position"], 1), length.cast(WHOLE))


COMPUTED = {
    "narrowPeak": {"summit": (["start", "end", "summit"], _summit)},
    "gtf": {"start": (["start"], lambda rows: pc.subtract(rows["start"], 1))},
    "vcf": {
        "start": (["position"], lambda sites: pc.subtract(sites["position"], 1)),
        "end": (["position", "ref"], _end_of_ref),
    },
}
COMPUTED["gtf"] |= {key: (["attributes"], partial(_attribute, key=key)) for key in GTF_ATTRIBUTES}


# Blocks of rows


def _blocks(path: Path | str, layout: Layout, wanted: dict[str, pa.DataType], rename: str) -> Iterator[Block]:
    """Yield the columns `wanted`, chrom among them, as these types, a block of rows at a time."""
    types = {}
    for name, kind in wanted.items():
        if name in layout.computed:
            types |= {source: layout.types.get(source, TEXT) for source in layout.computed[name][0]}
        else:
            types[name] = kind if kind == TEXT else layout.types.get(name, kind)
    for batch in _typed_blocks(path, layout, types):
        rows = {name: batch[name] for name in types}
        names = pa.array(rename_contigs(rows["chrom"].dictionary.to_pylist(), rename), pa.string())
        rows["chrom"] = pa.DictionaryArray.from_arrays(rows["chrom"].indices, names)
        made = {name: layout.computed[name][1](rows) if name in layout.computed else rows[name] for name in wanted}
        yield {name: _as_type(column, wanted[name]) for name, column in made.items()}


def _as_type(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if column.type == kind:
        return column
    return column.cast(pa.string()).dictionary_encode() if kind == TEXT else column.cast(kind)


def _typed_blocks(path: Path | str, layout: Layout, types: dict[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    """Yield the columns of the file in `types`; raise `InputError` at the first row that breaks a rule."""
    first, done = layout.names[0], 0
    read = {first: TEXT} | types
    try:
        with _open_arrow(path) as stream:
            for block in _parse(stream, layout.names, read, layout.header):
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
    parse = pa.csv.ParseOptions(delimiter="\t", quote_char=False, invalid_row_handler=_skip_comment)
    convert = pa.csv.ConvertOptions(
        column_types=types, include_columns=list(types), strings_can_be_null=False, null_values=list(MISSING)
    )
    return pa.csv.open_csv(stream, read, parse, convert)


def _skip_comment(row: pa.csv.InvalidRow) -> str:
    return "skip" if is_comment(row.text) else "error"


def _has_comment(block: pa.RecordBatch, first: str) -> bool:
    """True if a comment with as many columns as the rows may have been taken for a row, by the first column."""
    column = block[first]
    texts = pa.types.is_dictionary(column.type)
    return texts and pc.any(pc.match_substring_regex(column.dictionary, COMMENT)).as_py()


def _write_rows(stream: BinaryIO, path: Path | str, layout: Layout, types: dict[str, pa.DataType], done: int) -> None:
    """Write the columns in `types` of the rows from number `done` on."""
    columns = len(layout.names)
    places = [(layout.names.index(name), name, kind) for name, kind in types.items()]
    rows = ((number, line) for number, line in data_lines(path) if number > layout.header)
    for number, line in islice(rows, done, None):
        fields = line.split("\t")
        if len(fields) != columns:
            raise _fault(path, number, line, f"expected {columns} columns separated by tabs, found {len(fields)}")
        for place, name, kind in places:
            if kind in NUMBERS:
                fields[place] = fields[place].strip()
                expected, pattern = NUMBERS[kind]
                if not pattern.fullmatch(fields[place]):
                    raise _fault(path, number, line, f"{name} must be {expected}, not {fields[place]!r}")
        stream.write("\t".join(fields[place] for place, _, _ in places).encode() + b"\n")


# Lines


def is_comment(line: str) -> bool:
    return re.match(COMMENT, line) is not None


def data_lines(path: Path | str) -> Iterator[tuple[int, str]]:
    """Yield number (from 1) and text of each line that is no comment, with tabs for blanks where it has no tab.

    Raises `InputError` where the file cannot be read.
    """
    for number, line in _lines(path):
        if not is_comment(line):
            yield number, line if "\t" in line else "\t".join(line.split())


def _lines(path: Path | str) -> Iterator[tuple[int, str]]:
    try:
        with gzip.open(path, "rb") if is_gzip(path) else open(path, "rb") as stream:
            for number, line in enumerate(io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace"), start=1):
                yield number, line.rstrip("\n")
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputError(f"{path} is a truncated or damaged gzip file; fetch it again") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None


def _open_arrow(path: Path | str) -> pa.NativeFile:
    stream = pa.OSFile(str(path))
    return pa.CompressedInputStream(stream, "gzip") if is_gzip(path) else stream


def _fault(path: Path | str, number: int, line: str, reason: str) -> InputError:
    shown = f" ({line[:80]})".replace("\t", " ") if line else ""
    return InputError(f"{path}, line {number}: {reason}{shown}")
