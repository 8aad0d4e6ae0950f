"""Where the tokens of a genome lie: the share of each token's occurrences inside each category of annotation, against expectation.

Positions are places in the genome's code array (all segments end to end). An occurrence belongs to a category if its middle base
does (of an even number of bases the left one of the two). Expected is the category's share of the sequence, as if occurrences
were scattered over it without regard to the annotation. Occurrences are not independent: tokens repeat, overlap with themselves and go
with composition, which changes over millions of bases. So uncertainty comes from a jackknife over blocks of the genome.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from numba import njit
from scipy.stats import false_discovery_control, t

from grover.annotation.tracks import each_track, in_order
from grover.genome.assembly import Genome
from grover.intervals.contigs import ContigNames
from grover.intervals.overlaps import bases_before, union

MOST_BLOCKS, SHORTEST_BLOCK = 200, 10_000
FEWEST_BLOCKS = 10  # blocks that a category must lie in, and
FEWEST_EXPECTED = 10  # occurrences that must be expected inside, for a test
LEVEL = 0.05
PROMOTER = "promoter"  # tracks whose names begin so may hold single bases

Category = tuple[str, str]  # track and category; of a track without categories the name twice
Places = tuple[np.ndarray, np.ndarray]  # sorted, disjoint starts and ends, int64


def read_categories(
    genome: Genome,
    tracks: pd.DataFrame,
    sources: dict[str, Path],
    lengths: dict[str, int],
    names: dict[str, ContigNames],
    promoter_flank: int,
) -> dict[Category, Places]:
    """Every category of the tracks of kind category or presence whose source is given, as places in the genome's codes.

    tracks: as `grover.annotation.tracks.read_tracks` returns them; sources, names: file and contig names by source; lengths:
    of the contigs. Promoters reach at least `promoter_flank` bases to both sides of their middle, since most tables give a base or
    a few. A category outside the kept sequence is left out.
    """
    found: dict[Category, Places] = {}
    tracks = tracks[tracks["kind"].isin(["category", "presence"])]
    for track, table in each_track(tracks, sources, lengths, names):
        if track.track.startswith(PROMOTER):
            table = widen(table, promoter_flank)
        values = table[track.column] if track.kind == "category" else np.full(len(table), track.track)
        # of a genome's millions of rows only the coordinates are kept
        for name, rows in table[["chrom", "start", "end"]].groupby(np.asarray(values), sort=True):
            starts, ends = genome.places(rows)
            if (ends > starts).any():
                found[track.track, str(name)] = union(starts[ends > starts], ends[ends > starts])
    return in_order(found, tracks)


def widen(intervals: pd.DataFrame, flank: int) -> pd.DataFrame:
    """Intervals that reach at least `flank` bases to both sides of their middle base."""
    middle = (intervals["start"] + intervals["end"] - 1) // 2
    return intervals.assign(
        start=np.minimum(intervals["start"], np.maximum(middle - flank, 0)),
        end=np.maximum(intervals["end"], middle + flank + 1),
    )


def enrich(
    tokens: np.ndarray, statistics: pd.DataFrame, lengths: np.ndarray, categories: dict[Category, Places], bases: int
) -> pd.DataFrame:
    """How much more often than expected each token lies in each category, with interval and test.

    tokens: uint16, all tokens of a genome of `bases` bases, may be memory-mapped; lengths: bases by id, int32; statistics: id, token,
    length, of the tokens to report.
    Returns a table: id, token, length, track, category; count (occurrences), inside, share (inside / count); expected (share of
    the bases); log2 (enrichment, with one pseudo-occurrence as expected); low, high (95 % interval), p and q (Benjamini and
    Hochberg over all tests). The last four are missing where the category lies in fewer than 10 blocks or fewer than 10 occurrences
    are expected inside.
    """
    names = list(categories)
    blocks = int(np.clip(bases // SHORTEST_BLOCK, 1, MOST_BLOCKS))
    edges = np.arange(blocks + 1) * bases // blocks
    places = [clip(*categories[name], bases) for name in names]
    covered = np.array([np.diff(bases_before(*place, edges)) for place in places], np.int64).reshape(len(names), blocks)
    counts, inside = count(tokens, lengths, places, edges)
    ids = statistics["id"].to_numpy()
    tested = enrichment(counts[:, ids], inside[:, ids], covered.T, np.diff(edges))
    shape = (len(ids), len(names))
    table = statistics.loc[np.repeat(statistics.index, len(names)), ["id", "token", "length"]].reset_index(drop=True)
    table["track"] = np.tile(np.array([track for track, _ in names], object), len(ids))
    table["category"] = np.tile(np.array([category for _, category in names], object), len(ids))
    table["count"] = np.repeat(counts[:, ids].sum(0), len(names))
    table["inside"] = inside[:, ids].sum(0).ravel()
    table["share"] = table["inside"] / table["count"].where(table["count"] > 0)
    table["expected"] = np.broadcast_to(covered.sum(1) / max(1, bases), shape).ravel()
    return table.assign(**{name: values.ravel() for name, values in tested.items()})


def clip(starts: np.ndarray, ends: np.ndarray, bases: int) -> Places:
    """The part of sorted, disjoint intervals before the place `bases`."""
    kept = starts < bases
    return starts[kept], np.minimum(ends[kept], bases)


def count(
    tokens: np.ndarray, lengths: np.ndarray, places: list[Places], edges: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Occurrences of each token in each block, int32 [blocks, ids], and those inside each category [blocks, ids, categories].

    edges: first place of each block and the end of the last.
    """
    none = np.zeros(0, np.int16)
    number = np.concatenate([none, *(np.full(starts.size, i, np.int16) for i, (starts, _) in enumerate(places))])
    starts = np.concatenate([none, *(starts for starts, _ in places)])
    ends = np.concatenate([none, *(ends for _, ends in places)])
    at = np.concatenate([starts, ends]).astype(np.int64)
    order = np.argsort(at, kind="stable")
    # one line of events: at each place the category that begins (its number) or ends (its number below zero)
    events = np.concatenate([number, -1 - number]).astype(np.int16)[order]
    blocks = len(edges) - 1
    counts = np.zeros((blocks, len(lengths)), np.int32)
    inside = np.zeros((blocks, len(lengths), len(places)), np.int32)
    _count(tokens, np.asarray(lengths, np.int64), at[order], events, np.asarray(edges, np.int64), counts, inside)
    return counts, inside


