"""Principal components of token embeddings and what they go with (Sanabria et al. 2024, Figure 3)."""

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
    """The tokens that were embedded at least `minimum` times: id, token, count; specials are left out.

    tokens: id, token (text), count (occurrences in the whole genome); counts: int [vocabulary], occurrences embedded.
    """
    words = tokens[tokens["token"].str.fullmatch("[ACGT]+")]
    if len(words) and words["id"].max() >= len(counts):
        raise InputError(
            f"the vocabulary has token {words['id'].max()}, and {len(counts)} were embedded; give the vocabulary of the model"
        )
    words = words[counts[words["id"]] >= minimum].reset_index(drop=True)
    if len(words) < FEWEST:
        raise InputError(
            f"only {len(words)} tokens were embedded at least {minimum} times, and {FEWEST} are needed; embed more regions or lower "
            "the minimum"
        )
    return words[["id", "token", "count"]]


def principal_components(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first six principal components, float64 [tokens, 6], and the share of the variance that each explains, float64 [6].

    vectors: float [tokens, hidden]. The sign of a component is arbitrary. n tokens, such as the four single letters, have n - 1
    components; those that are not there are missing.
    """
    number = min(COMPONENTS, len(vectors) - 1, vectors.shape[1])
    pca = PCA(number, svd_solver="full")
    values, shares = np.full((len(vectors), COMPONENTS), np.nan), np.full(COMPONENTS, np.nan)
    values[:, :number] = pca.fit_transform(vectors.astype(np.float64))
    shares[:number] = pca.explained_variance_ratio_
    return values, shares


def token_properties(tokens: pd.DataFrame, repeats: pd.Series | None = None) -> pd.DataFrame:
    """Properties of tokens, one column each: `frequency` (log10 of the count), `gc`, `ag`, `ac` (share of the token's bases),
    `length` (bases) and, where it is known, `repeats`.

    tokens: id, token, count; repeats: share of a token's occurrences that lie in repeats, by id.
    """
    text = tokens["token"]
    length = text.str.len()
    shares = {pair: text.str.count(f"[{pair.upper()}]") / length for pair in ("gc", "ag", "ac")}
    found = pd.DataFrame({"frequency": np.log10(np.maximum(tokens["count"], 1)), **shares, "length": length})
    return found if repeats is None else found.assign(repeats=tokens["id"].map(repeats))


def repeat_shares(enrichment: pd.DataFrame) -> pd.Series | None:
    """Share of each token's occurrences that lie in any repeat, by id, from the table of where tokens lie; None where no track holds
    repeats."""
    rows = enrichment[(enrichment["track"] == "repeats") & (enrichment["category"] == "any")]
    return rows.set_index("id")["share"] if len(rows) else None


def correlate(values: np.ndarray, properties: pd.DataFrame) -> pd.DataFrame:
    """Spearman correlation of every component with every property, with its 95 % interval: component, property, spearman, low, high.

    values: float [tokens, 6]; properties: one row a token. A property that is the same for all tokens is left out, as is a token whose
    property is not known.
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
    """95 % interval of a Spearman correlation of `n` pairs (Bonett and Wright 2000, doi 10.1007/BF02294183), by Fisher's transform.

    It takes the pairs as independent; tokens made of the same letters are less than that, so it is narrow rather than wide.
    """
    if n < 4 or not abs(value) < 1:
        return value, value
    error = norm.ppf(1 - LEVEL / 2) * np.sqrt((1 + value**2 / 2) / (n - 3))
    return float(np.tanh(np.arctanh(value) - error)), float(np.tanh(np.arctanh(value) + error))


def chance_level(n: int) -> float:
    """What the strongest of six correlations of `n` unrelated pairs stays below in 95 % of the cases."""
    return min(1.0, float(norm.ppf(1 - LEVEL / 2 / COMPONENTS) / np.sqrt(max(1, n - 1))))


def strongest(correlations: pd.DataFrame, shares: np.ndarray) -> pd.DataFrame:
    """Where each property is: the component that it goes with most and its share of the variance, beside the published ones.

    correlations: component, property, spearman, low, high, published; shares: float [6], explained variance. Of several published
    components of one property the strongest stands. Returns property, component, spearman, low, high, share, published_component,
    published.
    """
    rows = []
    for _, group in correlations.groupby("property", sort=False):
        ours = group.loc[group["spearman"].abs().idxmax()]
        told = group.dropna(subset=["published"])
        paper = told.loc[told["published"].abs().idxmax()] if len(told) else {"component": None, "published": np.nan}
        rows.append(
            {
                **ours[["property", "component", "spearman", "low", "high"]],
                "share": shares[NAMES.index(ours["component"])],
                "published_component": paper["component"],
                "published": paper["published"],
            }
        )
    return pd.DataFrame(rows, columns=EFFECTS)
