"""What is planted into the demo genome comes back, if the demo has been run (`make run`): a rule that needs context, repeats, strands;
and noise does not."""

from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.workflow
RESULTS = Path(__file__).resolve().parents[2] / "results/demo"
SCORES, PROBES = RESULTS / "benchmarks.parquet", RESULTS / "embeddings/probes.parquet"


@pytest.mark.skipif(not SCORES.is_file(), reason="results/demo is not there; make run first")
def test_the_matrix_is_at_chance_and_the_network_reads_the_context():
    table = pd.read_parquet(SCORES)
    auroc = table[table["seed"].isna() & (table["part"] == "all")].set_index(["task", "model"])["auroc"]
    assert 0.4 < auroc["ctcf", "pwm"] < 0.6
    assert auroc["ctcf", "tfidf-forest"] < 0.85
    assert auroc["ctcf", "chosen-random"] > 0.9
    assert auroc["ctcf", "chosen"] > 0.9


@pytest.mark.skipif(not SCORES.is_file(), reason="results/demo is not there; make run first")
def test_a_rule_without_learning_tells_shuffled_tokens_and_not_the_genome():
    table = pd.read_parquet(SCORES)
    mcc = table[table["seed"].isna() & (table["part"] == "all")].set_index(["task", "model"])["mcc"]
    assert mcc["promoters-shuffled", "adjacency"] > 0.8
    assert abs(mcc["promoters-matched", "adjacency"]) < 0.05


@pytest.mark.skipif(not PROBES.is_file(), reason="results/demo is not there; make run first")
def test_the_embedding_knows_planted_repeats_and_strands_and_no_noise():
    table = pd.read_parquet(PROBES)
    mean = table[(table["model"] == "bpe-600") & (table["pooling"] == "mean") & (table["probe"] == "linear")]
    last = mean[mean["layer"] == mean["layer"].max()].set_index("track")
    assert (last.loc[["repeat_class", "repeat_family"], "value"] > 0.9).all()
    assert (last.loc[["repeat_class", "repeat_family"], "over_random_low"] > 0).all()
    assert last.loc["sine_strand", "value"] > 0.95 and last.loc["line_strand", "low"] > 0.6
    assert last.loc["noise", "low"] <= 0.5 <= last.loc["noise", "high"]


@pytest.mark.skipif(not (RESULTS / "report.html").is_file(), reason="results/demo is not there; make run first")
def test_published_values_do_not_apply_to_a_simulated_genome():
    table = pd.read_parquet(RESULTS / "reproduction.parquet")
    assert table["ours"].isna().all()
    text = (RESULTS / "report.html").read_text(encoding="utf-8")
    assert "do not apply to this run of" in text and "published scores reproduced" not in text