@njit(cache=True, nogil=True)
def _count(
    tokens: np.ndarray,
    lengths: np.ndarray,
    at: np.ndarray,
    events: np.ndarray,
    edges: np.ndarray,
    counts: np.ndarray,
    inside: np.ndarray,
) -> None:
    active = np.empty(inside.shape[2], np.int64)  # the categories at the present place
    size = 0
    event = np.int64(0)
    block = np.int64(0)
    position = np.int64(0)
    for i in range(tokens.size):
        token = tokens[i]
        middle = position + (lengths[token] - 1) // 2
        while event < at.size and at[event] <= middle:
            category = events[event]
            if category >= 0:
                active[size] = category
                size += 1
            else:
                gone = 0
                while active[gone] != -1 - category:
                    gone += 1
                size -= 1
                active[gone] = active[size]
            event += 1
        while middle >= edges[block + 1]:
            block += 1
        counts[block, token] += 1
        for j in range(size):
            inside[block, token, active[j]] += 1
        position += lengths[token]


def enrichment(counts: np.ndarray, inside: np.ndarray, covered: np.ndarray, bases: np.ndarray) -> dict[str, np.ndarray]:
    """log2 enrichment of tokens in categories, with interval and test from a delete-one jackknife over blocks.

    counts: int [blocks, tokens]; inside: int [blocks, tokens, categories]; covered: bases of each category, int [blocks, categories];
    bases: int [blocks]. Returns log2, low, high, p and q, each float64 [tokens, categories]. The standard error is at least that
    of independent occurrences, since a token that never lies inside does not vary over blocks; t has as many degrees of freedom as
    the category has blocks, less one. Source of the method: Busing, Meijer and van der Leeden, Statistics and Computing 9:3 (1999).
    """
    total, hits = counts.sum(0)[:, None], inside.sum(0, dtype=np.int64)
    length, width = bases.sum(), covered.sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = width / length
        log2 = _log2(hits, total, expected)
        # pseudo-values around the estimate: their spread is the jackknife's
        mean, squares = np.zeros(hits.shape), np.zeros(hits.shape)
        for block in range(len(bases)):
            rest = (width - covered[block]) / (length - bases[block])
            difference = _log2(hits - inside[block], total - counts[block][:, None], rest) - log2
            mean += difference / len(bases)
            squares += difference**2
        jackknife = (len(bases) - 1) * (squares / len(bases) - mean**2)
        independent = (1 - expected) / (hits + 1) / np.log(2) ** 2
        error = np.sqrt(np.maximum(jackknife, independent))
        freedom = (covered > 0).sum(0) - 1
        p = 2 * t.sf(np.abs(log2) / error, np.maximum(freedom, 1))
    known = (freedom + 1 >= FEWEST_BLOCKS) & (total * expected >= FEWEST_EXPECTED) & (expected < 1)
    half = np.where(known, error, np.nan) * t.ppf(1 - LEVEL / 2, np.maximum(freedom, 1))
    p = np.where(known, p, np.nan)
    q = np.full(p.shape, np.nan)
    q[known] = false_discovery_control(p[known]) if known.any() else np.nan
    return {"log2": log2, "low": log2 - half, "high": log2 + half, "p": p, "q": q}


def _log2(hits: np.ndarray, total: np.ndarray, expected: np.ndarray) -> np.ndarray:
    return np.log2((hits + expected) / (total + 1) / expected)


def most_tied(table: pd.DataFrame, number: int = 5, fewest: int = 20) -> pd.DataFrame:
    """Of each category the tokens with the largest enrichment, among those with q below 0.05 and at least `fewest` occurrences inside."""
    tied = table[(table["q"] < LEVEL) & (table["log2"] > 0) & (table["inside"] >= fewest)]
    tied = tied.sort_values("log2", ascending=False, kind="stable")
    order = list(dict.fromkeys(zip(table["track"], table["category"], strict=True)))
    groups = dict(list(tied.groupby(["track", "category"], sort=False)))
    parts = [groups[name].head(number) for name in order if name in groups]
    return pd.concat(parts, ignore_index=True) if parts else tied


def coverage(table: pd.DataFrame, longest: int = 10) -> pd.DataFrame:
    """Share of the bases of each category that tokens of each length cover: track, category, length (the last one and more), share.

    A token counts with all its bases where its middle base lies.
    """
    bases = (table["inside"] * table["length"]).groupby(
        [table["track"], table["category"], table["length"].clip(upper=longest)], sort=False
    )
    bases = bases.sum().rename("share").reset_index()
    return bases.assign(share=bases["share"] / bases.groupby(["track", "category"])["share"].transform("sum"))
