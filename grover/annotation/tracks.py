"""Annotation of regions: the category, presence, mean quantity or strand of each track. It colours and tests embeddings and
is never an input."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from grover.annotation.coverage import leading_category, weighted_mean
from grover.config.track_table import ALL, COLUMNS, read_track_rows, selection
from grover.intervals.bigwig import read_means
from grover.intervals.contigs import UNCHANGED, ContigNames, check
from grover.intervals.formats import columns_of, read_columns, to_numbers
from grover.intervals.overlaps import overlap_bases, share_covered
from grover.intervals.sites import read_tss
from grover.runtime.errors import InputError

NONE = "none"
REPEATS = "rmsk"
REPEAT_SHARE = "repeat_share"
STRANDS = ("+", "-")

Found = TypeVar("Found")


def read_tracks(path: Path | str) -> pd.DataFrame:
    """The table of tracks: track, source, format, kind, column (`-` where none is needed), where (`-`: all rows)."""
    return pd.DataFrame(read_track_rows(path), columns=[*COLUMNS, "where"])


def each_track(
    tracks: pd.DataFrame, sources: dict[str, Path], lengths: dict[str, int], names: dict[str, ContigNames]
) -> Iterator[tuple[Any, pd.DataFrame]]:
    """Yield row and intervals of each track whose source is given and is no bigWig, checked against the assembly.

    Columns: chrom (text), start, end, and those that the track names. Tracks of one source, which is read once, come together.

    tracks: as `read_tracks` returns them; sources and names: file and contig names by source; lengths: of the contigs. Raises
    `InputError` where a column that a track names is missing.
    """
    for rows, path, contigs in by_source(tracks, sources, names):
        table = read_source(rows, path, lengths, contigs)
        for track in rows:
            yield track, select(table, track, path).astype({"chrom": "str", "start": "int64", "end": "int64"})


def in_order(found: Mapping[tuple[str, str], Found], tracks: pd.DataFrame) -> dict[tuple[str, str], Found]:
    """What was found by track and category, in the order of the table of tracks."""
    place = {name: number for number, name in enumerate(tracks["track"])}
    return dict(sorted(found.items(), key=lambda item: place[item[0][0]]))


def annotate(
    regions: pd.DataFrame,
    tracks: pd.DataFrame,
    sources: dict[str, Path],
    lengths: dict[str, int],
    names: dict[str, ContigNames],
    threshold: float,
) -> pd.DataFrame:
    """One column per track, row-aligned with `regions` (chrom, start, end); tracks whose source is not among `sources`
    are left out. `repeat_share` is added where a track's format is rmsk: the share of the bases under any row of the first such source.

    sources and names: file and contig names by source; lengths: of the contigs; threshold: share of a region that
    its leading category, or features of one strand, must cover. Each source is read once.
    """
    columns: dict[str, np.ndarray] = {}
    share: dict[str, np.ndarray] = {}
    for rows, path, contigs in by_source(tracks, sources, names):
        if rows[0].format == "bigwig":
            columns |= dict.fromkeys((track.track for track in rows), read_means(path, regions, lengths, contigs))
            continue
        table = read_source(rows, path, lengths, contigs)
        columns |= {track.track: annotate_from(regions, table, track, path, threshold) for track in rows}
        if rows[0].format == REPEATS and not share:
            share[REPEAT_SHARE] = share_covered(regions, table)
    known = [name for name in tracks["track"] if name in columns]
    return pd.DataFrame({name: columns[name] for name in known} | share, index=regions.index)


def annotate_from(
    regions: pd.DataFrame, table: pd.DataFrame, track: Any, path: Path | str, threshold: float
) -> np.ndarray:
    """The column of one track, from the rows of its source as `read_source` returns them."""
    try:
        return KINDS[track.kind](regions, select(table, track, path), track.column, threshold)
    except InputError as error:
        raise InputError(f"{path}, track {track.track}: {error}") from None


def select(table: pd.DataFrame, track: Any, path: Path | str) -> pd.DataFrame:
    """The rows of a track's source that its `where` asks for; where there are none a line says so, since not every genome has LINEs."""
    if track.where == ALL:
        return table
    column, values = selection(track.where)
    kept = table[table[column].isin(values)]
    if len(table) and not len(kept):
        found = _some(table[column].cat.categories)
        print(
            f"track {track.track} is empty: {path} has no row with {track.where}; its {column} is {found}", flush=True
        )
    return kept


