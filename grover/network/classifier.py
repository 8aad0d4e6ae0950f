"""A linear layer on the pooled states of the encoder: next-k-mer prediction and fine-tuning share it.

Sequences are laid end to end (`grover.network.packed`), so that no padding is computed; of the last layer only what is read is.
The stored folder opens with `AutoModel` as an encoder; the linear layer is `classifier` in its weights, what it reads is `pooling`
in its `config.json`.

`fit` and `logits` work on any network that has
  `check(longest)`            raise an InputError where an input of so many tokens is too long,
  `groups(lengths, device_type)`  cut inputs of these lengths (without specials) into lists of rows that are computed at once,
  `collate(inputs)`           a dictionary of what `forward` takes, each with a `.to(device, non_blocking=)`,
  `forward(**collated)`       logits [rows, classes],
  `reentrant`                 true where several threads may call `forward` at once.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import cross_entropy
from transformers import BertConfig, BertModel

from grover.network.bert import check_length, load_config, load_into
from grover.network.device import autocast
from grover.network.inference import TOKENS_AT_ONCE, each, hidden_states
from grover.network.initialisation import begin
from grover.network.packed import Layout, group_by_tokens, pack
from grover.network.training import Batch, Optimisation, train
from grover.runtime.errors import InputError
from grover.runtime.progress import Progress

POOLINGS = ("mean", "cls", "last")
OF_TRAINING = ("targets", "tokens")  # what a batch holds beside the input of the network


class Classifier(torch.nn.Module):
    """`bert` and a linear layer `classifier` on the mean of all states, on the first ([CLS]) or on the last ([SEP])."""

    reentrant = True

    def __init__(self, config: BertConfig, classes: int, pooling: str, dropout: float = 0.1):
        super().__init__()
        _check_pooling(pooling)
        self.config, self.pooling = config, pooling
        config.num_labels, config.pooling = classes, pooling
        self.bert = BertModel(config, add_pooling_layer=False)
        self.dropout = torch.nn.Dropout(dropout)
        self.classifier = torch.nn.Linear(config.hidden_size, classes)

    def forward(self, input_ids: torch.Tensor, layout: Layout) -> torch.Tensor:
        """Logits, float32 [rows, classes], of sequences laid end to end."""
        return self.classifier(self.dropout(pool(self.bert, input_ids, layout, self.pooling))).float()

    def collate(self, inputs: Sequence[np.ndarray]) -> dict:
        """What `forward` takes, of token ids without specials."""
        return lay(inputs)

    def groups(self, lengths: np.ndarray, device_type: str) -> list[np.ndarray]:
        """Rows by falling length, in groups whose tokens are computed at once."""
        return group_by_tokens(lengths, TOKENS_AT_ONCE[device_type])

    def check(self, longest: int) -> None:
        """Raise an InputError if `longest` tokens do not fit the positions of the encoder."""
        check_length(longest, self.config.max_position_embeddings, "sequences")


def lay(inputs: Sequence[np.ndarray]) -> dict:
    """`input_ids`, int64 [tokens], of sequences as [CLS] tokens [SEP] end to end, and their `layout`."""
    lengths = np.array([len(tokens) for tokens in inputs], np.int64)
    ids, with_specials = pack(np.concatenate(inputs), np.cumsum(lengths) - lengths, lengths)
    return {"input_ids": torch.from_numpy(ids), "layout": Layout.of(with_specials)}


def pool(encoder: BertModel, input_ids: torch.Tensor, layout: Layout, pooling: str) -> torch.Tensor:
    """One vector a sequence, [rows, hidden]; for `cls` and `last` the last layer is computed at these tokens alone."""
    if pooling == "mean":
        states = hidden_states(encoder, input_ids, layout).float()
        return torch.segment_reduce(states, "mean", offsets=layout.bounds, axis=0, unsafe=True)
    return hidden_states(encoder, input_ids, layout, layout.bounds[:-1] if pooling == "cls" else layout.bounds[1:] - 1)


def new_classifier(folder: Path, classes: int, pooling: str, pretrained: bool, seed: int) -> Classifier:
    """A classifier of the size of the model in `folder`, its encoder pretrained or, for the twin, random; the rest
    depends on `seed`.
    """
    torch.manual_seed(seed)
    model = Classifier(load_config(folder), classes, pooling)
    begin(model.bert)
    if pretrained:
        load_into(model.bert, folder, "bert.")
    return model


def load_classifier(folder: Path) -> Classifier:
    """The classifier stored in `folder`, in evaluation mode."""
    config = load_config(folder)
    if not hasattr(config, "pooling"):
        raise InputError(f"{folder}: that model is no classifier; expected a folder that finetune.py wrote")
    model = Classifier(config, config.num_labels, config.pooling)
    load_into(model, folder)
    return model.eval()


def fit(
    network: torch.nn.Module,
    inputs: Sequence[np.ndarray],
    labels: np.ndarray,
    epochs: int,
    batch: int,
    learning_rate: float,
    device: torch.device,
    warmup: float = 0.1,
    precision: str = "auto",
    seed: int = 0,
    label: str = "finetune",
    class_weights: np.ndarray | None = None,
    after_epoch: Callable[[], bool] | None = None,
) -> pd.DataFrame:
    """Train on inputs as `network` collates them and their classes (int64 [n]); returns the loss curve.

    A step sees `batch` inputs. `class_weights` (float [classes]) weigh the examples; `after_epoch` may end the training by
    returning true.
    """
    lengths = np.array([len(tokens) for tokens in inputs])
    network.check(int(lengths.max()))
    steps = -(-len(inputs) // batch)
    order = lru_cache(2)(lambda epoch: np.random.default_rng([seed, epoch]).permutation(len(inputs)))
    weights = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float32, device=device)

    def batches(step: int) -> list[Batch]:
        rows = order(step // steps)[step % steps * batch : (step % steps + 1) * batch]
        return [
            network.collate([inputs[row] for row in rows[group]])
            | {"targets": torch.from_numpy(labels[rows[group]]), "tokens": int(lengths[rows[group]].sum())}
            for group in network.groups(lengths[rows], device.type)
        ]

    def loss(network: torch.nn.Module, batch: Batch) -> torch.Tensor:
        given = {name: value for name, value in batch.items() if name not in OF_TRAINING}
        return cross_entropy(network(**given).float(), batch["targets"], weights, reduction="sum")

    def after(step: int) -> bool:
        return step % steps == 0 and after_epoch()

    optimisation = Optimisation(epochs * steps, learning_rate, warmup)
    return train(network, batches, loss, optimisation, device, precision, seed, label, after if after_epoch else None)


def pooled(
    encoder: BertModel,
    inputs: Sequence[np.ndarray],
    pooling: str,
    device: torch.device,
    precision: str = "auto",
    label: str = "",
) -> np.ndarray:
    """Vectors, float32 [rows, hidden], that an encoder as it is gives sequences of token ids without specials.

    `label` names the progress, which is silent without one.
    """
    _check_pooling(pooling)
    lengths = np.array([len(tokens) for tokens in inputs])
    check_length(int(lengths.max()), encoder.config.max_position_embeddings, "sequences")
    groups = group_by_tokens(lengths, TOKENS_AT_ONCE[device.type])
    return _predicted(
        encoder,
        lay,
        lambda **given: pool(encoder, pooling=pooling, **given),
        inputs,
        groups,
        device,
        precision,
        label,
        True,
    )


def logits(
    network: torch.nn.Module,
    inputs: Sequence[np.ndarray],
    device: torch.device,
    precision: str = "auto",
    label: str = "",
) -> np.ndarray:
    """Logits, float32 [rows, classes], of inputs as `network` collates them; `label` as in `pooled`."""
    lengths = np.array([len(tokens) for tokens in inputs])
    network.check(int(lengths.max()))
    groups = network.groups(lengths, device.type)
    return _predicted(network, network.collate, network, inputs, groups, device, precision, label, network.reentrant)


def _predicted(
    module: torch.nn.Module,
    collate: Callable[[list[np.ndarray]], dict],
    forward: Callable[..., torch.Tensor],
    inputs: Sequence[np.ndarray],
    groups: list[np.ndarray],
    device: torch.device,
    precision: str,
    label: str,
    reentrant: bool,
) -> np.ndarray:
    """What `forward` gives each input, float32, computed group by group and put back in the order of the inputs."""
    module.to(device).eval()

    def computed(group: np.ndarray) -> torch.Tensor:
        given = collate([inputs[row] for row in group])
        with torch.inference_mode(), autocast(device, precision):
            # nothing is read back before the end, so that a GPU never waits for the next group
            return forward(**{name: value.to(device, non_blocking=True) for name, value in given.items()}).float()

    with Progress(len(groups), label, silent=not label) as bar:
        found = []
        alone = not reentrant or device.type != "cpu" or len(groups) == 1
        for vectors in each(computed, groups, 1 if alone else torch.get_num_threads()):
            found.append(vectors)
            bar.update(1)
    grouped = torch.cat(found).cpu().numpy()
    answer = np.empty_like(grouped)
    answer[np.concatenate(groups)] = grouped
    return answer


def _check_pooling(pooling: str) -> None:
    if pooling not in POOLINGS:
        raise InputError(f"pooling: {pooling!r} is unknown; expected one of {', '.join(POOLINGS)}")
