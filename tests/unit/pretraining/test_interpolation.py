import numpy as np
from scipy.optimize import minimize

from grover.pretraining.interpolation import PRIOR, fit_weights


def test_weights_are_those_that_an_optimiser_finds():
    rng = np.random.default_rng(0)
    likelihoods = rng.random((5_000, 3)) ** 2

    def loss(free):
        weights = np.exp(np.append(free, 0.0))
        return -np.log(likelihoods @ (weights / weights.sum())).mean()

    best = np.exp(np.append(minimize(loss, np.zeros(2)).x, 0.0))
    found = fit_weights(likelihoods, np.zeros(5_000, np.int64), 1)
    assert loss(np.log(found[0, :2] / found[0, 2])) < loss(np.log(best[:2] / best[2])) + 1e-4


def test_each_bucket_has_its_own_weights_and_an_empty_one_those_of_all():
    likelihoods = np.concatenate([np.tile([1.0, 1e-9], (3_000, 1)), np.tile([1e-9, 1.0], (1_000, 1))])
    found = fit_weights(likelihoods, np.repeat([0, 2], [3_000, 1_000]), 3)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_allclose(found[1], [0.75, 0.25], atol=1e-3)
    np.testing.assert_allclose(found[:, 0], [1, 0.75, 0], atol=PRIOR / 1_000)


def test_without_examples_the_weights_are_equal():
    assert fit_weights(np.ones((0, 4)), np.zeros(0, np.int64), 2).tolist() == [[0.25] * 4] * 2
