"""Masked-token pretraining on windows of the tokenised genome (Sanabria et al. 2024)."""

import os
import shutil
import sys
import sysconfig
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import cross_entropy
from transformers import BertForMaskedLM

from grover.network.batching import SPECIALS
from grover.network.bert import check_length
from grover.network.device import precision_to_train
from grover.network.distributed import Processes
from grover.network.forward import AfterAttention, after_attention, logits_at
from grover.network.packed import Layout, group_by_tokens, pack
from grover.network.splitmix import window_keys
from grover.network.training import NOTHING, Batch, Execution, Optimisation, Recording, train
from grover.pretraining.masking import Masking, mask
from grover.pretraining.preflight import fewer_tokens, fitting_tokens
from grover.pretraining.proof import Differs, prove_memory, prove_step
from grover.runtime.errors import InputError

MEASURED_WINDOWS = 20_000  # of which the bases are counted for a budget in bases


@dataclass(frozen=True)
class Settings:
    """How a model is pretrained: a step sees `batch` windows; `compiled` lets torch.compile fuse what it can on a GPU."""

    batch: int
    optimisation: Optimisation
    masking: Masking
    compiled: bool = True


def pretrain(
    model: BertForMaskedLM,
    tokens: np.ndarray,
    windows: pd.DataFrame,
    settings: Settings,
    execution: Execution,
    recording: Recording = NOTHING,
) -> pd.DataFrame:
    """Train `model` in place on `windows` (columns first, length, in tokens) of `tokens`; returns the loss curve.

    The windows of a step are dealt to the processes. The index of `windows` names each window in the masking, so that a window keeps
    its masks whatever other windows are in the table.

    Raises an InputError for windows that are too few or too long, and where not even one window fits into memory.
    """
    precision = precision_to_train(execution.device, execution.precision)
    execution = replace(execution, label="pretrain", precision=precision)
    _check_windows(windows, len(tokens), settings.batch, execution.processes)
    check_length(int(windows["length"].max()), model.config.max_position_embeddings, "windows")
    batches = _Batches(tokens, windows, model.config.vocab_size, settings, execution)
    proven = _prepare(model, batches, settings.compiled, execution)

    def masked_loss(_: torch.nn.Module, batch: Batch) -> torch.Tensor:
        """Cross-entropy in nats, summed over the tokens to predict."""
        logits = logits_at(model, batch["input_ids"], batch["layout"], batch["positions"], after_attention=proven)
        return cross_entropy(logits, batch["targets"], reduction="sum")

    return train(model, batches, masked_loss, settings.optimisation, execution, recording)


