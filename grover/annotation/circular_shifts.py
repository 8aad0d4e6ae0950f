"""Enrichment of the tokens of a genome in annotation, judged by circular shifts of the annotation.

As in `grover.annotation.enrichment`, an occurrence belongs to a category if its middle base does. Neighbouring occurrences are
alike, and so is neighbouring annotation; so no test may take them as independent. Here the annotation is shifted along the genome as a
whole, all segments end to end, by a random number of bases; what leaves at the end comes in at the beginning. That breaks the
association between tokens and annotation and keeps the clumps of both. The number of occurrences inside varies over such shifts as it
varies without association. regioneR shifts each chromosome in itself (circularRandomizeRegions; Gel et al., Bioinformatics 32:289,
2016). Here the whole genome is one circle: assemblies and parts of genomes have short contigs, which can hardly be shifted.

Limits: a p-value is never below 1 / (shifts + 1); a shift brings annotation over the ends of segments and chromosomes, where what meets
are no neighbours; and a category with another composition than the genome's is associated with tokens of that composition, whatever
the order of their bases.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numba import njit
from scipy.stats import false_discovery_control

from grover.annotation.enrichment import FEWEST_EXPECTED, LEVEL, Category, Places, clip, read_categories
from grover.genome.assembly import Genome
from grover.intervals.contigs import ContigNames
from grover.runtime.files import release
from grover.tokenization.genome_tokens import STRIDE

NEAREST = 0.01  # share of the genome that a circular shift moves at least, both ways round
CHUNK = 256 * STRIDE  # tokens at a time; each chunk begins at an anchor
REPEATS = ("repeats", "any")


def all_repeats(
    genome: Genome,
    tracks: pd.DataFrame,
    sources: dict[str, Path],
    lengths: dict[str, int],
    names: dict[str, ContigNames],
) -> dict[Category, Places]:
    """The union of all rows of the first track of the format rmsk as the category `any` of `repeats`; empty where there is none.

    The arguments are those of `grover.annotation.enrichment.read_categories`.
    """
    first = tracks[(tracks["format"] == "rmsk") & tracks["source"].isin(list(sources))].head(1)
    whole = first.assign(track=REPEATS[0], kind="presence", column="-", where="-")
    found = read_categories(genome, whole, sources, lengths, names, 0)
    return {REPEATS: next(iter(found.values()))} if found else {}


@dataclass(frozen=True)
class PlacedTokens:
    """The tokens of a genome and what says where they lie.

    ids, anchors: `tokens.npy`, which may be memory-mapped, and `index.npy`; strides, spans: by id, as
    `grover.tokenization.vocabulary.Vocabulary` has them.
    """

    ids: np.ndarray
    anchors: np.ndarray
    strides: np.ndarray
    spans: np.ndarray


class Runs(NamedTuple):
    """A genome of `bases` bases cut into runs, wherever a category begins or ends.

    starts: first base of each run (int64, ascending from 0); labels: of each run (int64); members: the categories that each label
    stands for, bool [labels, categories].
    """

    starts: np.ndarray
    labels: np.ndarray
    members: np.ndarray
    bases: int


def enrich_by_shifts(
    tokens: np.ndarray,
    anchors: np.ndarray,
    statistics: pd.DataFrame,
    categories: dict[Category, Places],
    bases: int,
    shifts: np.ndarray,
    threads: int = 1,
) -> pd.DataFrame:
    """Compare how often each token lies in each category with circular shifts of the categories.

    tokens, anchors: `tokens.npy`, which may be memory-mapped, and `index.npy` of a genome of `bases` bases; statistics: id, token,
    length, one row per id; categories: sorted, disjoint places in the genome's codes; shifts: as `draw_shifts` returns them.
    Returns a row for each category and token that spells sequence; the attribute `shifts` is the number of shifts. Columns: track,
    category, id, token, length; count (occurrences), inside, share (inside / count); expected (mean of that share over all circular
    shifts, which is the category's share of the bases); log2 (enrichment, with one pseudo-occurrence as expected); low, high (95 %
    interval), p (two-sided), q (Benjamini and Hochberg over the table). The last four columns are missing where fewer
    than 10 occurrences are expected inside or the category is everywhere.
    """
    spelt = statistics["token"].str.fullmatch("[ACGT]+").to_numpy()
    described = statistics.loc[spelt, ["id", "token"]].assign(length=statistics["token"].str.len())
    # overlapping k-mers begin at every base, so that their length in the statistics is the stride of 1
    strides = statistics["length"].to_numpy(np.int64)
    placed = PlacedTokens(tokens, anchors, strides, np.where(spelt, statistics["token"].str.len(), strides))
    with_none = np.append(0, shifts)  # the first one is the annotation as it is
    tables = []
    for track in dict.fromkeys(track for track, _ in categories):
        names = [name for name in categories if name[0] == track]
        runs = label_runs([clip(*categories[name], bases) for name in names], bases)
        counts = count_shifted(placed, runs, with_none, threads)[:, :, spelt]
        covered = np.bincount(runs.labels, np.diff(np.append(runs.starts, bases)), len(runs.members))
        total = counts[0].sum(0)
        for name, inside in zip(names, runs.members.T, strict=True):
            hits = counts[:, inside].sum(1)
            expected = covered[inside].sum() / bases
            table = described.assign(track=name[0], category=name[1], count=total, inside=hits[0], expected=expected)
            table["share"] = table["inside"] / table["count"].where(table["count"] > 0)
            tables.append(table.assign(**judge(hits, total, expected)))
    columns = ["track", "category", "id", "token", "length", "count", "inside", "share", "expected"]
    columns += ["log2", "low", "high", "p"]
    table = pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns, dtype=float)
    known = table["p"].notna()
    table["q"] = np.nan
    if known.any():
        table.loc[known, "q"] = false_discovery_control(table.loc[known, "p"])
    table.attrs["shifts"] = len(shifts)
    return table


def draw_shifts(bases: int, number: int, seed: int) -> np.ndarray:
    """Draw circular shifts of a genome of `bases` bases, int64 [number], none nearer than 1 % of the genome to where it begins."""
    nearest = max(1, int(bases * NEAREST))
    return np.random.default_rng(seed).integers(nearest, bases - nearest + 1, number)


def label_runs(places: list[Places], bases: int) -> Runs:
    """Cut a genome of `bases` bases into runs, wherever one of the categories at `places` begins or ends."""
    # A run is known by the sum of random keys of the categories that lie over it. There are far fewer runs than keys, so that
    # two sums that are the same by chance need not be feared.
    keys = np.random.default_rng(0).integers(1, 2**62, len(places))
    at = np.concatenate([[0], *(np.concatenate(place) for place in places)]).astype(np.int64)
    changes = [np.repeat([key, -key], starts.size) for key, (starts, _) in zip(keys, places, strict=True)]
    steps = np.concatenate([[0], *changes]).astype(np.int64)
    order = np.argsort(at, kind="stable")
    at, sums = at[order], np.cumsum(steps[order])
    last = np.append(at[1:] > at[:-1], True) & (at < bases)
    starts = at[last]
    _, first, labels = np.unique(sums[last], return_index=True, return_inverse=True)
    examples = starts[first]
    members = [
        np.searchsorted(begin, examples, "right") > np.searchsorted(end, examples, "right") for begin, end in places
    ]
    return Runs(starts, labels, np.array(members, bool).reshape(len(places), len(first)).T, bases)


def count_shifted(tokens: PlacedTokens, runs: Runs, shifts: np.ndarray, threads: int = 1) -> np.ndarray:
    """Count each token by the label of its middle base, after each circular shift of the labels: int32 [shifts, labels, ids].

    shifts: how many bases, fewer than the genome has, the runs move along it.
    """
    counts = np.zeros((len(shifts), int(runs.labels.max()) + 1, len(tokens.strides)), np.int32)
    edges = np.append(runs.starts, runs.bases)
    parts = [part for part in np.array_split(np.arange(len(shifts)), threads) if part.size]
    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, len(tokens.ids), CHUNK):
            chunk = np.array(tokens.ids[first : first + CHUNK])
            middles = _middles(chunk, first, tokens.anchors, tokens.strides, tokens.spans)
            jobs = [
                pool.submit(_count, chunk, middles, edges, runs.labels, shifts[part], counts[part[0] : part[-1] + 1])
                for part in parts
            ]
            for job in jobs:
                job.result()
            release(tokens.ids)
    return counts


@njit(cache=True, nogil=True)
def _middles(tokens: np.ndarray, first: int, anchors: np.ndarray, strides: np.ndarray, spans: np.ndarray) -> np.ndarray:
    """Middle base of each token, int64; `first` is the number of the first one, at which an anchor lies."""
    anchor = np.searchsorted(anchors[:, 0], first)
    base = np.int64(0)
    middles = np.empty(tokens.size, np.int64)
    for i in range(tokens.size):
        # a segment may hold bases behind its last token
        if anchors[anchor, 0] == first + i:
            base = anchors[anchor, 1]
            anchor += 1
        middles[i] = base + (spans[tokens[i]] - 1) // 2
        base += strides[tokens[i]]
    return middles


@njit(cache=True, nogil=True)
def _count(
    tokens: np.ndarray,
    middles: np.ndarray,
    edges: np.ndarray,
    labels: np.ndarray,
    shifts: np.ndarray,
    counts: np.ndarray,
) -> None:
    bases = edges[-1]
    for number in range(shifts.size):
        # runs lie at their edges + shift, and behind the last one the first one comes again
        shift = shifts[number] if middles[0] >= shifts[number] else shifts[number] - bases
        run = np.searchsorted(edges, middles[0] - shift, side="right") - 1
        i = 0
        while i < tokens.size:
            if run == labels.size:
                run = 0
                shift += bases
            end = edges[run + 1] + shift
            row = counts[number, labels[run]]
            while i < tokens.size and middles[i] < end:
                row[tokens[i]] += 1
                i += 1
            run += 1


def judge(hits: np.ndarray, total: np.ndarray, expected: float) -> dict[str, np.ndarray]:
    """log2 enrichment, low, high and p of tokens in a category, each float64 [tokens].

    hits: occurrences inside, int [1 + circular shifts, tokens], the first row unshifted; total: all occurrences [tokens]; expected:
    mean share inside over all circular shifts. The interval takes the estimate to vary around the truth as circular shifts vary around no
    enrichment. As extreme is what is as far from the mean in square roots, in which counts vary alike above and below it.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        log2 = np.log2((hits + expected) / (total + 1) / expected)
    low, high = log2[0] - np.nanquantile(log2[1:], [1 - LEVEL / 2, LEVEL / 2], axis=0)
    distance = np.abs(np.sqrt(hits) - np.sqrt(total * expected))
    p = (1 + (distance[1:] >= distance[0] - 1e-9).sum(0)) / len(hits)
    known = (total * expected >= FEWEST_EXPECTED) & (expected < 1)
    tested = {"low": low, "high": high, "p": p}
    return {"log2": log2[0]} | {name: np.where(known, values, np.nan) for name, values in tested.items()}