def by_source(
    tracks: pd.DataFrame, sources: dict[str, Path], names: dict[str, ContigNames]
) -> Iterator[tuple[list[Any], Path, ContigNames]]:
    """The rows of the tracks of each source that is given, its file, and its contig names."""
    known = tracks[tracks["source"].isin(list(sources))]
    for (source, _), rows in known.groupby(["source", "format"], sort=False):
        yield list(rows.itertuples()), sources[source], names.get(source, UNCHANGED)


def read_source(tracks: list[Any], path: Path, lengths: dict[str, int], contigs: ContigNames) -> pd.DataFrame:
    """The rows of one source with the columns that several tracks need."""
    present = columns_of(path, tracks[0].format)
    text: list[str] = []
    numbers: list[str] = []
    for track in tracks:
        named = [] if track.kind == "presence" or track.column == ALL else [track.column]
        (numbers if track.kind == "quantity" else text).extend(named)
        if track.kind == "quantity" and track.column == ALL:
            numbers.append("value")
        if track.kind == "strand":
            text.append("strand")
        if track.where != ALL:
            text.append(selection(track.where)[0])
        for name in {*text, *numbers} - {*present}:
            raise InputError(f"{path} has no column {name} for track {track.track}; it has {', '.join(present)}")
    if tracks[0].format == "tss":
        starts = check(read_tss(path, contigs), lengths, path)
        return starts.astype(dict.fromkeys(["chrom", *text], "category"))
    # a column of numbers that a `where` compares is read as text
    return read_columns(path, tracks[0].format, lengths, contigs, text, [name for name in numbers if name not in text])


def category(regions: pd.DataFrame, table: pd.DataFrame, column: str, threshold: float) -> np.ndarray:
    """The value of `column` that covers most bases of each region, or `none` where it covers less than the share
    `threshold`."""
    names, leading, covered = leading_category(regions, table, column)
    if not names:
        return np.full(len(regions), NONE, object)
    return np.where(covered >= _enough(regions, threshold), np.array(names, object)[leading], NONE)


def presence(regions: pd.DataFrame, table: pd.DataFrame, column: str, threshold: float) -> np.ndarray:
    """True for each region that shares a base with the track."""
    return overlap_bases(regions, table) > 0


def quantity(regions: pd.DataFrame, table: pd.DataFrame, column: str, threshold: float) -> np.ndarray:
    """Mean of `column` (`value` if `-`) over the covered bases of each region, float64; NaN where nothing lies."""
    column = "value" if column == ALL else column
    # of a column that a `where` compares the numbers were read as texts
    return weighted_mean(regions, table.assign(**{column: to_numbers(table, column)}), column)


def strand(regions: pd.DataFrame, table: pd.DataFrame, column: str, threshold: float) -> np.ndarray:
    """`+` or `-` where features of this strand cover at least the share `threshold` of the region and those of the other do
    not; else empty."""
    covered = [
        overlap_bases(regions, table[table["strand"] == sign]) >= _enough(regions, threshold) for sign in STRANDS
    ]
    plus, minus = covered
    return np.where(plus & ~minus, "+", np.where(minus & ~plus, "-", "")).astype(object)


def _enough(regions: pd.DataFrame, threshold: float) -> np.ndarray:
    return np.maximum(threshold * (regions["end"] - regions["start"]).to_numpy(), 1)


def _some(names: Iterable[object]) -> str:
    listed = sorted(map(str, names))
    return ", ".join(listed[:8]) + (", ..." if len(listed) > 8 else "")


KINDS = {"category": category, "presence": presence, "quantity": quantity, "strand": strand}
