"""Which tokens are hidden, as a function of (seed, epoch, window) alone.

Draws come from a counter-based generator (the output function of SplitMix64; Steele, Lea and Flood 2014), so that masks
depend neither on the order of the windows nor on the number of processes, and a resumed training sees the same ones.
"""

from dataclasses import dataclass

import numpy as np

from grover.errors import InputError
from grover.vocabulary import FIRST_LETTER, MASK

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Masking:
    """`share` of the tokens are to be predicted; of these `mask` become [MASK], `keep` stay, the rest become another
    token.

    The defaults are the paper's; BERT's own are 0.15, 0.8 and 0.1.
    """

    share: float = 0.022
    mask: float = 0.8
    keep: float = 0.0

    def __post_init__(self):
        if not 0 < self.share < 1 or self.mask < 0 or self.keep < 0 or self.mask + self.keep > 1:
            raise InputError(
                f"masking: share {self.share} must lie between 0 and 1, "
                f"and mask {self.mask} and keep {self.keep} must be shares that add up to 1 at most"
            )


def hide(
    input_ids: np.ndarray, windows: np.ndarray, vocabulary_size: int, masking: Masking, seed: int, epoch: int
) -> tuple[np.ndarray, np.ndarray]:
    """Hide tokens of padded windows.

    `input_ids` is int64 [n, tokens] with specials and padding, `windows` the n numbers that identify the windows.
    Returns the ids with tokens hidden, and a boolean array of the same shape that is true at the tokens to predict.
    Specials are never chosen. Every window has at least one token to predict, the one with the smallest draw.
    """
    column = np.arange(input_ids.shape[1], dtype=np.uint64)
    row = _mix(_mix(_mix(np.uint64(seed)) ^ np.uint64(epoch)) ^ windows.astype(np.uint64))[:, None]
    draws = [_uniform(_mix(row ^ (column * np.uint64(3) + np.uint64(purpose)))) for purpose in range(3)]
    choice, action, replacement = draws

    choice = np.where(input_ids >= FIRST_LETTER, choice, 1.0)
    chosen = choice < masking.share
    lines = np.arange(len(input_ids))
    smallest = choice.argmin(axis=1)
    chosen[lines, smallest] |= choice[lines, smallest] < 1.0

    # any of the other tokens: one fewer than there are, shifted past the token itself
    other = FIRST_LETTER + (replacement * (vocabulary_size - FIRST_LETTER - 1)).astype(np.int64)
    other += other >= input_ids
    hidden = input_ids.copy()
    hidden[chosen & (action < masking.mask)] = MASK
    replaced = chosen & (action >= masking.mask + masking.keep)
    hidden[replaced] = other[replaced]
    return hidden, chosen


def _mix(values: np.ndarray) -> np.ndarray:
    """The output function of SplitMix64 on uint64, which spreads a counter over all 64 bits."""
    with np.errstate(over="ignore"):
        values = values + GOLDEN
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _uniform(values: np.ndarray) -> np.ndarray:
    """Floats in [0, 1) from the upper 53 bits."""
    return (values >> np.uint64(11)) * 2.0**-53
