"""Scores of predictions for held-out regions: AUROC, AUPRC or R2 with intervals, and the partial correlation given GC content and
repeats.

Intervals are those of a bootstrap over blocks of the genome (`grover.statistics.bootstrap`), as long as the track needs them. All
representations share the draws, so that differences are paired.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from grover.statistics import bootstrap, metrics

CHANCE = {"auroc": 0.5, "r2": 0.0}


def score(truth: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
    """Compute AUROC and AUPRC (average precision) of probabilities [regions, classes]; or R2 of numbers [regions] and not a number.

    Of two classes the scores are those of label 1, of several the mean over classes of one against rest.
    """
    if predicted.ndim == 1:
        spread = ((truth - truth.mean()) ** 2).sum()
        return (float(1 - ((truth - predicted) ** 2).sum() / spread) if spread > 0 else np.nan), np.nan
    found = metrics.scores(truth, predicted)
    return found["auroc"], found["auprc"]


def beyond(scores: ArrayLike, comparator: ArrayLike, metric: str) -> np.ndarray:
    """Subtract two scores, numbers or arrays of draws; a score below chance counts as chance.

    A probe that is worse than chance has learnt nothing, and exceeding its score is no gain.
    """
    return np.maximum(scores, CHANCE[metric]) - np.maximum(comparator, CHANCE[metric])


def resampled(drawn: np.ndarray, block: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Compute AUROC or R2 on each draw of blocks, float64 [resamples]; drawn: as `grover.statistics.bootstrap.draw` gives it, block: int64
    [regions]. Not a number where a draw lacks a class."""
    if predicted.ndim == 1:
        return resampled_r2(drawn, block, truth, predicted)
    return bootstrap.resampled_auroc(drawn, block, truth, predicted)


def resampled_r2(drawn: np.ndarray, block: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Compute R2 on each draw of blocks, float64 [resamples]; not a number where the truth of a draw does not vary."""
    centred = truth - truth.mean()  # so that the difference of squares keeps its digits
    terms = (np.ones(len(truth)), centred, centred**2, (truth - predicted) ** 2)
    sums = np.stack([np.bincount(block, term, minlength=drawn.shape[1]) for term in terms], axis=1)
    number, total, squares, errors = (drawn.astype(np.float64) @ sums).T
    spread = squares - total**2 / np.maximum(number, 1)
    known = spread > 1e-12 * np.maximum(squares, 1e-300)
    return 1 - np.divide(errors, spread, out=np.full(len(drawn), np.nan), where=known)


def partial(truth: np.ndarray, predicted: np.ndarray, given: np.ndarray) -> float:
    """Compute the partial rank correlation of prediction and truth given the columns of `given` [regions, properties].

    It is Pearson's correlation of the residuals of the ranks of both after regression on the ranks of the properties, their squares
    and cubes. Neither the scale of a probability nor the tails of a quantity matter, and non-monotonic effects of a property are
    removed too. For several classes it is the mean over classes of one against rest. Not a number where no variance is left.
    """
    if predicted.ndim == 1:
        return _partial(truth, predicted, given)
    classes = metrics.against_rest(predicted.shape[1])
    values = [_partial(truth == name, predicted[:, name], given) for name in classes]
    return float(np.nanmean(values)) if not np.isnan(values).all() else np.nan


def columns_of_truth(truth: np.ndarray, classes: int) -> np.ndarray:
    """Return the truth as numbers, float64 [regions, columns]: one column per class against the rest, or the quantity."""
    if not classes:
        return np.asarray(truth, np.float64)[:, None]
    return (truth[:, None] == np.array(metrics.against_rest(classes))).astype(np.float64)


def chance(truth: np.ndarray, classes: int) -> float:
    """Return the AUPRC of a random order: the share of label 1, or the mean of the shares of several classes; NaN for quantities."""
    if not classes:
        return np.nan
    return float(np.mean([(truth == name).mean() for name in metrics.against_rest(classes)]))


def _partial(truth: np.ndarray, predicted: np.ndarray, given: np.ndarray) -> float:
    powers = [_ranks(column) ** power for column in given.T for power in (1, 2, 3)]
    known = np.column_stack([np.ones(len(truth)), *powers])
    both = np.column_stack([_ranks(truth), _ranks(predicted)])
    left = both - known @ np.linalg.lstsq(known, both, rcond=None)[0]
    scale = np.sqrt((left**2).mean(axis=0))
    return float((left[:, 0] * left[:, 1]).mean() / scale.prod()) if (scale > 1e-6).all() else np.nan


def _ranks(values: np.ndarray) -> np.ndarray:
    """Rank values and scale the ranks to variance 1; zeros where all values are the same."""
    ranks = rankdata(values)
    ranks -= ranks.mean()
    return ranks / (ranks.std() or 1)
