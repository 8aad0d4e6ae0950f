"""The planted rule of the demo genome, if the demo has been run (`make run`): context is needed, and a network learns it."""

from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.workflow
SCORES = Path(__file__).resolve().parents[2] / "results/demo/benchmarks.parquet"


@pytest.mark.skipif(not SCORES.is_file(), reason="results/demo is not there; make run first")
def test_the_matrix_is_at_chance_and_the_network_reads_the_context():
    table = pd.read_parquet(SCORES)
    auroc = table[table["seed"].isna() & (table["part"] == "all")].set_index(["task", "model"])["auroc"]
    assert 0.4 < auroc["ctcf", "pwm"] < 0.6
    assert auroc["ctcf", "tfidf-forest"] < 0.85
    assert auroc["ctcf", "chosen-twin"] > 0.9
    assert auroc["ctcf", "chosen"] > 0.9


@pytest.mark.skipif(not SCORES.is_file(), reason="results/demo is not there; make run first")
def test_a_rule_without_learning_tells_shuffled_tokens_and_not_the_genome():
    table = pd.read_parquet(SCORES)
    mcc = table[table["seed"].isna() & (table["part"] == "all")].set_index(["task", "model"])["mcc"]
    assert mcc["promoters-shuffled", "adjacency"] > 0.8
    assert abs(mcc["promoters-matched", "adjacency"]) < 0.05
