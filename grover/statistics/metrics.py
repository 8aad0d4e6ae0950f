"""Scores of classifiers of two or of several classes.

Labels are 0 .. classes - 1. A probability is that of label 1, [examples], where there are two classes, else that of each label,
[examples, classes]. Predictions are tables with the columns example, seed, fold (valid or test), label, and probability or
probability_0 .. probability_{classes-1}. Each seed predicts the same examples of fold test.

The headline is the Matthews correlation coefficient (MCC; for several classes R_K of Gorodkin 2004, which is the same for two).
Intervals are in `grover.statistics.bootstrap`, what is scored against what in `grover.finetuning.scores`.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from grover.runtime.errors import InputError

SCORES = ("mcc", "auroc", "auprc", "accuracy", "f1", "brier", "ece")
CALLS = ("half", "valid")
BINS = 15  # of the calibration error
POINTS = 200  # of a curve


@dataclass(frozen=True)
class Fold:
    """What all seeds predict for one fold, in the order of the examples.

    example, label: int64 [examples]; probability: float64 [seeds, examples], or [seeds, examples, classes] where there are
    several classes; seeds: their numbers.
    """

    example: np.ndarray
    label: np.ndarray
    probability: np.ndarray
    seeds: tuple[int, ...]

    @property
    def classes(self) -> int:
        return 2 if self.probability.ndim == 2 else self.probability.shape[2]


def read_fold(predictions: pd.DataFrame, fold: str = "test") -> Fold:
    """The predictions of one fold. Raises InputError where there are none, where a value is no probability, or where seeds
    predict different examples or labels."""
    rows = predictions[predictions["fold"] == fold].sort_values(["seed", "example"])
    seeds = tuple(int(seed) for seed in rows["seed"].unique())
    if not seeds:
        raise InputError(f"the predictions hold no example of fold {fold}; make them anew")
    columns = _columns(rows)
    example, label = (rows[name].to_numpy(np.int64) for name in ("example", "label"))
    if len(rows) % len(seeds) or any(
        (values.reshape(len(seeds), -1) != values[: len(rows) // len(seeds)]).any() for values in (example, label)
    ):
        raise InputError(f"the seeds predict different examples of fold {fold}; make them anew from one dataset")
    probability = rows[columns].to_numpy(np.float64)
    if not ((probability > -1e-6) & (probability < 1 + 1e-6)).all():  # not a number fails too
        raise InputError(f"the predictions of fold {fold} hold values that are no probability from 0 to 1")
    classes = max(len(columns), 2)
    if not ((label >= 0) & (label < classes)).all():
        raise InputError(
            f"the predictions of fold {fold} hold labels other than 0 to {classes - 1}, which they predict"
        )
    size = len(rows) // len(seeds)
    shape = (len(seeds), size) if len(columns) == 1 else (len(seeds), size, classes)
    return Fold(example[:size], label[:size], np.clip(probability, 0, 1).reshape(shape), seeds)


def scores(label: np.ndarray, probability: np.ndarray, threshold: float = 0.5) -> dict[str, float]:
    """The `SCORES` of one set of predictions.

    Of two classes label 1 is called from `threshold` on, of several the most probable one. AUROC, AUPRC (average precision) and
    F1 are those of label 1, for several classes the mean over labels, each against the rest; AUROC and AUPRC are not a number
    where a label has no example. The Brier score is the mean of the squared errors, summed over labels and halved. The expected
    calibration error takes 15 equal bins (Guo et al. 2017). Of two classes it compares the probability of label 1 with its share in a
    bin, so that no threshold matters; of several classes the highest probability with the share of hits.
    """
    label, each = np.asarray(label, dtype=np.int64), each_class(probability)
    classes = each.shape[1]
    # examples of each label that are called each label
    table = np.bincount(label * classes + called(probability, threshold), minlength=classes**2).reshape(classes, -1)
    truth = np.eye(classes)[label]
    curves = [_curve(label == name, each[:, name]) for name in against_rest(classes)]
    seen, said = (label == 1, each[:, 1]) if classes == 2 else (each.argmax(axis=1) == label, each.max(axis=1))
    return {
        "mcc": float(mcc(table)),
        "auroc": float(np.mean([curve.auroc() for curve in curves])),
        "auprc": float(np.mean([curve.average_precision() for curve in curves])),
        "accuracy": float(table.trace() / table.sum()),
        "f1": float(_f1(table)[1] if classes == 2 else _f1(table).mean()),
        "brier": float(((each - truth) ** 2).sum(axis=1).mean() / 2),
        "ece": _calibration_error(seen, said),
    }


def by_seed(predictions: pd.DataFrame, call: str) -> list[dict[str, float]]:
    """Seed, threshold and the `SCORES` of each seed on fold test. `call` says where thresholds come from, see `thresholds`."""
    test = read_fold(predictions)
    cuts = thresholds(predictions, call)
    return [
        {"seed": seed, "threshold": cuts[seed], **scores(test.label, probability, cuts[seed])}
        for seed, probability in zip(test.seeds, test.probability, strict=True)
    ]


def thresholds(predictions: pd.DataFrame, call: str) -> dict[int, float]:
    """The probability from which on label 1 is called, by seed; not a number where there are several classes.

    `call` is `half` for 0.5, or `valid` for what is best on fold valid (`best_threshold`), whose examples may differ by seed.
    """
    if call not in CALLS:
        raise InputError(f"call {call!r} is unknown; choose one of {', '.join(CALLS)}")
    seeds = sorted(int(seed) for seed in predictions["seed"].unique())
    if _columns(predictions) != ["probability"]:
        return dict.fromkeys(seeds, float("nan"))
    if call == "half":
        return dict.fromkeys(seeds, 0.5)
    folds = (read_fold(predictions[predictions["seed"] == seed], "valid") for seed in seeds)
    return {fold.seeds[0]: best_threshold(fold.label, fold.probability[0]) for fold in folds}


def best_threshold(label: np.ndarray, probability: np.ndarray) -> float:
    """The threshold that gives the highest MCC, for use on the validation fold; among equals the one nearest 0.5.

    It lies midway between two neighbouring probabilities, so that a tie of the validation fold does not decide.
    """
    curve = _curve(np.asarray(label) == 1, np.asarray(probability))
    hits, wrong, cuts = curve.hits[:-1], curve.wrong[:-1], curve.threshold  # who calls all has no MCC
    if not len(hits):
        return 0.5
    table = np.array([[curve.negative - wrong, wrong], [curve.positive - hits, hits]])
    values = mcc(np.moveaxis(table, 2, 0))
    middle = (cuts[:-1] + cuts[1:]) / 2
    best = np.flatnonzero(values >= values.max() - 1e-12)
    return float(middle[best[np.argmin(np.abs(middle[best] - 0.5))]])


def precision_recall(label: np.ndarray, probability: np.ndarray) -> pd.DataFrame:
    """Precision at equal steps of recall for two classes: recall, precision, threshold, at most `POINTS` rows.

    Each row calls just enough to find that share of the positives, so that the mean precision is about the average precision.
    Empty where there is no positive.
    """
    curve = _curve(np.asarray(label) == 1, np.asarray(probability))
    number = min(POINTS, curve.positive)
    needed = -(-np.arange(1, number + 1) * curve.positive // max(number, 1))
    place = np.searchsorted(curve.hits, needed)
    precision = curve.hits[place] / (curve.hits + curve.wrong)[place]
    recall = needed / max(curve.positive, 1)
    return pd.DataFrame({"recall": recall, "precision": precision, "threshold": curve.threshold[place]})


def called(probability: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """The labels (int64) that one set of predictions calls: by the threshold for two classes, else the most probable."""
    probability = np.asarray(probability)
    return (probability >= threshold).astype(np.int64) if probability.ndim == 1 else probability.argmax(axis=1)


def each_class(probability: np.ndarray) -> np.ndarray:
    """Probabilities [examples, classes] of one set of predictions, also where those of label 1 alone are given."""
    probability = np.asarray(probability, dtype=np.float64)
    return np.stack([1 - probability, probability], axis=1) if probability.ndim == 1 else probability


def against_rest(classes: int) -> range:
    """The labels whose curves are looked at: of two classes those of label 1, of several those of each."""
    return range(1, 2) if classes == 2 else range(classes)


def mcc(table: np.ndarray) -> np.ndarray:
    """MCC of tables of counts or weights [..., label, called]; 0 where only one label is there or is called."""
    table = np.asarray(table, dtype=np.float64)
    total, right = table.sum(axis=(-2, -1)), np.trace(table, axis1=-2, axis2=-1)
    label, call = table.sum(axis=-1), table.sum(axis=-2)
    scale = np.sqrt((total**2 - (label**2).sum(axis=-1)) * (total**2 - (call**2).sum(axis=-1)))
    covariance = right * total - (label * call).sum(axis=-1)
    coefficient: np.ndarray = np.divide(covariance, scale, out=np.zeros_like(scale), where=scale > 0)
    return coefficient


@dataclass(frozen=True)
class _Curve:
    """How many of one label (hits) and of others (wrong) have at least each distinct probability (threshold), from the highest."""

    hits: np.ndarray
    wrong: np.ndarray
    threshold: np.ndarray

    @property
    def positive(self) -> int:
        return int(self.hits[-1])

    @property
    def negative(self) -> int:
        return int(self.wrong[-1])

    def auroc(self) -> float:
        if not self.positive or not self.negative:
            return float("nan")
        return float(np.trapezoid(np.append(0, self.hits), np.append(0, self.wrong)) / (self.positive * self.negative))

    def average_precision(self) -> float:
        if not self.positive or not self.negative:
            return float("nan")
        precision = self.hits / (self.hits + self.wrong)
        return float(np.dot(np.diff(self.hits, prepend=0), precision) / self.positive)


def _curve(positive: np.ndarray, probability: np.ndarray) -> _Curve:
    order = np.argsort(-probability, kind="stable")
    last = np.flatnonzero(np.diff(probability[order], append=-np.inf))  # a call does not part equal probabilities
    hits = np.cumsum(positive[order])[last]
    return _Curve(hits, last + 1 - hits, probability[order][last])


def _f1(table: np.ndarray) -> np.ndarray:
    """F1 of each label; 0 where it neither is there nor is called."""
    scale = table.sum(axis=0) + table.sum(axis=1)
    f1: np.ndarray = np.divide(2 * np.diagonal(table), scale, out=np.zeros(len(table)), where=scale > 0)
    return f1


def _calibration_error(seen: np.ndarray, said: np.ndarray) -> float:
    """Distance of the share of what was seen (bool) from the mean of the probability said, over bins of that, weighted by their
    examples."""
    place = np.clip(np.ceil(said * BINS).astype(np.int64) - 1, 0, BINS - 1)
    return float(np.abs(np.bincount(place, weights=seen - said)).sum() / len(seen))


def _columns(predictions: pd.DataFrame) -> list[str]:
    """The columns with probabilities, that of label 1 or those of all labels in order."""
    if "probability" in predictions:
        return ["probability"]
    number = sum(str(name).startswith("probability_") for name in predictions)
    columns = [f"probability_{label}" for label in range(number)]
    if number < 3 or not set(columns) <= set(predictions):
        raise InputError(
            "the predictions lack their column probability, or probability_0, probability_1, ... of each label"
        )
    return columns
