"""Annotation of regions: the category, presence or mean quantity of each track. It colours and tests embeddings and
is never an input."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from grover.errors import InputError
from grover.intervals import READERS, check, coverage_by_category, overlap_bases, weighted_mean

NONE = "none"
COLUMNS = ("track", "source", "format", "kind", "column")


def read_tracks(path: Path | str) -> pd.DataFrame:
    """The table of tracks: track, source, format, kind (category, presence or quantity), column (`-` where none is
    needed)."""
    tracks = pd.read_csv(path, sep="\t", dtype=str, comment="#", keep_default_na=False)
    missing = [name for name in COLUMNS if name not in tracks]
    if missing:
        raise InputError(f"{path}: column {missing[0]} is missing; expected {', '.join(COLUMNS)}")
    for row in tracks.itertuples():
        if row.kind not in KINDS:
            raise InputError(f"{path}: track {row.track} is of kind {row.kind!r}; expected {', '.join(KINDS)}")
        if row.format not in READERS:
            raise InputError(f"{path}: track {row.track} has the format {row.format!r}; expected {', '.join(READERS)}")
    twice = tracks["track"][tracks["track"].duplicated()]
    if len(twice):
        raise InputError(f"{path}: track {twice.iloc[0]} stands there twice; names must be unique")
    return tracks


def read_track(track, sources: dict[str, Path], lengths: dict[str, int], renames: dict[str, str]) -> pd.DataFrame:
    """The intervals of one row of the table of tracks, checked against the assembly.

    sources and renames: file and contig renaming by source; lengths: of the contigs. Raises `InputError` where the column that the
    track names is missing.
    """
    path = sources[track.source]
    table = check(READERS[track.format](path, rename=renames.get(track.source, "")), lengths, path)
    if track.column != "-" and track.column not in table:
        raise InputError(
            f"{path} has no column {track.column} for track {track.track}; it has {', '.join(table.columns)}"
        )
    return table


def annotate(
    regions: pd.DataFrame,
    tracks: pd.DataFrame,
    sources: dict[str, Path],
    lengths: dict[str, int],
    renames: dict[str, str],
    threshold: float,
) -> pd.DataFrame:
    """One column a track, row-aligned with `regions` (chrom, start, end); tracks whose source is not among `sources`
    are left out.

    sources and renames: file and contig renaming by source; lengths: of the contigs; threshold: share of a region that
    its leading category must cover.
    """
    columns = {}
    for track in tracks[tracks["source"].isin(list(sources))].itertuples():
        table = read_track(track, sources, lengths, renames)
        columns[track.track] = KINDS[track.kind](regions, table, track.column, threshold)
    return pd.DataFrame(columns, index=regions.index)


def category(regions: pd.DataFrame, table: pd.DataFrame, column: str, threshold: float) -> np.ndarray:
    """The value of `column` that covers most bases of each region, or `none` where it covers less than the share
    `threshold`."""
    names, covered = coverage_by_category(regions, table, column)
    if not names:
        return np.full(len(regions), NONE, object)
    length = (regions["end"] - regions["start"]).to_numpy()
    leading = np.array(names, object)[covered.argmax(1)]
    return np.where(covered.max(1) >= np.maximum(threshold * length, 1), leading, NONE)


def presence(regions: pd.DataFrame, table: pd.DataFrame, column: str, threshold: float) -> np.ndarray:
    """True for each region that shares a base with the track."""
    return overlap_bases(regions, table) > 0


def quantity(regions: pd.DataFrame, table: pd.DataFrame, column: str, threshold: float) -> np.ndarray:
    """Mean of `column` (`value` if `-`) over the covered bases of each region, float64; NaN where nothing lies."""
    return weighted_mean(regions, table, "value" if column == "-" else column)


KINDS: dict[str, Callable] = {"category": category, "presence": presence, "quantity": quantity}
