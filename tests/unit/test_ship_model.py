"""The probes beside a shipped model are its own."""

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

PATH = Path(__file__).resolve().parents[2] / "resources/ship_model.py"


@pytest.fixture(scope="module")
def ship():
    spec = importlib.util.spec_from_file_location("ship_model", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_probes_are_of_the_model_and_not_of_a_deeper_external_one(ship, tmp_path):
    rows = [("external", "mean", 12), ("chosen", "mean", 2), ("chosen", "mean", 1), ("chosen", "cls", 2)]
    rows += [("chosen-random", "mean", 2), ("gc", "", None), ("kmers", "", None), ("word2vec", "", None)]
    table = pd.DataFrame(rows, columns=["model", "pooling", "layer"]).astype({"layer": "Int64"})
    table = table.reindex(columns=ship.COLUMNS)
    (tmp_path / "embeddings").mkdir()
    for name in ("chosen", "bpe-60"):
        (tmp_path / "models" / name).mkdir(parents=True)
    (tmp_path / "models/bpe-60/model.safetensors").touch()
    (tmp_path / "models/chosen/model.safetensors").symlink_to("../bpe-60/model.safetensors")
    table.to_parquet(tmp_path / "embeddings/probes.parquet")
    found = ship.read_probes(tmp_path, "bpe-60")
    assert found["model"].tolist() == ["chosen", "chosen-random", "gc", "kmers"]
    assert found["layer"].dropna().tolist() == [2, 2]
    with pytest.raises(SystemExit, match="no probes of kmer-3"):
        ship.read_probes(tmp_path, "kmer-3")
