"""Comparison of all predictors of a benchmark: scores with intervals, differences, curves, and the scan of promoters.

Each is scored on the whole test set (part `all`) and on the examples for which the audit found no leak (part `clean`). Where the builder
tells kinds of negatives apart, each kind with all positives is a part too, of its name.
"""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from grover.config.names import random_of
from grover.runtime.errors import InputError
from grover.statistics import bootstrap
from grover.statistics.metrics import SCORES, Fold, called, precision_recall, read_fold, thresholds
from grover.statistics.metrics import scores as scores_of

WHOLE, CLEAN = "all", "clean"
FEWEST = 10  # examples of each label in a smaller part; scores of fewer are too uncertain

SCORE_COLUMNS = [
    *("task", "model", "kind", "part", "seed", "n_train", "n_test", "classes", "positive_share", "threshold"),
    *(
        "mcc_valid",
        "mcc",
        "mcc_low",
        "mcc_high",
        "auroc",
        "auroc_low",
        "auroc_high",
        "auprc",
        "accuracy",
        "f1",
        "brier",
        "ece",
    ),
    *("dataset", "weights", "configuration", "seconds"),
]
DIFFERENCE_COLUMNS = ["task", "part", "model", "comparator", "difference", "low", "high"]
DIFFERENCE_COLUMNS += ["auroc_difference", "auroc_low", "auroc_high"]
CURVE = ("recall", "precision", "threshold")
NEEDED = ("task", "model", "kind", "n_train", "dataset", "weights", "settings", "seconds")


@dataclass(frozen=True)
class _Predictor:
    """Predictions of a model for fold test, its thresholds of label 1, its MCC on fold valid by seed, and its metrics.json."""

    test: Fold
    cuts: list[float]
    valid: list[float]
    facts: dict


@dataclass(frozen=True)
class _Scored:
    """Scores of one model on one part: those of each seed, and MCC and AUROC on each resample of blocks and seeds."""

    by_seed: pd.DataFrame
    mcc: np.ndarray
    auroc: np.ndarray


