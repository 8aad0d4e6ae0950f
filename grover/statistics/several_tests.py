"""Several tests at once: the p-value that an interval implies, and Holm's correction."""

import numpy as np
from scipy.stats import norm

HALF_WIDTH = float(norm.ppf(0.975))  # of a 95 % interval, in standard errors


def p_of_interval(value: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the two-sided p-value of a difference with a 95 % interval, float64; NaN where one of them is NaN.

    The standard error is the width of the interval over 3.92, and the difference is taken as normal. A count of resamples beyond 0 has no
    p-value below 1 over their number, which many tasks need. A p-value of an interval of no width is 0, or 1 at a difference of 0.
    """
    value, error = np.asarray(value, float), (np.asarray(high, float) - np.asarray(low, float)) / (2 * HALF_WIDTH)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(value == 0, 0.0, np.abs(value) / error)
    return np.where(np.isnan(value + error), np.nan, 2 * norm.sf(z))


def independent_difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return first minus second with a 95 % interval as if the two were independent, float64 [rows, 3] of difference, low and high.

    first, second: float [rows, 3] of value, low and high. Scores on the same examples usually go together, so that the interval is
    wider than that of a paired difference.
    """
    first, second = np.asarray(first, float).reshape(-1, 3), np.asarray(second, float).reshape(-1, 3)
    half = np.hypot(*((table[:, 2] - table[:, 1]) / 2 for table in (first, second)))
    difference = first[:, 0] - second[:, 0]
    return np.stack([difference, difference - half, difference + half], axis=1)


def holm(p: np.ndarray) -> np.ndarray:
    """Return p-values corrected for the number of tests (Holm 1979), float64; NaN stays and counts as no test."""
    p = np.asarray(p, float)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    corrected = np.full(len(p), np.nan)
    corrected[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)))
    return corrected
