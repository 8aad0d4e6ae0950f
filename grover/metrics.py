"""Scores of binary classifiers with bootstrap intervals, and paired differences between two of them.

Labels are 0 and 1, a probability is that of label 1. Predictions are tables with the columns example, seed, fold
(valid or test), label, probability, and perhaps block: each seed predicts the same examples, and examples of one
block (neighbours in the genome) are resampled together.

The headline is the Matthews correlation coefficient (MCC) on fold test, averaged over seeds. Its interval is a
percentile bootstrap (Efron 1979) over examples and, where there are several, over seeds: it allows for another test
set of this size and for another random start.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    matthews_corrcoef,
    roc_auc_score,
)

from grover.errors import InputError

RESAMPLES = 1000
CONFIDENCE = 0.95

SCORES = ("mcc", "auroc", "auprc", "accuracy", "f1")


def scores(label: np.ndarray, probability: np.ndarray, threshold: float = 0.5) -> dict[str, float]:
    """MCC, AUROC, AUPRC (average precision), accuracy and F1; label 1 is called from `threshold` on."""
    label, called = np.asarray(label), np.asarray(probability) >= threshold
    return {
        "mcc": float(matthews_corrcoef(label, called)),
        "auroc": float(roc_auc_score(label, probability)),
        "auprc": float(average_precision_score(label, probability)),
        "accuracy": float(accuracy_score(label, called)),
        "f1": float(f1_score(label, called, zero_division=0)),
    }


def best_threshold(label: np.ndarray, probability: np.ndarray) -> float:
    """The threshold that gives the highest MCC, for use on the validation fold; among equals the one nearest 0.5.

    It lies midway between two neighbouring probabilities, so that a tie of the validation fold does not decide.
    """
    label = np.asarray(label)
    order = np.argsort(-np.asarray(probability), kind="stable")
    sorted_probability = np.asarray(probability)[order]
    last = np.flatnonzero(np.diff(sorted_probability, append=-np.inf))[:-1]  # calls end between distinct values
    if not last.size:
        return 0.5
    positive = np.cumsum(label[order])[last]
    negative = last + 1 - positive
    values = _mcc(len(label) - label.sum() - negative, negative, label.sum() - positive, positive)
    thresholds = (sorted_probability[last] + sorted_probability[last + 1]) / 2
    best = np.flatnonzero(values >= values.max() - 1e-12)
    return float(thresholds[best[np.argmin(np.abs(thresholds[best] - 0.5))]])


def summarise(
    predictions: pd.DataFrame, threshold: float | None = 0.5, resamples: int = RESAMPLES, seed: int = 0
) -> dict:
    """Scores on fold test: the mean over seeds with intervals of MCC and AUROC, the number of examples, and each
    seed's.

    `threshold` None chooses it by seed on fold valid (`best_threshold`). Returns a dictionary with the `SCORES`,
    mcc_low, mcc_high, auroc_low, auroc_high, n_test, positive_share, seeds (a list: seed, threshold and scores of
    each). Raises `InputError` where seeds predict different examples or fold test lacks a label.
    """
    label, probability, groups = _aligned(predictions, "test")
    thresholds = _thresholds(predictions, probability.columns, threshold)
    by_seed = [
        {"seed": int(name), "threshold": cut, **scores(label, probability[name], cut)}
        for name, cut in zip(probability.columns, thresholds, strict=True)
    ]
    statistics = _mcc_of(label, probability.to_numpy() >= thresholds), _auroc_of(label, probability.to_numpy())
    rng = np.random.default_rng(seed)
    mcc, auroc = _resampled(statistics, len(label), groups, resamples, rng)
    (mcc_low, mcc_high), (auroc_low, auroc_high) = _interval(_over_seeds(mcc, rng)), _interval(_over_seeds(auroc, rng))
    return {
        **{name: float(np.mean([row[name] for row in by_seed])) for name in SCORES},
        "mcc_low": mcc_low,
        "mcc_high": mcc_high,
        "auroc_low": auroc_low,
        "auroc_high": auroc_high,
        "n_test": len(label),
        "positive_share": float(label.mean()),
        "seeds": by_seed,
    }


def compare(
    predictions: pd.DataFrame,
    rival: pd.DataFrame,
    threshold: float | None = 0.5,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, float]:
    """MCC of one set of predictions minus that of a rival on the same fold test, with the interval of the difference.

    Both are scored on the same resamples of the examples, so that what is hard for both does not widen the interval;
    their seeds are resampled apart. Returns difference, low, high. Raises `InputError` where the examples differ.
    """
    label, one, groups = _aligned(predictions, "test")
    rival_label, other, _ = _aligned(rival, "test")
    if not one.index.equals(other.index) or (label != rival_label).any():
        raise InputError("the two sets of predictions are for different examples; make both from the same dataset")
    statistics = [
        _mcc_of(label, table.to_numpy() >= _thresholds(source, table.columns, threshold))
        for source, table in ((predictions, one), (rival, other))
    ]
    rng = np.random.default_rng(seed)
    ours, theirs = _resampled(statistics, len(label), groups, resamples, rng)
    low, high = _interval(_over_seeds(ours, rng) - _over_seeds(theirs, rng))
    ours, theirs = (statistic(np.ones(len(label))).mean() for statistic in statistics)
    return {"difference": float(ours - theirs), "low": low, "high": high}


def bootstrap(
    label: np.ndarray,
    probability: np.ndarray,
    threshold: float = 0.5,
    groups: np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, float]:
    """Interval of the MCC of one set of predictions; `groups` are labels of examples that are drawn together."""
    label = np.asarray(label, dtype=np.int64)
    statistic = _mcc_of(label, np.asarray(probability)[:, None] >= threshold)
    (values,) = _resampled([statistic], len(label), groups, resamples, np.random.default_rng(seed))
    return _interval(values[:, 0])


def _weights(size: int, groups: np.ndarray | None, resamples: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """How often each example is drawn, once for every resample."""
    of_group = np.arange(size) if groups is None else np.unique(groups, return_inverse=True)[1]
    number = int(of_group.max()) + 1
    for _ in range(resamples):
        drawn = np.bincount(rng.integers(0, number, number), minlength=number)
        yield drawn[of_group].astype(np.float64)


def _resampled(statistics, size: int, groups, resamples: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Each statistic on the same resamples, float64 [resamples, seeds]."""
    rows = [[statistic(weight) for statistic in statistics] for weight in _weights(size, groups, resamples, rng)]
    return [np.array(values) for values in zip(*rows, strict=True)]


