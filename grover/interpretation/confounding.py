"""How far scores of variants follow the change in token number, which is a property of the tokenization and not of the sequence.

A substitution changes how the sequence is cut into tokens. Correlations are over single-base substitutions; the partial one is given the
log-likelihood ratio of a Markov chain of order 5, which a good model follows too.
"""

import numpy as np
import pandas as pd

from grover.interpretation.variant_metrics import Resampling, number_blocks
from grover.statistics import bootstrap

CAUSE, GIVEN = "token_change", "markov_5"
COLUMNS = ["score", "n", "r", "r_low", "r_high", "partial", "partial_low", "partial_high"]
PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))  # of variables whose products are summed
FEWEST = 30  # substitutions


def confounding(table: pd.DataFrame, scores: list[str], resampling: Resampling) -> pd.DataFrame:
    """Correlate scores with the change in token number, a row of `COLUMNS` each.

    table: chrom, pos, the columns `scores`, token_change and markov_5, of single-base substitutions. Intervals are over blocks of the
    genome.
    """
    rows = []
    for name in scores:
        # a score is infinite where no segmentation spells an allele
        kept = table[np.isfinite(table[[name, CAUSE, GIVEN]].astype(np.float64)).all(axis=1)]
        values = kept[[name, CAUSE, GIVEN]].to_numpy(np.float64)
        if len(kept) < FEWEST or (values[:, :2].std(axis=0) == 0).any():
            continue
        values = values - values.mean(axis=0)  # so that the moments keep their digits
        moments = np.column_stack([np.ones(len(values)), values, *(values[:, i] * values[:, j] for i, j in PAIRS)])
        row: list = [name, len(kept)]
        found, drawn = _correlations(moments.sum(axis=0)[None]), _correlations(_drawn(kept, moments, resampling))
        for value, resampled in zip(found, drawn, strict=True):
            row += [float(value[0]), *bootstrap.interval(resampled)]
        rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS)


def _drawn(table: pd.DataFrame, moments: np.ndarray, resampling: Resampling) -> np.ndarray:
    """Sums of the moments over each draw of blocks, float64 [resamples, moments]."""
    block = number_blocks(table, resampling.block)
    of_block = np.stack([np.bincount(block, column) for column in moments.T], axis=1)
    drawn = bootstrap.draw(len(of_block), resampling.resamples, resampling.seed).astype(np.float64)
    sums: np.ndarray = drawn @ of_block
    return sums


def _correlations(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Correlation of the first two variables, and the same given the third, of each row of sums."""
    mean = sums[:, 1:] / sums[:, :1]
    centre = mean[:, :3]
    covariance = {pair: mean[:, 3 + i] - centre[:, pair[0]] * centre[:, pair[1]] for i, pair in enumerate(PAIRS)}

    def r(i: int, j: int) -> np.ndarray:
        scale = np.sqrt(np.maximum(covariance[i, i] * covariance[j, j], 0))
        return np.divide(covariance[i, j], scale, out=np.zeros_like(scale), where=scale > 0)

    plain, first, second = r(0, 1), r(0, 2), r(1, 2)
    scale = np.sqrt(np.maximum((1 - first**2) * (1 - second**2), 0))
    return plain, np.divide(plain - first * second, scale, out=np.zeros_like(scale), where=scale > 0)
