import numpy as np
import pandas as pd
import pytest
from scipy.stats import entropy as scipy_entropy

from grover.interpretation.track_values import (
    ABSOLUTE,
    TRACKS,
    accuracy,
    by_run,
    entropy,
    logo_heights,
    track_values,
)


def drawn(size, seed=0):
    weights = np.random.default_rng(seed).random((size, 4))
    return weights / weights.sum(axis=1, keepdims=True)


def test_heights_are_those_of_a_logo():
    certain, even, two = [1, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0]
    heights = logo_heights(np.array([certain, even, two], float))
    np.testing.assert_allclose(heights, [[2, 0, 0, 0], [0, 0, 0, 0], [0.5, 0.5, 0, 0]], atol=1e-15)
    table = drawn(50)
    np.testing.assert_allclose(entropy(table), scipy_entropy(table, base=2, axis=1))
    np.testing.assert_allclose(logo_heights(table).sum(axis=1), 2 - entropy(table))


def test_tracks_are_differences_and_where_asked_the_values():
    model, frequency, codes = drawn(30), drawn(30, 1), np.random.default_rng(2).integers(0, 4, 30, dtype=np.uint8)
    found = track_values(model, frequency, codes, absolute=True)
    assert list(found) == [*TRACKS, *(name + ABSOLUTE for name in TRACKS)]
    assert all(values.dtype == np.float32 for values in found.values())
    place = np.arange(30)
    np.testing.assert_allclose(
        found["log_probability"], np.log2(model[place, codes] / frequency[place, codes]), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(found["log_probability_absolute"], np.log2(model[place, codes]), rtol=1e-6)
    np.testing.assert_allclose(found["G"], (logo_heights(model) - logo_heights(frequency))[:, 2], atol=1e-6)
    np.testing.assert_allclose(found["entropy"], entropy(model) - entropy(frequency), atol=1e-6)
    assert list(track_values(model, frequency, codes, absolute=False)) == list(TRACKS)
    assert all(not values.any() for values in track_values(model, model, codes, absolute=False).values())


def test_accuracy_by_hand():
    model = np.array([[0.5, 0.5, 0, 0], [0.125, 0.125, 0.25, 0.5]])
    sums = accuracy(model, np.full((2, 4), 0.25), np.array([0, 2], np.uint8))
    assert sums == {"bases": 2, "correct": 1, "correct_frequency": 1, "bits": 3.0, "bits_frequency": 4.0}


def test_scores_by_run_have_intervals_over_blocks():
    rng = np.random.default_rng(0)
    bits = rng.normal(1.5, 0.1, 200)
    rows = pd.DataFrame({"run": 1, "strands": "both", "block": np.arange(200), "bases": 100, "correct": 50})
    rows = rows.assign(correct_frequency=40, bits=bits * 100, bits_frequency=190.0)
    few = rows.head(4).assign(run=2)
    table = by_run(pd.concat([rows, few]), seed=0)
    assert table["run"].tolist() == [1, 2] and table["blocks"].tolist() == [200, 4]
    assert table["bits"][0] == pytest.approx(bits.mean()) and table["gain"][0] == pytest.approx(1.9 - bits.mean())
    assert table["accuracy"][0] == 0.5 and table["more"][0] == pytest.approx(0.1)
    error = bits.std() / np.sqrt(200)
    low, high = table["bits_low"][0], table["bits_high"][0]
    assert (low, high) == pytest.approx((bits.mean() - 1.96 * error, bits.mean() + 1.96 * error), abs=0.3 * error)
    assert np.isnan(table["bits_low"][1])
