"""The checksum of the command `sum`, by which Ensembl lists its files: BSD's 16 bits, and the number of blocks of 1,024 bytes."""

from pathlib import Path

import numpy as np
from numba import njit

READ = 1 << 22  # bytes at once


def bsd_sum(path: Path | str) -> str:
    """Return what `sum` prints of a file: five digits, a blank, the number of blocks."""
    state, size = 0, 0
    with open(path, "rb") as stream:
        while block := stream.read(READ):
            state = _rotate(np.frombuffer(block, np.uint8), state)
            size += len(block)
    return f"{state:05d} {-(-size // 1024)}"


@njit(cache=True, nogil=True)
def _rotate(values: np.ndarray, state: int) -> int:
    """Rotate 16 bits to the right and add each byte."""
    for value in values:
        state = ((state >> 1) + ((state & 1) << 15) + value) & 0xFFFF
    return state
