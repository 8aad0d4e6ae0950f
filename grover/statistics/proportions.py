"""95 % intervals of a share of right answers, from one training or from several seeds."""

import numpy as np
from scipy.special import stdtrit

QUANTILE = 0.975


def wilson(share: float, n: float, freedom: float = np.inf) -> tuple[float, float]:
    """Wilson's interval (1927) of a share among `n` examples; `freedom` are the degrees of freedom of its standard error, known
    where they are infinite.
    """
    z = float(stdtrit(freedom, QUANTILE))
    middle, half = share + z * z / (2 * n), z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return float((middle - half) / (1 + z * z / n)), float((middle + half) / (1 + z * z / n))


def example_variance(right: np.ndarray, block: np.ndarray) -> float:
    """What an example adds to the variance of a share: divided by the number of examples it is that of the share of right answers.

    right: bool [seeds, examples]; block: int64 [examples], numbered from 0. Examples of one block are not independent: the
    variance is that between the sums of blocks around their expectation (of a ratio estimator; Cochran 1977, section 9A),
    and never below the one between examples, which it equals where each has a block of its own.
    """
    share = right.mean(axis=0)
    alone, n, blocks = float(share.var()), int(share.size), int(block.max()) + 1
    apart = np.bincount(block, weights=share - share.mean(), minlength=blocks)
    # few blocks know their spread badly; like the variance between examples, this one divides by their number, not one less
    return max(alone, float(apart @ apart) / n * blocks / max(1, blocks - 1) * (n - 1) / n)


def over_seeds(shares: np.ndarray, variance: float, n: int) -> tuple[float, float]:
    """Return the interval of the mean of `shares`, float [seeds], on the same `n` examples.

    It allows for another test set of this size and for other seeds.

    The two variances add up: `variance` (`example_variance`) / n, and that between the shares / seeds. Wilson's interval is then
    taken at the number of independent examples that would give this sum (Kish 1965). Few seeds estimate their own spread badly, so
    Student's t is used, with Satterthwaite's (1946) degrees of freedom. One seed has no spread: it gives Wilson's interval
    where examples are independent.
    """
    shares = np.asarray(shares, float)
    mean, seeds = float(shares.mean()), len(shares)
    spread = mean * (1 - mean)
    if spread == 0:
        return wilson(mean, n)
    between = float(shares.var(ddof=1)) / seeds if seeds > 1 else 0.0
    # answers of all seeds cannot be worth more than as many examples
    error = max(variance / n + between, spread / (n * seeds))
    freedom = (seeds - 1) * (error / between) ** 2 if between else np.inf
    return wilson(mean, spread / error, freedom)
