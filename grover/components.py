"""Principal components of token embeddings and what they go with (Sanabria et al. 2024, Figure 3)."""

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.decomposition import PCA

from grover.errors import InputError

COMPONENTS = 6
PROPERTIES = ("frequency", "gc", "ag", "ac", "length")


def token_components(averages: np.ndarray, counts: np.ndarray, tokens: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """Table id, token, PC1 to PC6 of the tokens that were embedded at least `minimum` times.

    averages: float [vocabulary, hidden]; counts: int [vocabulary]; tokens: id, token (text); specials are left out.
    """
    words = tokens[tokens["token"].str.fullmatch("[ACGT]+")].reset_index(drop=True)
    words = words[counts[words["id"]] >= minimum].reset_index(drop=True)
    if len(words) <= COMPONENTS:
        raise InputError(
            f"only {len(words)} tokens were embedded at least {minimum} times, too few for {COMPONENTS} components; "
            "embed more regions or lower the minimum"
        )
    values = PCA(COMPONENTS, svd_solver="full").fit_transform(averages[words["id"]].astype(np.float64))
    return words[["id", "token"]].join(pd.DataFrame(values, columns=[f"PC{i + 1}" for i in range(COMPONENTS)]))


def token_properties(tokens: pd.Series, counts: np.ndarray) -> pd.DataFrame:
    """Properties of tokens: log10 of the frequency, shares of G or C, A or G, A or C, and length in bases."""
    length = tokens.str.len()
    shares = {pair: tokens.str.count(f"[{pair.upper()}]") / length for pair in ("gc", "ag", "ac")}
    return pd.DataFrame({"frequency": np.log10(np.maximum(counts, 1)), **shares, "length": length})


def correlate(components: pd.DataFrame, tokens: pd.DataFrame) -> pd.DataFrame:
    """Spearman correlation of every component with every property: component, property, spearman.

    tokens: id, count (occurrences in the whole genome).
    """
    counts = components["id"].map(tokens.set_index("id")["count"]).to_numpy()
    properties = token_properties(components["token"], counts)
    rows = [
        (f"PC{i + 1}", name, spearmanr(components[f"PC{i + 1}"], properties[name]).statistic)
        for i in range(COMPONENTS)
        for name in PROPERTIES
        if properties[name].nunique() > 1
    ]
    return pd.DataFrame(rows, columns=["component", "property", "spearman"])
