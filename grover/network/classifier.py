"""A linear layer on the pooled states of the encoder: next-k-mer prediction and fine-tuning share it.

Sequences are laid end to end (`grover.network.packed`), so that no padding is computed; of the last layer only what is read is.
`grover.network.classifier_folder` stores it.

`fit` and `logits` work on any network that has the methods of `Network`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import cross_entropy
from transformers import BertConfig, BertModel

from grover.network.attention import choose_attention
from grover.network.bert import check_length, load_config, load_into
from grover.network.device import autocast, precision_to_train
from grover.network.forward import hidden_states
from grover.network.inference import TOKENS_AT_ONCE, each, evaluating, moved, threads_for
from grover.network.initialisation import begin
from grover.network.packed import Layout, group_by_tokens, pack_rows
from grover.network.splitmix import window_keys
from grover.network.training import Batch, Execution, Optimisation, train
from grover.runtime.progress import Progress

Pooling = Literal["mean", "cls", "last"]
DROPOUT = 0.1  # of the vector that the classifier reads
OF_TRAINING = ("targets", "tokens")  # what a batch holds beside the input of the network


class Network(torch.nn.Module, ABC):
    """What `fit` and `logits` need of a network.

    `forward(**collated)` returns logits [rows, classes]. `reentrant` is true where several threads may call it at once.
    """

    reentrant: bool

    @abstractmethod
    def check(self, longest: int) -> None:
        """Raise an InputError where an input of so many tokens is too long."""

    @abstractmethod
    def groups(self, lengths: np.ndarray, device_type: str) -> list[np.ndarray]:
        """Cut inputs of these lengths (without specials) into lists of rows that are computed at once."""

    @abstractmethod
    def collate(self, inputs: Sequence[np.ndarray]) -> dict[str, Any]:
        """The arguments of `forward`, each with a `.to(device, non_blocking=)`."""

    def collate_to_train(self, inputs: Sequence[np.ndarray], keys: np.ndarray) -> dict[str, Any]:
        """The same for a step of training; `keys`, uint64 [inputs], may decide what dropout does to an input."""
        return self.collate(inputs)


class Classifier(Network):
    """`bert` and a linear layer `classifier` on the mean of all states, on the first ([CLS]) or on the last ([SEP])."""

    reentrant = True

    def __init__(self, config: BertConfig, classes: int, pooling: Pooling, dropout: float = DROPOUT):
        super().__init__()
        self.config, self.pooling = config, pooling
        config.num_labels, config.pooling = classes, pooling
        self.bert = BertModel(config, add_pooling_layer=False)
        self.dropout = torch.nn.Dropout(dropout)
        self.classifier = torch.nn.Linear(config.hidden_size, classes)

    def forward(self, input_ids: torch.Tensor, layout: Layout) -> torch.Tensor:
        """Logits, float32 [rows, classes], of sequences laid end to end."""
        return self.classifier(self.dropout(pool(self.bert, input_ids, layout, self.pooling))).float()

    def collate(self, inputs: Sequence[np.ndarray]) -> dict[str, Any]:
        """What `forward` takes, of token ids without specials."""
        return lay(inputs)

    def collate_to_train(self, inputs: Sequence[np.ndarray], keys: np.ndarray) -> dict[str, Any]:
        """The same with a key for each input."""
        return lay(inputs, keys)

    def groups(self, lengths: np.ndarray, device_type: str) -> list[np.ndarray]:
        """Rows by falling length, in groups whose tokens are computed at once."""
        return group_by_tokens(lengths, TOKENS_AT_ONCE[device_type])

    def check(self, longest: int) -> None:
        """Raise an InputError if `longest` tokens do not fit the positions of the encoder."""
        check_length(longest, self.config.max_position_embeddings, "sequences")


def lay(inputs: Sequence[np.ndarray], keys: np.ndarray | None = None) -> dict[str, Any]:
    """`input_ids`, int64 [tokens], of sequences as [CLS] tokens [SEP] end to end, and their `layout` with the `keys` of the dropout."""
    ids, lengths = pack_rows(inputs)
    return {"input_ids": torch.from_numpy(ids), "layout": Layout.of(lengths, keys)}


def pool(encoder: BertModel, input_ids: torch.Tensor, layout: Layout, pooling: Pooling) -> torch.Tensor:
    """One vector per sequence, [rows, hidden]; for `cls` and `last` the last layer is computed at these tokens alone."""
    attention = choose_attention(input_ids.device, encoder.training)
    if pooling == "mean":
        states = hidden_states(encoder, input_ids, layout, attention=attention).float()
        return torch.segment_reduce(states, "mean", offsets=layout.bounds, axis=0, unsafe=True)
    positions = layout.bounds[:-1] if pooling == "cls" else layout.bounds[1:] - 1
    return hidden_states(encoder, input_ids, layout, positions, attention=attention)


def new_classifier(folder: Path, classes: int, pooling: Pooling, pretrained: bool, seed: int) -> Classifier:
    """A classifier of the size of the model in `folder`, its encoder pretrained or randomly initialised; all random weights
    depend on `seed`.
    """
    torch.manual_seed(seed)
    model = Classifier(load_config(folder), classes, pooling)
    begin(model.bert)
    if pretrained:
        load_into(model.bert, folder, "bert.")
    return model


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a classifier is trained: a step sees `batch` inputs; `warmup` is a share of the steps."""

    epochs: int
    batch: int
    learning_rate: float
    warmup: float


