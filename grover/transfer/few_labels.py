"""Classifiers that learn from a given number of labels, all methods from the same ones.

Early stopping, or the choice of a strength, for N labels of fold train uses at most N labels of fold valid. A user with N labels
would have no more.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from grover.benchmarks.tokenise import read_tokens
from grover.finetuning import baselines
from grover.finetuning.finetune import Settings, draw, fine_tune
from grover.finetuning.linear_probe import probe
from grover.network.classifier import Classifier, Pooling, new_classifier
from grover.network.training import Execution
from grover.runtime.errors import InputError
from grover.statistics.metrics import called, thresholds
from grover.tokenization.vocabulary import Vocabulary
from grover.transfer.arms import BASELINE, FINE_TUNED, PROBED

MOST_VALID, PATIENCE = 500, 10
COLUMNS = ["example", "label", "called", "score", "seed", "labels", "method", "model"]


@dataclass(frozen=True)
class Draw:
    """A draw of `labels` examples by `seed`: the reduced dataset, whose index counts from 0, and its rows in the whole one."""

    dataset: pd.DataFrame
    rows: np.ndarray
    labels: int
    seed: int


def draw_labels(dataset: pd.DataFrame, labels: int, seed: int) -> Draw:
    """Keep fold test, `labels` examples of fold train and at most as many of fold valid, as fine-tuning with this seed draws them.

    Raises InputError where fold train has fewer, or where a draw lacks a label.
    """
    fold, task = dataset["fold"].to_numpy(), dataset.attrs.get("task", "the task")
    train = np.flatnonzero(fold == "train")
    if len(train) < labels:
        raise InputError(
            f"{task}: fold train has {len(train):,} examples, but `transfer.labels` asks for {labels:,}; take that number out"
        )
    learnt = draw(train, labels, [seed])
    valid = draw(np.flatnonzero(fold == "valid"), min(labels, MOST_VALID), [seed, 1])
    known = set(dataset["label"])
    for name, rows in (("train", learnt), ("valid", valid)):
        if set(dataset["label"].iloc[rows]) != known:
            raise InputError(
                f"{task}: seed {seed} draws {len(rows):,} examples of fold {name} without one of the labels; raise `transfer.labels`"
            )
    rows = np.sort(np.concatenate([learnt, valid, np.flatnonzero(fold == "test")]))
    reduced = dataset.iloc[rows].reset_index(drop=True)
    reduced.attrs = dict(dataset.attrs)
    return Draw(reduced, rows, labels, seed)


def long_enough(settings: Settings, labels: int, steps: int) -> Settings:
    """Settings of a fine-tuning on so few labels: at least `steps` steps, patience for them, and all labels of the draw."""
    epochs = max(settings.epochs, -(-steps * settings.batch // labels))
    changed = {"epochs": epochs, "patience": max(settings.patience, PATIENCE), "maximum_train": 0, "maximum_valid": 0}
    return settings.model_copy(update=changed)


def fine_tuned(drawn: Draw, folder: Path, settings: Settings, pooling: Pooling, execution: Execution) -> pd.DataFrame:
    """Fine-tune the model in `folder` on a draw, and return its predictions of fold test, without the column model."""

    def make(classes: int, seed: int) -> Classifier:
        return new_classifier(folder, classes, pooling, True, seed)

    inputs = read_tokens(drawn.dataset, Vocabulary.load(folder))
    _, predicted = fine_tune(drawn.dataset, inputs, make, settings, execution.device, drawn.seed)
    return predictions_of_test(predicted, drawn, FINE_TUNED)


def probed(drawn: Draw, folder: Path, execution: Execution) -> pd.DataFrame:
    """The same of a linear probe on the mean of the states."""
    predicted, _ = probe(drawn.dataset, folder, "mean", execution)
    return predictions_of_test(predicted, drawn, PROBED)


def baseline(drawn: Draw, name: str, settings: baselines.Settings) -> pd.DataFrame:
    """The same of a baseline."""
    return predictions_of_test(baselines.predict(drawn.dataset, name, [drawn.seed], settings), drawn, BASELINE)


def predictions_of_test(predicted: pd.DataFrame, drawn: Draw, method: str) -> pd.DataFrame:
    """What a method calls on fold test: example (row of the whole dataset), label, called, score (of label 1 of two, else missing)."""
    cut = thresholds(predicted, drawn.dataset.attrs.get("call", "half"))[drawn.seed]
    table = calls(predicted, cut).assign(seed=drawn.seed, labels=drawn.labels, method=method)
    return table.assign(example=drawn.rows[table["example"]])


def calls(predicted: pd.DataFrame, cut: float = 0.5) -> pd.DataFrame:
    """Tabulate fold test of predictions of one seed: example, label, called, score (of label 1 of two, else missing).

    cut: the probability from which label 1 of two is called.
    """
    test = predicted[predicted["fold"] == "test"].sort_values("example")
    values = test.filter(like="probability").to_numpy(np.float64)
    two = values.shape[1] == 1
    return pd.DataFrame(
        {
            "example": test["example"].to_numpy(),
            "label": test["label"].to_numpy(np.int64),
            "called": called(values[:, 0], cut) if two else called(values),
            "score": values[:, 0] if two else np.nan,
        }
    )
