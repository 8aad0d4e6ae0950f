"""Regions in two dimensions: checked against a singular value decomposition, and groups that stay apart."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from grover.embeddings.regions.projection import flatten, project, spread
from grover.embeddings.vectors import Writer, open_embeddings
from grover.runtime.files import write_table


def test_components_are_the_singular_vectors_and_their_shares_those_of_the_variance():
    vectors = np.random.default_rng(0).normal(size=(12, 6)).astype(np.float32) * [5, 3, 1, 1, 1, 1] + 2
    flat = flatten(vectors, seed=0, neighbours=15)
    left, values, _ = np.linalg.svd(vectors - vectors.mean(0), full_matrices=False)
    assert np.allclose(np.abs(flat.components), np.abs(left[:, :2] * values[:2]), atol=1e-4)
    assert np.allclose(flat.explained, (values**2 / (values**2).sum())[:2])


def test_few_rows_are_drawn_by_their_components():
    flat = flatten(np.random.default_rng(0).normal(size=(15, 6)), seed=0, neighbours=15)
    assert flat.method == "PCA" and (flat.points == flat.components).all() and flat.points.dtype == np.float32


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_a_single_region_and_a_single_dimension_have_their_place_too():
    one = flatten(np.ones((1, 4)), seed=0, neighbours=15)
    assert one.points.tolist() == [[0, 0]] and one.explained == (0, 0)
    line = flatten(np.arange(3.0)[:, None], seed=0, neighbours=15)
    assert np.abs(line.points).tolist() == [[1, 0], [0, 0], [1, 0]] and line.explained == (1, 0)


def test_a_part_of_the_regions_is_spread_evenly():
    assert spread(3, 20).tolist() == spread(3, 0).tolist() == [0, 1, 2]
    assert spread(10, 4).tolist() == [0, 2, 5, 7]
    steps = np.diff(spread(1_000_003, 20_000))
    assert len(steps) == 19_999 and set(steps) == {50, 51}


@pytest.fixture
def embeddings(tmp_path):
    rng = np.random.default_rng(0)
    regions = pd.DataFrame({"chrom": "chr1", "start": np.arange(12) * 100, "end": np.arange(12) * 100 + 100})
    regions.to_parquet(tmp_path / "regions.parquet")
    checksum = hashlib.sha256((tmp_path / "regions.parquet").read_bytes()).hexdigest()
    said = {"name": "chosen", "model": "a" * 64, "initial": "pretrained", "layers": [0, 2], "hidden": 8, "shards": 2}
    for part, rows in enumerate((slice(0, 7), slice(7, 12))):
        with Writer(tmp_path / f"{part}.parquet", said | {"shard": part, "regions": checksum}) as writer:
            table = {name: regions[name].to_numpy()[rows] for name in ("chrom", "start", "end")}
            count = len(table["start"])
            vectors = {
                f"{pooling}_{layer}": rng.normal(size=(count, 8)).astype(np.float16)
                for pooling in ("cls", "mean")
                for layer in (0, 2)
            }
            numbers = {"region": np.arange(12)[rows], "tokens": np.full(count, 25, np.int32)}
            writer.write(numbers | table | vectors)
    return open_embeddings([tmp_path / "1.parquet", tmp_path / "0.parquet"], tmp_path / "regions.parquet")["chosen"]


def test_the_last_layer_is_projected_and_the_table_says_of_what(embeddings, tmp_path):
    write_table(tmp_path / "umap.parquet", project(embeddings, maximum=6, seed=0, neighbours=15))
    table = pd.read_parquet(tmp_path / "umap.parquet")
    assert table["region"].tolist() == [0, 2, 4, 6, 8, 10]
    expected = flatten(embeddings.vectors("mean", 2)[::2], seed=0, neighbours=15)
    assert np.array_equal(table[["x_mean", "y_mean"]], expected.points)
    assert np.array_equal(table[["pc1_mean", "pc2_mean"]], expected.components)
    assert {"x_cls", "y_cls", "pc1_cls", "pc2_cls"} < set(table)
    assert table.attrs["of"] == 12 and table.attrs["layer"] == 2 and table.attrs["method"]["cls"] == "PCA"
    assert table.attrs["explained"]["mean"] == pytest.approx(expected.explained)


@pytest.mark.slow  # UMAP compiles itself when it starts
def test_groups_stay_apart_in_umap_and_the_seed_makes_it_again():
    rng = np.random.default_rng(0)
    group = np.arange(120) % 3
    vectors = np.eye(3)[group] @ rng.normal(size=(3, 40)) * 4 + rng.normal(size=(120, 40))
    flat = flatten(vectors, seed=0, neighbours=10)
    distance = np.linalg.norm(flat.points[:, None] - flat.points[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert flat.method == "UMAP" and (group[distance.argmin(1)] == group).mean() > 0.95
    assert np.array_equal(flatten(vectors, seed=0, neighbours=10).points, flat.points)