def _over_seeds(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mean over seeds, which are resampled too, of values [resamples, seeds]."""
    drawn = rng.integers(0, values.shape[1], values.shape)
    return np.take_along_axis(values, drawn, axis=1).mean(axis=1)


def _interval(values: np.ndarray) -> tuple[float, float]:
    # a resample without one of the labels has no AUROC
    low, high = np.nanquantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _mcc(true_negative, false_positive, false_negative, true_positive):
    """MCC from counts (arrays of one shape); 0 where a row or column of the table is empty, as in scikit-learn."""
    called, not_called = true_positive + false_positive, true_negative + false_negative
    positive, negative = true_positive + false_negative, true_negative + false_positive
    scale = np.sqrt(np.asarray(called, dtype=np.float64) * not_called * positive * negative)
    covariance = np.asarray(true_positive, dtype=np.float64) * true_negative - false_positive * false_negative
    return np.divide(covariance, scale, out=np.zeros_like(scale), where=scale > 0)


def _mcc_of(label: np.ndarray, called: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """MCC of each column of `called` [examples, seeds] as a function of weights."""
    cells = [2 * label + column for column in called.T.astype(np.int64)]

    def statistic(weight: np.ndarray) -> np.ndarray:
        return _mcc(*np.array([np.bincount(cell, weights=weight, minlength=4) for cell in cells]).T)

    return statistic


def _auroc_of(label: np.ndarray, probability: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """AUROC of each column of `probability` [examples, seeds] as a function of weights.

    It is the share of pairs (positive, negative) in the right order, ties counting half (Mann-Whitney).
    """
    ranks = [np.unique(column, return_inverse=True)[1] for column in probability.T]
    sizes = [int(rank.max()) + 1 for rank in ranks]
    positive = label == 1

    def statistic(weight: np.ndarray) -> np.ndarray:
        values = []
        for rank, size in zip(ranks, sizes, strict=True):
            above = np.bincount(rank[positive], weights=weight[positive], minlength=size)
            below = np.bincount(rank[~positive], weights=weight[~positive], minlength=size)
            pairs = above.sum() * below.sum()
            right = np.dot(above, np.cumsum(below) - below / 2)
            values.append(right / pairs if pairs else np.nan)
        return np.array(values)

    return statistic


def _aligned(predictions: pd.DataFrame, fold: str) -> tuple[np.ndarray, pd.DataFrame, np.ndarray | None]:
    """Labels (int64), probabilities [examples, seeds] and blocks of one fold, in the order of the examples."""
    rows = predictions[predictions["fold"] == fold]
    examples = rows.drop_duplicates("example").set_index("example").sort_index()
    probability = rows.pivot(index="example", columns="seed", values="probability")
    if probability.isna().any(axis=None):
        raise InputError(f"the predictions of fold {fold} lack values, or their seeds predict different examples")
    label = examples["label"].to_numpy(dtype=np.int64)
    if set(label) != {0, 1}:
        raise InputError(f"the predictions of fold {fold} need examples with label 0 and with label 1")
    return label, probability, examples["block"].to_numpy() if "block" in examples else None


def _thresholds(predictions: pd.DataFrame, seeds, threshold: float | None) -> np.ndarray:
    if threshold is not None:
        return np.full(len(seeds), float(threshold))
    label, probability, _ = _aligned(predictions, "valid")
    return np.array([best_threshold(label, probability[seed].to_numpy()) for seed in seeds])
