"""Random bits as a function of keys: the generator SplitMix64 (Steele, Lea and Flood 2014), whose state is a counter.

What is drawn for a token depends on its key alone. The order of the tokens and how a step is divided do not matter.
"""

import numpy as np
from numba import njit

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST_FACTOR, SECOND_FACTOR = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@njit(cache=True, nogil=True, inline="always")
def mix(value: np.uint64) -> np.uint64:
    """Apply the output function, which spreads a counter over all 64 bits."""
    value += GOLDEN
    value = (value ^ (value >> np.uint64(30))) * FIRST_FACTOR
    value = (value ^ (value >> np.uint64(27))) * SECOND_FACTOR
    return value ^ (value >> np.uint64(31))


def window_keys(seed: int, epoch: int | np.ndarray, names: np.ndarray) -> np.ndarray:
    """Return a key for each window, uint64 [windows], of the seed, the epoch (one for all or one for each) and its name, a number."""
    return _window_keys(seed, np.broadcast_to(epoch, len(names)).astype(np.uint64), names.astype(np.uint64))


@njit(cache=True, nogil=True)
def _window_keys(seed: int, epochs: np.ndarray, names: np.ndarray) -> np.ndarray:
    keys = np.empty(len(names), np.uint64)
    for window in range(len(names)):
        keys[window] = mix(mix(mix(np.uint64(seed)) ^ epochs[window]) ^ names[window])
    return keys


@njit(cache=True, nogil=True)
def token_keys(keys: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return a key for each token, uint64 [tokens], of windows of these keys and lengths that are laid end to end."""
    found = np.empty(lengths.sum(), np.uint64)
    first = 0
    for window in range(len(keys)):
        for place in range(lengths[window]):
            found[first + place] = mix(keys[window] ^ mix(np.uint64(place)))
        first += lengths[window]
    return found


@njit(cache=True, nogil=True)
def random_words(keys: np.ndarray, number: int) -> np.ndarray:
    """Return so many random words for each key, uint64 [keys, number]."""
    words = np.empty((len(keys), number), np.uint64)
    for row in range(len(keys)):
        state = mix(keys[row])
        for place in range(number):
            words[row, place] = mix(state + GOLDEN * np.uint64(place))
    return words
