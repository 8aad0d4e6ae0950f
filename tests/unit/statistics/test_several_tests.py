"""Holm's correction against the definition, and p-values of intervals against the normal distribution."""

import numpy as np
import pytest
from scipy.stats import norm

from grover.statistics.several_tests import holm, independent_difference, p_of_interval


def test_holm_multiplies_the_smallest_by_all_and_never_falls():
    # by hand: 0.01 * 3, then 0.02 * 2 = 0.04, then 0.03 * 1, which may not fall below 0.04
    assert holm(np.array([0.03, 0.01, np.nan, 0.02])) == pytest.approx([0.04, 0.03, np.nan, 0.04], nan_ok=True)
    assert holm(np.array([0.9, 0.8])).max() == 1 and len(holm(np.array([]))) == 0


def test_no_more_than_one_family_in_twenty_is_wrong():
    p = np.random.default_rng(0).random((4000, 6))
    wrong = np.mean([(holm(family) < 0.05).any() for family in p])
    assert 0.04 < wrong < 0.06


def test_p_of_an_interval_that_ends_at_zero_is_five_percent():
    value = np.array([0.2, 0.2, 0.0, np.nan, 0.3, 0.0])
    low, high = np.array([0.0, 0.1, -0.1, 0.1, 0.3, 0.0]), np.array([0.4, 0.3, 0.1, 0.2, 0.3, 0.0])
    twice = 2 * norm.sf(2 * norm.ppf(0.975))
    assert p_of_interval(value, low, high) == pytest.approx([0.05, twice, 1, np.nan, 0, 1], nan_ok=True)


def test_the_difference_of_independent_values_has_the_interval_of_its_variance():
    # two normal means with standard errors 0.3 and 0.4: that of their difference is 0.5
    z = norm.ppf(0.975)
    found = independent_difference(
        np.array([[1, 1 - 0.3 * z, 1 + 0.3 * z]]), np.array([0.2, 0.2 - 0.4 * z, 0.2 + 0.4 * z])
    )
    assert found == pytest.approx(np.array([[0.8, 0.8 - 0.5 * z, 0.8 + 0.5 * z]]))
    assert np.isnan(independent_difference(np.array([1.0, np.nan, np.nan]), np.array([1.0, 0.9, 1.1]))[0, 1:]).all()
