"""In-silico mutagenesis: how a classifier's answer changes when single bases of a sequence are replaced (Zhou and
Troyanskaya 2015).
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from grover.genome.bases import decode

BASES = 4


def substitutions(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All single substitutions of uint8 codes [length]: sequences [n, length], and the position and the base (code) of
    each.
    """
    position = np.repeat(np.arange(len(codes)), BASES)
    base = np.tile(np.arange(BASES, dtype=np.uint8), len(codes))
    changed = codes[position] != base
    position, base = position[changed], base[changed]
    sequences = np.tile(codes, (len(position), 1))
    sequences[np.arange(len(position)), position] = base
    return sequences, position, base


def mutate(codes: np.ndarray, predict: Callable[[list[np.ndarray]], np.ndarray]) -> pd.DataFrame:
    """Score every substitution of a sequence: position (from 0, along the sequence), reference, base, score.

    `predict` gives one number, such as a logit, for each of a list of sequences; `score` is that of the changed
    sequence minus that of the sequence itself. Each changed sequence is tokenised anew, so that a base can act through
    the tokens that it makes.
    """
    sequences, position, base = substitutions(codes)
    values = predict([codes, *sequences])
    reference = np.array(list(decode(codes)))
    return pd.DataFrame(
        {
            "position": position,
            "reference": reference[position],
            "base": list(decode(base)),
            "score": (values[1:] - values[0]).astype(np.float64),
        }
    )


def surest(predictions: pd.DataFrame, label: int = 1) -> int:
    """The example of fold test that carries `label` and whose probability, averaged over seeds, is highest."""
    rows = predictions[(predictions["fold"] == "test") & (predictions["label"] == label)]
    means = rows.groupby("example")["probability"].mean()
    return int(means.index.to_numpy()[means.to_numpy().argmax()])
