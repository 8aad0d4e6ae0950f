"""Contextualisation of tokens: self-similarity and maximum explainable variance, layer by layer.

Both measures are those of Ethayarajh 2019 (arXiv 1909.00512). Self-similarity is the mean cosine of two occurrences of a token: 1 where
context changes nothing. Maximum explainable variance is the share of the variance of a token's contexts that one fixed vector can
explain. States of a layer may all point in similar directions (anisotropy), so that the value for occurrences of any tokens is
subtracted from both.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.sparse.linalg import eigsh
from scipy.stats import spearmanr

from grover.embeddings.tokens.components import repeat_shares, spearman_interval
from grover.embeddings.tokens.states import Sums, by_token, sorted_states
from grover.embeddings.vectors import Embeddings
from grover.runtime.errors import InputError
from grover.runtime.progress import track

SIZES, DRAWS = 12, 10  # of samples of any tokens: sizes between the smallest and the largest, and samples per size
SMALL = 32  # up to this size all eigenvalues of a matrix are computed
PROPERTIES = {"repeat share": "repeat_share", "accuracy": "accuracy", "frequency": "count", "length": "length"}
FEWEST_TOKENS = 10  # for a correlation


def check_same(sums: Sums, stored: Embeddings, statistics: pd.DataFrame) -> None:
    """Raise an InputError where sums, contexts and vocabulary are not of one model."""
    if sums.layers != stored.layers or sums.unit.shape[2] != stored.hidden:
        raise InputError(
            f"the sums have the layers {sums.layers} of width {sums.unit.shape[2]}, {stored.paths[0]} the layers {stored.layers} of "
            f"width {stored.hidden}; give sums and contexts of the same model"
        )
    most = int(statistics["id"].max())
    if len(sums.count) <= most:
        raise InputError(
            f"the vocabulary has the id {most}, but the sums have {len(sums.count)} tokens; give the vocabulary of {stored.name}"
        )


def change(sums: Sums, stored: Embeddings, statistics: pd.DataFrame, minimum: int, seed: int = 0) -> pd.DataFrame:
    """Measure how much context changes each token that was compared in at least `minimum` (2 or more) contexts, in each layer.

    statistics: id, token, length of the vocabulary. Returns:

    token, id, length, layer: the token and the layer
    count, used: occurrences in the regions; those compared
    self_similarity, baseline, adjusted: mean cosine of two occurrences; that of two occurrences of any tokens; their difference
    centred_similarity: mean cosine of the stored contexts after subtracting the mean state of all occurrences; about 0 for any tokens
    explained: maximum explainable variance of the stored contexts, as the paper defines it: the largest squared singular value over
        the sum of all, not centred
    explained_baseline, explained_adjusted: that of as many stored contexts of any tokens; the difference
    explained_centred: share of the variance around the mean that the first principal component explains, as in the paper's code
    rank_change: 1 is the token of the layer that context changes most, by adjusted
    """
    check_same(sums, stored, statistics)
    tokens = statistics.loc[statistics["length"] > 0, ["token", "id", "length"]].sort_values("id")
    tokens = tokens[sums.used[tokens["id"]] >= max(2, minimum)].reset_index(drop=True)
    ids = tokens["id"].to_numpy()
    tokens["count"], tokens["used"] = sums.count[ids], sums.used[ids]
    order, edges = by_token(stored, len(sums.count))
    weights = sums.used / np.maximum(np.diff(edges), 1)
    tables = []
    for number, layer in enumerate(track(sums.layers, len(sums.layers), "contexts", "layers")):
        states = sorted_states(stored, layer, order)
        of_token = [states[edges[i] : edges[i + 1]] for i in ids]
        spread = pd.DataFrame(
            [(singular_share(rows), singular_share(rows, centred=True)) for rows in of_token],
            columns=["explained", "explained_centred"],
        )
        mean = sums.total[number].sum(0) / max(1, sums.count.sum())
        expected = expected_share(states, np.repeat(weights, np.diff(edges)), np.diff(edges)[ids], [seed, layer])
        table = tokens.assign(layer=layer, self_similarity=mean_cosine(sums.unit[number, ids], sums.used[ids]))
        table["baseline"] = float(mean_cosine(sums.unit[number].sum(0), sums.used.sum()))
        table["adjusted"] = table["self_similarity"] - table["baseline"]
        table["centred_similarity"] = [similarity_around(rows, mean) for rows in of_token]
        table["explained"], table["explained_baseline"] = spread["explained"], expected
        table["explained_adjusted"] = table["explained"] - table["explained_baseline"]
        table["explained_centred"] = spread["explained_centred"]
        table["rank_change"] = table["adjusted"].rank(method="first").astype("int64")
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def mean_cosine(total: np.ndarray, number: ArrayLike) -> np.ndarray:
    """Compute the mean cosine of two different ones of `number` unit vectors that add up to `total`, over the last axis; NaN below two.

    The squared length of the sum is the sum of the cosines of all pairs, including those of a vector with itself.
    """
    number = np.asarray(number, np.float64)
    pairs = np.where(number > 1, number * (number - 1), np.nan)
    return ((np.asarray(total, np.float64) ** 2).sum(-1) - number) / pairs


def similarity_around(states: np.ndarray, centre: np.ndarray) -> float:
    """Compute the mean cosine of two different rows of a matrix after subtracting `centre`; NaN for fewer than two rows other than it."""
    around = states.astype(np.float64) - centre
    lengths = np.linalg.norm(around, axis=1)
    around = around[lengths > 0] / lengths[lengths > 0, None]
    return float(mean_cosine(around.sum(0), len(around)))


def singular_share(states: np.ndarray, centred: bool = False) -> float:
    """Divide the largest squared singular value of a matrix by the sum of all; NaN for fewer than two rows.

    `centred` subtracts the mean row first: the share of the variance that the first principal component explains.
    """
    if len(states) < 2:
        return float("nan")
    states = states.astype(np.float32)
    if centred:
        states = states - states.mean(0)
    gram = (states @ states.T if len(states) < states.shape[1] else states.T @ states).astype(np.float64)
    whole = np.trace(gram)
    if whole <= 0:
        return float("nan")
    if len(gram) <= SMALL:
        return float(np.linalg.eigvalsh(gram)[-1] / whole)
    # started from its heaviest column, so that the same data give the same number
    return float(eigsh(gram, k=1, return_eigenvectors=False, v0=gram[:, np.diag(gram).argmax()], tol=1e-6)[0] / whole)


def expected_share(states: np.ndarray, weights: np.ndarray, sizes: np.ndarray, seed: int | list[int]) -> np.ndarray:
    """Compute `singular_share` of random samples of the rows of `states` with as many rows as each of `sizes`, float64 [sizes].

    Rows are drawn by `weights`. The share decreases with the number of rows. It is computed for a few sizes, as a mean of several
    samples, and interpolated over the logarithm of the size.
    """
    known = sizes[sizes >= 2]
    if not len(known):
        return np.full(len(sizes), np.nan)
    rng = np.random.default_rng(seed)
    grid = np.unique(np.geomspace(known.min(), known.max(), SIZES).round().astype(int))
    chances = weights / weights.sum()
    drawn = [[singular_share(states[rng.choice(len(states), size, p=chances)]) for _ in range(DRAWS)] for size in grid]
    between = np.interp(np.log(np.maximum(sizes, 2)), np.log(grid), np.mean(drawn, axis=1))
    return np.where(sizes >= 2, between, np.nan)


def join(table: pd.DataFrame, accuracy: pd.DataFrame | None, enrichment: pd.DataFrame | None) -> pd.DataFrame:
    """Add the columns repeat_share and accuracy, NaN where unknown.

    accuracy: id, accuracy, split, as `evaluate_pretraining.py` writes it; that on held-out regions is used where there is one. enrichment:
    id, track, category, share, as `enrich_tokens.py` writes it; the row `any` of the track `repeats` is used.
    """
    known = dict.fromkeys(("repeat_share", "accuracy"), pd.Series(dtype="float64"))
    if accuracy is not None:
        split = "region" if (accuracy["split"] == "region").any() else accuracy["split"].iloc[0]
        known["accuracy"] = accuracy[accuracy["split"] == split].set_index("id")["accuracy"]
    if enrichment is not None:
        shares = repeat_shares(enrichment)
        known |= {} if shares is None else {"repeat_share": shares}
    return table.assign(**{name: table["id"].map(values).astype("float64") for name, values in known.items()})


def associations(table: pd.DataFrame) -> pd.DataFrame:
    """Correlate the change by context (minus the adjusted self-similarity) with properties of the tokens.

    table: as `join` returns it. Returns layer, property (repeat share, accuracy, frequency, length), spearman, low, high (95 % interval
    after Bonett and Wright, Psychometrika 65:23, 2000, as if tokens were independent), n (tokens with a value); properties with
    fewer than ten values are left out.
    """
    rows = []
    for layer, group in table.groupby("layer"):
        for name, column in PROPERTIES.items():
            known = group.dropna(subset=["adjusted", column])
            if len(known) >= FEWEST_TOKENS and known[column].nunique() > 1:
                found = float(spearmanr(-known["adjusted"], known[column]).statistic)
                rows.append((layer, name, found, *spearman_interval(found, len(known)), len(known)))
    return pd.DataFrame(rows, columns=["layer", "property", "spearman", "low", "high", "n"])
