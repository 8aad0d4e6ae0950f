"""Clusters: silhouette and purity beside scikit-learn and brute force; neighbours in the genome do not count."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import silhouette_samples

from grover.embeddings.regions.clusters import measure, sample, together
from grover.embeddings.regions.probes import Representation

N = 600
FAR = np.arange(N) * 100_000


def test_silhouettes_are_those_of_scikit_learn_with_each_category_counting_the_same():
    rng = np.random.default_rng(0)
    labels = rng.choice(3, N, p=[0.7, 0.2, 0.1])
    vectors = (rng.normal(size=(N, 5)) + np.eye(5)[labels]).astype(np.float32)
    found = together(vectors, labels, FAR, 15, 0)["silhouette"]
    each = silhouette_samples(vectors, labels, metric="cosine")
    assert found == pytest.approx(np.mean([each[labels == name].mean() for name in range(3)]), abs=1e-5)


def test_purity_is_that_of_all_pairs_looked_at_one_by_one():
    rng = np.random.default_rng(1)
    labels, place = rng.integers(0, 3, 90), np.sort(rng.integers(0, 400, 90))
    vectors = (rng.normal(size=(90, 4)) + 0.5 * np.eye(4)[labels]).astype(np.float32)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    pure, expected = [], []
    for i in range(90):
        others = [j for j in np.argsort(-unit @ unit[i]) if abs(place[i] - place[j]) > 30]
        pure.append((labels[others[:5]] == labels[i]).mean())
        expected.append((labels[others] == labels[i]).mean())
    found = together(vectors, labels, place, 5, 30)
    for name, values in (("purity", pure), ("purity_expected", expected)):
        assert found[name] == pytest.approx(pd.Series(values).groupby(labels).mean().mean(), abs=1e-6)


def test_neighbours_in_the_genome_do_not_count():
    rng = np.random.default_rng(2)
    stretch = np.arange(N) // 10
    # stretches are alike in vector and in category, and that is all there is
    vectors = (rng.normal(size=(60, 8))[stretch] + 0.1 * rng.normal(size=(N, 8))).astype(np.float32)
    labels = rng.integers(0, 2, 60)[stretch]
    near = together(vectors, labels, np.arange(N) * 5_000, 5, 0)
    apart = together(vectors, labels, np.arange(N) * 5_000, 5, 50_000)
    assert near["purity"] > 0.95 and apart["purity"] < 0.65
    assert apart["purity_expected"] == pytest.approx(0.5, abs=0.03)


def test_noise_is_as_pure_as_chance_and_families_are_purer():
    rng = np.random.default_rng(3)
    names = pd.Series(rng.choice(["Alu", "L1", "none"], N))
    vectors = 9 + rng.normal(size=(N, 6)) + 2 * np.eye(6)[(names == "Alu").astype(int)]
    regions = pd.DataFrame({"chrom": "chr1", "start": FAR, "end": FAR + 900})
    everywhere = np.ones(N, dtype=bool)
    samples = [
        sample(names, "category", "repeats", "all", everywhere, 3000, 0),
        sample(names, "category", "repeats", "few", np.arange(N) < 40, 3000, 0),
        sample(pd.Series(rng.random(N) < 0.3), "presence", "noise", "all", everywhere, 200, 0),
    ]
    table = measure(samples, regions, [Representation("chosen", "mean", 3, True, lambda: vectors)], 15, 50_000)
    repeats, few, noise = (row for _, row in table.iterrows())
    assert repeats["n"] == (names != "none").sum() and repeats["purity"] > repeats["purity_expected"] + 0.2
    assert few["n"] == 0 and np.isnan(few["purity"]) and few["note"] == "too few regions: Alu, L1"
    assert noise["n"] == 200 and noise["purity"] == pytest.approx(noise["purity_expected"], abs=0.05)
    assert (table["layer"] == 3).all() and table["track"].tolist() == ["repeats", "repeats", "noise"]


def test_a_sample_takes_as_many_of_each_category_as_there_are():
    values = pd.Series(["+"] * 30 + ["-"] * 400 + [""] * 170)
    one = sample(values, "strand", "strand", "all", np.ones(N, dtype=bool), 200, 1)
    assert np.bincount(one.labels).tolist() == [30, 170] and (np.diff(one.rows) > 0).all() and one.rows[-1] < 430
    values[:15] = "rare"
    assert sample(values, "category", "x", "all", np.ones(N, dtype=bool), 200, 1).note == "too few regions: +, rare"