class _Batches:
    """The micro-batches of each step for this process, as a function of its number; `most` tokens are computed at once."""

    def __init__(self, tokens: np.ndarray, windows: pd.DataFrame, size: int, settings: Settings, execution: Execution):
        self.tokens, self.size, self.settings, self.execution = tokens, size, settings, execution
        self.first, self.length = windows["first"].to_numpy(), windows["length"].to_numpy()
        self.names = windows.index.to_numpy()
        self.longest = int(self.length.max()) + SPECIALS
        self.most = self.longest
        seed, number = execution.seed, len(windows)
        self.order = lru_cache(2)(
            lambda epoch: np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(number)
        )

    def __call__(self, step: int) -> list[Batch]:
        rows, epochs = self._deal(step)
        return [self._batch(rows[group], epochs[group]) for group in group_by_tokens(self.length[rows], self.most)]

    def largest(self) -> Batch:
        """The pack of most tokens that a step can hold: of the longest windows."""
        share = -(-self.settings.batch // self.execution.processes.world)
        rows = np.argsort(-self.length, kind="stable")[:share]
        packs = [rows[group] for group in group_by_tokens(self.length[rows], self.most)]
        return self._batch(max(packs, key=lambda pack: int(self.length[pack].sum())), 0)

    def _batch(self, rows: np.ndarray, epochs: int | np.ndarray) -> Batch:
        """Windows of these rows, with their masks of these epochs."""
        return masked_batch(
            *pack(self.tokens, self.first[rows], self.length[rows]),
            self.names[rows],
            self.size,
            self.settings.masking,
            self.execution.seed,
            epochs,
        )

    def _deal(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """The rows of the windows that this process sees in a step, and the epoch of each, both int64."""
        batch, processes = self.settings.batch, self.execution.processes
        places = np.arange(step * batch, (step + 1) * batch)
        epochs = places // len(self.length)
        rows = np.concatenate(
            [self.order(int(epoch))[places[epochs == epoch] % len(self.length)] for epoch in np.unique(epochs)]
        )
        # dealt by length, to and fro, so that each process has as much to do
        deal, turn = np.arange(batch) % processes.world, np.arange(batch) // processes.world
        share = np.where(turn % 2, processes.world - 1 - deal, deal) == processes.rank
        dealt = np.argsort(-self.length[rows], kind="stable")[share]
        return rows[dealt], epochs[dealt]


def _check_windows(windows: pd.DataFrame, tokens: int, batch: int, processes: Processes) -> None:
    """Raise an InputError where there are too few windows, or where they are not of these tokens."""
    if windows.empty:
        raise InputError("pretrain: no window is left to train on; check the folds and the split")
    if batch < processes.world:
        raise InputError(
            f"pretrain: a batch of {batch} windows cannot be dealt to {processes.world} processes; raise `pretraining.batch`"
        )
    if (end := int((windows["first"] + windows["length"]).max())) > tokens:
        raise InputError(f"pretrain: a window ends at token {end:,} of {tokens:,}; the windows belong to other tokens")


def _prepare(model: BertForMaskedLM, batches: _Batches, compiled: bool, execution: Execution) -> AfterAttention:
    """Put the model on its device and prove a step there, with as many tokens at once as fit into memory; returns the part of a
    layer behind attention, compiled where that works.
    """
    device, precision = execution.device, execution.precision
    batches.most = fitting_tokens(model, batches.longest, device, precision, execution.processes)
    model.to(device)  # type: ignore[arg-type]  # transformers wraps the method without its signature
    chosen = _fastest(compiled, device)
    while True:
        try:
            prove_memory(model, batches.largest(), device, precision, after_attention=chosen)
            prove_step(model, batches(0)[0], device, precision, after_attention=chosen)
            return chosen
        except torch.OutOfMemoryError:
            batches.most = fewer_tokens(batches.most, batches.longest, device)
        except (RuntimeError, Differs) as error:  # of torch, whose errors are many, or of the comparison
            if chosen is after_attention:
                raise
            print(f"pretrain: torch.compile fails here and is left out: {error}", file=sys.stderr, flush=True)
            chosen = after_attention


def masked_batch(
    ids: np.ndarray,
    lengths: np.ndarray,
    names: np.ndarray,
    size: int,
    masking: Masking,
    seed: int,
    epoch: int | np.ndarray,
) -> Batch:
    """Packed windows with masked tokens, their layout, the `positions` of the tokens to predict, and their ids as `targets`."""
    shown, chosen = mask(ids, lengths, names, size, masking, seed, epoch)
    return {
        "input_ids": torch.from_numpy(shown),
        "layout": Layout.of(lengths, window_keys(seed, epoch, names)),
        "positions": torch.from_numpy(np.flatnonzero(chosen)),
        "targets": torch.from_numpy(ids[chosen]),
        "tokens": len(ids) - SPECIALS * len(lengths),
    }


def steps_for(bases: int, tokens: np.ndarray, windows: pd.DataFrame, token_lengths: np.ndarray, batch: int) -> int:
    """Steps of `batch` windows in which a training sees about `bases` bases; `token_lengths` are those of the vocabulary.

    Vocabularies are compared at an equal number of bases seen, since their tokens span different numbers of bases.
    """
    chosen = windows.sample(min(len(windows), MEASURED_WINDOWS), random_state=0)
    per_window = np.mean(
        [
            token_lengths[tokens[first : first + length]].sum()
            for first, length in zip(chosen["first"], chosen["length"], strict=True)
        ]
    )
    return max(1, round(bases / (batch * per_window)))


def _fastest(compiled: bool, device: torch.device) -> AfterAttention:
    """Return the part of a layer behind attention, compiled where that helps and can be done.

    That is on a GPU, with the C compiler and the headers of Python that torch.compile needs.
    """
    if not compiled or device.type == "cpu":
        return after_attention
    header = Path(sysconfig.get_path("include"), "Python.h")
    compilers = map(shutil.which, filter(None, (os.environ.get("CC"), "cc", "gcc", "clang")))
    lacking = "no C compiler is" if not any(compilers) else "" if header.is_file() else f"{header} is not"
    if lacking:
        print(f"pretrain: {lacking} found, so torch.compile is left out", file=sys.stderr, flush=True)
        return after_attention
    return torch.compile(after_attention, dynamic=True)
