"""All sources against the encoded genome, before any long work."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from grover.annotation.meme import read_meme
from grover.benchmarks.ready_sets import check_labelled
from grover.intervals.bigwig import read_means
from grover.intervals.contigs import RENAMES, Contigs, check
from grover.intervals.formats import READERS as INTERVALS
from grover.intervals.formats import read_table
from grover.intervals.overlaps import overlaps
from grover.intervals.sites import read_tss
from grover.intervals.splice import read_junctions
from grover.runtime.errors import InputError

READERS = {**INTERVALS, "table": read_table, "tss": read_tss, "splice": read_junctions}
COUNTED = {"meme": lambda path: len(read_meme(path)), "csv": check_labelled}  # rows without coordinates
BIGWIG = "bigwig"
FORMATS = (*READERS, BIGWIG, *COUNTED)


@dataclass(frozen=True)
class Source:
    """One annotation: what the configuration calls it, its format, its file, and how its contig names are mapped."""

    key: str
    format: str
    path: Path
    rename: str = ""

    @classmethod
    def parse(cls, text: str) -> "Source":
        """From `KEY=FORMAT=PATH` or `KEY=FORMAT=PATH=RENAME`; a path may itself hold `=`."""
        key, _, rest = text.partition("=")
        kind, _, path = rest.partition("=")
        if kind not in FORMATS or not path:
            raise InputError(
                f"source {text!r} is not of the form KEY=FORMAT=PATH[=RENAME] with a format of {', '.join(FORMATS)}"
            )
        before, _, rename = path.rpartition("=")
        if before and rename in RENAMES:
            return cls(key, kind, Path(before), rename)
        return cls(key, kind, Path(path))


def check_sources(
    sources: list[Source], segments: pd.DataFrame, contigs: Contigs, minimum: dict[str, int]
) -> pd.DataFrame:
    """Read every source and compare it with the genome: key, format, file, rows, rows_in_segments, contigs.

    `rows_in_segments` counts rows that share a base with a segment, peaks by their summit. For motifs and labelled sequences, which have
    no coordinates, it is missing. Of a bigWig it counts the segments that hold a value, and `rows` is missing.
    `minimum` gives, for some keys, how many rows must lie in the segments. Raises `InputError` at the first source that
    does not fit.
    """
    unknown = set(minimum) - {source.key for source in sources}
    if unknown:
        raise InputError(f"a minimum is given for {', '.join(sorted(unknown))}, which is none of the sources")
    rows = [_check_source(source, segments, contigs, minimum.get(source.key, 0)) for source in sources]
    return pd.DataFrame(rows, columns=["key", "format", "file", "rows", "rows_in_segments", "contigs"])


def _check_source(source: Source, segments: pd.DataFrame, contigs: Contigs, minimum: int) -> dict:
    lengths, names = contigs.lengths, contigs.names(source.rename)
    row = {"key": source.key, "format": source.format, "file": str(source.path)}
    if not source.path.is_file():
        raise InputError(f"{source.path} does not exist; correct the path of the source {source.key!r}")
    if source.format in COUNTED:
        rows = COUNTED[source.format](source.path)
        if rows < minimum:
            raise InputError(
                f"{source.path} (source {source.key!r}) has {rows:,} rows, at least {minimum:,} are needed; take another file"
            )
        return row | {"rows": rows, "rows_in_segments": pd.NA, "contigs": ""}
    if source.format == BIGWIG:
        inside = segments[pd.notna(read_means(source.path, segments, lengths, names))]
        if len(inside) < max(minimum, 1):
            raise InputError(
                f"{source.path} (source {source.key!r}) has values in {len(inside):,} of {len(segments):,} kept segments, at "
                f"least {max(minimum, 1):,} are needed; take more of the assembly or another file"
            )
        found = {"rows": pd.NA, "rows_in_segments": len(inside), "contigs": ",".join(inside["chrom"].unique())}
        return row | found
    table = READERS[source.format](source.path, contigs=names)
    placed = check(table, lengths, source.path)
    if source.format == "narrowPeak":
        summit = placed["start"] + placed["summit"]
        placed = placed.assign(start=summit, end=summit + 1)
    inside = placed[overlaps(placed, segments)]
    if len(inside) < max(minimum, 1):
        what = "peaks" if source.format == "narrowPeak" else "rows"
        raise InputError(
            f"{source.path} (source {source.key!r}) has {len(inside):,} of its {len(table):,} {what} in the kept "
            f"segments, at least {max(minimum, 1):,} are needed; take more of the assembly or another file"
        )
    found = {"rows": len(table), "rows_in_segments": len(inside), "contigs": ",".join(inside["chrom"].unique())}
    return row | found
