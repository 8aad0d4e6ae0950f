"""Motifs from the contributions of single bases: windows of large contribution, aligned, grouped and trimmed.

As in TF-MoDISco (Shrikumar et al. 2018, arXiv:1811.00416) the windows are compared by their contributions, not by their bases alone. Here
the groups come from average linkage, so that a motif needs few windows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from grover.config.sections.interpretation import Motifs
from grover.genome.bases import decode
from grover.interpretation.contributions import Contributions, one_hot
from grover.interpretation.motif_alignment import group, place_on, shift, similarities
from grover.interpretation.seqlets import Seqlets, cut, matrices, top_windows

FLANK = 5  # bases beside a window that are compared with it
ROOM = 8  # further bases on either side in which a motif may go on
ROUNDS = 3  # of placing the windows of a group on their mean
ALIKE = 0.8  # similarity of mean matrices from which two groups are one motif
INFORMATIVE = 0.3  # bits, of a column that belongs to a motif
HOLE = 3  # columns below that, at most, within a motif
SHORTEST = 4  # bases of a motif


@dataclass(frozen=True)
class Motif:
    """A motif: `probabilities` of the bases float64 [4, width], rows A, C, G, T; the mean `contributions` float64 [4, width], positive
    where a base is for the class; the `seqlets` that it is made of, cut to its width; and its `sign`, -1 where it lowers the logit.
    """

    probabilities: np.ndarray
    contributions: np.ndarray
    seqlets: Seqlets
    sign: int

    @property
    def width(self) -> int:
        """Return the number of columns."""
        return self.probabilities.shape[1]

    @property
    def consensus(self) -> np.ndarray:
        """Return the codes of the most probable bases, uint8 [width]."""
        return self.probabilities.argmax(axis=0).astype(np.uint8)

    @property
    def text(self) -> str:
        """Return the consensus as letters."""
        return decode(self.consensus)


def discover(contributions: Contributions, settings: Motifs) -> list[Motif]:
    """Return the motifs of some sequences, those of most windows first; none where no group has `motif_sites` windows."""
    seqlets = top_windows(contributions, settings.motif_width, settings.motif_windows)
    if len(seqlets) > settings.maximum_motif_windows:
        strength = np.abs(cut(contributions, seqlets)[1].sum(axis=1))
        seqlets = seqlets.take(np.sort(np.argsort(-strength, kind="stable")[: settings.maximum_motif_windows]))
    found = [
        motif
        for sign in (1, -1)
        for motif in motifs_of(contributions, seqlets.take(np.flatnonzero(seqlets.sign == sign)), settings)
    ]
    return sorted(found, key=lambda motif: -len(motif.seqlets))


def motifs_of(contributions: Contributions, seqlets: Seqlets, settings: Motifs) -> Iterator[Motif]:
    """Yield the motifs of windows of one sign."""
    fewest = settings.motif_sites
    if len(seqlets) < fewest:
        return
    wide = seqlets.widened(FLANK)
    similarity = similarities(matrices(contributions, wide), FLANK + settings.motif_width // 3)
    groups = _aligned(contributions, wide, group(similarity, settings.motif_similarity), fewest)
    for aligned in _merged(contributions, groups, fewest):
        motif = _trimmed(contributions, aligned)
        if motif is not None and len(motif.seqlets) >= fewest:
            yield motif


def _aligned(contributions: Contributions, wide: Seqlets, label: np.ndarray, fewest: int) -> list[Seqlets]:
    """The windows of each group of at least `fewest`, placed on one another."""
    sizes = np.bincount(label)
    rows = [np.flatnonzero(label == number) for number in np.flatnonzero(sizes >= fewest)]
    return [_settled(contributions, wide.take(members)) for members in rows]


def _settled(contributions: Contributions, members: Seqlets) -> Seqlets:
    """Windows placed on the strongest of them, then on their mean, which is centred."""
    reach = members.width // 2
    cutout = matrices(contributions, members)
    reference = cutout[int(np.abs(cutout).sum(axis=(1, 2)).argmax())]
    for _ in range(ROUNDS):
        shifts, turned, _ = place_on(reference, matrices(contributions, members), reach)
        members = members.moved(shifts, turned)
        reference = _centred(matrices(contributions, members).mean(axis=0))
    shifts, turned, _ = place_on(reference, matrices(contributions, members), reach)
    return members.moved(shifts, turned)


def _centred(mean: np.ndarray) -> np.ndarray:
    """A mean matrix [width, 4] moved so that the middle of its contributions is in the middle."""
    weight = np.abs(mean).sum(axis=1)
    if not weight.any():
        return mean
    middle = int(round(float((weight * np.arange(len(weight))).sum() / weight.sum())))
    return shift(mean, len(mean) // 2 - middle)


def _merged(contributions: Contributions, groups: list[Seqlets], fewest: int) -> list[Seqlets]:
    """Groups whose mean matrices are alike, as one group each."""
    if len(groups) < 2:
        return groups
    means = np.stack([matrices(contributions, members).mean(axis=0) for members in groups])
    label = group(similarities(means, means.shape[1] // 2), ALIKE)
    joined = []
    for number in range(label.max() + 1):
        parts = [groups[each] for each in np.flatnonzero(label == number)]
        joined.append(parts[0] if len(parts) == 1 else _settled(contributions, _together(parts)))
    return joined


def _together(parts: list[Seqlets]) -> Seqlets:
    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])

    return replace(
        parts[0], example=joined("example"), start=joined("start"), minus=joined("minus"), sign=joined("sign")
    )


def _trimmed(contributions: Contributions, aligned: Seqlets) -> Motif | None:
    """The motif of aligned windows, cut to its informative columns; None where there are too few."""
    wide = aligned.widened(ROOM)
    codes, values = cut(contributions, wide)
    bases = one_hot(codes)
    given = bases * values[..., None]
    mean = given.mean(axis=0, dtype=np.float64)
    bounds = informative_columns(information(bases.sum(axis=0, dtype=np.float64)), np.abs(mean).sum(axis=1))
    if bounds is None or bounds[1] - bounds[0] < SHORTEST:
        return None
    first, last = bounds
    start = np.where(wide.minus, wide.start + wide.width - last, wide.start + first)
    kept = distinct(wide.example, start, np.abs(values[:, first:last].sum(axis=1)), last - first)
    columns = bases[kept, first:last].sum(axis=0, dtype=np.float64).T
    return Motif(
        (columns + 0.25) / (columns.sum(axis=0) + 1),
        given[kept, first:last].mean(axis=0, dtype=np.float64).T,
        replace(wide, start=start, width=last - first).take(kept),
        int(aligned.sign[0]),
    )


def distinct(example: np.ndarray, start: np.ndarray, strength: np.ndarray, width: int) -> np.ndarray:
    """Return the windows (int64, ascending) that are places of their own: of two that share more than half of their bases the stronger.

    Neighbouring windows of one element that is longer than a window may be placed on the same bases.
    """
    taken: dict[int, list[int]] = {}
    kept = []
    for row in np.argsort(-strength, kind="stable").tolist():
        places = taken.setdefault(int(example[row]), [])
        if all(2 * abs(int(start[row]) - place) >= width for place in places):
            places.append(int(start[row]))
            kept.append(row)
    return np.sort(np.array(kept, np.int64))


def information(counts: np.ndarray) -> np.ndarray:
    """Return bits per column of counts [width, 4], less what as few bases have by chance (Schneider et al. 1986), at least 0."""
    total = np.maximum(counts.sum(axis=1), 1)
    share = counts / total[:, None]
    entropy = -(share * np.log2(np.where(share > 0, share, 1))).sum(axis=1)
    return np.maximum(0, 2 - entropy - 3 / (2 * np.log(2) * total)) * (counts.sum(axis=1) > 0)


def informative_columns(bits: np.ndarray, weight: np.ndarray) -> tuple[int, int] | None:
    """Return first and last (exclusive) column of the run of informative columns with the largest sum of `weight`."""
    places = np.flatnonzero(bits >= INFORMATIVE)
    if not len(places):
        return None
    runs = np.split(places, np.flatnonzero(np.diff(places) > HOLE) + 1)
    best = max(runs, key=lambda run: weight[run[0] : run[-1] + 1].sum())
    return int(best[0]), int(best[-1]) + 1
