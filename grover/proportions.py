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


def example_variance(right: np.ndarray) -> float:
    """Variance between examples of the share of seeds that answered right; right: bool [seeds, examples]."""
    return float(right.mean(axis=0).var())


def over_seeds(shares: np.ndarray, variance: float, n: int) -> tuple[float, float]:
    """Interval of the mean of `shares`, float [seeds], on the same `n` examples: it allows for another test set of this size
    and for other seeds.

    The two variances add up: `variance` (`example_variance`) / n, and that between the shares / seeds. Wilson's interval is then
    taken at the number of independent examples that would give this sum (Kish 1965), with Student's t at Satterthwaite's (1946)
    degrees of freedom, since few seeds know their own spread badly. One seed gives Wilson's interval, which says nothing of others.
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
