"""Folders of tiny pretrained models, from which other trainings start."""

from pathlib import Path

import numpy as np

from grover.network.bert import bert_config, new_language_model, save
from grover.tokenization.vocabulary import Vocabulary
from tests.fakes.networks import architecture

SIZES = {"layers": 1, "hidden": 16, "heads": 2, "intermediate": 32, "positions": 40, "dropout": 0.1, "start": "random"}
BYTE_PAIRS = Vocabulary.from_merges("chosen", np.array([[0, 0], [4, 3]]))


def write_source(folder: Path, vocabulary: Vocabulary = BYTE_PAIRS, seed: int = 5) -> Path:
    """Write the folder of a randomly initialised model of `SIZES`, and return it."""
    vocabulary.save(folder / "vocabulary")
    config = bert_config(architecture(**SIZES), vocabulary.size)
    save(new_language_model(config, seed), config, folder, folder / "vocabulary")
    return folder
