"""Principal components of token embeddings and the properties that they correlate with (Sanabria et al. 2024, Figure 3)."""

import numpy as np
import pandas as pd
from scipy.stats import norm, spearmanr
from sklearn.decomposition import PCA

from grover.runtime.errors import InputError

COMPONENTS = 6
FEWEST = 3  # tokens that can be arranged at all
NAMES = [f"PC{i + 1}" for i in range(COMPONENTS)]
LEVEL = 0.05
EFFECTS = ["property", "component", "spearman", "low", "high", "share", "published_component", "published"]


def choose_tokens(tokens: pd.DataFrame, counts: np.ndarray, minimum: int) -> pd.DataFrame:
    """Choose the tokens that were embedded at least `minimum` times: id, token, count; specials are left out.

    tokens: id, token (text), count (occurrences in the whole genome); counts: int [vocabulary], occurrences embedded.
    """
    chosen = tokens[tokens["token"].str.fullmatch("[ACGT]+")]
    if len(chosen) and chosen["id"].max() >= len(counts):
        raise InputError(
            f"the vocabulary has token {chosen['id'].max()}, but {len(counts)} were embedded; give the vocabulary of the model"
        )
    chosen = chosen[counts[chosen["id"]] >= minimum].reset_index(drop=True)
    if len(chosen) < FEWEST:
        raise InputError(
            f"only {len(chosen)} tokens were embedded at least {minimum} times, but {FEWEST} are needed; embed more regions or lower "
            "the minimum"
        )
    return chosen[["id", "token", "count"]]


def principal_components(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute the first six principal components, float64 [tokens, 6], and the share of the variance that each explains, float64 [6].

    vectors: float [tokens, hidden]. The sign of a component is arbitrary. n tokens, such as the four single bases, have n - 1
    components; the others are missing.
    """
    number = min(COMPONENTS, len(vectors) - 1, vectors.shape[1])
    pca = PCA(number, svd_solver="full")
    values, shares = np.full((len(vectors), COMPONENTS), np.nan), np.full(COMPONENTS, np.nan)
    values[:, :number] = pca.fit_transform(vectors.astype(np.float64))
    shares[:number] = pca.explained_variance_ratio_
    return values, shares


def token_properties(tokens: pd.DataFrame, repeats: pd.Series | None = None) -> pd.DataFrame:
    """Compute properties of tokens, one column each.

    `frequency` is log10 of the count; `gc`, `ag`, `ac` are shares of the token's bases; `length` is in bases; `repeats` is there if known.

    tokens: id, token, count; repeats: share of a token's occurrences inside repeats, by id.
    """
    text = tokens["token"]
    length = text.str.len()
    shares = {pair: text.str.count(f"[{pair.upper()}]") / length for pair in ("gc", "ag", "ac")}
    found = pd.DataFrame({"frequency": np.log10(np.maximum(tokens["count"], 1)), **shares, "length": length})
    return found if repeats is None else found.assign(repeats=tokens["id"].map(repeats))


def repeat_shares(enrichment: pd.DataFrame) -> pd.Series | None:
    """Return the share of each token's occurrences inside any repeat, by id, from the enrichment of tokens; None without a track of
    repeats.
    """
    rows = enrichment[(enrichment["track"] == "repeats") & (enrichment["category"] == "any")]
    return rows.set_index("id")["share"] if len(rows) else None


def correlate(values: np.ndarray, properties: pd.DataFrame) -> pd.DataFrame:
    """Compute the Spearman correlation of every component with every property, with its 95 % interval.

    values: float [tokens, 6]; properties: one row per token. A property that is the same for all tokens is left out, as is a token whose
    property is unknown. Returns component, property, spearman, low, high.
    """
    rows = []
    for name in properties:
        known = properties[name].notna().to_numpy()
        if properties[name].nunique() > 1 and known.sum() > FEWEST:
            for i, component in enumerate(NAMES):
                if np.isnan(values[known, i]).any():
                    continue
                value = float(spearmanr(values[known, i], properties[name][known]).statistic)
                rows.append((component, name, value, *spearman_interval(value, int(known.sum()))))
    return pd.DataFrame(rows, columns=["component", "property", "spearman", "low", "high"])


def spearman_interval(value: float, n: int) -> tuple[float, float]:
    """Compute the 95 % interval of a Spearman correlation of `n` pairs (Bonett and Wright 2000, doi 10.1007/BF02294183).

    It uses Fisher's transform and assumes independent pairs. Tokens that share bases are not independent, so that it is too narrow.
    """
    if n < 4 or not abs(value) < 1:
        return value, value
    error = norm.ppf(1 - LEVEL / 2) * np.sqrt((1 + value**2 / 2) / (n - 3))
    return float(np.tanh(np.arctanh(value) - error)), float(np.tanh(np.arctanh(value) + error))


def chance_level(n: int) -> float:
    """Return the 95 % quantile of the strongest of six correlations of `n` independent pairs."""
    return min(1.0, float(norm.ppf(1 - LEVEL / 2 / COMPONENTS) / np.sqrt(max(1, n - 1))))


def strongest(correlations: pd.DataFrame, shares: np.ndarray) -> pd.DataFrame:
    """Find the component that each property correlates with most and its share of the variance, beside the published ones.

    correlations: component, property, spearman, low, high, published; shares: float [6], explained variance. Of several published
    components of one property the strongest is taken. Returns property, component, spearman, low, high, share, published_component,
    published.
    """
    rows = []
    for _, group in correlations.groupby("property", sort=False):
        ours = group.loc[group["spearman"].abs().idxmax()]
        known = group.dropna(subset=["published"])
        paper = known.loc[known["published"].abs().idxmax()] if len(known) else {"component": None, "published": np.nan}
        rows.append(
            {
                **ours[["property", "component", "spearman", "low", "high"]],
                "share": shares[NAMES.index(ours["component"])],
                "published_component": paper["component"],
                "published": paper["published"],
            }
        )
    return pd.DataFrame(rows, columns=EFFECTS)
