"""Geometry of tokens: a map in two dimensions, clusters, and the similarity of the geometries of several embeddings.

Tokens are compared by the cosine of their embeddings after subtracting the mean over all tokens. States of a transformer share
a large common component.
"""

import warnings

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
from scipy.spatial.distance import squareform
from scipy.stats import rankdata

MOST = 5000  # tokens on a map, the most frequent ones
MOST_ORDERED = 1500  # tokens whose leaves are put into the best order, which takes time with the cube
MOST_COMPARED = 1000  # tokens whose pairs are compared between embeddings
CLUSTERS = 8
EXAMPLES = 6
NORMAL = 1.96  # standard errors that hold 95 %


def cosines(vectors: np.ndarray) -> np.ndarray:
    """Compute the cosine of every two of the centred vectors, float64 [tokens, tokens]; 0 for a vector that equals the mean."""
    centred = vectors.astype(np.float64) - vectors.mean(0, dtype=np.float64)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = np.divide(centred, length, out=np.zeros_like(centred), where=length > 0)
    return np.clip(unit @ unit.T, -1, 1)


def map_tokens(vectors: np.ndarray, counts: np.ndarray, seed: int, neighbours: int) -> pd.DataFrame:
    """Map and cluster tokens: x, y (UMAP), cluster (1 and up) and order (place in the dendrogram, from 0), row by row.

    vectors: float [tokens, hidden]; counts: occurrences of the tokens, of which the 5,000 most frequent are mapped and the others get
    missing values.
    """
    kept = np.sort(np.argsort(-np.asarray(counts), kind="stable")[:MOST])
    cluster, order = cluster_tokens(cosines(vectors[kept]))
    x, y = flatten(vectors[kept], neighbours, seed).T
    found = pd.DataFrame({"x": x, "y": y, "cluster": cluster, "order": order}, index=kept)
    return found.astype({"cluster": "Int64", "order": "Int64"}).reindex(range(len(vectors)))


def cluster_tokens(similarity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find at most eight clusters by average linkage, numbered along the dendrogram, and each token's place in it; int64 [tokens] both.

    similarity: float [tokens, tokens], cosines. The leaves of up to 1,500 tokens are ordered so that neighbours are most similar
    (Bar-Joseph et al. 2001).
    """
    distance = squareform(1 - similarity, checks=False)
    tree = linkage(distance, "average", optimal_ordering=len(similarity) <= MOST_ORDERED)
    leaves = leaves_list(tree)
    order = np.empty(len(leaves), np.int64)
    order[leaves] = np.arange(len(leaves))
    labels = fcluster(tree, CLUSTERS, "maxclust")
    along = pd.unique(labels[leaves])
    return pd.Index(along).get_indexer(labels).astype(np.int64) + 1, order


def flatten(vectors: np.ndarray, neighbours: int, seed: int) -> np.ndarray:
    """Project the centred vectors by UMAP with cosines, float32 [tokens, 2]; with few tokens, onto the first two principal axes."""
    centred = vectors.astype(np.float64) - vectors.mean(0, dtype=np.float64)
    if len(vectors) <= neighbours + 1:
        left, scale, _ = np.linalg.svd(centred, full_matrices=False)
        return (left[:, :2] * scale[:2]).astype(np.float32)
    from umap import UMAP

    with warnings.catch_warnings():
        # warnings that a seed allows one thread only, and that few tokens have few neighbours
        warnings.filterwarnings("ignore", module="umap")
        flat = UMAP(n_neighbors=neighbours, metric="cosine", random_state=seed, n_jobs=1).fit_transform(centred)
    return flat.astype(np.float32)


def describe_clusters(tokens: pd.DataFrame, properties: pd.DataFrame) -> pd.DataFrame:
    """Describe clusters: cluster, size, the mean of every property over its tokens, and its most frequent tokens as examples.

    tokens: token, count, cluster; properties: the same rows.
    """
    table = properties.assign(cluster=tokens["cluster"].array).dropna(subset=["cluster"])
    found = table.groupby("cluster").mean()
    found.insert(0, "size", table.groupby("cluster").size())
    leading = tokens.sort_values("count", ascending=False).groupby("cluster")["token"]
    return found.assign(examples=leading.agg(lambda tokens: " ".join(tokens.head(EXAMPLES)))).reset_index()


def compare_geometries(sources: dict[str, np.ndarray]) -> pd.DataFrame:
    """Compare the geometry of tokens in every two embeddings: source, other, spearman, low, high.

    It is the Spearman correlation of the cosines of all pairs of tokens (representational similarity: Kriegeskorte et al. 2008,
    doi 10.3389/neuro.06.004.2008), with a 95 % interval by jackknife over the tokens, since pairs that share one are not independent.
    sources: float [tokens, any] by name, with the same tokens in the same rows; at most 1,000 are compared, spread over the
    rows.
    """
    ranks = {}
    for name, vectors in sources.items():
        rows = np.unique(np.linspace(0, len(vectors) - 1, min(len(vectors), MOST_COMPARED)).astype(np.int64))
        ranks[name] = _ranks(cosines(vectors[rows]))
    pairs = []
    for one in ranks:
        for other in ranks:
            value, error = (1.0, 0.0) if one == other else _correlate(ranks[one], ranks[other])
            low, high = max(-1.0, value - NORMAL * error), min(1.0, value + NORMAL * error)
            pairs.append((one, other, value, low, high))
    return pd.DataFrame(pairs, columns=["source", "other", "spearman", "low", "high"])


def _ranks(similarity: np.ndarray) -> np.ndarray:
    """Rank the pairs about their mean, as a symmetric matrix with a diagonal of zeros.

    It is scaled so that the squares of all pairs sum to 1.
    """
    upper = np.triu_indices(len(similarity), 1)
    rank = rankdata(similarity[upper])
    rank -= rank.mean()
    found = np.zeros_like(similarity)
    found[upper] = rank / np.linalg.norm(rank)
    return found + found.T


def _correlate(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Correlate two matrices of ranks, with the standard error from leaving out one token at a time (ranks are kept)."""
    n = len(one)
    value = (one * other).sum() / 2
    # sums over the pairs that remain without each token
    products = value - (one * other).sum(0)
    sums = [-rank.sum(0) for rank in (one, other)]
    squares = [1 - (rank**2).sum(0) for rank in (one, other)]
    pairs = (n - 1) * (n - 2) / 2
    spreads = [np.sqrt(square - total**2 / pairs) for square, total in zip(squares, sums, strict=True)]
    without = (products - sums[0] * sums[1] / pairs) / (spreads[0] * spreads[1])
    return float(value), float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))
