"""The models of the probes: a linear one whose strength of regularisation is chosen on fold valid, and a random forest.

One eigendecomposition of the features serves all strengths. Labels are 0 .. classes - 1, quantities are numbers; predictions
are probabilities [regions, classes], or numbers [regions].
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

# weight of half the squared coefficients of standardised features beside the mean loss, from the strongest
STRENGTHS = (10.0, 1.0, 1e-1, 1e-2, 1e-3, 1e-4)
USUAL = 1e-2  # where there is nothing to choose by
PATIENCE = 2  # weaker strengths that may be worse than the best before the search ends
STEPS = 100
TOLERANCE = 1e-6  # of a mean loss, in one step
SMALLEST_LEAF = 5
MOST_PER_TREE = 2_000  # regions that a tree is grown from

Weights = tuple[np.ndarray, np.ndarray]  # of features, and intercept


@dataclass(frozen=True)
class Known:
    """Training data of a probe: features [regions, features] and truth of folds train and valid; classes 0 for quantities."""

    train: np.ndarray
    truth: np.ndarray
    valid: np.ndarray
    valid_truth: np.ndarray
    classes: int


def linear(known: Known, asked: np.ndarray, strengths: tuple[float, ...] = STRENGTHS) -> np.ndarray:
    """Fit a logistic (multinomial) or ridge regression and predict for features `asked` [regions, features].

    Features are standardised by fold train. The strength has the smallest loss (logarithmic or squared) on fold valid; without
    that fold it is `USUAL`.
    """
    centre, scale = known.train.mean(axis=0, dtype=np.float64), known.train.std(axis=0, dtype=np.float64)
    scale[scale < 1e-9 * np.abs(centre).max(initial=1e-9)] = 1
    train, valid, asked = (((x - centre) / scale).astype(np.float32) for x in (known.train, known.valid, asked))
    # on the principal axes of the features every penalty is the same, and the curvature of every loss nearly diagonal
    spread, axes = np.linalg.eigh((train.T @ train).astype(np.float64) / len(train))
    spread, axes = np.maximum(spread, 0), axes.astype(np.float32)
    train, valid, asked = train @ axes, valid @ axes, asked @ axes
    strengths = strengths if len(valid) else (USUAL,)
    if known.classes:
        models = _logistic(train, known.truth, known.classes, spread, strengths)
    else:
        models = _ridge(train, known.truth, spread, strengths)
    best = next(models)
    lowest, worse = np.inf, 0
    for model in chain([best], models):
        loss = _loss(_predict(valid, *model, known.classes), known.valid_truth) if len(valid) else 0.0
        best, lowest, worse = (model, loss, 0) if loss < lowest else (best, lowest, worse + 1)
        if worse == PATIENCE:
            break
    return _predict(asked, *best, known.classes)


def forest(known: Known, asked: np.ndarray, trees: int, seed: int, threads: int = 1) -> np.ndarray:
    """Grow a random forest on fold train and predict.

    A tree sees at most 2,000 regions (more were no better on hg19). Leaves have at least 5, and a split considers as many features as
    the square root of all.
    """
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    options = {
        "n_estimators": trees,
        "min_samples_leaf": SMALLEST_LEAF,
        "max_features": "sqrt",
        "max_samples": min(1.0, MOST_PER_TREE / len(known.truth)),
        "n_jobs": threads,
        "random_state": seed,
    }
    if known.classes:
        return RandomForestClassifier(**options).fit(known.train, known.truth).predict_proba(asked)
    return RandomForestRegressor(**options).fit(known.train, known.truth).predict(asked)


def _ridge(
    features: np.ndarray, truth: np.ndarray, spread: np.ndarray, strengths: tuple[float, ...]
) -> Iterator[Weights]:
    """Yield weights and intercept for each strength; the features are on their principal axes, with the variance `spread`."""
    mean = truth.mean()
    shared = features.T.astype(np.float64) @ (truth - mean) / len(truth)
    return (((shared / (spread + strength))[:, None], np.array([mean])) for strength in strengths)


def _logistic(
    features: np.ndarray, labels: np.ndarray, classes: int, spread: np.ndarray, strengths: tuple[float, ...]
) -> Iterator[Weights]:
    """As `_ridge`, for the multinomial model; of two classes only the weights of label 1 are kept.

    L-BFGS runs in coordinates in which the curvature at the start is 1. The Hessian of a class is about the variance of the axes
    times that of the class. Each strength starts from the solution of the one before.
    """
    truth = np.eye(classes, dtype=np.float32)[labels]
    share = truth.mean(axis=0, dtype=np.float64)
    first = 1 if classes == 2 else 0
    size, number = features.shape[1], classes - first
    variance = (share * (1 - share))[first:]
    weights = np.zeros((size, number))
    intercept = np.log(share)[first:] - (np.log(share[0]) if first else 0)
    for strength in strengths:
        scale = 1 / np.sqrt(spread[:, None] * variance + strength)
        step = 1 / np.sqrt(variance)

        def unpacked(flat: np.ndarray, scale: np.ndarray = scale, step: np.ndarray = step) -> Weights:
            return flat[number:].reshape(size, number) * scale, flat[:number] * step

        def objective(
            flat: np.ndarray, scale: np.ndarray = scale, step: np.ndarray = step, strength: float = strength
        ) -> tuple[float, np.ndarray]:
            weights, intercept = unpacked(flat)
            log = log_softmax(_scores(features, weights, intercept, classes), axis=1)
            loss = -(log * truth).sum(dtype=np.float64) / len(truth) + strength / 2 * (weights**2).sum()
            wrong = (np.exp(log) - truth)[:, first:] / np.float32(len(truth))
            slope = (features.T @ wrong).astype(np.float64) + strength * weights
            return loss, np.concatenate([wrong.sum(axis=0, dtype=np.float64) * step, (slope * scale).ravel()])

        start = np.concatenate([intercept / step, (weights / scale).ravel()])
        options = {"maxiter": STEPS, "ftol": TOLERANCE, "gtol": 1e-5}
        weights, intercept = unpacked(minimize(objective, start, jac=True, method="L-BFGS-B", options=options).x)
        yield weights, intercept


def _scores(features: np.ndarray, weights: np.ndarray, intercept: np.ndarray, classes: int) -> np.ndarray:
    scores = features @ weights.astype(np.float32) + intercept.astype(np.float32)
    return np.pad(scores, ((0, 0), (1, 0))) if classes == 2 else scores


def _predict(features: np.ndarray, weights: np.ndarray, intercept: np.ndarray, classes: int) -> np.ndarray:
    scores = _scores(features, weights, intercept, classes).astype(np.float64)
    return np.exp(log_softmax(scores, axis=1)) if classes else scores[:, 0]


def _loss(predicted: np.ndarray, truth: np.ndarray) -> float:
    if predicted.ndim == 1:
        return float(((predicted - truth) ** 2).mean())
    return float(-np.log(np.maximum(predicted[np.arange(len(truth)), truth], 1e-12)).mean())
