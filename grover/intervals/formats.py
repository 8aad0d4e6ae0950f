"""Read tables of intervals: BED, narrowPeak, bedGraph, RepeatMasker, GTF and GFF3, VCF, and tables with a header.

The same rules hold for every format (`grover.intervals.lines`, `grover.intervals.blocks`). Tables come back with chrom, start, end: 0-based
half-open, whatever the format counts from. `contigs` gives the assembly's names of contigs.

`read_columns` keeps blocks of rows as numbers of 4 bytes and codes of texts, so that the annotation of a whole genome needs little memory.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import takewhile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from grover.intervals import genes, repeatmasker
from grover.intervals.blocks import DECIMAL, DECIMAL_TEXT, NUMBERS, TEXT, WHOLE, Block, Layout, typed_blocks
from grover.intervals.contigs import PLACES, UNCHANGED, ContigNames, check, check_names, limits_of, misplaced
from grover.intervals.lines import columns_of_first_row, data_lines, fault, find_header
from grover.runtime.errors import InputError

BED = [*PLACES, "name", "score", "strand", "thickStart", "thickEnd", "itemRgb"]
NARROWPEAK = [*BED[:6], "signal", "pvalue", "qvalue", "summit"]
BEDGRAPH = [*PLACES, "value"]
RMSK = ["bin", "swScore", "milliDiv", "milliDel", "milliIns", "chrom", "start", "end", "genoLeft", "strand", "name"]
RMSK += ["class", "family", "repStart", "repEnd", "repLeft", "id"]
GTF = ["chrom", "source", "feature", "start", "end", "score", "strand", "frame", "attributes"]
VCF = ["chrom", "pos", "id", "ref", "alt", "qual", "filter", "info"]
VARIANT = ["chrom", "pos", "ref", "alt"]  # columns of a table of variants that is no VCF
LEAST = {"bed": 3, "vcf": 5}  # columns that a file must have; of the other formats all
COLUMNS = {"bed": BED, "narrowPeak": NARROWPEAK, "bedgraph": BEDGRAPH, "rmsk": RMSK, "gtf": GTF, "vcf": VCF}
GIVEN = COLUMNS | {"gtf": [*PLACES, *genes.COLUMNS], "tss": [*PLACES, "name", "strand"]}
TYPES = dict.fromkeys(["start", "end", "pos", "summit", "swScore", "milliDiv", "milliDel", "milliIns"], WHOLE)
TYPES |= dict.fromkeys(["value", "signal", "pvalue", "qvalue"], DECIMAL)  # all other columns are text


# Whole tables


def read_bed(path: Path | str, names: list[str] | None = None, contigs: ContigNames = UNCHANGED) -> pd.DataFrame:
    """Read BED3 to BED9: chrom, start, end and as many of name, score, strand, ... as the file has.

    Columns beyond the ninth are left out. `names` gives other names to all columns but the first three. `score`
    is float64, missing where it is no number.
    """
    columns = [*PLACES, *names[3:]] if names else BED
    layout = _layout(path, "bed", columns)
    return _score_as_number(_read(path, layout, columns[: columns_of_first_row(path) or 3], contigs))


def read_narrowpeak(path: Path | str, contigs: ContigNames = UNCHANGED) -> pd.DataFrame:
    """Read ENCODE narrowPeak: BED6 and signal, pvalue, qvalue, summit (offset from start).

    A summit at or beyond the width, as some ENCODE rows have, is moved to the last base; -1 (not called) becomes the
    middle of the peak.
    """
    return _score_as_number(_read(path, _layout(path, "narrowPeak"), NARROWPEAK, contigs))


def read_bedgraph(path: Path | str, contigs: ContigNames = UNCHANGED) -> pd.DataFrame:
    """Read bedGraph: chrom, start, end, value (float64, NaN where missing)."""
    return _read(path, _layout(path, "bedgraph"), BEDGRAPH, contigs)


def read_rmsk(path: Path | str, contigs: ContigNames = UNCHANGED) -> pd.DataFrame:
    """Read UCSC's table of RepeatMasker (17 columns), or RepeatMasker's own `.out`.

    Returns chrom, start, end, strand, name, class, family, swScore, milliDiv.
    """
    wanted = [*PLACES, "strand", "name", "class", "family", "swScore", "milliDiv"]
    return _read(path, _layout(path, "rmsk"), wanted, contigs)


def read_gtf(path: Path | str, contigs: ContigNames = UNCHANGED) -> pd.DataFrame:
    """Read GTF or GFF3: chrom, start, end, feature (gene, transcript, exon, ...), strand, gene_id, gene_name, transcript_id, biotype.

    A missing attribute is an empty text. What both formats have in common is said in `grover.intervals.genes`.
    """
    return _read(path, _layout(path, "gtf"), GIVEN["gtf"], contigs)


def read_genes(path: Path | str, contigs: ContigNames = UNCHANGED) -> pd.DataFrame:
    """Read the genes of a GTF or GFF3: chrom, start, end, strand, gene_id, gene_name, biotype."""
    wanted = [*PLACES, "feature", "strand", "gene_id", "gene_name", "biotype"]
    return _read(path, _layout(path, "gtf"), wanted, contigs, genes.is_gene).drop(columns="feature")


def read_gene_parts(path: Path | str, contigs: ContigNames = UNCHANGED) -> pd.DataFrame:
    """Read the rows transcript, exon and CDS of a GTF or GFF3: chrom, start, end, feature, strand, gene_id, transcript_id, exception."""
    layout = _layout(path, "gtf")
    if isinstance(layout, genes.GeneLayout):
        layout = replace(layout, complete=False)
    wanted = [*PLACES, "feature", "strand", "gene_id", "transcript_id", genes.EXCEPTION]
    return _read(path, layout, wanted, contigs, genes.is_part)


def read_coding_rows(path: Path | str, contigs: ContigNames = UNCHANGED) -> pd.DataFrame:
    """Read the rows gene and CDS of a GTF or GFF3 with the columns of `read_gene_parts` and frame, the text of column 8."""
    wanted = [*PLACES, "feature", "strand", "frame", "gene_id", "transcript_id", genes.EXCEPTION]
    return _read(path, _layout(path, "gtf"), wanted, contigs, genes.is_gene_or_coding)


def vcf_blocks(path: Path | str, contigs: ContigNames = UNCHANGED, field: str = "EFFECT") -> Iterator[pd.DataFrame]:
    """Read a VCF one block of records at a time.

    Columns: chrom, pos (1-based), id, ref, alt, and effect, which is `field` of INFO or empty.
    A table whose header has chrom, pos, ref and alt is read as well; its columns id and effect may be missing.
    """
    layout = _variant_layout(path, field)
    given = {*layout.names, *layout.computed}
    wanted = {name: layout.types.get(name, TEXT) for name in (*VCF[:5], "effect") if name in given}
    for block in _blocks(path, layout, wanted, contigs):
        columns = [column.cast(pa.string()) if wanted[name] == TEXT else column for name, column in block.items()]
        table = pa.table(dict(zip(block, columns, strict=True))).to_pandas()
        table = table.astype({name: "str" for name, kind in wanted.items() if kind == TEXT})
        yield table.assign(**{name: text for name, text in (("id", "."), ("effect", "")) if name not in wanted})


def bed_blocks(path: Path | str, contigs: ContigNames = UNCHANGED) -> Iterator[pd.DataFrame]:
    """Read a BED file one block of rows at a time: chrom, start, end, name and strand, `.` where the file has none."""
    layout = _layout(path, "bed")
    wanted = {name: layout.types.get(name, TEXT) for name in (*PLACES, "name", "strand") if name in layout.names}
    for block in _blocks(path, layout, wanted, contigs):
        columns = [column.cast(pa.string()) if wanted[name] == TEXT else column for name, column in block.items()]
        table = pa.table(dict(zip(block, columns, strict=True))).to_pandas()
        table = table.astype({name: "str" for name, kind in wanted.items() if kind == TEXT})
        yield table.assign(**{name: "." for name in ("name", "strand") if name not in wanted})


def read_table(path: Path | str, contigs: ContigNames = UNCHANGED) -> pd.DataFrame:
    """Read a table whose header has chrom, start and end, 0-based half-open: these first, then its other columns as text.

    The header may begin with #.
    """
    layout = _layout(path, "table")
    return _read(path, layout, _places_first(layout.names), contigs)


def read_headed(
    path: Path | str, columns: list[str], whole: Iterable[str] = (), contigs: ContigNames = UNCHANGED
) -> pd.DataFrame:
    """Read columns of a table with a header, chrom among them: those of `whole` as int64, the others as text."""
    return _read(path, _headed_layout(path, columns, whole), columns, contigs)


READERS: dict[str, Callable[..., pd.DataFrame]] = {
    "bed": read_bed,
    "narrowPeak": read_narrowpeak,
    "bedgraph": read_bedgraph,
    "rmsk": read_rmsk,
    "gtf": read_gtf,
}


def _read(
    path: Path | str,
    layout: "Layout",
    wanted: list[str],
    contigs: ContigNames,
    keep: Callable[[Block], pa.Array] | None = None,
) -> pd.DataFrame:
    """Return the columns `wanted` of all rows, or of those to `keep`; the index counts the rows as `data_lines` does."""
    numbered = isinstance(layout, genes.GeneLayout)
    wanted = [*wanted, genes.ROW] if numbered else wanted
    types = {name: layout.types.get(name, TEXT) for name in wanted}
    stored = {name: pa.string() if kind == TEXT else kind for name, kind in types.items()}
    found: dict[str, list[pa.Array]] = {name: [] for name in wanted}
    for block in _blocks(path, layout, types, contigs):
        kept = keep(block) if keep else None
        for name, column in block.items():
            found[name].append((column if kept is None else column.filter(kept)).cast(stored[name]))
    table = pa.table({name: pa.chunked_array(found[name], stored[name]) for name in wanted}).to_pandas()
    table = table.astype({name: "str" for name, kind in types.items() if kind == TEXT})
    if numbered:
        table = table.set_index(genes.ROW).rename_axis(None)
    if layout.header:  # which is one of these lines unless it begins with #
        table.index += sum(1 for _ in takewhile(lambda item: item[0] <= layout.header, data_lines(path)))
    return table


def _score_as_number(table: pd.DataFrame) -> pd.DataFrame:
    if "score" in table:
        table["score"] = pd.to_numeric(table["score"], errors="coerce").astype("float64")
    return table


# Chosen columns of whole genomes


def columns_of(path: Path | str, form: str) -> list[str]:
    """Return the columns that a track can name of a file in one of the formats of `READERS`, or `table` or `tss`."""
    if form == "bed":
        return BED[: max(3, columns_of_first_row(path) or len(BED))]
    return _places_first(_layout(path, form).names if form == "table" else GIVEN[form])


def read_columns(
    path: Path | str,
    form: str,
    lengths: dict[str, int],
    contigs: ContigNames = UNCHANGED,
    text: Iterable[str] = (),
    numbers: Iterable[str] = (),
) -> pd.DataFrame:
    """Read the rows on contigs that are read, checked as `check` does.

    lengths: of the contigs of the assembly, as `Contigs` has them. Returns chrom and the columns `text` as categories; start and end
    (int32 where they fit); the columns `numbers` as float64, NaN where one is missing.
    """
    layout = _layout(path, form)
    types = {"chrom": TEXT, "start": WHOLE, "end": WHOLE}
    types |= {name: kind for names, kind in ((text, TEXT), (numbers, DECIMAL)) for name in names if name not in PLACES}
    codes = {name: _Codes() for name, kind in types.items() if kind == TEXT}
    found: dict[str, list[np.ndarray]] = {name: [] for name in types}
    rows_on: Counter[str] = Counter()
    wrong = False
    for block in _blocks(path, layout, types, contigs):
        columns = {
            name: codes[name].encode(column) if name in codes else column.to_numpy(zero_copy_only=False)
            for name, column in block.items()
        }
        names = codes["chrom"].texts()
        rows_on.update(dict(zip(names, np.bincount(columns["chrom"]).tolist(), strict=False)))
        limits = limits_of(names, lengths)[columns["chrom"]]
        wrong = wrong or bool(misplaced(columns["start"], columns["end"], limits).any())
        known = limits > 0
        for name, values in columns.items():
            if name in ("start", "end") and values.max(initial=0) < 1 << 31:
                values = values.astype(np.int32)
            found[name].append(values if known.all() else values[known])
    if wrong:  # which is said where all rows are read, as their readers do
        check(_read(path, layout, PLACES, contigs), lengths, path)
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
        codes: np.ndarray = np.array(table or [0], kind)[column.indices.to_numpy()]
        return codes


# What each format has in which column


def _layout(path: Path | str, form: str, columns: list[str] | None = None) -> Layout:
    if form == "table":
        return _headed_layout(path, PLACES, PLACES[1:])
    if form == "rmsk" and repeatmasker.is_output(path):
        header = repeatmasker.end_of_header(path)
        return Layout(RMSK, TYPES, {}, header, repeatmasker.split)
    columns = columns or COLUMNS[form]
    least = LEAST.get(form, len(columns))
    number, line = next(data_lines(path), (0, ""))
    present = line.count("\t") + 1 if number else len(columns)
    if present < least:
        raise fault(path, number, line, f"expected {least} columns separated by tabs, found {present}")
    names = [*columns[:present], *(f"more{i}" for i in range(present - len(columns)))]
    if form == "gtf":
        _refuse_blanks(path, number, line)
        return genes.GeneLayout(names, TYPES | {genes.ROW: WHOLE}, COMPUTED[form])
    return Layout(names, TYPES, COMPUTED.get(form, {}))


def _variant_layout(path: Path | str, field: str) -> Layout:
    header = find_header(path, VARIANT)
    if header:
        return Layout(header[1], {"pos": WHOLE}, {}, header[0])
    layout = _layout(path, "vcf")
    if "info" not in layout.names:
        return layout
    return replace(layout, computed={"effect": (["info"], partial(_info, field))})


def _refuse_blanks(path: Path | str, number: int, line: str) -> None:
    """Refuse a GTF with blanks between its columns, since its attributes contain blanks."""
    cells = line.split("\t")
    if len(cells) > len(GTF) and re.fullmatch(r"[A-Za-z_]\w*", cells[len(GTF) - 1]):
        raise fault(path, number, line, "the columns of GTF and GFF3 are separated by tabs, not by blanks")


def _headed_layout(path: Path | str, columns: list[str], whole: Iterable[str]) -> Layout:
    header = find_header(path, columns)
    if not header:
        number, line = next(data_lines(path), (1, ""))
        listed = ", ".join(columns)
        raise fault(path, number, line, f"expected a header with the columns {listed} and others, separated by tabs")
    number, names = header
    names = [name if names.index(name) == i else f"{name}.{i + 1}" for i, name in enumerate(names)]  # no name twice
    return Layout(names, dict.fromkeys(whole, WHOLE), {}, number)


def _places_first(names: list[str]) -> list[str]:
    return [*PLACES, *(name for name in names if name not in PLACES)]


def _summit(peaks: Block) -> pa.Array:
    width = pc.subtract(peaks["end"], peaks["start"])
    summit = pc.if_else(pc.less(peaks["summit"], 0), pc.divide(width, 2), peaks["summit"])
    return pc.min_element_wise(summit, pc.subtract(width, 1))


def _info(field: str, records: Block) -> pa.Array:
    column = records["info"]
    found = pc.extract_regex(column.dictionary, f"(?:^|;){re.escape(field)}=(?P<value>[^;]*)")
    return pa.DictionaryArray.from_arrays(column.indices, pc.fill_null(pc.struct_field(found, "value"), ""))


def _strand(repeats: Block) -> pa.Array:
    strand = repeats["strand"]
    names = pc.if_else(pc.equal(strand.dictionary, "C"), "-", strand.dictionary)
    return pa.DictionaryArray.from_arrays(strand.indices, names)


COMPUTED: dict[str, dict[str, tuple[list[str], Callable[[Block], pa.Array]]]] = {
    "rmsk": {"strand": (["strand"], _strand)},
    "narrowPeak": {"summit": (["start", "end", "summit"], _summit)},
    "gtf": {"start": (["start"], lambda rows: pc.subtract(rows["start"], 1))},
}


# Blocks of rows in the columns of a format


def _blocks(path: Path | str, layout: Layout, wanted: dict[str, pa.DataType], contigs: ContigNames) -> Iterator[Block]:
    """Yield the columns `wanted`, chrom among them, as these types, a block of rows at a time."""
    types: dict[str, pa.DataType] = {}
    for name, kind in wanted.items():
        if name in layout.computed:
            types |= {source: layout.types.get(source, TEXT) for source in layout.computed[name][0]}
        else:
            types[name] = kind if kind == TEXT else layout.types.get(name, kind)
    for batch in _typed(path, layout, types):
        rows = {name: batch[name] for name in types}
        names = pa.array(contigs.of(rows["chrom"].dictionary.to_pylist()), pa.string())
        rows["chrom"] = pa.DictionaryArray.from_arrays(rows["chrom"].indices, names)
        made = {name: layout.computed[name][1](rows) if name in layout.computed else rows[name] for name in wanted}
        yield {name: _as_type(column, wanted[name]) for name, column in made.items()}


def _typed(path: Path | str, layout: Layout, types: dict[str, pa.DataType]) -> Iterator[Block]:
    if isinstance(layout, genes.GeneLayout):
        return genes.gene_blocks(path, layout, types)
    return typed_blocks(path, layout, types)


def _as_type(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if column.type == kind:
        return column
    return column.cast(pa.string()).dictionary_encode() if kind == TEXT else column.cast(kind)
