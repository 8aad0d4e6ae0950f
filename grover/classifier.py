"""A linear layer on the pooled states of the encoder: next-k-mer prediction and fine-tuning share it.

The stored folder opens with `AutoModel` as an encoder; the linear layer is `classifier` in its weights, what it reads
is `pooling` in its `config.json`.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import cross_entropy
from transformers import BertConfig, BertModel

from grover.batching import by_length, pad
from grover.device import autocast
from grover.errors import InputError
from grover.model import check_length, encode, load_config, load_into
from grover.training import Batch, Optimisation, train
from grover.vocabulary import PAD

POOLINGS = ("mean", "cls", "last")
TOKENS_AT_ONCE = {"cpu": 8_192, "cuda": 65_536}  # padded


class Classifier(torch.nn.Module):
    """`bert` and a linear layer `classifier` on the mean of all states, on the first ([CLS]) or on the last ([SEP])."""

    def __init__(self, config: BertConfig, classes: int, pooling: str, dropout: float = 0.1):
        super().__init__()
        if pooling not in POOLINGS:
            raise InputError(f"pooling: {pooling!r} is unknown; expected one of {', '.join(POOLINGS)}")
        self.config, self.pooling = config, pooling
        config.num_labels, config.pooling = classes, pooling
        self.bert = BertModel(config, add_pooling_layer=False)
        self.dropout = torch.nn.Dropout(dropout)
        self.classifier = torch.nn.Linear(config.hidden_size, classes)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Logits [rows, classes] of padded token ids."""
        return self.classifier(self.dropout(pool(encode(self.bert, input_ids), input_ids != PAD, self.pooling))).float()


def pool(states: torch.Tensor, mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """One vector a row of states [rows, tokens, hidden]; `mask` is true where there is no padding."""
    if pooling == "cls":
        return states[:, 0]
    if pooling == "last":
        return states[torch.arange(len(states), device=states.device), mask.sum(1) - 1]
    return (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)


def new_classifier(folder: Path, classes: int, pooling: str, pretrained: bool, seed: int) -> Classifier:
    """A classifier of the size of the model in `folder`, its encoder pretrained or, for the twin, random; the rest
    depends on `seed`.
    """
    torch.manual_seed(seed)
    model = Classifier(load_config(folder), classes, pooling)
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
    model: Classifier,
    sequences: Sequence[np.ndarray],
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
    """Train on sequences (token ids without specials) and their classes (int64 [n]); returns the loss curve.

    `class_weights` (float [classes]) weigh the examples; `after_epoch` may end the training by returning true.
    """
    lengths = np.array([len(sequence) for sequence in sequences])
    check_length(int(lengths.max()), model.config.max_position_embeddings, "sequences")
    steps = -(-len(sequences) // batch)
    order = lru_cache(1)(lambda epoch: np.random.default_rng([seed, epoch]).permutation(len(sequences)))
    weights = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float32, device=device)

    def batches(step: int) -> list[Batch]:
        rows = order(step // steps)[step % steps * batch : (step % steps + 1) * batch]
        return [
            {
                "input_ids": torch.from_numpy(pad([sequences[row] for row in rows[group]])),
                "targets": torch.from_numpy(labels[rows[group]]),
                "tokens": int(lengths[rows[group]].sum()),
            }
            for group in by_length(lengths[rows], TOKENS_AT_ONCE[device.type])
        ]

    def loss(model: Classifier, batch: Batch) -> torch.Tensor:
        return cross_entropy(model(batch["input_ids"]), batch["targets"], weights, reduction="sum")

    def after(step: int) -> bool:
        return step % steps == 0 and after_epoch()

    optimisation = Optimisation(epochs * steps, learning_rate, warmup)
    return train(model, batches, loss, optimisation, device, precision, seed, label, after if after_epoch else None)


def logits(
    model: Classifier, sequences: Sequence[np.ndarray], device: torch.device, precision: str = "auto"
) -> np.ndarray:
    """Logits, float32 [sequences, classes], of token ids without specials."""
    model.to(device).eval()
    lengths = np.array([len(sequence) for sequence in sequences])
    check_length(int(lengths.max()), model.config.max_position_embeddings, "sequences")
    found = np.empty((len(sequences), model.classifier.out_features), np.float32)
    with torch.inference_mode(), autocast(device, precision):
        for group in by_length(lengths, 2 * TOKENS_AT_ONCE[device.type]):
            found[group] = model(torch.from_numpy(pad([sequences[row] for row in group])).to(device)).cpu().numpy()
    return found
