"""Where the tokens of a genome lie, judged by rotating the annotation along it.

As in `grover.annotation.enrichment`, an occurrence belongs to a category if its middle base does. Neighbouring occurrences are
alike, and so is neighbouring annotation; so no test may take them as independent. Here the annotation slides along the genome as a
whole, all segments end to end, by a random number of bases, and what leaves at the end comes in at the beginning. That breaks the
tie between tokens and annotation and keeps the clumps of both. How the number of occurrences inside varies over such circular shifts is
how it varies where nothing ties them. regioneR rotates likewise, each chromosome in itself (circularRandomizeRegions; Gel et al.,
Bioinformatics 32:289, 2016). Here the whole genome is one circle: assemblies and parts of genomes have short contigs, which hardly
turn.

What this cannot do: a p-value is never below 1 / (circular shifts + 1); a circular shift brings annotation over the ends of segments and
chromosomes, where what meets are no neighbours; and a category with another composition than the genome's is tied to the tokens of
its letters, which says nothing of words.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from numba import njit
from scipy.stats import false_discovery_control

from grover.annotation.enrichment import FEWEST_EXPECTED, LEVEL, Category, Places, clip, read_categories
from grover.genome.assembly import Genome
from grover.runtime.files import release
from grover.tokenization.genome_tokens import STRIDE

NEAREST = 0.01  # share of the genome that a circular shift moves at least, both ways round
CHUNK = 256 * STRIDE  # tokens at a time; each chunk begins at an anchor
REPEATS = ("repeats", "any")


def all_repeats(
    genome: Genome, tracks: pd.DataFrame, sources: dict[str, Path], lengths: dict[str, int], renames: dict[str, str]
) -> dict[Category, Places]:
    """The union of all rows of the first track of the format rmsk as the category `any` of `repeats`; empty where there is none.

    The arguments are those of `grover.annotation.enrichment.read_categories`.
    """
    first = tracks[(tracks["format"] == "rmsk") & tracks["source"].isin(list(sources))].head(1)
    whole = first.assign(track=REPEATS[0], kind="presence", column="-", where="-")
    found = read_categories(genome, whole, sources, lengths, renames, 0)
    return {REPEATS: next(iter(found.values()))} if found else {}


def locate_by_shifts(
    tokens: np.ndarray,
    anchors: np.ndarray,
    statistics: pd.DataFrame,
    categories: dict[Category, Places],
    bases: int,
    shifts: int = 200,
    seed: int = 0,
    threads: int = 1,
) -> pd.DataFrame:
    """How much more often than expected each token lies in each category, with the interval and test of random circular shifts.

    tokens, anchors: `tokens.npy`, which may be memory-mapped, and `index.npy` of a genome of `bases` bases; statistics: id, token,
    length, one row an id; categories: sorted, disjoint places in the genome's codes.
    Returns track, category, id, token, length, count (occurrences), inside, share (inside / count), expected (mean of that share
    over all circular shifts, which is the category's share of the bases), log2 (enrichment, with one pseudo-occurrence that lies as
    expected), low, high (95 % interval), p (two-sided) and q (Benjamini and Hochberg over the table), with a row for each category
    and token that spells sequence, and the number of shifts as its attribute `shifts`. The last four columns are missing where fewer
    than 10 occurrences are expected inside or the category is everywhere.
    """
    spelt = statistics["token"].str.fullmatch("[ACGT]+").to_numpy()
    words = statistics.loc[spelt, ["id", "token"]].assign(length=statistics["token"].str.len())
    # overlapping words begin at every base, so that their length in the statistics is 1
    lengths = statistics["length"].to_numpy(np.int64)
    widths = np.where(spelt, statistics["token"].str.len(), lengths)
    turns = np.append(0, draw_offsets(bases, shifts, seed))  # the first one is the annotation as it is
    tables = []
    for track in dict.fromkeys(track for track, _ in categories):
        names = [name for name in categories if name[0] == track]
        starts, labels, members = label_runs([clip(*categories[name], bases) for name in names], bases)
        counts = count_rotated(tokens, anchors, lengths, widths, starts, labels, turns, bases, threads)[:, :, spelt]
        covered = np.bincount(labels, np.diff(np.append(starts, bases)), len(members))
        total = counts[0].sum(0)
        for name, inside in zip(names, members.T, strict=True):
            hits = counts[:, inside].sum(1)
            expected = covered[inside].sum() / bases
            table = words.assign(track=name[0], category=name[1], count=total, inside=hits[0], expected=expected)
            table["share"] = table["inside"] / table["count"].where(table["count"] > 0)
            tables.append(table.assign(**judge(hits, total, expected)))
    columns = ["track", "category", "id", "token", "length", "count", "inside", "share", "expected"]
    columns += ["log2", "low", "high", "p"]
    table = pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns, dtype=float)
    known = table["p"].notna()
    table["q"] = np.nan
    if known.any():
        table.loc[known, "q"] = false_discovery_control(table.loc[known, "p"])
    table.attrs["shifts"] = shifts
    return table


def draw_offsets(bases: int, shifts: int, seed: int) -> np.ndarray:
    """Random circular shifts of a genome of `bases` bases, int64 [shifts], none nearer than 1 % of the genome to where it begins."""
    nearest = max(1, int(bases * NEAREST))
    return np.random.default_rng(seed).integers(nearest, bases - nearest + 1, shifts)


def label_runs(places: list[Places], bases: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A genome of `bases` bases cut into runs, wherever a category begins or ends.

    Returns the first base of each run (int64, ascending from 0), its label (int64), and the categories that each label stands for,
    bool [labels, categories].
    """
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
    return starts, labels, np.array(members, bool).reshape(len(places), len(first)).T


