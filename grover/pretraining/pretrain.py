"""Masked-token pretraining on windows of the tokenised genome (Sanabria et al. 2024)."""

import os
import shutil
import sys
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import cross_entropy
from transformers import BertForMaskedLM

from grover.network import packed
from grover.network.batching import SPECIALS
from grover.network.bert import check_length
from grover.network.distributed import ALONE, Processes
from grover.network.packed import Layout, group_by_tokens, pack
from grover.network.training import Batch, Optimisation, train
from grover.pretraining.masking import Masking, hide
from grover.pretraining.preflight import fewer_tokens, fitting_tokens, prove_step
from grover.runtime.errors import InputError

MEASURED_WINDOWS = 20_000  # of which the bases are counted for a budget in bases


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
    processes: Processes = ALONE,
    compiled: bool = True,
    **keeping,
) -> pd.DataFrame:
    """Train `model` in place on `windows` (columns first, length, in tokens) of `tokens`; returns the loss curve.

    A step sees `batch` windows, dealt to the processes. The index of `windows` names each window in the masking, so that a window keeps
    its masks whatever other windows are in the table. `compiled` lets torch.compile fuse what it can on a GPU. `keeping` are the
    options of `training.train` for checkpoints.

    Raises an InputError for windows that are too few or too long, and where not even one window fits into memory.
    """
    if windows.empty:
        raise InputError("pretrain: no window is left to train on; check the folds and the split")
    if batch < processes.world:
        raise InputError(
            f"pretrain: a batch of {batch} windows cannot be dealt to {processes.world} processes; raise `pretraining.batch`"
        )
    if (end := int((windows["first"] + windows["length"]).max())) > len(tokens):
        raise InputError(
            f"pretrain: a window ends at token {end:,} of {len(tokens):,}; the windows belong to other tokens"
        )
    check_length(int(windows["length"].max()), model.config.max_position_embeddings, "windows")
    first, length, names = windows["first"].to_numpy(), windows["length"].to_numpy(), windows.index.to_numpy()
    longest = int(length.max()) + SPECIALS
    most = fitting_tokens(model, longest, device, precision, processes)
    order = lru_cache(2)(
        lambda epoch: np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(len(windows))
    )

    def batches(step: int) -> list[Batch]:
        places = np.arange(step * batch, (step + 1) * batch)
        epochs = places // len(windows)
        rows = np.concatenate(
            [order(int(epoch))[places[epochs == epoch] % len(windows)] for epoch in np.unique(epochs)]
        )
        # dealt by length, to and fro, so that each process has as much to do
        deal, turn = np.arange(batch) % processes.world, np.arange(batch) // processes.world
        share = np.where(turn % 2, processes.world - 1 - deal, deal) == processes.rank
        dealt = np.argsort(-length[rows], kind="stable")[share]
        rows, epochs = rows[dealt], epochs[dealt]
        return [
            masked_batch(
                *pack(tokens, first[rows[group]], length[rows[group]]),
                names[rows[group]],
                model.config.vocab_size,
                masking,
                seed,
                epochs[group],
            )
            for group in group_by_tokens(length[rows], most)
        ]

    model.to(device)
    after_attention = _fastest(compiled, device)
    while True:
        try:
            prove_step(model, batches(0)[0], device, precision, after_attention)
            break
        except torch.OutOfMemoryError:
            most = fewer_tokens(most, longest, device)
        except RuntimeError as error:
            if after_attention is packed.after_attention:
                raise
            print(f"pretrain: torch.compile fails here and is left out: {error}", file=sys.stderr, flush=True)
            after_attention = packed.after_attention

    def masked_loss(model: BertForMaskedLM, batch: Batch) -> torch.Tensor:
        """Cross-entropy in nats, summed over the tokens to predict."""
        logits = packed.logits_at(model, batch["input_ids"], batch["layout"], batch["positions"], after_attention)
        return cross_entropy(logits, batch["targets"], reduction="sum")

    return train(
        model, batches, masked_loss, optimisation, device, precision, seed, "pretrain", processes=processes, **keeping
    )


def masked_batch(
    ids: np.ndarray,
    lengths: np.ndarray,
    names: np.ndarray,
    size: int,
    masking: Masking,
    seed: int,
    epoch: int | np.ndarray,
) -> Batch:
    """Packed windows with tokens hidden, their layout, the `positions` of the tokens to predict, and their ids as `targets`."""
    hidden, chosen = hide(ids, lengths, names, size, masking, seed, epoch)
    return {
        "input_ids": torch.from_numpy(hidden),
        "layout": Layout.of(lengths),
        "positions": torch.from_numpy(np.flatnonzero(chosen)),
        "targets": torch.from_numpy(ids[chosen]),
        "tokens": len(ids) - SPECIALS * len(lengths),
    }


def steps_for(bases: int, tokens: np.ndarray, windows: pd.DataFrame, token_lengths: np.ndarray, batch: int) -> int:
    """Steps of `batch` windows in which a training sees about so many bases; `token_lengths` are those of the vocabulary.

    Vocabularies are compared at an equal number of bases seen, since a token of one holds more than a token of another.
    """
    chosen = windows.sample(min(len(windows), MEASURED_WINDOWS), random_state=0)
    a_window = np.mean(
        [
            token_lengths[tokens[first : first + length]].sum()
            for first, length in zip(chosen["first"], chosen["length"], strict=True)
        ]
    )
    return max(1, round(bases / (batch * a_window)))


def _fastest(compiled: bool, device: torch.device) -> Callable[..., torch.Tensor]:
    """The part of a layer behind attention, compiled where that helps and can be done: on a GPU, and with the C compiler that
    torch.compile calls.
    """
    if not compiled or device.type == "cpu":
        return packed.after_attention
    if not any(map(shutil.which, filter(None, (os.environ.get("CC"), "cc", "gcc", "clang")))):
        print("pretrain: no C compiler found, so torch.compile is left out", file=sys.stderr, flush=True)
        return packed.after_attention
    return torch.compile(packed.after_attention, dynamic=True)