def score(
    dataset: pd.DataFrame,
    audit: pd.DataFrame,
    predictions: dict[str, pd.DataFrame],
    metrics: dict[str, dict],
    block: int,
    resamples: int,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Compute scores, differences and precision at equal steps of recall of all models on a benchmark.

    dataset, audit: the tables of the benchmark; predictions, metrics: predictions.parquet and metrics.json by model; the first model is
    compared with all others, and each with the randomly initialised model of its size, `NAME-random`; block: bases of the genome that
    are drawn together. Returns three tables: a row per model, part and seed, and one without a seed for the mean and its
    intervals (`SCORE_COLUMNS`; `mcc_valid`, of fold valid, chooses the best baseline); MCC and AUROC of a model minus those of a
    comparator on the same draws (`DIFFERENCE_COLUMNS`); model, recall, precision and threshold on the whole test set, the mean over
    seeds, for two classes.
    A part with fewer than 10 examples of a label is left out. Raises InputError for predictions of another dataset.
    """
    examples = dataset[dataset["fold"] == "test"]
    predictors = {
        name: _read_predictor(name, examples, dataset.attrs, predictions[name], metrics[name]) for name in predictions
    }
    rows, differences = [], []
    for part, keep in _parts(examples, audit).items():
        kept = examples[keep]
        rarest = np.bincount(kept["label"], minlength=len(dataset.attrs["labels"])).min()
        if part != WHOLE and rarest < FEWEST:
            continue
        number = bootstrap.blocks(kept, block)
        drawn = bootstrap.draw(int(number.max()) + 1, resamples, seed)
        scored = {name: _scored(predictor, keep, number, drawn, seed) for name, predictor in predictors.items()}
        for name, predictor in predictors.items():
            rows.append(_rows(predictor, scored[name], part, kept["label"].to_numpy()))
        for model, comparator in _pairs(list(scored)):
            task = metrics[model]["task"]
            differences.append([task, part, model, comparator, *_difference(scored[model], scored[comparator])])
    return (
        pd.concat(rows, ignore_index=True),
        pd.DataFrame(differences, columns=DIFFERENCE_COLUMNS),
        _curves({name: predictor.test for name, predictor in predictors.items()}),
    )


def scan(dataset: pd.DataFrame, predictions: pd.DataFrame, step: int) -> pd.DataFrame:
    """Compute the probability of label 1 along the genome on folds valid and test: chrom, start, end, probability (mean over seeds).

    Each window gives an interval of one step around its middle, within the window. Where two intervals would overlap, each base belongs
    to the nearer middle. Windows with the same middle are averaged. Intervals are sorted and disjoint. Raises InputError for examples
    without coordinates and for more than two classes.
    """
    if "probability" not in predictions:
        raise InputError("a scan needs the column probability of a task with two classes; leave out the scan of others")
    mean = predictions.groupby("example")["probability"].mean()
    windows = dataset.loc[mean.index, ["chrom", "start", "end"]].assign(probability=mean)
    if (windows["chrom"] == "").any():
        raise InputError("a scan needs examples with coordinates in the genome; leave out the scan of other tasks")
    windows["middle"] = (windows["start"] + windows["end"]) // 2
    table = windows.groupby(["chrom", "middle"], as_index=False).agg(
        {"start": "min", "end": "max", "probability": "mean"}
    )
    chrom, middle = table["chrom"].to_numpy(), table["middle"].to_numpy()
    border, same = (middle[:-1] + middle[1:] + 1) // 2, chrom[1:] == chrom[:-1]
    start = np.maximum(table["start"], middle - step // 2)
    start = np.maximum(start, np.append(0, np.where(same, border, 0)))
    end = np.minimum(table["end"], middle - step // 2 + step)
    end = np.minimum(end, np.append(np.where(same, border, bootstrap.CONTIG), bootstrap.CONTIG))
    return pd.DataFrame({"chrom": chrom, "start": start, "end": end, "probability": table["probability"]})


def _read_predictor(
    name: str, examples: pd.DataFrame, attrs: dict, predictions: pd.DataFrame, metrics: dict
) -> _Predictor:
    """Read the predictions of a model and check that they are for this dataset."""
    missing = [key for key in NEEDED if key not in metrics]
    if missing:
        raise InputError(f"the metrics of {name} lack {', '.join(missing)}; make them anew")
    try:
        test = read_fold(predictions)
        cuts = thresholds(predictions, attrs["call"])
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    if not np.array_equal(test.example, examples.index) or not np.array_equal(test.label, examples["label"]):
        raise InputError(f"{name} predicts other examples than fold test of the dataset has; make its predictions anew")
    if test.classes != len(attrs["labels"]):
        raise InputError(f"{name} predicts {test.classes} classes but the dataset has {len(attrs['labels'])} labels")
    valid = [_on_valid(predictions[predictions["seed"] == seed], cuts[seed]) for seed in test.seeds]
    return _Predictor(test, [cuts[seed] for seed in test.seeds], valid, metrics)


def _on_valid(predictions: pd.DataFrame, cut: float) -> float:
    """Return the MCC of one seed on fold valid, by which the best baseline is chosen; NaN where fold valid has no example."""
    if not (predictions["fold"] == "valid").any():
        return float("nan")
    fold = read_fold(predictions, "valid")
    return scores_of(fold.label, fold.probability[0], cut)["mcc"]


def _parts(examples: pd.DataFrame, audit: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return which examples belong to each part, by its name; positives belong to all strata of negatives."""
    stratum = examples["stratum"] if "stratum" in examples else pd.Series("", examples.index)
    strata = sorted(set(stratum) - {""})
    return {
        WHOLE: np.ones(len(examples), bool),
        CLEAN: _clean(examples, audit),
        **{name: stratum.isin([name, ""]).to_numpy() for name in strata},
    }


def _clean(examples: pd.DataFrame, audit: pd.DataFrame) -> np.ndarray:
    """Return whether the audit found no leak, for each example."""
    leak = audit.set_index("example")["leak"].reindex(examples.index)
    if leak.isna().any():
        raise InputError("the audit lacks examples of the dataset; make it anew")
    return (leak == "").to_numpy()


def _scored(predictor: _Predictor, keep: np.ndarray, number: np.ndarray, drawn: np.ndarray, seed: int) -> _Scored:
    """Score a model on the examples of the mask; number: block of each, drawn: how often each block is drawn."""
    test = predictor.test
    label, probability = test.label[keep], test.probability[:, keep]
    each = list(zip(probability, predictor.cuts, strict=True))
    mcc = [bootstrap.resampled_mcc(drawn, number, label, called(values, cut), test.classes) for values, cut in each]
    auroc = [bootstrap.resampled_auroc(drawn, number, label, values) for values in probability]
    return _Scored(
        pd.DataFrame([{"threshold": cut, **scores_of(label, values, cut)} for values, cut in each]),
        bootstrap.over_seeds(np.stack(mcc, axis=1), test.seeds, seed),
        bootstrap.over_seeds(np.stack(auroc, axis=1), test.seeds, seed),
    )


def _rows(predictor: _Predictor, scored: _Scored, part: str, label: np.ndarray) -> pd.DataFrame:
    """Tabulate one row per seed and one for their mean."""
    facts, classes = predictor.facts, predictor.test.classes
    mean = {name: scored.by_seed[name].mean(skipna=False) for name in SCORES}
    mean["mcc_valid"] = float(np.mean(predictor.valid))
    mean["mcc_low"], mean["mcc_high"] = bootstrap.interval(scored.mcc, 1)
    mean["auroc_low"], mean["auroc_high"] = bootstrap.interval(scored.auroc, 1)
    table = pd.DataFrame([*scored.by_seed.assign(mcc_valid=predictor.valid).to_dict("records"), mean])
    table["seed"] = pd.array([*predictor.test.seeds, pd.NA], dtype="Int64")
    shared = {name: facts[name] for name in ("task", "model", "kind", "n_train", "dataset", "weights", "seconds")}
    shared |= {"part": part, "n_test": len(label), "classes": classes}
    shared["positive_share"] = float(label.mean()) if classes == 2 else float("nan")
    shared["configuration"] = json.dumps(facts["settings"], sort_keys=True)
    return table.assign(**shared)[SCORE_COLUMNS]


def _pairs(names: list[str]) -> list[tuple[str, str]]:
    """Pair the first model with all others, and every other with the randomly initialised model of its size."""
    first, *others = names
    return [(first, name) for name in others] + [(name, random_of(name)) for name in others if random_of(name) in names]


def _difference(model: _Scored, comparator: _Scored) -> list[float]:
    """Return the differences in MCC and AUROC with their intervals."""
    values: list[float] = []
    for name, ours, theirs in (("mcc", model.mcc, comparator.mcc), ("auroc", model.auroc, comparator.auroc)):
        difference = model.by_seed[name].mean(skipna=False) - comparator.by_seed[name].mean(skipna=False)
        values += [float(difference), *bootstrap.interval(ours - theirs)]
    return values


def _curves(tests: dict[str, Fold]) -> pd.DataFrame:
    """Tabulate the precision at equal steps of recall of each model, the mean over seeds."""
    tables = [pd.DataFrame({"model": pd.Series(dtype=str), **dict.fromkeys(CURVE, pd.Series(dtype=np.float64))})]
    for name, test in tests.items():
        if test.classes == 2:
            each = [precision_recall(test.label, probability) for probability in test.probability]
            tables.append(pd.concat(each).groupby(level=0).mean().assign(model=name))
    return pd.concat(tables, ignore_index=True)