def count_rotated(
    tokens: np.ndarray,
    anchors: np.ndarray,
    lengths: np.ndarray,
    widths: np.ndarray,
    starts: np.ndarray,
    labels: np.ndarray,
    turns: np.ndarray,
    bases: int,
    threads: int = 1,
) -> np.ndarray:
    """Occurrences of each token by the label of their middle base, after each circular shift of the labels: int32 [turns, labels, ids].

    lengths, widths: of the tokens by id, as `grover.tokenization.vocabulary.Vocabulary` has them; starts, labels: runs of a
    genome of `bases` bases; turns: how many bases, fewer than `bases`, the runs move along it.
    """
    counts = np.zeros((len(turns), int(labels.max()) + 1, len(lengths)), np.int32)
    edges = np.append(starts, bases)
    parts = [part for part in np.array_split(np.arange(len(turns)), threads) if part.size]
    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, len(tokens), CHUNK):
            chunk = np.array(tokens[first : first + CHUNK])
            middles = _middles(chunk, first, anchors, lengths, widths)
            jobs = [
                pool.submit(_count, chunk, middles, edges, labels, turns[part], counts[part[0] : part[-1] + 1])
                for part in parts
            ]
            for job in jobs:
                job.result()
            release(tokens)
    return counts


@njit(cache=True, nogil=True)
def _middles(
    tokens: np.ndarray, first: int, anchors: np.ndarray, lengths: np.ndarray, widths: np.ndarray
) -> np.ndarray:
    """Middle base of each token, int64; `first` is the number of the first one, at which an anchor lies."""
    anchor = np.searchsorted(anchors[:, 0], first)
    base = np.int64(0)
    middles = np.empty(tokens.size, np.int64)
    for i in range(tokens.size):
        # a segment may hold bases behind its last token
        if anchors[anchor, 0] == first + i:
            base = anchors[anchor, 1]
            anchor += 1
        middles[i] = base + (widths[tokens[i]] - 1) // 2
        base += lengths[tokens[i]]
    return middles


@njit(cache=True, nogil=True)
def _count(
    tokens: np.ndarray,
    middles: np.ndarray,
    edges: np.ndarray,
    labels: np.ndarray,
    turns: np.ndarray,
    counts: np.ndarray,
) -> None:
    bases = edges[-1]
    for turn in range(turns.size):
        # runs lie at their edges + shift, and behind the last one the first one comes again
        shift = turns[turn] if middles[0] >= turns[turn] else turns[turn] - bases
        run = np.searchsorted(edges, middles[0] - shift, side="right") - 1
        i = 0
        while i < tokens.size:
            if run == labels.size:
                run = 0
                shift += bases
            end = edges[run + 1] + shift
            row = counts[turn, labels[run]]
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