def fit(
    network: Network,
    inputs: Sequence[np.ndarray],
    labels: np.ndarray,
    schedule: Schedule,
    execution: Execution,
    *,
    class_weights: np.ndarray | None = None,
    after_epoch: Callable[[], bool] | None = None,
) -> pd.DataFrame:
    """Train on inputs as `network` collates them and their classes (int64 [n]); returns the loss curve.

    `class_weights` (float [classes]) weigh the examples; `after_epoch` may end the training by returning true. Encoders are trained in
    bf16 where that is faster (`precision_to_train`); for other networks that is not measured.
    """
    if isinstance(network, Classifier):
        execution = replace(execution, precision=precision_to_train(execution.device, execution.precision))
    lengths = np.array([len(tokens) for tokens in inputs])
    network.check(int(lengths.max()))
    device, batch = execution.device, schedule.batch
    steps = -(-len(inputs) // batch)
    order = lru_cache(2)(lambda epoch: np.random.default_rng([execution.seed, epoch]).permutation(len(inputs)))
    weights = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float32, device=device)

    def batches(step: int) -> list[Batch]:
        epoch, number = divmod(step, steps)
        rows = order(epoch)[number * batch : (number + 1) * batch]
        keys = window_keys(execution.seed, epoch, rows)
        return [
            network.collate_to_train([inputs[row] for row in rows[group]], keys[group])
            | {"targets": torch.from_numpy(labels[rows[group]]), "tokens": int(lengths[rows[group]].sum())}
            for group in network.groups(lengths[rows], device.type)
        ]

    def loss(network: torch.nn.Module, batch: Batch) -> torch.Tensor:
        given = {name: value for name, value in batch.items() if name not in OF_TRAINING}
        return cross_entropy(network(**given).float(), batch["targets"], weights, reduction="sum")

    def after(step: int) -> bool:
        return after_epoch is not None and step % steps == 0 and after_epoch()

    optimisation = Optimisation(schedule.epochs * steps, schedule.learning_rate, schedule.warmup)
    return train(network, batches, loss, optimisation, execution, after=after if after_epoch else None)


def pooled(
    encoder: BertModel,
    inputs: Sequence[np.ndarray],
    pooling: Pooling,
    device: torch.device,
    precision: str,
    label: str = "",
) -> np.ndarray:
    """Vectors, float32 [rows, hidden], that an encoder as it is gives sequences of token ids without specials.

    `label` names the progress, which is silent without one.
    """
    lengths = np.array([len(tokens) for tokens in inputs])
    check_length(int(lengths.max()), encoder.config.max_position_embeddings, "sequences")
    groups = group_by_tokens(lengths, TOKENS_AT_ONCE[device.type])

    def compute(group: np.ndarray) -> torch.Tensor:
        with torch.inference_mode(), autocast(device, precision):
            return pool(encoder, **moved(lay([inputs[row] for row in group]), device), pooling=pooling).float()

    with evaluating(encoder, device):
        return _in_order(compute, groups, threads_for(device, len(groups)), label)


def logits(
    network: Network,
    inputs: Sequence[np.ndarray],
    device: torch.device,
    precision: str,
    label: str = "",
) -> np.ndarray:
    """Logits, float32 [rows, classes], of inputs as `network` collates them; `label` as in `pooled`."""
    lengths = np.array([len(tokens) for tokens in inputs])
    network.check(int(lengths.max()))
    groups = network.groups(lengths, device.type)

    def compute(group: np.ndarray) -> torch.Tensor:
        with torch.inference_mode(), autocast(device, precision):
            return network(**moved(network.collate([inputs[row] for row in group]), device)).float()

    with evaluating(network, device):
        return _in_order(compute, groups, threads_for(device, len(groups)) if network.reentrant else 1, label)


def _in_order(
    compute: Callable[[np.ndarray], torch.Tensor], groups: list[np.ndarray], threads: int, label: str
) -> np.ndarray:
    """Rows that `compute` gives of each group, put back in the order of the inputs."""
    found = []
    with Progress(len(groups), label, silent=not label) as bar:
        # nothing is read back before the end, so that a GPU never waits for the next group
        for vectors in each(compute, groups, threads):
            found.append(vectors)
            bar.update(1)
    grouped = torch.cat(found).cpu().numpy()
    answer = np.empty_like(grouped)
    answer[np.concatenate(groups)] = grouped
    return answer
