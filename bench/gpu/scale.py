"""How large the checks are, and the sequences and networks that they share."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from transformers import BertForMaskedLM

from grover.config.sections.pretraining import Architecture
from grover.network.bert import bert_config, new_language_model
from grover.network.training import NOTHING, Execution, Optimisation, Recording
from grover.pretraining.masking import Masking
from grover.pretraining.pretrain import Settings, pretrain

VOCABULARY = 609
SEED = 1


@dataclass(frozen=True)
class Scale:
    """Device, network and amounts of the checks; `longest` tokens has the longest window."""

    device: torch.device
    architecture: Architecture
    longest: int
    batch: int
    steps: int  # of a timed training
    examples: int  # of fine-tuning and embedding

    @property
    def on_gpu(self) -> bool:
        return self.device.type == "cuda"

    @cached_property
    def tokens(self) -> np.ndarray:
        """Tokens of which each depends on the one before, so that there is something to learn."""
        rng = np.random.default_rng(SEED)
        following = rng.integers(5, VOCABULARY, (VOCABULARY, 4))
        drawn, tokens = rng.integers(0, 4, 400 * self.longest), np.empty(400 * self.longest, np.uint16)
        token = 5
        for place, one in enumerate(drawn):
            tokens[place] = token = following[token, one]
        return tokens

    def windows(self, paper: bool = True) -> pd.DataFrame:
        """Windows of the largest length, half of them shorter where they are those of the paper."""
        rng = np.random.default_rng(SEED)
        number = 16 * self.batch
        length = np.full(number, self.longest)
        if paper:
            length = np.where(
                rng.random(number) < 0.5, length, rng.integers(min(20, self.longest // 2), self.longest, number)
            )
        return pd.DataFrame({"first": rng.integers(0, len(self.tokens) - self.longest, number), "length": length})

    def model(self) -> BertForMaskedLM:
        return new_language_model(bert_config(self.architecture, VOCABULARY), SEED)

    def execution(self) -> Execution:
        return Execution(self.device, "bf16", SEED)

    def train(
        self,
        model: BertForMaskedLM,
        steps: int,
        paper: bool = True,
        compiled: bool = False,
        recording: Recording = NOTHING,
    ) -> pd.DataFrame:
        """Pretrain as the workflow does; returns the loss curve."""
        settings = Settings(self.batch, Optimisation(steps, 4e-4, 0.1), Masking(0.15), compiled)
        return pretrain(model, self.tokens, self.windows(paper), settings, self.execution(), recording)

    def sequences(self) -> list[np.ndarray]:
        """Sequences of token ids of mixed lengths."""
        table = self.windows().iloc[: self.examples]
        return [self.tokens[first : first + length].astype(np.int64) for first, length in table.to_numpy()]


def full(device: torch.device) -> Scale:
    """The checks of a GPU: the network of the paper."""
    return Scale(
        device,
        Architecture(layers=12, hidden=768, heads=12, intermediate=3072, positions=512, dropout=0.1),
        510,
        64,
        40,
        512,
    )


def tiny(device: torch.device) -> Scale:
    """The same checks in seconds on a CPU."""
    return Scale(
        device, Architecture(layers=2, hidden=16, heads=2, intermediate=32, positions=42, dropout=0.1), 40, 8, 6, 12
    )
