"""Predictions of a masked language model at masked tokens of many windows, each window computed once whoever asks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from transformers import BertForMaskedLM

from grover.network.attention import choose_attention
from grover.network.device import autocast
from grover.network.forward import logits_at
from grover.network.inference import TOKENS_AT_ONCE, each, threads_for
from grover.network.packed import Layout, group_by_tokens, pack_rows
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


def masked_log_probs(network: Network, windows: list[np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
    """Yield row and natural log-probabilities, float32 [masked tokens, vocabulary], at the [MASK] tokens of each window.

    windows: token ids without specials. The probabilities are those of the tokens of DNA, which sum to 1; specials have -inf. The rows
    come grouped by length.
    """
    device = network.device
    if not windows:
        return
    groups = group_by_tokens([len(window) for window in windows], TOKENS_AT_ONCE[device.type])
    attention = choose_attention(device, training=False)

    def compute(group: np.ndarray) -> np.ndarray:
        ids, lengths = pack_rows([windows[row] for row in group])
        positions = torch.from_numpy(np.flatnonzero(ids == MASK)).to(device)
        packed, layout = torch.from_numpy(ids).to(device), Layout.of(lengths).to(device)
        with torch.inference_mode(), autocast(device, network.precision):
            logits = logits_at(network.model, packed, layout, positions, attention=attention)
            logits[:, :FIRST_BASE] = -torch.inf
            found: np.ndarray = logits.log_softmax(-1).cpu().numpy()
        return found

    for group, log_probs in zip(groups, each(compute, groups, threads_for(device, len(groups))), strict=True):
        ends = np.cumsum([np.count_nonzero(windows[row] == MASK) for row in group])
        yield from zip(group.tolist(), np.split(log_probs, ends[:-1]), strict=True)
