"""Fine-tuning of the pretrained encoder, or of its random twin, on a benchmark."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.special import log_softmax, softmax

from grover.classifier import Classifier, fit, logits, new_classifier
from grover.errors import InputError
from grover.genome import encode
from grover.vocabulary import Vocabulary


@dataclass(frozen=True)
class Settings:
    """How a classifier is trained; `patience` counts epochs without a better loss on fold valid."""

    epochs: int = 4
    batch: int = 32
    learning_rate: float = 5e-5
    warmup: float = 0.1
    patience: int = 2
    pooling: str = "mean"
    balance: bool = False  # weigh classes by the inverse of their share
    maximum_train: int = 0  # examples, drawn by the seed; 0: all
    precision: str = "auto"


def fine_tune(
    dataset: pd.DataFrame,
    vocabulary: Vocabulary,
    folder: Path,
    pretrained: bool,
    settings: Settings,
    device: torch.device,
    seed: int,
) -> tuple[Classifier, pd.DataFrame]:
    """Train on fold train, stop by fold valid, predict folds valid and test.

    `dataset` has the columns sequence, label (0..classes - 1), fold. Returns the classifier of the best epoch and the
    table example (row of the dataset), seed, fold, label, probability: of label 1 where there are two classes, else one
    column
    `probability_{label}` for each.
    """
    classes = int(dataset["label"].max()) + 1
    tokens = vocabulary.encode_each(map(encode, dataset["sequence"]))
    rows = {fold: np.flatnonzero(dataset["fold"] == fold) for fold in ("train", "valid", "test")}
    labels = dataset["label"].to_numpy(np.int64)
    for fold in ("train", "valid"):
        if len(np.unique(labels[rows[fold]])) < 2:
            raise InputError(
                f"fine-tuning: fold {fold} needs examples of two classes at least; check the folds of the dataset"
            )
    train = rows["train"]
    if settings.maximum_train:
        train = np.random.default_rng(seed).permutation(train)[: settings.maximum_train]
    share = np.bincount(labels[train], minlength=classes) / len(train)
    weights = 1 / np.maximum(share * classes, 1e-9) if settings.balance else None

    model = new_classifier(folder, classes, settings.pooling, pretrained, seed)
    watch = BestEpoch(model, settings.patience, lambda: _loss(model, tokens, labels, rows["valid"], device, settings))
    fit(
        model,
        [tokens[row] for row in train],
        labels[train],
        settings.epochs,
        settings.batch,
        settings.learning_rate,
        device,
        settings.warmup,
        settings.precision,
        seed,
        f"finetune, seed {seed}",
        weights,
        watch,
    )
    model.load_state_dict(watch.weights)

    held_out = np.concatenate([rows["valid"], rows["test"]])
    probability = softmax(
        logits(model, [tokens[row] for row in held_out], device, settings.precision).astype(np.float64), axis=1
    )
    table = pd.DataFrame(
        {"example": held_out, "seed": seed, "fold": dataset["fold"].to_numpy()[held_out], "label": labels[held_out]}
    )
    columns = ["probability"] if classes == 2 else [f"probability_{label}" for label in range(classes)]
    return model, table.assign(**dict(zip(columns, probability.T[1:] if classes == 2 else probability.T, strict=True)))


class BestEpoch:
    """Called after each epoch: keeps the weights of the lowest loss, and says stop after `patience` epochs without a
    lower one.
    """

    def __init__(self, model: torch.nn.Module, patience: int, loss: Callable[[], float]):
        self.model, self.patience, self.loss = model, patience, loss
        self.lowest, self.since, self.weights = np.inf, 0, {}

    def __call__(self) -> bool:
        loss = self.loss()
        self.model.train()
        self.since += 1
        if loss < self.lowest:
            self.lowest, self.since, self.weights = loss, 0, deepcopy(self.model.state_dict())
        return self.since >= self.patience


def _loss(
    model: Classifier, tokens: list, labels: np.ndarray, rows: np.ndarray, device: torch.device, settings: Settings
) -> float:
    """Mean cross-entropy in nats of some examples."""
    found = log_softmax(
        logits(model, [tokens[row] for row in rows], device, settings.precision).astype(np.float64), axis=1
    )
    return float(-found[np.arange(len(rows)), labels[rows]].mean())
