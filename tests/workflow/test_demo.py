"""What is planted into the demo genome comes back, if the demo has been run (`make run`): a rule that needs context, repeats, strands;
and noise does not."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch

from grover.genome.assembly import Genome
from grover.genome.folds import fold_of, read_folds
from grover.interpretation.dependency import Reader
from grover.interpretation.dependency_pairs import recover_elements
from grover.network.bert import load_config, load_language_model, new_language_model
from grover.tokenization.vocabulary import Vocabulary

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


@pytest.mark.slow
@pytest.mark.skipif(not SCORES.is_file(), reason="results/demo is not there; make run first")
def test_pairs_within_planted_elements_depend_on_each_other_more_than_pairs_at_the_same_distance():
    sites = pd.DataFrame(json.loads((RESULTS / "simulated/truth.json").read_text())["sites"])
    genome = Genome(RESULTS / "genome/sequence.npy", RESULTS / "genome/segments.bed")
    folds, middles = read_folds(RESULTS / "genome/folds.bed"), (sites["start"] + sites["end"]) // 2
    around = pd.DataFrame({"chrom": sites["chrom"], "start": middles - 60, "end": middles + 60})
    around["fold"] = fold_of(folds, around["chrom"], around["start"], around["end"])
    chosen = around[(sites["partner"] == "right") & (around["fold"] == "test")].sample(12, random_state=0)
    model = RESULTS / "models/bpe-600"
    trained = load_language_model(model)
    untrained = new_language_model(load_config(model), seed=1)
    maps, elements = {"trained": [], "untrained": []}, []
    for locus, (number, row) in enumerate(chosen.iterrows()):
        codes = genome.fetch(row["chrom"], row["start"], row["end"])
        for name, network in (("trained", trained), ("untrained", untrained)):
            used = Reader(network, Vocabulary.load(model), 5, torch.device("cpu"), "fp32")
            maps[name].append(used.dependency_map(codes))
        for element in ("", "partner_"):
            first, last = (sites.loc[number, f"{element}{edge}"] - row["start"] for edge in ("start", "end"))
            elements.append((locus, first, last, element or "motif"))
    planted = pd.DataFrame(elements, columns=["locus", "start", "end", "element"])
    found = {name: recover_elements(each, planted) for name, each in maps.items()}
    assert found["trained"].low > 0.5
    assert found["untrained"].low < 0.5
    assert found["trained"].auroc > found["untrained"].auroc


@pytest.mark.skipif(not (RESULTS / "report.html").is_file(), reason="results/demo is not there; make run first")
def test_published_values_do_not_apply_to_a_simulated_genome():
    table = pd.read_parquet(RESULTS / "reproduction.parquet")
    assert table["ours"].isna().all()
    text = (RESULTS / "report.html").read_text(encoding="utf-8")
    assert "do not apply to this run of" in text and "published scores reproduced" not in text
