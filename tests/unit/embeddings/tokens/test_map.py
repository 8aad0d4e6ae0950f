"""Map and clusters of tokens against planted groups and brute force."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist, squareform
from scipy.stats import spearmanr

from grover.embeddings.tokens import map
from grover.embeddings.tokens.map import (
    cluster_tokens,
    compare_geometries,
    cosines,
    describe_clusters,
    flatten,
    map_tokens,
)


@pytest.fixture
def groups():
    """60 vectors around three far points, with a mean far from 0, and the group of each."""
    rng = np.random.default_rng(0)
    group = rng.integers(0, 3, 60)
    return rng.normal(0, 0.2, (60, 10)) + 3 * np.eye(10)[group] + 50, group


def test_cosines_are_those_of_the_centred_vectors(groups):
    vectors, _ = groups
    expected = 1 - squareform(pdist(vectors - vectors.mean(0), "cosine"))
    np.testing.assert_allclose(cosines(vectors), expected, atol=1e-9)
    assert np.isfinite(cosines(np.zeros((4, 3)))).all()


def test_planted_groups_are_clusters_and_stand_together_in_the_order(groups, monkeypatch):
    vectors, group = groups
    monkeypatch.setattr(map, "CLUSTERS", 3)
    cluster, order = cluster_tokens(cosines(vectors))
    assert len(set(zip(group, cluster, strict=True))) == 3
    assert sorted(order) == list(range(60))
    # clusters are numbered along the order
    assert (np.diff(cluster[np.argsort(order)]) >= 0).all()


def test_only_the_most_frequent_tokens_are_mapped(groups, monkeypatch):
    vectors, _ = groups
    monkeypatch.setattr(map, "MOST", 12)
    counts = np.random.default_rng(1).permutation(60)
    table = map_tokens(vectors, counts, seed=0, neighbours=15)
    assert set(np.flatnonzero(table["order"].notna())) == set(np.flatnonzero(counts >= 48))
    assert table[["x", "y"]].notna().any(axis=1).sum() == 12 and len(table) == 60
    assert sorted(table["order"].dropna()) == list(range(12))


def test_few_tokens_lie_on_their_principal_axes():
    vectors = np.random.default_rng(2).normal(size=(10, 4)) * [9, 5, 0.1, 0.1]
    flat = flatten(vectors, 15, 0)
    np.testing.assert_allclose(pdist(flat), pdist(vectors), atol=0.2)


def test_clusters_are_described_by_their_means_and_most_frequent_tokens():
    tokens = pd.DataFrame({"token": ["A", "C", "G", "T"], "count": [5, 9, 7, 1]})
    tokens["cluster"] = pd.array([1, 1, 2, None], dtype="Int64")
    table = describe_clusters(tokens, pd.DataFrame({"gc": [0.0, 1, 1, 0], "repeats": [0.5, np.nan, 0.2, 0.1]}))
    assert str(table["cluster"].dtype) == "Int64" and table["cluster"].tolist() == [1, 2]
    assert table["size"].tolist() == [2, 1]
    assert table["gc"].tolist() == [0.5, 1] and table["repeats"].tolist() == [0.5, 0.2]
    assert table["examples"].tolist() == ["C A", "G"]


def test_geometries_are_compared_by_the_ranks_of_all_pairs(groups):
    vectors, _ = groups
    rng = np.random.default_rng(3)
    turn, _ = np.linalg.qr(rng.normal(size=(10, 10)))
    noisy = vectors + rng.normal(0, 1, vectors.shape)
    table = compare_geometries({"one": vectors, "turned": 7 * vectors @ turn, "noisy": noisy}).set_index(
        ["source", "other"]
    )
    upper = np.triu_indices(60, 1)
    expected = spearmanr(cosines(vectors)[upper], cosines(noisy)[upper]).statistic
    assert (
        table["spearman"]["one", "noisy"] == pytest.approx(expected) == pytest.approx(table["spearman"]["noisy", "one"])
    )
    assert table["spearman"]["one", "turned"] == pytest.approx(1)
    assert (table["low"] <= table["spearman"]).all() and (table["spearman"] <= table["high"]).all()


def test_the_interval_of_a_comparison_leaves_out_one_token_at_a_time(groups):
    vectors, _ = groups
    other = np.random.default_rng(4).normal(size=(60, 6)) + vectors[:, :6]
    ranks = [map._ranks(cosines(item)) for item in (vectors, other)]
    value, error = map._correlate(*ranks)
    without = []
    for left in range(60):
        rest = np.delete(np.arange(60), left)
        upper = np.triu_indices(59, 1)
        without.append(np.corrcoef(*(rank[np.ix_(rest, rest)][upper] for rank in ranks))[0, 1])
    assert error == pytest.approx(np.sqrt(59 / 60 * np.sum((without - np.mean(without)) ** 2)))
    row = compare_geometries({"a": vectors, "b": other}).iloc[1]
    assert row["low"] == pytest.approx(value - 1.96 * error)


def test_unrelated_geometries_are_near_zero():
    rng = np.random.default_rng(5)
    rows = [compare_geometries({i: rng.normal(size=(40, 8)) for i in range(2)}).iloc[1] for _ in range(60)]
    assert np.mean([row["low"] < 0 < row["high"] for row in rows]) > 0.85
