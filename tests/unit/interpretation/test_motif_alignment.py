"""Placements and groups against slow loops over all of them."""

import numpy as np
import pytest

from grover.interpretation.contributions import one_hot
from grover.interpretation.motif_alignment import group, place_on, shift, similarities, turn

REACH = 3


@pytest.fixture
def matrices():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (12, 10))
    return one_hot(codes) * rng.normal(1, 1, (12, 10, 1)).astype(np.float32)


def slow(one, other):
    """Cosine at the best of all placements of `other` on `one`."""
    found = [-np.inf]
    for turned in (other, other[::-1, ::-1]):
        for by in range(-REACH, REACH + 1):
            moved = np.zeros_like(turned)
            for column in range(len(turned)):
                if 0 <= column + by < len(turned):
                    moved[column + by] = turned[column]
            found.append((one * moved).sum() / np.linalg.norm(one) / np.linalg.norm(other))
    return max(found)


def test_similarities_are_those_of_all_placements(matrices):
    found = similarities(matrices, REACH)
    for i in range(12):
        for j in range(12):
            assert found[i, j] == pytest.approx(max(0, slow(matrices[i], matrices[j])), abs=1e-5)


def test_a_placed_matrix_lies_on_its_reference(matrices):
    reference = matrices[0]
    moved = np.stack([shift(reference, 2), turn(shift(reference, -1)), reference])
    shifts, turned, found = place_on(reference, moved, REACH)
    assert shifts.tolist() == [-2, 1, 0] and turned.tolist() == [False, True, False]
    back = [shift(turn(each) if flip else each, by) for each, flip, by in zip(moved, turned, shifts, strict=True)]
    for each in back:
        same = each != 0
        np.testing.assert_allclose(each[same], reference[same])
    np.testing.assert_allclose(found, [slow(reference, each) for each in moved], atol=1e-5)


def test_groups_join_by_their_mean_similarity():
    alike = np.array([[1, 0.9, 0.5], [0.9, 1, 0.8], [0.5, 0.8, 1]], np.float32)
    assert group(alike, 0.7).tolist() == [0, 0, 1] and group(alike, 0.6).tolist() == [0, 0, 0]
    assert group(np.ones((1, 1), np.float32), 0.5).tolist() == [0]
