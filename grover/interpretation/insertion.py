"""The causal test of a motif: the logit of sequences with its consensus written in, against that with its shuffled bases.

Windows and placement are settled beforehand: the placement is that of most of the motif's own windows, on fold train.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from grover.annotation.motifs import best_scores
from grover.genome.bases import reverse_complement
from grover.interpretation.contributions import Contributions
from grover.interpretation.motif_association import Examples, Resampling
from grover.interpretation.motif_discovery import Motif
from grover.statistics.bootstrap import mean_over_blocks

# for examples (int64) the logits, float64 [versions], of versions of their sequences, uint8 [versions, length], as a list of each
Predict = Callable[[np.ndarray, list[np.ndarray]], list[np.ndarray]]

BIN = 10  # bases, within which the places of a motif count as one
PLACES = 16  # of a profile, at most
PROFILED = 20  # sequences of a profile, at most
SHUFFLES = 5  # of the consensus, for each sequence


@dataclass(frozen=True)
class Placement:
    """Where the middle of a motif is, in bases right of the middle of the sequence, and whether it is on the opposite strand."""

    offset: int
    minus: bool

    def start(self, length: int, width: int) -> int:
        """Return the first base of a motif of `width` in a sequence of `length`."""
        return length // 2 + self.offset - width // 2

    def within(self, length: int, width: int) -> "Placement":
        """Return the nearest placement at which the motif is wholly within a sequence of `length`."""
        least = width // 2 - length // 2
        return replace(self, offset=max(least, min(self.offset, least + length - width)))

    def fits(self, length: int, width: int) -> bool:
        """Return True where the motif is wholly within the sequence."""
        return 0 <= self.start(length, width) <= length - width


def usual_placement(contributions: Contributions, motif: Motif) -> Placement:
    """Return the strand and the 10 bases with most windows of the motif, there the median offset."""
    windows = motif.seqlets
    lengths = np.array([len(codes) for codes in contributions.codes], np.int64)[windows.example]
    offset = windows.start + motif.width // 2 - lengths // 2
    key = np.stack([offset // BIN, windows.minus], axis=1)
    cells, member, sizes = np.unique(key, axis=0, return_inverse=True, return_counts=True)
    best = int(sizes.argmax())
    placement = Placement(int(np.median(offset[member.ravel() == best])), bool(cells[best, 1]))
    return placement.within(int(lengths.min()), motif.width)


def neutral_windows(examples: Examples, motif: Motif, label: int, number: int, seed: int) -> np.ndarray:
    """Return up to `number` examples (int64, ascending) to write a motif of class `label` into.

    They are of other classes, or for a motif that lowers the logit of this class, and of the half with the poorest best match.
    """
    score = best_scores(examples.codes, motif.probabilities)
    other = (examples.label == label) if motif.sign < 0 else (examples.label != label)
    candidates = np.flatnonzero(other & ~np.isnan(score))
    candidates = candidates[np.argsort(score[candidates], kind="stable")][: -(-len(candidates) // 2)]
    chosen = np.random.default_rng(seed).permutation(candidates)[:number]
    return np.sort(chosen)


def written(codes: np.ndarray, piece: np.ndarray, placement: Placement) -> np.ndarray:
    """Return a copy of a sequence with the bases of `piece` at a placement, on its strand."""
    changed = codes.copy()
    start = placement.start(len(codes), len(piece))
    changed[start : start + len(piece)] = reverse_complement(piece) if placement.minus else piece
    return changed


def insertion_effects(
    codes: Sequence[np.ndarray], rows: np.ndarray, consensus: np.ndarray, placements: Sequence[Placement],
    predict: Predict, *, shuffles: int, seed: int,
) -> np.ndarray:  # fmt: skip
    """Return the logit with the consensus minus the mean logit with its shuffled bases, float64 [placements, rows].

    codes: of all examples; rows: those that are written into. Each row has shuffles of its own, so that the scatter over rows includes
    that of the shuffles; they are the same at all placements. Not a number where a placement does not fit the sequence.
    """
    rng = np.random.default_rng(seed)
    pieces = [[consensus, *(rng.permutation(consensus) for _ in range(shuffles))] for _ in rows]
    cells = [
        (number, column)
        for number, placement in enumerate(placements)
        for column, row in enumerate(rows)
        if placement.fits(len(codes[row]), len(consensus))
    ]
    effects = np.full((len(placements), len(rows)), np.nan)
    if cells:
        number, column = np.array(cells).T
        versions = [
            np.stack([written(codes[rows[each]], piece, placements[place]) for piece in pieces[each]])
            for place, each in cells
        ]
        logits = np.stack(predict(rows[column], versions))
        effects[number, column] = logits[:, 0] - logits[:, 1:].mean(axis=1)
    return effects


def insertion_test(
    examples: Examples, rows: np.ndarray, motif: Motif, placement: Placement, predict: Predict, resampling: Resampling
) -> dict:
    """Return insertion, insertion_low, insertion_high, insertion_windows, offset, orientation, and `opposite`, the effect turned round."""
    turned = Placement(placement.offset, not placement.minus)
    effects = insertion_effects(
        examples.codes, rows, motif.consensus, [placement, turned], predict, shuffles=SHUFFLES, seed=resampling.seed
    )
    mean, low, high = _mean(effects[0], examples, rows, resampling)
    return {
        "insertion": mean,
        "insertion_low": low,
        "insertion_high": high,
        "insertion_windows": int((~np.isnan(effects[0])).sum()),
        "offset": placement.offset,
        "orientation": "-" if placement.minus else "+",
        "opposite": _mean(effects[1], examples, rows, resampling)[0],
    }


def insertion_profile(
    examples: Examples, rows: np.ndarray, motif: Motif, placement: Placement, predict: Predict, resampling: Resampling
) -> pd.DataFrame:
    """Return the effect along the sequence on both strands: offset, orientation, effect, low, high, windows.

    The places are equal steps from the usual placement, up to 16; the rows are 20, evenly spread, each with one shuffle.
    """
    rows = rows[:: max(1, -(-len(rows) // PROFILED))]
    shortest = min((len(examples.codes[row]) for row in rows), default=0)
    step = max(BIN, -(-shortest // PLACES))
    offsets = [
        placement.offset + step * number
        for number in range(-PLACES, PLACES + 1)
        if Placement(placement.offset + step * number, False).fits(shortest, motif.width)
    ]
    placements = [Placement(offset, minus) for minus in (False, True) for offset in offsets]
    effects = insertion_effects(
        examples.codes, rows, motif.consensus, placements, predict, shuffles=1, seed=resampling.seed
    )
    columns = ["offset", "orientation", "effect", "low", "high", "windows"]
    return pd.DataFrame(
        [
            (
                each.offset,
                "-" if each.minus else "+",
                *_mean(found, examples, rows, resampling),
                int((~np.isnan(found)).sum()),
            )
            for each, found in zip(placements, effects, strict=True)
        ],
        columns=columns,
    )


def _mean(
    effects: np.ndarray, examples: Examples, rows: np.ndarray, resampling: Resampling
) -> tuple[float, float, float]:
    return mean_over_blocks(effects, examples.block[rows], resampling.resamples, resampling.seed)
