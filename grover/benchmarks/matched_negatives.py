"""Negatives out of the genome: for each positive a window elsewhere in its fold, like it in GC and in its share of repeats.

Candidates are drawn evenly over all places where a window fits. It lies wholly in one segment and one stretch of the fold, clear of what is
excluded. Each positive takes the nearest candidate left. One without a candidate within the tolerances waits for the next round of
candidates. It may end without a negative, since an unlike one could be recognised by its GC alone.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from grover.genome.assembly import Genome, gc_shares
from grover.intervals.overlaps import overlap_bases, union, within
from grover.runtime.files import release

# A negative differs by at most these shares of its bases from its positive; distances count in these units.
GC_TOLERANCE, REPEAT_TOLERANCE = 0.02, 0.1

CANDIDATES = 50  # per positive and round
FEWEST = 20_000  # candidates of a round, where positives are few
ROUNDS = 10
NEAREST = 20  # candidates that a positive looks at before it waits for the next round


@dataclass(frozen=True)
class Background:
    """The genome that negatives are drawn from, with what they must match and avoid.

    folds: chrom, start, end, fold. exclude: chrom, start, end of the places where no negative may lie, the positives and their sites.
    repeats, blacklist: chrom, start, end; None where there are none.
    """

    genome: Genome
    folds: pd.DataFrame
    exclude: pd.DataFrame
    repeats: pd.DataFrame | None = None
    blacklist: pd.DataFrame | None = None


def genomic_matched(positives: pd.DataFrame, background: Background, seed: int) -> pd.DataFrame:
    """Draw one window of the genome for each positive, of its length and fold and like it in GC and repeats.

    positives: chrom, start, end, strand, fold. Returns chrom, start, end, strand, fold with the index of `positives`. No two windows
    overlap, none lies on the blacklist or an excluded place, each lies in one segment and one interval of its fold; strands are
    random. A positive without a match has chrom "", start and end -1 and strand ".".
    """
    genome, folds, repeats = background.genome, background.folds, background.repeats
    rng = np.random.default_rng(seed)
    size = (positives["end"] - positives["start"]).to_numpy(np.int64)
    place = genome.wholly(positives)[0]
    wanted = np.full((len(positives), 2), np.nan)
    held = place >= 0
    gc, covered = _gc(genome, place[held], size[held]), _repeats(positives[held], size[held], repeats)
    wanted[held] = np.column_stack([gc, covered])
    blocked = [rows for rows in (background.exclude, background.blacklist) if rows is not None and len(rows)]
    taken = [_on_codes(rows, genome) for rows in blocked]

    found = np.full(len(positives), -1, dtype=np.int64)
    fold = positives["fold"].to_numpy()
    for (name, length), _ in pd.DataFrame({"fold": fold, "length": size}).groupby(["fold", "length"]):
        rows = np.flatnonzero(held & (fold == name) & (size == length))
        stretches = _free(genome, _on_codes(folds[folds["fold"] == name], genome), taken)
        found[rows] = _match(wanted[rows], length, stretches, genome, repeats, rng)
        chosen = found[rows][found[rows] >= 0]
        taken.append(np.stack([chosen, chosen + length]))

    matched = found >= 0
    chrom, start = genome.locate(np.maximum(found, 0))
    return pd.DataFrame(
        {
            "chrom": pd.Series(np.where(matched, np.array(genome.chroms)[chrom], ""), positives.index, dtype="str"),
            "start": np.where(matched, start, -1),
            "end": np.where(matched, start + size, -1),
            "strand": pd.Series(
                np.where(matched, rng.choice(["+", "-"], len(found)), "."), positives.index, dtype="str"
            ),
            "fold": positives["fold"],
        },
        index=positives.index,
    )


def _match(
    wanted: np.ndarray,
    length: int,
    stretches: np.ndarray,
    genome: Genome,
    repeats: pd.DataFrame | None,
    rng: np.random.Generator,
) -> np.ndarray:
    """For each row of `wanted` (GC, repeat share) the place in `genome.codes` of its window, -1 without one.

    stretches: starts and ends in `genome.codes` of the sequence that may be taken, int64 [2, stretches].
    """
    found = np.full(len(wanted), -1, dtype=np.int64)
    starts, ends = stretches
    room = np.maximum(ends - starts - length + 1, 0)
    before = np.cumsum(room) - room
    if not room.sum():
        return found
    scale = np.array([GC_TOLERANCE, REPEAT_TOLERANCE])
    # windows are of one length, so that at most one of those taken begins in each bin of that length
    taken: dict[int, int] = {}
    for _ in range(ROUNDS):
        left = np.flatnonzero(found < 0)
        if not len(left):
            break
        number = min(max(CANDIDATES * len(wanted), FEWEST), int(room.sum()))
        drawn = np.unique(rng.integers(0, room.sum(), number))
        stretch = np.searchsorted(before, drawn, side="right") - 1
        candidates = drawn - before[stretch] + starts[stretch]
        gc = _gc(genome, candidates, np.full(len(candidates), length))
        useful = _distance(np.sort(wanted[left, 0]), gc) <= GC_TOLERANCE
        candidates, gc = candidates[useful], gc[useful]
        if not len(candidates):
            continue
        chrom, first = genome.locate(candidates)
        windows = pd.DataFrame(
            {"chrom": pd.Categorical.from_codes(chrom, genome.chroms), "start": first, "end": first + length}
        )
        tree = cKDTree(np.column_stack([gc, _repeats(windows, length, repeats)]) / scale)
        nearest = min(NEAREST, len(candidates))
        distance, near = tree.query(wanted[left] / scale, k=np.arange(1, nearest + 1), distance_upper_bound=1)
        # those with the fewest like them choose first
        for i in np.argsort(-distance[:, -1], kind="stable"):
            for j in near[i][np.isfinite(distance[i])]:
                place = int(candidates[j])
                bin_ = place // length
                if all(abs(place - taken.get(b, place - length)) >= length for b in (bin_ - 1, bin_, bin_ + 1)):
                    taken[bin_] = found[left[i]] = place
                    break
    return found


def _free(genome: Genome, held: np.ndarray, taken: list[np.ndarray]) -> np.ndarray:
    """Stretches of single segments inside `held` and outside all of `taken`; places in `genome.codes`, int64 [2, stretches]."""
    held = np.stack(union(*held))
    gone = np.stack(union(*np.concatenate([np.zeros((2, 0), np.int64), *taken], axis=1)))
    cuts = np.unique(np.concatenate([genome.bounds, held.ravel(), gone.ravel()]))
    starts, ends = cuts[:-1], cuts[1:]
    free = within(starts, *held) & ~within(starts, *gone)
    return np.stack([starts[free], ends[free]])


def _on_codes(intervals: pd.DataFrame, genome: Genome) -> np.ndarray:
    """Starts and ends in `genome.codes` of intervals, int64 [2, n], without those that lie on no segment."""
    places = genome.places(intervals)
    return places[:, places[1] > places[0]]


def _gc(genome: Genome, places: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Share of C and G in windows of `genome.codes`, float64."""
    order = np.argsort(places, kind="stable")  # so that a genome on disk is read from front to back
    share = np.empty(len(places))
    share[order] = gc_shares(np.asarray(genome.codes), places[order], (places + sizes)[order])
    release(genome.codes)
    return share


def _repeats(windows: pd.DataFrame, size: np.ndarray | int, repeats: pd.DataFrame | None) -> np.ndarray:
    if repeats is None or not len(repeats) or not len(windows):
        return np.zeros(len(windows))
    return overlap_bases(windows, repeats) / size


def _distance(points: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Distance of each value to the nearest of the sorted points."""
    after = np.minimum(np.searchsorted(points, values), len(points) - 1)
    return np.minimum(np.abs(points[after] - values), np.abs(points[np.maximum(after - 1, 0)] - values))
