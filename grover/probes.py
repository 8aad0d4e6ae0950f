"""Linear probes: how much of an annotation a linear model reads from a representation of held-out regions.

Pictures of embeddings prove little, and composition alone says much: each probe stands beside the same probe on GC
content and on counts of 4-mers, and every difference has a paired bootstrap interval. Bootstrap samples are of single
regions, so that intervals are somewhat narrow where neighbours resemble each other.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from grover.genome import Genome

# regions of a category that the folds must hold; less is no measurement
FEWEST = {"train": 10, "test": 5}
STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)  # C of the logistic probe; ridge takes 1 / C
RIVALS = {"over_gc": "gc", "over_kmers": "kmers", "over_twin": "twin-mean"}
NOT_ENOUGH = "too few regions"
BASE_NUMBER = 4
WORD = 4


@dataclass
class Target:
    """What a probe predicts: integer classes or numbers of the `used` regions (boolean mask); `note` says what was
    left out."""

    values: np.ndarray
    used: np.ndarray
    metric: str
    note: str = ""


def kmer_frequencies(genome: Genome, regions: pd.DataFrame) -> np.ndarray:
    """Frequencies of the 256 words of four bases in each region: float32 [regions, 256]."""
    counts = np.zeros((len(regions), BASE_NUMBER**WORD), np.float32)
    for row, region in enumerate(regions.itertuples()):
        codes = genome.fetch(region.chrom, region.start, region.end).astype(np.int64)
        words = np.lib.stride_tricks.sliding_window_view(codes, WORD)
        words = words[(words < BASE_NUMBER).all(1)] @ (BASE_NUMBER ** np.arange(WORD)[::-1])
        counts[row] = np.bincount(words, minlength=BASE_NUMBER**WORD) / max(len(words), 1)
    return counts


def probe(
    annotation: pd.DataFrame,
    kinds: dict[str, str],
    folds: np.ndarray,
    representations: dict[str, np.ndarray],
    seed: int,
    resamples: int = 300,
) -> pd.DataFrame:
    """Score every track of `annotation` from every representation: fitted on train, tuned on valid, tested on test.

    kinds: category, presence or quantity by track; folds: text [regions]; representations: float [regions, features] by
    name, `gc` and `kmers` among them. Returns track, kind, representation, metric (auroc, for categories the mean of
    one against rest, or r2), value, low, high, over_gc, over_kmers and, where `twin-mean` is given, over_twin with _low
    and _high (paired differences), n_train, n_test, note; value is NaN where there are too few regions.
    """
    rows = []
    for track in annotation:
        target = make_target(annotation[track], kinds[track], folds)
        train, valid, test = (target.used & (folds == name) for name in ("train", "valid", "test"))
        shared = {
            "track": track,
            "kind": kinds[track],
            "metric": target.metric,
            "n_train": train.sum(),
            "n_test": test.sum(),
        }
        scores = {}
        if target.values.size:
            # every representation is scored on the same resamples, so that differences are paired
            resample = np.random.default_rng(seed).integers(test.sum(), size=(resamples, test.sum()))
            truth = target.values[test]
            for name, features in representations.items():
                predicted = fit_predict(features, target, train, valid, test)
                drawn = [score(truth[drawing], predicted[drawing], target.metric) for drawing in resample]
                scores[name] = np.array([score(truth, predicted, target.metric), *drawn])
        for name in representations:
            rows.append({**shared, "representation": name, **summarise(scores, name), "note": target.note})
    return pd.DataFrame(rows)


def make_target(values: pd.Series, kind: str, folds: np.ndarray) -> Target:
    """The target of a track; rare categories and missing quantities are left out."""
    train, test = folds == "train", folds == "test"
    if kind == "quantity":
        used = values.notna().to_numpy()
        if (used & train).sum() < FEWEST["train"] or (used & test).sum() < FEWEST["test"]:
            return Target(np.empty(0), used, "r2", NOT_ENOUGH)
        return Target(values.to_numpy(float), used, "r2")
    names = values.astype(str).to_numpy()
    common = [
        name
        for name in np.unique(names)
        if (names[train] == name).sum() >= FEWEST["train"] and (names[test] == name).sum() >= FEWEST["test"]
    ]
    rare = sorted(set(names) - set(common))
    note = f"{NOT_ENOUGH}: {', '.join(rare)}" if rare else ""
    used = np.isin(names, common)
    if len(common) < 2:
        return Target(np.empty(0), used, "auroc", note or NOT_ENOUGH)
    return Target(np.searchsorted(common, names), used, "auroc", note)


def fit_predict(
    features: np.ndarray, target: Target, train: np.ndarray, valid: np.ndarray, test: np.ndarray
) -> np.ndarray:
    """Predictions for the regions of `test`: numbers [n], or probabilities [n, classes].

    Features are standardised by the train fold; the strength of regularisation is the one that scores best on `valid`,
    or the second weakest where `valid` cannot tell.
    """
    scaler = StandardScaler().fit(features[train])
    known, truth = scaler.transform(features[train]), target.values[train]
    tuned = scaler.transform(features[valid]) if valid.any() else None

    def fitted(strength: float):
        if target.metric == "r2":
            return Ridge(alpha=1 / strength).fit(known, truth).predict
        return LogisticRegression(C=strength, max_iter=500).fit(known, truth).predict_proba

    models = [fitted(strength) for strength in STRENGTHS]
    best = models[-2]
    if tuned is not None:
        scores = [score(target.values[valid], model(tuned), target.metric) for model in models]
        best = models[int(np.argmax(scores))] if np.isfinite(scores).all() else best
    return best(scaler.transform(features[test]))


def score(truth: np.ndarray, predicted: np.ndarray, metric: str) -> float:
    """R2, or the area under the ROC curve: of the second of two classes, or the mean over classes of one against rest.

    Classes that `truth` holds nowhere, or everywhere, do not count; NaN if there is no other.
    """
    if metric == "r2":
        spread = ((truth - truth.mean()) ** 2).sum()
        return float(1 - ((truth - predicted) ** 2).sum() / spread) if spread > 0 else np.nan
    classes = predicted.shape[1]
    areas = [auroc(truth == i, predicted[:, i]) for i in (range(classes) if classes > 2 else [1])]
    return float(np.nanmean(areas)) if not np.isnan(areas).all() else np.nan


def auroc(positive: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve from ranks, ties counting half; NaN where all are positive or none is."""
    n = int(positive.sum())
    if n in (0, len(positive)):
        return np.nan
    return float((rankdata(scores)[positive].sum() - n * (n + 1) / 2) / (n * (len(positive) - n)))


def summarise(scores: dict[str, np.ndarray], name: str) -> dict[str, float]:
    """Value and 95 % interval of one representation and of its differences from its rivals.

    scores: by representation, that of all test regions, then those of the resamples; without any, all is NaN.
    """
    rivals = {column: rival for column, rival in RIVALS.items() if not scores or rival in scores}
    columns = {"value": scores.get(name)}
    columns |= {column: scores[name] - scores[rival] if scores else None for column, rival in rivals.items()}
    summary = {}
    for column, values in columns.items():
        spread = (np.nan, np.nan) if values is None else np.nanquantile(values[1:], [0.025, 0.975])
        low, high = ("low", "high") if column == "value" else (f"{column}_low", f"{column}_high")
        summary |= {column: np.nan if values is None else values[0], low: spread[0], high: spread[1]}
    return summary
