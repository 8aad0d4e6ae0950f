"""Pairs of dependency maps against counts by hand."""

import numpy as np
import pandas as pd
import pytest

from grover.interpretation.dependency_pairs import PAIRS, describe_pairs, recover_elements


def test_pairs_are_compared_with_the_shuffles_at_their_distance():
    observed = np.array([[0, 5, 1], [np.nan, 0, 2], [7, 3, 0]])
    null = np.array([[[0, 1, 6], [2, 0, 3], [np.nan, 4, 0]], [[0, 6, 8], [5, 0, 5], [2, 1, 0]]], float)
    table = describe_pairs(observed, null, 10 * observed)
    assert list(table) == PAIRS
    rows = table.set_index(["i", "j"])
    assert (1, 0) not in rows.index and (0, 0) not in rows.index and len(rows) == 5
    # at distance 1 the shuffles have 1 2 3 4 6 5 5 1, at distance 2 6 8 2
    assert rows.loc[(0, 1), "p"] == pytest.approx((3 + 1) / 9) and rows.loc[(2, 0), "p"] == pytest.approx((1 + 1) / 4)
    assert rows.loc[(0, 1), "null"] == pytest.approx(27 / 8) and rows.loc[(0, 1), "shuffle"] == 1
    assert rows.loc[(2, 1), "random"] == 30 and (rows["q"] >= rows["p"]).all()


def by_hand(maps, within):
    """Comparisons in the right order over all comparisons, pair by pair."""
    right = number = 0
    pairs = [
        (abs(i - j), matrix[i, j], bool(inside[i, j]))
        for matrix, inside in zip(maps, within, strict=True)
        for i, j in np.argwhere(~np.isnan(matrix))
        if i != j
    ]
    for distance, value, inside in pairs:
        for other_distance, other, other_inside in pairs:
            if inside and not other_inside and distance == other_distance:
                right, number = right + (value > other) + 0.5 * (value == other), number + 1
    return right / number


def test_the_auroc_compares_pairs_at_equal_distance():
    rng = np.random.default_rng(0)
    maps = [rng.integers(0, 6, (9, 9)).astype(float) for _ in range(3)]
    maps[1][2, 5] = np.nan
    elements = pd.DataFrame(
        [(0, 1, 4, "a"), (1, 0, 2, "copies"), (1, 5, 7, "copies"), (2, -3, 2, "cut")],
        columns=["locus", "start", "end", "element"],
    )
    within = [np.zeros((9, 9), bool) for _ in maps]
    within[0][np.ix_([1, 2, 3], [1, 2, 3])] = True
    within[1][np.ix_([0, 1, 5, 6], [0, 1, 5, 6])] = True
    within[2][np.ix_([0, 1], [0, 1])] = True
    found = recover_elements(maps, elements, resamples=50)
    assert found.auroc == pytest.approx(by_hand(maps, within))
    assert found.within == 6 + 12 + 2


@pytest.mark.parametrize("planted", [0.0, 1.0])
def test_the_interval_tells_planted_elements_from_none(planted):
    rng = np.random.default_rng(1)
    decay = np.exp(-np.abs(np.subtract.outer(np.arange(30), np.arange(30))) / 4)
    maps, rows = [], []
    for locus in range(12):
        matrix = decay + rng.exponential(0.2, (30, 30))
        matrix[5:15, 5:15] += planted * 0.2
        maps.append(matrix)
        rows.append((locus, 5, 15, "motif"))
    found = recover_elements(maps, pd.DataFrame(rows, columns=["locus", "start", "end", "element"]), resamples=200)
    assert found.low > 0.6 if planted else found.low < 0.5 < found.high
    assert found.low < found.auroc < found.high
