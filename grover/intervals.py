"""Tables of intervals: readers of the public formats, checks against the assembly, and overlaps with regions.

Every reader takes a plain or gzip-compressed file (told by content), leaves out comments, `track` and `browser` lines,
and returns a pandas table with chrom, start, end first: 0-based half-open, whatever the format counts from. `rename`
adapts contig names to the assembly: "add-chr" (1 -> chr1, MT -> chrM), "strip-chr" (the reverse) or "" (as they are).

Overlaps lay all contigs on one line of int64 and answer every region from prefix sums by binary search.
"""

import gzip
import io
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from grover.errors import InputError
from grover.files import is_gzip

RENAMES = ("", "add-chr", "strip-chr")
COMMENTS = ("#", "track", "browser")
TRUNCATED = "{} is a truncated or damaged gzip file; fetch it again"

BED = ["chrom", "start", "end", "name", "score", "strand", "thickStart", "thickEnd", "itemRgb"]
NARROWPEAK = [*BED[:6], "signal", "pvalue", "qvalue", "summit"]
BEDGRAPH = ["chrom", "start", "end", "value"]
RMSK = ["bin", "swScore", "milliDiv", "milliDel", "milliIns", "chrom", "start", "end", "genoLeft", "strand", "name"]
RMSK += ["class", "family", "repStart", "repEnd", "repLeft", "id"]
GTF = ["chrom", "source", "feature", "start", "end", "score", "strand", "frame", "attributes"]
VCF = ["chrom", "position", "id", "ref", "alt"]

# Columns of whole numbers and of decimals; all others are text.
WHOLE = {"start", "end", "position", "summit", "swScore", "milliDiv", "milliDel", "milliIns"}
DECIMAL = {"value", "signal", "pvalue", "qvalue"}

# One contig ends far before the next begins on the common line.
SPACING = 1 << 40


def read_bed(path: Path | str, names: list[str] | None = None, rename: str = "") -> pd.DataFrame:
    """BED3 to BED9: chrom, start, end and as many of name, score, strand, ... as the file has.

    Columns beyond the ninth are left out. `names` gives other names to all columns but the first three. `score`
    is float64, missing where it is no number.
    """
    columns = [*BED[:3], *names[3:]] if names else BED
    table = _read(path, columns, rename, minimum=3)
    if "score" in table:
        table["score"] = _numbers(table["score"])
    return table


