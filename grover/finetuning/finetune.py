"""Fine-tuning of any network on a benchmark: our encoder, pretrained or random, or an external model.

`grover.network.classifier` says what a network must have.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import torch
from scipy.special import log_softmax, softmax

from grover.config.sections.benchmarks import ClassifierTraining
from grover.network.classifier import Classifier, Network, Schedule, fit, logits
from grover.network.stacked import Training as StackedTraining
from grover.network.stacked import trained_together
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

    @property
    def schedule(self) -> Schedule:
        return Schedule(self.epochs, self.batch, self.learning_rate, self.warmup)


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
    return fine_tune_seeds(dataset, inputs, make, settings, device, [seed])[0]


def fine_tune_seeds(
    dataset: pd.DataFrame,
    inputs: Sequence[np.ndarray],
    make: Callable[[int, int], Made],
    settings: Settings,
    device: torch.device,
    seeds: Sequence[int],
) -> list[tuple[Made, pd.DataFrame]]:
    """Do the same with several seeds: classifiers of our encoder as one network (`grover.network.stacked`), others one after the other.

    Where the one network has no room or computes other logits, its members are trained one after the other, too.
    """
    task = dataset.attrs.get("task", "fine-tuning")
    trainings = [_Training(dataset, inputs, make, settings, device, seed) for seed in seeds]
    if len(seeds) > 1 and isinstance(trainings[0].network, Classifier):
        label = f"{task}, seeds {', '.join(map(str, seeds))}"
        execution = Execution(device, settings.precision, seeds[0], label=label)
        if trained_together([training.stacked() for training in trainings], settings.schedule, execution):
            return [training.finish() for training in trainings]
        del trainings
        if device.type == "cuda":
            torch.cuda.empty_cache()
        return [fine_tune(dataset, inputs, make, settings, device, seed) for seed in seeds]
    for training in trainings:
        training.fit()
    return [training.finish() for training in trainings]


class _Training:
    """One fine-tuning: the examples that its seed draws, and its network."""

    def __init__(
        self,
        dataset: pd.DataFrame,
        inputs: Sequence[np.ndarray],
        make: Callable[[int, int], Any],
        settings: Settings,
        device: torch.device,
        seed: int,
    ):
        self.labels, self.fold = dataset["label"].to_numpy(np.int64), dataset["fold"].to_numpy()
        self.inputs, self.settings, self.device, self.seed = inputs, settings, device, seed
        self.task, self.classes = dataset.attrs.get("task", "fine-tuning"), int(self.labels.max()) + 1
        self.train = draw(np.flatnonzero(self.fold == "train"), settings.maximum_train, [seed])
        self.valid = draw(np.flatnonzero(self.fold == "valid"), settings.maximum_valid, [seed, 1])
        self.held_out = np.concatenate([np.flatnonzero(self.fold == name) for name in ("valid", "test")])
        self.counts = _counts(dataset, self.labels[self.train], self.labels[self.valid], self.classes, self.task)
        self.network = make(self.classes, seed)
        _check_lengths(self.network, inputs, np.concatenate([self.train, self.held_out]), self.task)
        balanced = settings.class_weights == "balanced"
        self.weights = len(self.train) / (self.classes * self.counts) if balanced else np.ones(self.classes)
        # nothing here refers to the training itself: in a cycle its networks would stay on the GPU until garbage is collected
        valid, label, weights = [inputs[row] for row in self.valid], self.labels[self.valid], self.weights
        network = self.network

        def valid_loss() -> float:
            """Mean cross-entropy in nats of fold valid, of which training lowers that of fold train."""
            scores = logits(network, valid, device, settings.precision)
            found = log_softmax(scores.astype(np.float64), axis=1)[np.arange(len(label)), label]
            return float(-np.average(found, weights=weights[label]))

        self.watch = BestEpoch(network, settings.patience, valid_loss)

    def fit(self) -> None:
        fit(
            self.network,
            [self.inputs[row] for row in self.train],
            self.labels[self.train],
            self.settings.schedule,
            Execution(self.device, self.settings.precision, self.seed, label=f"{self.task}, seed {self.seed}"),
            class_weights=self.weights,
            after_epoch=self.watch,
        )

    def stacked(self) -> StackedTraining:
        """The same as one of several that are trained as one network."""
        inputs = [self.inputs[row] for row in self.train]
        return StackedTraining(self.network, inputs, self.labels[self.train], self.seed, self.weights, self.watch)

    def finish(self) -> tuple[Any, pd.DataFrame]:
        """The network after its best epoch, and its predictions."""
        self.network.load_state_dict(self.watch.weights)
        if self.settings.class_weights == "balanced":
            restore_shares(self.network.get_submodule("classifier"), self.counts / len(self.train))
        rows, label = self.held_out, f"{self.task}, seed {self.seed}: predict"
        scores = logits(self.network, [self.inputs[row] for row in rows], self.device, self.settings.precision, label)
        table = pd.DataFrame({"example": rows, "seed": self.seed, "fold": self.fold[rows], "label": self.labels[rows]})
        table = table.assign(**probabilities(scores))
        table.attrs = {"epochs": self.watch.epochs, "n_train": len(self.train)}
        return self.network, table


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
            # not the storage, which several networks may share
            kept = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
            self.lowest, self.since, self.weights = loss, 0, kept
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
