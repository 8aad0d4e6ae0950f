"""What models from elsewhere make of regions: vectors of their last layer as they are, nothing fine-tuned.

It works with transformers 4 and 5, as `grover.external_models.adapters` does.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np
import torch

from grover.external_models.adapters import ExternalModel
from grover.external_models.network import ExternalNetwork
from grover.network.device import autocast

SEQUENCES_AT_ONCE = 512  # that are read, computed and handed out together


class Sequences(Protocol):
    """What has a length and gives a list for a slice: a list, or sequences that are read as they are asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> list[str]: ...


def embed(
    external: ExternalModel,
    sequences: Sequences,
    device: torch.device,
    precision: str,
    seed: int,
    at_once: int = SEQUENCES_AT_ONCE,
) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
    """Yield vectors of the last layer by pooling (those of `external.poolings`), float32 [sequences, hidden].

    Also yields the number of tokens that stand for sequence, int32 [sequences]. Each time come those of `at_once` sequences; of none once.

    A sequence that is too long for the model is read in pieces, whose vectors are averaged, each weighed by its tokens. A randomly
    initialised model depends on `seed`.
    """
    network = external.make(1, seed).to(device).eval()
    yield from embed_with(network, external, sequences, device, precision, at_once=at_once)


def embed_with(
    network: ExternalNetwork,
    external: ExternalModel,
    sequences: Sequences,
    device: torch.device,
    precision: str,
    *,
    at_once: int = SEQUENCES_AT_ONCE,
) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
    """Yield what `embed` does, with a network that is on its device and in evaluation mode."""
    if not len(sequences):
        yield (
            {pooling: np.zeros((0, external.hidden), np.float32) for pooling in external.poolings},
            np.zeros(0, np.int32),
        )
    for first in range(0, len(sequences), at_once):
        inputs, owner = cut(external, sequences[first : first + at_once])
        weight = np.array([int(network.sequence(torch.from_numpy(ids)).sum()) for ids in inputs])
        sums = np.zeros((len(external.poolings), owner[-1] + 1, external.hidden))
        for group in network.groups(np.array([len(ids) for ids in inputs]), device.type):
            given = {name: value.to(device) for name, value in network.collate([inputs[row] for row in group]).items()}
            with torch.inference_mode(), autocast(device, precision):
                found = torch.stack(
                    [vectors.float() for vectors in network.pooled(**given, poolings=external.poolings)]
                )
            for total, vectors in zip(sums, found.cpu().numpy(), strict=True):
                np.add.at(total, owner[group], vectors * weight[group][:, None])
        tokens = np.bincount(owner, weight)
        means = (sums / tokens[:, None]).astype(np.float32)
        yield dict(zip(external.poolings, means, strict=True)), tokens.astype(np.int32)


def cut(external: ExternalModel, sequences: Sequence[str]) -> tuple[list[np.ndarray], np.ndarray]:
    """Token ids of sequences of any length, and the row of the sequence, int64, that each belongs to.

    What is longer than the model allows is cut into pieces of equal length that fit, each read alone.
    """
    found = [[ids] for ids in external.tokenise(sequences, "regions")]
    room = external.limit - len(external.tokenise([""])[0])
    for row, sequence in enumerate(sequences):
        number = -(-len(found[row][0]) // room) if external.limit else 1
        # at the cuts sequence is read otherwise, so that a piece may be a little too long
        while external.limit and max(map(len, found[row])) > external.limit:
            bounds = np.linspace(0, len(sequence), number + 1).astype(int)
            found[row] = external.tokenise([sequence[start:end] for start, end in pairwise(bounds)], "regions")
            number += 1
    return [ids for of_one in found for ids in of_one], np.repeat(np.arange(len(found)), list(map(len, found)))
