"""Masked tokens, as a function of seed, epoch, window and position in the window only.

Draws come from a counter-based generator (`grover.network.splitmix`). So masks depend neither on the order of the windows nor on
the number of processes, and a resumed training has the same masks.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from grover.network.splitmix import mix, window_keys
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import FIRST_BASE, MASK

# draws per token: whether a span begins at it, what happens to the span, which token replaces it
BEGINS, ACTION, REPLACEMENT, DRAWS = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3)


@dataclass(frozen=True)
class Masking:
    """How tokens are masked: `share` of them are predicted, in runs of `span` and more.

    Of these runs `mask` become [MASK], `keep` stay, the rest become other tokens. The values of the paper are 0.022, 0.8 and 0, those of
    BERT 0.15, 0.8 and 0.1. Overlapping k-mers need spans of k: then all k-mers that contain one base are masked together. The
    neighbours of a single masked k-mer would contain all its bases (Ji et al. 2021).
    """

    share: float
    mask: float = 0.8
    keep: float = 0.0
    span: int = 1

    def __post_init__(self) -> None:
        if self.span < 1 or (self.span > 1 and self.keep > 0):
            raise InputError(
                f"masking: spans of {self.span} tokens with keep {self.keep} are impossible; expected a span of 1 or more, and "
                "keep 0 where it is longer, since a token that stays contains bases of its masked neighbours"
            )


def mask(
    ids: np.ndarray,
    lengths: np.ndarray,
    names: np.ndarray,
    size: int,
    masking: Masking,
    seed: int,
    epoch: int | np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Mask tokens of windows that are laid end to end.

    ids: int64 [tokens] with specials; lengths: the tokens of each window; names: the numbers that identify the
    windows; size: of the vocabulary; epoch: one for all windows or one for each. Returns the ids with masked tokens,
    and a boolean array that is true at the tokens to predict. Specials are never chosen.
    """
    shown, chosen = ids.copy(), np.zeros(len(ids), bool)
    # a token is chosen if a span begins at it or at one of the `span - 1` before it
    begins = 1 - (1 - masking.share) ** (1 / masking.span)
    keys = window_keys(seed, epoch, names)
    shares = begins, masking.mask, masking.mask + masking.keep
    _mask(ids, lengths, keys, size, masking.span, shares, shown, chosen)
    return shown, chosen


@njit(cache=True, nogil=True)
def _mask(  # noqa: PLR0913 - a numba kernel
    ids: np.ndarray,
    lengths: np.ndarray,
    keys: np.ndarray,
    size: int,
    span: int,
    shares: tuple[float, float, float],
    shown: np.ndarray,
    chosen: np.ndarray,
) -> None:
    """Write the masked ids into `shown` and the tokens to predict into `chosen`."""
    begins, mask, mask_or_keep = shares
    first = 0
    for window in range(len(lengths)):
        key = keys[window]
        left, action = 0, 0.0  # tokens that the span still covers, and what happens to them
        for place in range(lengths[window]):
            token = ids[first + place]
            if token < FIRST_BASE:
                left = 0
                continue
            counter = np.uint64(place) * DRAWS
            if _uniform(mix(key ^ (counter + BEGINS))) < begins:
                left, action = span, _uniform(mix(key ^ (counter + ACTION)))
            if left == 0:
                continue
            left -= 1
            chosen[first + place] = True
            if action < mask:
                shown[first + place] = MASK
            elif action >= mask_or_keep:
                # any of the other tokens: one fewer than there are, shifted past the token itself
                draw = _uniform(mix(key ^ (counter + REPLACEMENT)))
                other = FIRST_BASE + np.int64(draw * (size - FIRST_BASE - 1))
                shown[first + place] = other + (other >= token)
        first += lengths[window]


@njit(cache=True, nogil=True, inline="always")
def _uniform(value: np.uint64) -> np.float64:
    """Make a float in [0, 1) from the upper 53 bits."""
    return np.float64(value >> np.uint64(11)) * 2.0**-53
