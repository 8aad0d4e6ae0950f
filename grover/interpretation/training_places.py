"""Random places of fold train."""

import numpy as np
import pandas as pd

from grover.genome.assembly import Genome
from grover.genome.folds import fold_of
from grover.runtime.errors import InputError

ROUNDS = 200


def draw_places(genome: Genome, folds: pd.DataFrame, length: int, number: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the starts, places in `codes`, of stretches of `length` bases that lie wholly in one segment and in fold train.

    All such stretches have the same chance, and one may be drawn more than once. Raises `InputError` where none is found.
    """
    found: list[np.ndarray] = []
    left = number
    for _ in range(ROUNDS):
        starts = rng.integers(0, len(genome.codes), max(1_000, 2 * left))
        behind = genome.bounds[np.searchsorted(genome.bounds, starts, side="right").clip(max=len(genome.bounds) - 1)]
        starts = starts[starts + length <= behind]
        chroms, begins = genome.locate(starts)
        starts = starts[fold_of(folds, chroms, begins, begins + length) == "train"]
        found.append(starts[:left])
        left -= len(found[-1])
        if not left:
            return np.concatenate(found)
    raise InputError(f"fold train has no stretch of {length:,} bases; make its blocks longer or give more sequence")
