"""Interpolation of distributions: weights by expectation-maximisation on held-out examples (Jelinek and Mercer 1980)."""

import numpy as np

ITERATIONS = 200
ENOUGH = 1e-6  # smallest gain per iteration, nats per example
PRIOR = 20  # examples with the weights of all buckets together, added to each bucket


def fit_weights(likelihoods: np.ndarray, bucket: np.ndarray, buckets: int) -> np.ndarray:
    """Choose the weights of a mixture for each bucket of examples, float64 [buckets, distributions]; each row sums to 1.

    likelihoods: [examples, distributions], the probability that each distribution gives to what was observed; bucket: int64 [examples].
    A bucket of few examples is close to the weights of all examples together, an empty one has them. Without any example all weights are
    equal.
    """
    distributions = likelihoods.shape[1]
    if not len(likelihoods):
        return np.full((buckets, distributions), 1 / distributions)
    everything = np.zeros(len(likelihoods), np.int64)
    pooled = _maximise(likelihoods, everything, np.zeros((1, distributions)), np.full((1, distributions), 1.0))
    prior = np.repeat(PRIOR * pooled, buckets, axis=0)
    return _maximise(likelihoods, bucket, prior, np.repeat(pooled, buckets, axis=0))


def _maximise(likelihoods: np.ndarray, bucket: np.ndarray, prior: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Iterate from `weights` [buckets, distributions] until the likelihood no longer grows; `prior` are counts of each distribution."""
    weights = weights / weights.sum(axis=1, keepdims=True)
    before = -np.inf
    for _ in range(ITERATIONS):
        shares = weights[bucket] * likelihoods
        total = shares.sum(axis=1)
        now = np.log(total).mean()
        if now - before < ENOUGH:
            break
        before = now
        shares /= total[:, None]
        counts = [np.bincount(bucket, weights=share, minlength=len(weights)) for share in shares.T]
        weights = np.stack(counts, axis=1) + prior
        weights /= weights.sum(axis=1, keepdims=True)
    return weights