def read_narrowpeak(path: Path | str, rename: str = "") -> pd.DataFrame:
    """ENCODE narrowPeak: BED6 and signal, pvalue, qvalue, summit (offset from start).

    A summit at or beyond the width, as some ENCODE rows have, is moved to the last base; -1 (not called) becomes the
    middle of the peak.
    """
    table = _read(path, NARROWPEAK, rename)
    width = table["end"] - table["start"]
    summit = table["summit"].where(table["summit"] >= 0, width // 2)
    return table.assign(score=_numbers(table["score"]), summit=np.minimum(summit, width - 1))


def read_bedgraph(path: Path | str, rename: str = "") -> pd.DataFrame:
    """bedGraph: chrom, start, end, value (float64)."""
    return _read(path, BEDGRAPH, rename)


def read_rmsk(path: Path | str, rename: str = "") -> pd.DataFrame:
    """RepeatMasker table of UCSC (17 columns): chrom, start, end, strand, name, class, family, swScore, milliDiv."""
    wanted = ["chrom", "start", "end", "strand", "name", "class", "family", "swScore", "milliDiv"]
    return _read(path, RMSK, rename, wanted=wanted)[wanted]


def read_gtf(path: Path | str, rename: str = "") -> pd.DataFrame:
    """GTF: chrom, start, end, feature (gene, transcript, exon, ...), strand, gene_id, gene_name, transcript_id.

    The 1-based closed coordinates of the file are converted. A missing attribute is an empty text.
    """
    table = _read(path, GTF, rename, wanted=["chrom", "start", "end", "feature", "strand", "attributes"])
    table["start"] -= 1
    attributes = table.pop("attributes")
    for key in ("gene_id", "gene_name", "transcript_id"):
        table[key] = attributes.str.extract(rf'\b{key} "([^"]*)"', expand=False).fillna("")
    return table[["chrom", "start", "end", "feature", "strand", "gene_id", "gene_name", "transcript_id"]]


def read_vcf(path: Path | str, rename: str = "") -> pd.DataFrame:
    """Sites of a VCF: chrom, start, end (of REF, 0-based half-open), id, ref, alt."""
    table = _read(path, VCF, rename)
    start = table.pop("position") - 1
    table.insert(1, "start", start)
    table.insert(2, "end", start + table["ref"].str.len().astype("int64"))
    return table


READERS: dict[str, Callable[..., pd.DataFrame]] = {
    "bed": read_bed,
    "narrowPeak": read_narrowpeak,
    "bedgraph": read_bedgraph,
    "rmsk": read_rmsk,
    "gtf": read_gtf,
    "vcf": read_vcf,
}


def check(
    table: pd.DataFrame, lengths: dict[str, int], path: Path | str, regions: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The rows of `table` on contigs of the assembly, after a look at their coordinates.

    `lengths` maps contigs to lengths. Rows on other contigs are dropped as long as the names agree in style; `regions`
    keeps only the rows that overlap it. Raises `InputError`, naming the line, where the end is not after the start or
    lies beyond the contig, and naming the mapping where contig names are written in another style.
    """
    if not len(table):
        return table
    matched = {rename: int(rename_contigs(table["chrom"], rename).isin(list(lengths)).sum()) for rename in RENAMES}
    best = max(matched, key=matched.get)
    if matched[best] > matched[""]:
        theirs = table.loc[~table["chrom"].isin(list(lengths)), "chrom"].iloc[0]
        ours = rename_contigs(pd.Series([theirs]), best)[0]
        raise InputError(
            f"{path} names its contigs like {theirs!r}, the assembly like {ours!r}; "
            f"set `rename: {best}` for this source to map them"
        )
    if not matched[""]:
        raise InputError(
            f"{path} lies on {_some(table['chrom'].unique())}, none of which the assembly has ({_some(lengths)}); "
            "give the annotation of this assembly"
        )
    _refuse(path, table["start"] < 0, "the start is negative")
    _refuse(path, table["end"] <= table["start"], "the end is not after the start")
    table = table[table["chrom"].isin(list(lengths))]
    beyond = table["end"] > table["chrom"].map(lengths)
    if beyond.any():
        chrom = table.loc[beyond, "chrom"].iloc[0]
        _refuse(path, beyond, f"the end lies beyond {chrom} ({lengths[chrom]:,} bases); is this another assembly?")
    return table if regions is None else table[overlaps(table, regions)]


def merge(intervals: pd.DataFrame) -> pd.DataFrame:
    """Union of intervals as sorted, disjoint rows chrom, start, end; touching ones are joined."""
    codes, names = pd.factorize(intervals["chrom"], sort=True)
    starts, ends = union(*_on_line(intervals, codes))
    chrom = starts // SPACING
    return pd.DataFrame({"chrom": names[chrom], "start": starts % SPACING, "end": ends - chrom * SPACING})


def overlap_bases(regions: pd.DataFrame, intervals: pd.DataFrame) -> np.ndarray:
    """Bases of each region (int64, the order of `regions`) that at least one interval covers."""
    starts, ends, queries = _common_line(regions, intervals)
    starts, ends = union(starts, ends)
    return _integral(starts, ends, None, queries[1]) - _integral(starts, ends, None, queries[0])


def overlaps(regions: pd.DataFrame, intervals: pd.DataFrame) -> np.ndarray:
    """True for each region that shares a base with an interval."""
    return overlap_bases(regions, intervals) > 0


def inside(intervals: pd.DataFrame, regions: pd.DataFrame) -> np.ndarray:
    """True for each interval that lies wholly within the union of `regions`."""
    return overlap_bases(intervals, regions) == (intervals["end"] - intervals["start"]).to_numpy()


def coverage_by_category(regions: pd.DataFrame, table: pd.DataFrame, column: str) -> tuple[list[str], np.ndarray]:
    """Sorted values of `column` and the bases of each region under each: int64 [regions, categories]."""
    categories = sorted(table[column].unique())
    coverage = np.zeros((len(regions), len(categories)), dtype=np.int64)
    for i, category in enumerate(categories):
        coverage[:, i] = overlap_bases(regions, table[table[column] == category])
    return categories, coverage


def weighted_mean(regions: pd.DataFrame, table: pd.DataFrame, column: str = "value") -> np.ndarray:
    """Mean of `column` over the covered bases of each region (float64); NaN where no interval lies.

    Raises `InputError` where intervals of `table` overlap, since a base would have two values.
    """
    starts, ends, queries = _common_line(regions, table)
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], ends[order]
    twice = np.flatnonzero(starts[1:] < ends[:-1])
    if twice.size:
        row = table.iloc[order[twice[0] + 1]]
        raise InputError(f"two intervals with a {column} overlap at {row['chrom']}:{row['start']:,}; keep one")
    values = table[column].to_numpy(dtype=np.float64)[order]
    total = _integral(starts, ends, values, queries[1]) - _integral(starts, ends, values, queries[0])
    covered = _integral(starts, ends, None, queries[1]) - _integral(starts, ends, None, queries[0])
    return np.divide(total, covered, out=np.full(len(regions), np.nan), where=covered > 0)


def distance(regions: pd.DataFrame, intervals: pd.DataFrame) -> np.ndarray:
    """Bases between each region and the nearest interval (int64): 0 where they overlap or touch, -1 without any."""
    starts, ends, (left, right) = _common_line(regions, intervals)
    starts, ends = union(starts, ends)
    if not starts.size:
        return np.full(len(regions), -1, dtype=np.int64)
    after = np.searchsorted(starts, right)
    follows = starts[np.minimum(after, starts.size - 1)] - right
    precedes = left - ends[np.maximum(after - 1, 0)]
    gap = np.minimum(
        np.where(after < starts.size, follows, SPACING), np.where(after > 0, np.maximum(precedes, 0), SPACING)
    )
    return np.where(gap < SPACING // 2, gap, -1)


def _on_line(table: pd.DataFrame, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    origin = codes.astype(np.int64) * SPACING
    return origin + table["start"].to_numpy(dtype=np.int64), origin + table["end"].to_numpy(dtype=np.int64)


def _common_line(regions: pd.DataFrame, intervals: pd.DataFrame):
    """Starts and ends of the intervals, and those of the regions, on one line of all contigs of the regions."""
    codes, names = pd.factorize(regions["chrom"])
    known = pd.Index(names).get_indexer(intervals["chrom"])
    starts, ends = _on_line(intervals, known)
    # intervals on contigs without regions have code -1 and lie left of every region
    return starts, ends, _on_line(regions, codes)


def union(starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorted, disjoint starts and ends of intervals on one line (int64); touching ones are joined."""
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], np.maximum.accumulate(ends[order])
    first = np.concatenate([[True], starts[1:] > ends[:-1]])[: starts.size]
    last = np.concatenate([first[1:], [True]])[: starts.size]
    return starts[first], ends[last]


def _integral(starts: np.ndarray, ends: np.ndarray, values: np.ndarray | None, positions: np.ndarray) -> np.ndarray:
    """Bases, or sum of `values` over bases, that sorted disjoint intervals cover left of each position."""
    if not starts.size:
        return np.zeros(positions.shape, dtype=np.int64 if values is None else np.float64)
    lengths = ends - starts
    areas = lengths if values is None else lengths * values
    before = np.concatenate([[0], np.cumsum(areas)])
    i = np.searchsorted(starts, positions, side="right") - 1
    partial = np.clip(positions - starts[i], 0, lengths[i])
    partial = partial if values is None else partial * values[i]
    return np.where(i >= 0, before[np.maximum(i, 0)] + partial, 0)


def rename_contigs(chrom: pd.Series, rename: str) -> pd.Series:
    if rename == "add-chr":
        return ("chr" + chrom.str.removeprefix("chr")).replace("chrMT", "chrM")
    if rename == "strip-chr":
        return chrom.str.removeprefix("chr").replace("M", "MT")
    if rename:
        raise InputError(f"rename {rename!r} is unknown; use add-chr, strip-chr or leave it empty")
    return chrom


def _numbers(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column, errors="coerce").astype("float64")


def _some(names) -> str:
    names = sorted(names)
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def _read(
    path: Path | str, columns: list[str], rename: str, minimum: int | None = None, wanted: list[str] | None = None
) -> pd.DataFrame:
    """A table of tab-separated rows, typed by the names of its columns; the index counts data rows.

    The file must have at least `minimum` columns (default: all of `columns`); further ones are left out.
    """
    present = _columns_of_first_row(path)
    names = [*columns[:present], *(f"more{i}" for i in range(present - len(columns)))]
    wanted = [name for name in names if name in (wanted or columns)]
    if 0 < present < (minimum or len(columns)):
        raise _bad_line(path, 0, f"expected {minimum or len(columns)} columns separated by tabs, found {present}")
    if not present:
        table = pd.DataFrame({name: pd.Series(dtype=_pandas_type(name)) for name in columns[: minimum or len(columns)]})
        return table
    try:
        with _open(path) as stream:
            table = _parse(stream, names, wanted)
    except (EOFError, zlib.error):
        raise InputError(TRUNCATED.format(path)) from None
    except pa.ArrowInvalid:
        # either a row is wrong, which is then named, or comments stand between the rows
        table = _parse(_without_comments(path, names, wanted), names, wanted)
    return table.assign(chrom=rename_contigs(table["chrom"], rename))


def _parse(stream, names: list[str], wanted: list[str]) -> pd.DataFrame:
    read = pa.csv.ReadOptions(column_names=names)
    rows = pa.csv.ParseOptions(
        delimiter="\t",
        quote_char=False,
        invalid_row_handler=lambda row: "skip" if row.text.startswith(COMMENTS) else "error",
    )
    types = {name: _arrow_type(name) for name in wanted}
    convert = pa.csv.ConvertOptions(column_types=types, include_columns=wanted, strings_can_be_null=False)
    table = pa.csv.read_csv(stream, read, rows, convert).to_pandas()
    return table.astype({name: _pandas_type(name) for name in wanted})


def _arrow_type(name: str) -> pa.DataType:
    return pa.int64() if name in WHOLE else pa.float64() if name in DECIMAL else pa.string()


def _pandas_type(name: str) -> str:
    return "int64" if name in WHOLE else "float64" if name in DECIMAL else "str"


def _open(path: Path | str):
    return gzip.open(path, "rb") if is_gzip(path) else open(path, "rb")


def _data_lines(path: Path | str):
    """Number (from 1) and text of each line that is a row."""
    with _open(path) as stream:
        for number, line in enumerate(io.TextIOWrapper(stream, encoding="utf-8", errors="replace"), start=1):
            line = line.rstrip("\r\n")
            if line and not line.startswith(COMMENTS):
                # BED may be separated by blanks, as EPDnew's is
                yield number, line if "\t" in line else "\t".join(line.split())


def _columns_of_first_row(path: Path | str) -> int:
    try:
        return next((line.count("\t") + 1 for _, line in _data_lines(path)), 0)
    except (EOFError, zlib.error):
        raise InputError(TRUNCATED.format(path)) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None


def _without_comments(path: Path | str, names: list[str], wanted: list[str]) -> io.BytesIO:
    """The rows alone; raises `InputError` at the first one that does not fit the columns."""
    numbers = [(i, name, float if name in DECIMAL else int) for i, name in enumerate(names) if name in WHOLE | DECIMAL]
    lines = []
    for number, line in _data_lines(path):
        fields = line.split("\t")
        if len(fields) != len(names):
            found = f"expected {len(names)} columns separated by tabs, found {len(fields)}"
            raise InputError(f"{path}, line {number}: {found}")
        for i, name, kind in numbers:
            try:
                kind(fields[i])
            except ValueError:
                raise InputError(f"{path}, line {number}: {name} must be a number, not {fields[i]!r}") from None
        lines.append(line)
    return io.BytesIO("\n".join(lines).encode())


def _refuse(path: Path | str, wrong: pd.Series, reason: str) -> None:
    """Raise at the first row where `wrong` is true; its index is the number of the row in the file."""
    if wrong.any():
        raise _bad_line(path, wrong.index[wrong.to_numpy()][0], reason)


def _bad_line(path: Path | str, row: int, reason: str) -> InputError:
    number, line = next((item for i, item in enumerate(_data_lines(path)) if i == row), (row + 1, ""))
    return InputError(f"{path}, line {number}: {reason} ({line[:80].replace(chr(9), ' ')})")
