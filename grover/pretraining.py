"""Masked-token pretraining on windows of the tokenised genome (Sanabria et al. 2024)."""

from functools import lru_cache

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import cross_entropy
from transformers import BertForMaskedLM

from grover.batching import by_length, gather
from grover.errors import InputError
from grover.masking import Masking, hide
from grover.model import check_length, logits_at
from grover.training import Batch, Optimisation, train

MICRO_BATCH = {"cpu": 8_192, "cuda": 65_536}  # padded tokens that are computed at once


def pretrain(
    model: BertForMaskedLM,
    tokens: np.ndarray,
    windows: pd.DataFrame,
    batch: int,
    optimisation: Optimisation,
    masking: Masking,
    device: torch.device,
    precision: str = "auto",
    seed: int = 0,
) -> pd.DataFrame:
    """Train `model` in place on `windows` (columns first, length, in tokens) of `tokens`; returns the loss curve.

    A step sees `batch` windows. The index of `windows` names each window in the masking, so that a window keeps its
    masks whatever other windows are in the table.
    """
    if windows.empty:
        raise InputError("pretrain: no window is left to train on; check the folds and the split")
    check_length(int(windows.length.max()), model.config.max_position_embeddings, "windows")
    first, length, names = windows["first"].to_numpy(), windows["length"].to_numpy(), windows.index.to_numpy()
    order = lru_cache(2)(lambda epoch: np.random.default_rng([seed, epoch]).permutation(len(windows)))

    def batches(step: int) -> list[Batch]:
        places = np.arange(step * batch, (step + 1) * batch)
        epochs = places // len(windows)
        return [
            micro_batch
            for epoch in np.unique(epochs)
            for micro_batch in one_epoch(order(int(epoch))[places[epochs == epoch] % len(windows)], int(epoch))
        ]

    def one_epoch(rows: np.ndarray, epoch: int) -> list[Batch]:
        groups = [rows[group] for group in by_length(length[rows], MICRO_BATCH[device.type])]
        return [
            masked_batch(gather(tokens, first[r], length[r]), names[r], model.config.vocab_size, masking, seed, epoch)
            for r in groups
        ]

    return train(model, batches, masked_loss, optimisation, device, precision, seed, "pretrain")


def masked_batch(
    input_ids: np.ndarray, names: np.ndarray, vocabulary_size: int, masking: Masking, seed: int, epoch: int
) -> Batch:
    """Padded windows with tokens hidden, the flat `positions` of the tokens to predict, and their ids as `targets`."""
    hidden, chosen = hide(input_ids, names, vocabulary_size, masking, seed, epoch)
    return {
        "input_ids": torch.from_numpy(hidden),
        "positions": torch.from_numpy(np.flatnonzero(chosen)),
        "targets": torch.from_numpy(input_ids[chosen]),
    }


def masked_loss(model: BertForMaskedLM, batch: Batch) -> torch.Tensor:
    """Cross-entropy in nats, summed over the tokens to predict."""
    return cross_entropy(logits_at(model, batch["input_ids"], batch["positions"]), batch["targets"], reduction="sum")
