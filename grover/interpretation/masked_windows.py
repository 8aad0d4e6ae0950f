"""Predictions of a masked language model at masked tokens of many windows, each window computed once whoever asks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from transformers import BertForMaskedLM

from grover.network.inference import TOKENS_AT_ONCE, each, threads_for
from grover.network.masked import masked_logits
from grover.network.packed import group_by_tokens, pack_rows
from grover.tokenization.vocabulary import FIRST_BASE, MASK

Reading = Callable[[np.ndarray], Any]


@dataclass(frozen=True)
class Network:
    """A masked language model on its device, in evaluation mode, and the precision that it is run in."""

    model: BertForMaskedLM
    device: torch.device
    precision: str

    @property
    def most(self) -> int:
        """Return the most tokens of a window, without [CLS] and [SEP]."""
        return self.model.config.max_position_embeddings - 2


@dataclass
class Questions:
    """What is asked of the predictions at the masked tokens of windows.

    Windows with the same tokens are computed once. `tokens` is the number of tokens to compute.
    """

    tokens: int = 0
    windows: list[np.ndarray] = field(default_factory=list)
    asked: list[list[tuple[int, Reading]]] = field(default_factory=list)
    number: int = 0
    _rows: dict[bytes, int] = field(default_factory=dict)

    def ask(self, window: np.ndarray, reading: Reading) -> int:
        """Return the number of the answer: `reading` of the log-probabilities [masked tokens, vocabulary] at the masks of a window.

        window: token ids without specials.
        """
        key = window.astype(np.uint16).tobytes()
        row = self._rows.setdefault(key, len(self.windows))
        if row == len(self.windows):
            self.windows.append(window)
            self.asked.append([])
            self.tokens += len(window)
        self.asked[row].append((self.number, reading))
        self.number += 1
        return self.number - 1

    def answers(self, network: Network) -> list[Any]:
        """Run the network, and return the answers by their number."""
        found: list[Any] = [None] * self.number
        for row, log_probs in masked_log_probs(network, self.windows):
            for number, reading in self.asked[row]:
                found[number] = reading(log_probs)
        return found


def log_probs_of_words(logits: torch.Tensor) -> np.ndarray:
    """Return natural log-probabilities, float32 [rows, vocabulary], over the tokens of DNA alone, of logits; specials have -inf."""
    with torch.inference_mode():
        logits[:, :FIRST_BASE] = -torch.inf
        found: np.ndarray = logits.log_softmax(1).cpu().numpy()
    return found


def masked_log_probs(network: Network, windows: list[np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
    """Yield row and natural log-probabilities, float32 [masked tokens, vocabulary], at the [MASK] tokens of each window.

    windows: token ids without specials. The probabilities are those of the tokens of DNA, which sum to 1; specials have -inf. The rows
    come grouped by length.
    """
    device = network.device
    if not windows:
        return
    groups = group_by_tokens([len(window) for window in windows], TOKENS_AT_ONCE[device.type])

    def compute(group: np.ndarray) -> np.ndarray:
        ids, lengths = pack_rows([windows[row] for row in group])
        logits = masked_logits(network.model, ids, lengths, np.flatnonzero(ids == MASK), device, network.precision)
        return log_probs_of_words(logits)

    for group, log_probs in zip(groups, each(compute, groups, threads_for(device, len(groups))), strict=True):
        ends = np.cumsum([np.count_nonzero(windows[row] == MASK) for row in group])
        yield from zip(group.tolist(), np.split(log_probs, ends[:-1]), strict=True)
