"""A logistic regression on all baselines, as the score that a model has to surpass, predicted for blocks that it was not fitted on."""

import numpy as np
import pandas as pd

from grover.interpretation.variant_metrics import FEWEST, number_blocks

PARTS = 5


def cross_validated(table: pd.DataFrame, columns: list[str], block: int) -> np.ndarray:
    """Return the probability of label 1 by a regression that was fitted on other blocks of the genome, float64; NaN where none could be.

    table: chrom, pos, label (1 or 0) and `columns`, which are standardised; a missing value is the column's mean. Whole blocks of
    `block` bases, fewer in a small genome, are held out, a fifth of them at a time. Both labels weigh alike, since the label that is
    frequent among held-out blocks is rarer in the others: their intercept would order the fifths wrongly.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold

    found, label = np.full(len(table), np.nan), table["label"].to_numpy(np.int64)
    columns = [name for name in columns if table[name].notna().any()]
    groups = number_blocks(table, block) if len(table) else np.zeros(0, np.int64)
    if not columns or len(np.unique(groups)) < PARTS or min(label.sum(), len(label) - label.sum()) < FEWEST:
        return found
    values = table[columns].to_numpy(np.float64)
    for train, held_out in GroupKFold(PARTS).split(values, groups=groups):
        if len(np.unique(label[train])) < 2:
            continue
        mean, scale = np.nanmean(values[train], axis=0), np.nanstd(values[train], axis=0)
        features = np.nan_to_num((values - mean) / np.where(scale > 0, scale, 1))
        fitted = LogisticRegression(max_iter=1000, class_weight="balanced").fit(features[train], label[train])
        found[held_out] = fitted.predict_proba(features[held_out])[:, 1]
    return found
