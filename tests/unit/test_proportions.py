import numpy as np
import pytest
from scipy.stats import binomtest

from grover.proportions import example_variance, over_seeds, wilson


@pytest.mark.parametrize(("hits", "n"), [(0, 40), (3, 4000), (250, 1000), (40, 40)])
def test_one_seed_gives_wilsons_interval(hits, n):
    expected = binomtest(hits, n).proportion_ci(method="wilson")
    right = np.arange(n) < hits
    assert wilson(hits / n, n) == pytest.approx(tuple(expected), abs=1e-12)
    assert over_seeds(right.mean(keepdims=True), example_variance(right[None]), n) == pytest.approx(tuple(expected))


def test_seeds_that_agree_are_worth_one_and_seeds_apart_widen_the_interval():
    right = np.tile(np.arange(200) < 60, (3, 1))
    assert over_seeds(right.mean(1), example_variance(right), 200) == pytest.approx(wilson(0.3, 200))
    apart = np.array([np.arange(200) < hits for hits in (40, 60, 80)])
    low, high = over_seeds(apart.mean(1), example_variance(apart), 200)
    assert low < wilson(0.3, 200)[0] and high > wilson(0.3, 200)[1] and 0 < low < 0.3 < high < 1


def test_intervals_cover_other_examples_and_other_seeds():
    # an example has a difficulty and a seed a quality; the truth is the mean over all of both
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(400):
        difficulty, quality = rng.normal(0, 0.1, 300), rng.normal(0, 0.03, (3, 1))
        right = rng.random((3, 300)) < 0.3 + difficulty + quality
        low, high = over_seeds(right.mean(1), example_variance(right), 300)
        covered.append(low <= 0.3 <= high)
    assert 0.92 < np.mean(covered) < 0.995
