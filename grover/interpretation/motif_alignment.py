"""Contribution matrices placed on one another, on both strands and with offsets, and grouped by average linkage.

The similarity of two matrices is the cosine of all their values at the best of all placements. Places beyond the end of one count
as 0. It is symmetric, since a placement of one on the other is the opposite placement of the other on the one.
"""

from collections.abc import Iterator

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform


def turn(matrices: np.ndarray) -> np.ndarray:
    """Return matrices [..., width, 4] of the opposite strand."""
    return matrices[..., ::-1, ::-1]


def shift(matrices: np.ndarray, by: int) -> np.ndarray:
    """Return matrices [..., width, 4] whose columns are moved right by so many places, zeros coming in."""
    moved = np.zeros_like(matrices)
    width = matrices.shape[-2]
    moved[..., max(0, by) : width + min(0, by), :] = matrices[..., max(0, -by) : width - max(0, by), :]
    return moved


def placements(reach: int) -> Iterator[tuple[int, bool]]:
    """Yield all shifts up to `reach` either way, unturned and turned, the smallest shifts first, which win among equals."""
    for by in sorted(range(-reach, reach + 1), key=abs):
        yield by, False
        yield by, True


def similarities(matrices: np.ndarray, reach: int) -> np.ndarray:
    """Return the similarity of each pair at its best placement, float32 [windows, windows]; 0 for a matrix of zeros."""
    flat = _normalised(matrices)
    best = np.zeros((len(matrices), len(matrices)), np.float32)
    unit = flat.reshape(matrices.shape)
    for turned in (False, True):
        other = turn(unit) if turned else unit
        # a shift to the left without turning is a shift to the right with both exchanged
        for by in range(-reach if turned else 0, reach + 1):
            found = flat @ shift(other, by).reshape(len(flat), -1).T
            np.maximum(best, found, out=best)
    return np.maximum(best, best.T)


def place_on(reference: np.ndarray, matrices: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Place each matrix on the `reference` [width, 4] where it is most similar.

    Returns shifts (int64), whether it is turned, and the similarity, each [windows]; a turned matrix is turned first and then shifted.
    """
    aim = _normalised(reference[None])[0]
    unit = _normalised(matrices).reshape(matrices.shape)
    best = np.full(len(matrices), -np.inf)
    shifts, turns = np.zeros(len(matrices), np.int64), np.zeros(len(matrices), bool)
    for by, turned in placements(reach):
        # moving the reference the other way costs one shift instead of one for each window
        found = (turn(unit) if turned else unit).reshape(len(unit), -1) @ shift(
            aim.reshape(reference.shape), -by
        ).ravel()
        better = found > best
        best[better], shifts[better], turns[better] = found[better], by, turned
    return shifts, turns, best


def group(similarity: np.ndarray, least: float) -> np.ndarray:
    """Return the group of each window, int64 from 0, by average linkage up to a mean similarity of `least` between groups."""
    if len(similarity) == 1:
        return np.zeros(1, np.int64)
    distance = 1 - similarity.astype(np.float64)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(np.maximum(distance, 0), checks=False), "average")
    return fcluster(tree, 1 - least, "distance").astype(np.int64) - 1


def _normalised(matrices: np.ndarray) -> np.ndarray:
    """Matrices as rows of norm 1, [windows, width * 4]; those of zeros stay."""
    flat = np.ascontiguousarray(matrices.reshape(len(matrices), -1))
    norm = np.linalg.norm(flat, axis=1, keepdims=True)
    return flat / np.where(norm > 0, norm, 1)
