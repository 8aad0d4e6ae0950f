import numpy as np
import pytest
from scipy.stats import binomtest

from grover.statistics.proportions import example_variance, over_seeds, wilson


@pytest.mark.parametrize(("hits", "n"), [(0, 40), (3, 4000), (250, 1000), (40, 40)])
def test_one_seed_gives_wilsons_interval(hits, n):
    expected = binomtest(hits, n).proportion_ci(method="wilson")
    right = np.arange(n) < hits
    assert wilson(hits / n, n) == pytest.approx(tuple(expected), abs=1e-12)
    assert over_seeds(right.mean(keepdims=True), example_variance(right[None], np.arange(n)), n) == pytest.approx(
        tuple(expected)
    )


def test_seeds_that_agree_are_worth_one_and_seeds_apart_widen_the_interval():
    right = np.tile(np.arange(200) < 60, (3, 1))
    assert over_seeds(right.mean(1), example_variance(right, np.arange(200)), 200) == pytest.approx(wilson(0.3, 200))
    apart = np.array([np.arange(200) < hits for hits in (40, 60, 80)])
    low, high = over_seeds(apart.mean(1), example_variance(apart, np.arange(200)), 200)
    assert low < wilson(0.3, 200)[0] and high > wilson(0.3, 200)[1] and 0 < low < 0.3 < high < 1


def test_intervals_cover_other_examples_and_other_seeds():
    # an example has a difficulty and a seed a quality; the truth is the mean over all of both
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(400):
        difficulty, quality = rng.normal(0, 0.1, 300), rng.normal(0, 0.03, (3, 1))
        right = rng.random((3, 300)) < 0.3 + difficulty + quality
        low, high = over_seeds(right.mean(1), example_variance(right, np.arange(300)), 300)
        covered.append(low <= 0.3 <= high)
    assert 0.92 < np.mean(covered) < 0.995


@pytest.mark.parametrize("seeds", [1, 3])
def test_intervals_over_blocks_cover_another_genome_and_those_of_examples_do_not(seeds):
    # 60 blocks of 5 to 35 examples, of which some blocks are easy and others hard
    rng = np.random.default_rng(0)
    covered, alone = [], []
    for _ in range(400):
        block = np.repeat(np.arange(60), rng.integers(5, 36, 60))
        right = rng.random((seeds, block.size)) < 0.3 + rng.normal(0, 0.12, 60)[block]
        for found, places in ((covered, block), (alone, np.arange(block.size))):
            low, high = over_seeds(right.mean(1), example_variance(right, places), block.size)
            found.append(low <= 0.3 <= high)
    assert 0.92 < np.mean(covered) < 0.98
    assert np.mean(alone) < 0.88


def test_blocks_hardly_widen_the_interval_of_independent_examples():
    rng = np.random.default_rng(0)
    ratios = []
    for _ in range(200):
        right, block = rng.random((1, 2_000)) < 0.3, np.repeat(np.arange(100), 20)
        ratios.append(example_variance(right, block) / right.var())
    assert min(ratios) == 1 and 1 < np.mean(ratios) < 1.12


def test_copies_of_an_example_are_worth_one():
    right = np.random.default_rng(0).random((2, 80)) < 0.4
    copies, block = np.repeat(right, 5, axis=1), np.repeat(np.arange(80), 5)
    expected = over_seeds(right.mean(1), example_variance(right, np.arange(80)), 80)
    assert over_seeds(copies.mean(1), example_variance(copies, block), 400) == pytest.approx(expected, rel=0.02)
    # one block knows no spread
    assert example_variance(right, np.zeros(80, int)) == pytest.approx(right.mean(0).var())
