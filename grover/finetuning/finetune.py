"""Fine-tuning of any network on a benchmark: our encoder, pretrained or random, or an external model.

`grover.network.classifier` says what a network must have.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import torch
from scipy.special import log_softmax, softmax

from grover.config.sections.benchmarks import ClassifierTraining
from grover.network.classifier import Network, Schedule, fit, logits
from grover.network.training import Execution
from grover.runtime.errors import InputError
from grover.runtime.files import checksum

Made = TypeVar("Made", bound=Network)


class Settings(ClassifierTraining):
    """How a classifier is trained; `patience` counts epochs without a better loss on fold valid.

    `balanced` class weights are the inverse of the shares of the classes in training. A rare label then counts as much as a common
    one, in the loss and in the early stopping on fold valid. The probabilities of the finished network are those of
    training examples as they are, with and without weights (`restore_shares`).
    """

    batch: int
    learning_rate: float
    precision: str


def fine_tune(
    dataset: pd.DataFrame,
    inputs: Sequence[np.ndarray],
    make: Callable[[int, int], Made],
    settings: Settings,
    device: torch.device,
    seed: int,
) -> tuple[Made, pd.DataFrame]:
    """Train on fold train, stop by fold valid, predict folds valid and test.

    `dataset` has the columns label (0..classes - 1) and fold; `inputs` are what the network reads of each of its rows;
    `make(classes, seed)` makes the network before training, whose last layer is the torch.nn.Linear `classifier`. Returns the network
    after the best epoch, its bias set back to the shares of the classes where they weighed the same. Also returns a table: example (row
    of the dataset), seed, fold, label, probability. That is of label 1 where there are two classes, else one column
    `probability_{label}` for each. The table's `attrs` have `epochs`, how many were run, and `n_train`, the examples trained on.

    Raises an InputError, before anything is trained, for an input that is too long for the network and for folds that lack a label.
    """
    labels, fold = dataset["label"].to_numpy(np.int64), dataset["fold"].to_numpy()
    task, classes = dataset.attrs.get("task", "fine-tuning"), int(labels.max()) + 1
    train = draw(np.flatnonzero(fold == "train"), settings.maximum_train, [seed])
    valid = draw(np.flatnonzero(fold == "valid"), settings.maximum_valid, [seed, 1])
    held_out = np.concatenate([np.flatnonzero(fold == name) for name in ("valid", "test")])
    counts = _counts(dataset, labels[train], labels[valid], classes, task)
    network = make(classes, seed)
    _check_lengths(network, inputs, np.concatenate([train, held_out]), task)
    weights = len(train) / (classes * counts) if settings.class_weights == "balanced" else np.ones(classes)

    def valid_loss() -> float:
        """Mean cross-entropy in nats of fold valid, of which training lowers that of fold train."""
        scores = logits(network, [inputs[row] for row in valid], device, settings.precision)
        found = log_softmax(scores.astype(np.float64), axis=1)[np.arange(len(valid)), labels[valid]]
        return float(-np.average(found, weights=weights[labels[valid]]))

    watch = BestEpoch(network, settings.patience, valid_loss)
    fit(
        network,
        [inputs[row] for row in train],
        labels[train],
        Schedule(settings.epochs, settings.batch, settings.learning_rate, settings.warmup),
        Execution(device, settings.precision, seed, label=f"{task}, seed {seed}"),
        class_weights=weights,
        after_epoch=watch,
    )
    network.load_state_dict(watch.weights)
    if settings.class_weights == "balanced":
        restore_shares(network.get_submodule("classifier"), counts / len(train))

    scores = logits(
        network, [inputs[row] for row in held_out], device, settings.precision, f"{task}, seed {seed}: predict"
    )
    table = pd.DataFrame({"example": held_out, "seed": seed, "fold": fold[held_out], "label": labels[held_out]})
    table = table.assign(**probabilities(scores))
    table.attrs = {"epochs": watch.epochs, "n_train": len(train)}
    return network, table


def check_passed(dataset: Path, passed: Path) -> str:
    """The sha256 of a dataset; raises an InputError unless `passed`, which the audit writes, holds the same."""
    found = checksum(dataset)
    if Path(passed).read_text().strip() != found:
        raise InputError(
            f"{passed}: the audit let another file than {dataset} pass; audit the dataset again (audit_dataset.py) before training on it"
        )
    return found


def draw(rows: np.ndarray, maximum: int, seed: int | list[int]) -> np.ndarray:
    """At most `maximum` of some rows in a random order; all in theirs where `maximum` is 0."""
    return np.random.default_rng(seed).permutation(rows)[:maximum] if maximum else rows


def probabilities(scores: np.ndarray) -> dict[str, np.ndarray]:
    """Columns of a table of predictions, float64, of logits [rows, classes]."""
    shares = softmax(scores.astype(np.float64), axis=1).T
    return {"probability": shares[1]} if len(shares) == 2 else {f"probability_{i}": row for i, row in enumerate(shares)}


def restore_shares(layer: torch.nn.Module, shares: np.ndarray) -> None:
    """Turn a last layer trained with balanced class weights into one for classes as common as they are (`shares`, float [classes]).

    Weights inverse to the shares make the best probabilities proportional to p(label | input) / share; the logarithm of the share,
    added to the bias, undoes it (Saerens et al. 2002, doi 10.1162/089976602753284446). Calibration and calls at 0.5 then compare with
    those of classifiers without weights; between two classes the order of the examples stays the same.
    """
    with torch.no_grad():
        bias = layer.get_parameter("bias")
        bias.add_(torch.from_numpy(np.log(shares * len(shares))).to(bias))


class BestEpoch:
    """Called after each epoch: keeps the weights of the lowest loss, and says stop after `patience` epochs without a
    lower one.
    """

    def __init__(self, model: torch.nn.Module, patience: int, loss: Callable[[], float]):
        self.model, self.patience, self.loss = model, patience, loss
        self.lowest, self.since, self.epochs = np.inf, 0, 0
        self.weights: dict[str, torch.Tensor] = {}

    def __call__(self) -> bool:
        loss = self.loss()
        self.since, self.epochs = self.since + 1, self.epochs + 1
        if loss < self.lowest:
            self.lowest, self.since, self.weights = loss, 0, deepcopy(self.model.state_dict())
        return self.since >= self.patience


def _counts(dataset: pd.DataFrame, train: np.ndarray, valid: np.ndarray, classes: int, task: str) -> np.ndarray:
    """Examples of each class to train on, int64 [classes]; raises an InputError where a fold lacks labels."""
    counts = np.bincount(train, minlength=classes)
    if classes < 2 or (counts == 0).any():
        lacking = int(np.argmin(counts)) if classes > 1 else 1
        names = dataset.attrs.get("labels") or range(classes)
        name = names[lacking] if lacking < len(names) else lacking
        raise InputError(
            f"{task}: no example of label {name} is among the {len(train):,} of fold train to learn from; check the labels and folds of "
            "the dataset and the limit `finetuning.maximum_train`"
        )
    if len(np.unique(valid)) < 2:
        raise InputError(
            f"{task}: the {len(valid):,} examples of fold valid that decide when training ends have not two labels; check the "
            "folds of the dataset and the limit `finetuning.maximum_valid`"
        )
    return counts


def _check_lengths(network: Network, inputs: Sequence[np.ndarray], rows: np.ndarray, task: str) -> None:
    longest = rows[np.argmax([len(inputs[row]) for row in rows])]
    try:
        network.check(len(inputs[longest]))
    except InputError as error:
        raise InputError(f"{task}, example {longest}: {error}") from None
