"""Tables of intervals: readers of the public formats, checks against the assembly, and overlaps with regions.

Every reader takes a plain or gzip-compressed file (told by content), leaves out comments, `track` and `browser` lines,
and returns a pandas table with chrom, start, end first: 0-based half-open, whatever the format counts from. `rename`
adapts contig names to the assembly: "add-chr" (1 -> chr1, MT -> chrM), "strip-chr" (the reverse) or "" (as they are).

Overlaps are worked out one contig at a time, so that memory holds little more than the tables; every region is answered from prefix
sums by binary search. Chromosome names may be categories (`grover.interval_tables`), which cost less than texts.
"""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
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

# on the line of all contigs one ends far before the next begins
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
    origin = codes.astype(np.int64) * SPACING
    starts, ends = union(*(origin + intervals[edge].to_numpy(np.int64) for edge in ("start", "end")))
    chrom = starts // SPACING
    return pd.DataFrame({"chrom": names[chrom], "start": starts % SPACING, "end": ends - chrom * SPACING})


def overlap_bases(regions: pd.DataFrame, intervals: pd.DataFrame) -> np.ndarray:
    """Bases of each region that at least one interval covers, int64."""
    covered = np.zeros(len(regions), np.int64)
    for rows, starts, ends, _, *places in by_contig(regions, intervals):
        places = union(*places)
        covered[rows] = bases_before(*places, ends) - bases_before(*places, starts)
    return covered


def overlaps(regions: pd.DataFrame, intervals: pd.DataFrame) -> np.ndarray:
    """True for each region that shares a base with an interval."""
    return overlap_bases(regions, intervals) > 0


def inside(intervals: pd.DataFrame, regions: pd.DataFrame) -> np.ndarray:
    """True for each interval that lies wholly within the union of `regions`."""
    return overlap_bases(intervals, regions) == (intervals["end"] - intervals["start"]).to_numpy()


def union(starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorted, disjoint starts and ends of intervals on one line (int64); touching ones are joined."""
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], np.maximum.accumulate(ends[order])
    first = np.concatenate([[True], starts[1:] > ends[:-1]])[: starts.size]
    last = np.concatenate([first[1:], [True]])[: starts.size]
    return starts[first], ends[last]


def bases_before(
    starts: np.ndarray, ends: np.ndarray, positions: np.ndarray, heights: np.ndarray | None = None
) -> np.ndarray:
    """Bases, or sum of `heights` over bases, that sorted disjoint intervals cover left of each position."""
    if not starts.size:
        return np.zeros(positions.shape, np.int64 if heights is None else np.float64)
    widths = ends - starts
    before = np.concatenate([[0], np.cumsum(widths if heights is None else widths * heights)])
    i = np.searchsorted(starts, positions, side="right") - 1
    partial = np.minimum(positions - starts[i], widths[i])
    if heights is not None:
        partial = partial * heights[i]
    return np.where(i >= 0, before[np.maximum(i, 0)] + partial, 0)


def by_contig(regions: pd.DataFrame, intervals: pd.DataFrame) -> Iterator[tuple[np.ndarray, ...]]:
    """For each contig with regions and intervals: rows, starts and ends (int64) of the regions, and which, starts and ends of the
    intervals."""
    codes, names = pd.factorize(regions["chrom"])
    names = pd.Index(np.asarray(names, object))
    kind = np.int16 if len(names) < 1 << 15 else np.int32
    chrom = intervals["chrom"]
    if isinstance(chrom.dtype, pd.CategoricalDtype):
        known = names.get_indexer(np.asarray(chrom.cat.categories, object)).astype(kind)
        known = known[chrom.cat.codes.to_numpy()] if len(known) else np.zeros(0, kind)
    else:
        known = names.get_indexer(chrom).astype(kind)
    ours, theirs = _rows_of(codes.astype(kind), len(names)), _rows_of(known, len(names))
    places = [table[name].to_numpy() for table in (regions, intervals) for name in ("start", "end")]
    for code in range(len(names)):
        mine, other = ours(code), theirs(code)
        found = [
            values[which].astype(np.int64) for values, which in zip(places, (mine, mine, other, other), strict=True)
        ]
        if found[0].size and found[2].size:
            rows = np.arange(mine.start, mine.stop) if isinstance(mine, slice) else mine
            yield rows, *found[:2], other, *found[2:]


def _rows_of(codes: np.ndarray, number: int) -> Callable[[int], np.ndarray | slice]:
    """A function that gives the rows of a code from 0 to `number` - 1, in their order."""
    edges = np.concatenate([[0], np.flatnonzero(codes[1:] != codes[:-1]) + 1, [codes.size]])
    run = codes[edges[:-1]] if codes.size else codes
    if np.unique(run).size == run.size:  # each contig in one piece, as files are written
        at = {int(code): (edges[i], edges[i + 1]) for i, code in enumerate(run)}
        return lambda code: slice(*at.get(code, (0, 0)))
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(number + 1))
    return lambda code: order[starts[code] : starts[code + 1]]


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
    present = columns_of_first_row(path)
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


def data_lines(path: Path | str) -> Iterator[tuple[int, str]]:
    """Number (from 1) and text of each line that is a row, without comments; what blanks separate is separated by tabs, since BED may be
    written so, as EPDnew's is. Raises `InputError` where the file cannot be read."""
    try:
        with _open(path) as stream:
            for number, line in enumerate(io.TextIOWrapper(stream, encoding="utf-8", errors="replace"), start=1):
                line = line.rstrip("\r\n")
                if line and not line.startswith(COMMENTS):
                    yield number, line if "\t" in line else "\t".join(line.split())
    except (EOFError, zlib.error):
        raise InputError(TRUNCATED.format(path)) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None


def columns_of_first_row(path: Path | str) -> int:
    """How many columns the first row has; 0 without rows."""
    return next((line.count("\t") + 1 for _, line in data_lines(path)), 0)


def _without_comments(path: Path | str, names: list[str], wanted: list[str]) -> io.BytesIO:
    """The rows alone; raises `InputError` at the first one that does not fit the columns."""
    numbers = [(i, name, float if name in DECIMAL else int) for i, name in enumerate(names) if name in WHOLE | DECIMAL]
    lines = []
    for number, line in data_lines(path):
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
    number, line = next((item for i, item in enumerate(data_lines(path)) if i == row), (row + 1, ""))
    return InputError(f"{path}, line {number}: {reason} ({line[:80].replace(chr(9), ' ')})")
