"""Blocks of the genome. Neighbouring places are alike, so that errors are those between blocks."""

import numpy as np

LARGEST, SMALLEST = 100_000, 1_000  # bases
ENOUGH = 50  # a small genome is cut into smaller blocks to get as many


def block_size(base: np.ndarray) -> int:
    """Bases of the blocks for these places in the genome's codes: 100,000, or fewer where that would give few blocks."""
    size = LARGEST
    while size > SMALLEST and len(np.unique(base // size)) < ENOUGH:
        size //= 2
    return max(size, SMALLEST)


def number_blocks(base: np.ndarray) -> np.ndarray:
    """The block that holds each place in the genome's codes, int64, numbered from 0 without holes."""
    return np.unique(base // block_size(base), return_inverse=True)[1]
