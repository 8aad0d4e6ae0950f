"""Two groups of places in a genome, and the categories in which their shares differ.

Neighbouring places are similar, and so is their annotation. Errors are those between blocks of the genome.
"""

import numpy as np
from scipy.stats import t
from sklearn.metrics import roc_auc_score

from grover.annotation.enrichment import FEWEST_BLOCKS
from grover.statistics.bootstrap import CONFIDENCE, draw

# places of each group that must be expected inside and outside a category, for a test (Cochran 1954)
FEWEST_EXPECTED = 5
FIFTHS = 5
MEASURED = ["share_first", "share_second", "difference", "low", "high", "p"]


def compare(
    second: np.ndarray, member: np.ndarray, block: np.ndarray, resamples: int, seed: int
) -> dict[str, np.ndarray]:
    """Compare the shares of two groups inside each category, with interval and test, each float64 [categories].

    second: bool [occurrences], false in the first group; member: bool [occurrences, categories]; block: int64 [occurrences], of the
    genome. Returns share_first, share_second, difference (first minus second), low, high (95 % interval), p. The standard
    error is that over resamples of blocks, but at least that of independent occurrences. The t statistic has one degree
    of freedom less than the fewest blocks with the first group, the second group, occurrences inside or outside.
    The number of blocks is the effective one (Kish: squared sum of their occurrences over the sum of squares). So a tandem
    repeat counts once. The last three are missing with fewer than 10 such blocks, or where fewer than 5 occurrences of either group
    are expected on either side.
    """
    _, block = np.unique(block, return_inverse=True)
    blocks = int(block.max(initial=-1)) + 1
    groups = [~second, second]
    sizes = np.stack([np.bincount(block[group], minlength=blocks) for group in groups]).astype(np.float64)
    hits = np.zeros((2, blocks, member.shape[1]))
    for held, group in zip(hits, groups, strict=True):
        np.add.at(held, block[group], member[group])
    drawn = draw(blocks, resamples, seed).astype(np.float64)
    drawn = drawn[(drawn @ sizes.T > 0).all(1)]  # a resample may lack a small group
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = hits.sum(1) / sizes.sum(1)[:, None]
        difference = shares[0] - shares[1]
        resampled = np.stack([drawn @ held / (drawn @ size)[:, None] for held, size in zip(hits, sizes, strict=True)])
        error = (resampled[0] - resampled[1]).std(0, ddof=1) if len(drawn) > 1 else np.full(member.shape[1], np.nan)
        pooled = member.mean(0)
        independent = np.sqrt(pooled * (1 - pooled) * (1 / sizes.sum(1)).sum())
        error = np.maximum(error, independent)
        within = hits.sum(0)
        spread = [*map(count_blocks, sizes), count_blocks(within), count_blocks(sizes.sum(0)[:, None] - within)]
        freedom = np.minimum.reduce(np.broadcast_arrays(*spread)) - 1
        p = 2 * t.sf(np.abs(difference) / error, np.maximum(freedom, 1))
    enough = np.minimum(pooled, 1 - pooled) * min(second.sum(), (~second).sum()) >= FEWEST_EXPECTED
    known = enough & (freedom + 1 >= FEWEST_BLOCKS)
    half = np.where(known, error, np.nan) * t.ppf((1 + CONFIDENCE) / 2, np.maximum(freedom, 1))
    low, high = np.clip(difference - half, -1, 1), np.clip(difference + half, -1, 1)
    return dict(zip(MEASURED, (*shares, difference, low, high, np.where(known, p, np.nan)), strict=True))


def count_blocks(counts: np.ndarray) -> np.ndarray:
    """Return the effective number of blocks by their occurrences along the first axis (Kish); NaN where there are none."""
    return counts.sum(0) ** 2 / (counts**2).sum(0)


def within_strata(second: np.ndarray, member: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Compare the shares of two groups inside each category among occurrences with similar `values`, float64 [categories].

    The occurrences are cut into fifths by their values. The differences of the fifths have the weights of Mantel and Haenszel (Greenland
    and Robins, Biometrics 41:55, 1985). NaN where no fifth has both groups.
    """
    fifth = np.searchsorted(np.quantile(values, np.arange(1, FIFTHS) / FIFTHS), values)
    total, weights = np.zeros(member.shape[1]), 0.0
    for number in range(FIFTHS):
        first, other = (member[(fifth == number) & group] for group in (~second, second))
        if len(first) and len(other):
            weight = len(first) * len(other) / (len(first) + len(other))
            total += weight * (first.mean(0) - other.mean(0))
            weights += weight
    return total / weights if weights else np.full(member.shape[1], np.nan)


def auroc(second: np.ndarray, values: np.ndarray) -> float:
    """Compute the AUROC of `values` for the first group against the second, with ties as half; NaN where a group is empty."""
    if second.all() or not second.any():
        return float("nan")
    return float(roc_auc_score(~second, values))
