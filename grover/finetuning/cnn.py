"""A small convolutional network on bases: a baseline without tokens, attention and pretraining.

Three convolutions, each followed by ReLU, and the highest value of each channel over all positions, as in DeepBind (Alipanahi et al. 2015,
doi 10.1038/nbt.3300), with two more layers; and the same over each of sixteen parts of a sequence, since splice sites and starts of
transcription are at a fixed position. It reads the given strand only. `grover.finetuning.finetune.fine_tune` trains it.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn.functional import max_pool1d, relu

from grover.network.batching import by_length
from grover.network.classifier import Network
from grover.runtime.errors import InputError

CHANNELS = 64
WIDTHS = (15, 7, 5)  # bases, and then positions of two and of four bases
PARTS = 16  # of a sequence, each with its own maximum
DROPOUT = 0.2
PADDING = 5  # behind the end of a sequence; 0 to 3 are A C G T, 4 is anything else
BASES_AT_ONCE = {"cpu": 1 << 15, "cuda": 1 << 21}  # padded


class ConvolutionalNetwork(Network):
    """Logits of sequences of any length; anything but A, C, G and T is zero in all four channels."""

    reentrant = True
    one_hot: torch.Tensor

    def __init__(self, classes: int, seed: int):
        super().__init__()
        torch.manual_seed(seed)
        sizes = zip((4, CHANNELS, CHANNELS), WIDTHS, strict=True)
        self.convolutions = torch.nn.ModuleList(
            torch.nn.Conv1d(channels, CHANNELS, width, padding=width // 2) for channels, width in sizes
        )
        self.dropout = torch.nn.Dropout(DROPOUT)
        self.classifier = torch.nn.Linear((PARTS + 1) * CHANNELS, classes)
        self.register_buffer("one_hot", torch.eye(6, 4), persistent=False)
        self.one_hot[4:] = 0.0

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Compute logits, float32 [rows, classes], of int64 codes [rows, bases] that end in PADDING."""
        states = self.one_hot[codes].transpose(1, 2)
        mask = (codes != PADDING)[:, None].to(states.dtype)
        for number, convolution in enumerate(self.convolutions):
            if number:
                states, mask = (max_pool1d(values, 2, ceil_mode=True) for values in (states, mask))
            # no value is below zero, so that padding neither reaches the next layer nor is the maximum
            states = relu(convolution(states)) * mask
        return self.classifier(self.dropout(highest(states, mask))).float()

    def collate(self, inputs: Sequence[np.ndarray]) -> dict[str, torch.Tensor]:
        """Make the arguments of `forward` from uint8 codes."""
        codes = np.full((len(inputs), max(map(len, inputs))), PADDING, np.int64)
        for row, bases in zip(codes, inputs, strict=True):
            row[: len(bases)] = bases
        return {"codes": torch.from_numpy(codes)}

    def groups(self, lengths: np.ndarray, device_type: str) -> list[np.ndarray]:
        """Group rows by decreasing length, so that the bases of a group are computed at once."""
        return by_length(lengths, BASES_AT_ONCE[device_type])

    def check(self, longest: int) -> None:
        """Raise an InputError where all sequences are empty; a convolution reads any length."""
        if longest < 1:
            raise InputError("the sequences have no bases; check the dataset")


def highest(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return the highest value of each channel over a whole sequence and over each of its parts, [rows, (PARTS + 1) * channels].

    `states` [rows, channels, positions] are at least zero, and zero where `mask` [rows, 1, positions] is.
    """
    number = mask.sum(dim=2, keepdim=True)
    positions = torch.arange(states.shape[2], device=states.device)
    part = (positions * PARTS / number).long().clamp(max=PARTS - 1).expand_as(states)
    parts = states.new_zeros(*states.shape[:2], PARTS).scatter_reduce(2, part, states, "amax")
    return torch.cat([states.amax(dim=2, keepdim=True), parts], dim=2).flatten(1)
