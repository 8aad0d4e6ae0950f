"""How a model reads the sequences of a benchmark: as tokens of its own vocabulary."""

import numpy as np
import pandas as pd

from grover.genome.bases import encode
from grover.tokenization.vocabulary import Vocabulary


def read_tokens(dataset: pd.DataFrame, vocabulary: Vocabulary, threads: int = 1) -> list[np.ndarray]:
    """Token ids, without specials, of each row of a dataset.

    A sequence is tokenised between its neighbours in the genome (`before`, `after`), as in the genome itself, and the tokens
    that lie wholly in it are kept: a cut changes the tokens beside it. Where none does, the sequence is tokenised alone, so that
    nothing outside it is read. Where the row says how the sequence is cut
    (`pieces`, the tokens of a shuffle), a vocabulary with all of these tokens reads it so; any other reads the bare sequence.
    """
    before, after = (dataset[name] if name in dataset else pd.Series("", dataset.index) for name in ("before", "after"))
    whole = (before + dataset["sequence"] + after).to_list()
    first = before.str.len().to_numpy()
    last = first + dataset["sequence"].str.len().to_numpy()
    found = vocabulary.encode_each(map(encode, whole), threads)
    found = [_within(tokens, vocabulary, *bounds) for tokens, *bounds in zip(found, first, last, strict=True)]
    for row, tokens in enumerate(found):
        if not len(tokens):
            found[row] = vocabulary.encode(encode(dataset["sequence"].iloc[row]))
    if "pieces" in dataset:
        ids = {text: number for number, text in enumerate(vocabulary.tokens)}
        for row, pieces in enumerate(dataset["pieces"]):
            parts = pieces.split()
            if parts and all(part in ids for part in parts):
                found[row] = np.array([ids[part] for part in parts], np.uint16)
    return found


def _within(tokens: np.ndarray, vocabulary: Vocabulary, first: int, last: int) -> np.ndarray:
    """The tokens that lie wholly between two bases of what was tokenised."""
    starts = np.cumsum(vocabulary.strides[tokens]) - vocabulary.strides[tokens]
    return tokens[(starts >= first) & (starts + vocabulary.spans[tokens] <= last)]
