"""Whether a motif goes with a class on sequences that had no part in finding it: its best match per sequence on fold test."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, norm

from grover.annotation.motifs import best_scores
from grover.statistics.bootstrap import draw, interval, resampled_auroc


@dataclass(frozen=True)
class Examples:
    """Sequences with their classes: `codes` uint8 [length] of each, `label` and `block` int64 [examples].

    block: the block of the genome that holds the example (`grover.statistics.bootstrap.blocks`).
    """

    codes: Sequence[np.ndarray]
    label: np.ndarray
    block: np.ndarray


@dataclass(frozen=True)
class Resampling:
    """How intervals are drawn: the number of `resamples` of the blocks, and the `seed`."""

    resamples: int
    seed: int


def association(
    examples: Examples, motifs: Sequence[np.ndarray], classes: Sequence[int], resampling: Resampling
) -> pd.DataFrame:
    """Return auroc, auroc_low, auroc_high, p and q of each motif, in their order.

    motifs: base probabilities [4, width]; classes: the label that each motif stands for. The AUROC is that of the best score of the motif
    on either strand of a sequence, its class against all others. Sequences shorter than the motif are left out. The value p is two-sided
    (Mann-Whitney), from the larger of two standard errors: that over blocks, and that of independent sequences. The value q is that of
    Benjamini and Hochberg over the motifs. All are not a number where a class has no sequence, and the interval where all lie in one
    block.
    """
    drawn = draw(int(examples.block.max()) + 1, resampling.resamples, resampling.seed)
    columns = ["auroc", "auroc_low", "auroc_high", "p"]
    rows = [
        _one(examples, best_scores(examples.codes, matrix), label, drawn)
        for matrix, label in zip(motifs, classes, strict=True)
    ]
    table = pd.DataFrame(rows, columns=columns, dtype=np.float64)
    return table.assign(q=benjamini_hochberg(table["p"].to_numpy()))


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Return q, float64, of p; what is not a number stays so and is not counted."""
    q = np.full(len(p), np.nan)
    known = ~np.isnan(p)
    if known.any():
        q[known] = false_discovery_control(p[known])
    return q


def _one(examples: Examples, score: np.ndarray, label: int, drawn: np.ndarray) -> tuple[float, float, float, float]:
    scored = ~np.isnan(score)
    positive = (examples.label == label)[scored].astype(np.int64)
    block, score = examples.block[scored], score[scored]
    ones, zeros = positive.sum(), (1 - positive).sum()
    if not ones or not zeros:
        return (np.nan,) * 4
    every = np.ones((1, drawn.shape[1]), np.uint16)
    auroc = float(resampled_auroc(every, block, positive, score)[0])
    resampled = resampled_auroc(drawn, block, positive, score)
    error = max(float(np.nanstd(resampled)), np.sqrt((ones + zeros + 1) / (12 * ones * zeros)))
    low, high = interval(resampled) if drawn.shape[1] > 1 else (np.nan, np.nan)
    return auroc, low, high, float(2 * norm.sf(abs(auroc - 0.5) / error))
