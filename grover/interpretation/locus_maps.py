"""The dependency map of one locus beside its nulls: dinucleotide shuffles, and a randomly initialised model."""

from pathlib import Path

import numpy as np
import torch

from grover.benchmarks.shuffles import dinucleotide_shuffle
from grover.interpretation.dependency import Reader
from grover.network.bert import load_config, load_language_model, new_language_model
from grover.tokenization.vocabulary import Vocabulary


def readers_of(model: Path, passes: int, seed: int, device: torch.device, precision: str) -> tuple[Reader, Reader]:
    """Return the readers of the pretrained model in a folder and of a randomly initialised one of the same size."""
    vocabulary = Vocabulary.load(model)
    pretrained, random = (
        Reader(network, vocabulary, passes, device, precision)
        for network in (load_language_model(model), new_language_model(load_config(model), seed))
    )
    return pretrained, random


def map_locus(codes: np.ndarray, pretrained: Reader, random: Reader, shuffles: int, seed: int) -> dict[str, np.ndarray]:
    """Return `model` and `random`, float32 [length, length], and `null`, float32 [shuffles, length, length], of a sequence.

    codes: uint8 [length], A0 C1 G2 T3. Rows of a map are substituted bases; NaN is a pair that is not read.
    """
    shuffled = dinucleotide_shuffle(np.tile(codes, (shuffles, 1)), seed)
    null = np.stack([pretrained.dependency_map(each) for each in shuffled])
    return {"model": pretrained.dependency_map(codes), "null": null, "random": random.dependency_map(codes)}
