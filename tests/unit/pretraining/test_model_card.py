import copy
import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from grover.config.names import MASKED_BASELINES
from grover.network.bert import bert_config, new_language_model, save
from grover.pretraining.model_card import Facts, render
from grover.tokenization.vocabulary import Vocabulary
from tests.fakes.networks import architecture

SETTINGS = {
    "hidden": 16,
    "heads": 2,
    "intermediate": 32,
    "layers": 1,
    "positions": 24,
    "dropout": 0.1,
    "start": "random",
}


def record(command: str, arguments: dict, inputs: dict | None = None) -> dict:
    return {
        "command": [command],
        "arguments": arguments,
        "inputs": inputs or {},
        "outputs": {"results/x/model.safetensors": {"sha256": "cafe", "size": 1, "modified": 2}},
        "code": "c0de",
        "git": None,
        "versions": {"torch": "9.9"},
        "hardware": {"host": "secret-host", "cpu": "Some CPU", "cores": 3, "gpus": ["Some GPU"]},
        "started": "2026-01-02T03:04:05Z",
        "seconds": 61.5,
    }


def scores(loss: float) -> dict:
    names = ("loss", "top1", "topk", "perplexity", "perplexity_share", "bits_per_base")
    return dict(zip(names, (loss, 0.1, 0.6, float(np.exp(loss)), 0.2, 1.9), strict=True))


def split(seen: float, gain: float) -> dict:
    return {
        "windows": 40,
        "masked_tokens": 600,
        "seen_share": seen,
        "model": scores(4.5),
        "baselines": {name: scores(4.5 - gain) for name in MASKED_BASELINES},
        "gains": {name: {"difference": gain, "low": gain - 0.1, "high": gain + 0.1} for name in MASKED_BASELINES},
    }


@pytest.fixture
def facts():
    vocabulary = Vocabulary.from_merges("bpe-2", np.array([[0, 0], [4, 3]]))
    bits = {"bits_per_base": 1.875, "low": None, "high": None}
    spans = {**bits, "bases": 77, "span": 6, "seen_share": 0.0, "baselines": {name: bits for name in MASKED_BASELINES}}
    metrics = {"split": "region", "parameters": 4_321, "mask_ratio": 0.15, "mask_span": 1, "top": 60}
    metrics |= {"baseline_tokens": 5_000, "training_tokens": 8_000}
    metrics |= {"splits": {"region": split(0.0, -0.5), "random": split(0.75, -0.5)}, "common_spans": spans}
    fasta = "/home/someone/hg.fa.gz"
    return Facts(
        name="bpe-2",
        vocabulary=vocabulary,
        architecture=bert_config(architecture(**SETTINGS), vocabulary.size).to_dict(),
        metrics=metrics,
        training=pd.DataFrame({"step": [5, 10], "loss": [2.0, 1.5], "tokens": [500, 1_000], "seconds": [1.0, 2.25]}),
        windows=pd.DataFrame({"length": [20, 62], "region": ["train", "test"], "random": ["train", "train"]}),
        contigs=pd.DataFrame({"contig": ["chr1", "chrM"], "kept": [123_456, 0], "status": ["kept", "excluded"]}),
        references=[{"title": "A paper", "authors": [], "journal": "J", "year": 2024, "doi": "10.1/x"}],
        records={
            "model": record("pretrain.py", {"tokens": "results/t.npy", "steps": 10, "batch": 64, "device": "cuda"}),
            "windows": record("make_windows.py", {"shortest": 20}),
            "folds": None,
            "merges": record("train_bpe.py", {"cycles": 2}),
            "genome": record("encode_genome.py", {"fasta": fasta}, {fasta: "abcd1234"}),
            "assembly": record("fetch_source.py", {"url": "https://example.org/hg.fa.gz", "md5": "beef"}),
        },
    )


def test_the_card_says_what_the_files_say(facts):
    card = render(facts)
    head = yaml.safe_load(card.split("---")[1])
    assert head["library_name"] == "transformers" and len(head["model-index"][0]["results"]) == 2
    for text in ("hg.fa.gz", "abcd1234", "https://example.org", "123,456 bases", "4,321", "| steps | 10 |", "Some GPU"):
        assert text in card
    for text in (
        "1.875",
        "75.0% of them lie inside training windows",
        "None of them lies inside",
        "10.1/x",
        "cafe",
        "5,000 of the 8,000",
    ):
        assert text in card
    # nothing of the machine but its hardware
    assert "someone" not in card and "secret-host" not in card and "results/t.npy" not in card


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("/secret/place/hg.fa.gz", "hg.fa.gz"),
        ("file:///secret/place/hg.fa.gz", "hg.fa.gz"),
        ("secret/hg.fa.gz", "hg.fa.gz"),
        ("https://secret:word@example.org/a/hg.fa.gz", "https://example.org/a/hg.fa.gz"),
    ],
)
def test_a_source_on_the_machine_is_named_without_its_folder(facts, address, shown):
    made = record("fetch_source.py", {"url": address, "sha256": "beef"})
    listed = record("make_windows.py", {"shortest": 20, "others": ["/secret/list.txt"]})
    card = render(dataclasses.replace(facts, records=facts.records | {"assembly": made, "windows": listed}))
    assert f"Source: url `{shown}`, sha256 `beef`." in card and "secret/" not in card and "secret:" not in card


def test_only_the_setting_that_decided_how_long_it_trained_is_shown(facts):
    arguments = {"steps": 100_000, "bases": 24_000_000}
    card = render(dataclasses.replace(facts, records={"model": record("pretrain.py", arguments)}))
    assert "| bases | 24,000,000 |" in card and "| steps |" not in card
    card = render(dataclasses.replace(facts, records={"model": record("pretrain.py", arguments | {"bases": 0})}))
    assert "| steps | 100,000 |" in card and "| bases |" not in card


def test_a_model_behind_its_baseline_is_called_that(facts):
    assert "**not** been shown" not in render(facts)
    metrics = copy.deepcopy(facts.metrics)
    metrics["splits"]["region"] = split(0.0, 0.05)
    assert "It has **not** been shown to predict better than its best baseline" in render(
        dataclasses.replace(facts, metrics=metrics)
    )


def test_what_is_not_recorded_is_said_to_be_so(facts):
    card = render(dataclasses.replace(facts, records={}))
    assert card.count("not recorded") + card.count("Not recorded") >= 4


def test_a_simulated_genome_is_called_that(facts):
    records = facts.records | {"assembly": record("simulate_genome.py", {"bases": 600, "contigs": 3, "seed": 1})}
    assert "**Simulated, no real genome** (bases 600, contigs 3, seed 1)" in render(
        dataclasses.replace(facts, records=records)
    )


@pytest.mark.parametrize("kind", ["bpe", "overlap"])
def test_the_code_of_the_card_loads_the_model(facts, tmp_path, kind):
    vocabulary = facts.vocabulary if kind == "bpe" else Vocabulary.from_overlapping_kmers("overlap-3", 3)
    config = bert_config(architecture(**SETTINGS), vocabulary.size)
    vocabulary.save(tmp_path / "vocabulary")
    save(new_language_model(config, 0), config, tmp_path / "model", tmp_path / "vocabulary")
    card = render(dataclasses.replace(facts, vocabulary=vocabulary))
    code = re.search(r"```python\n(.*?)```", card, re.DOTALL)[1].replace('"."', repr(str(tmp_path / "model")))
    names = {}
    exec(code, names)
    expected = len(vocabulary.encode(np.array(["ACGT".index(letter) for letter in names["sequence"]], np.uint8))) + 2
    assert names["logits"].shape == torch.Size([1, expected, vocabulary.size])
    assert 1 not in names["inputs"]["input_ids"]  # no [UNK]


def test_the_card_says_which_weights_the_training_started_from(facts):
    weights = "/home/someone/results/k12/models/chosen/model.safetensors"
    made = record("pretrain.py", {"initial_model": weights, "steps": 10}, {weights: "0123abcd"})
    card = render(dataclasses.replace(facts, records=facts.records | {"model": made, "merges": None}))
    assert "starting from the weights of the pretrained model k12/chosen" in card
    assert "those of k12/chosen (`model.safetensors`, SHA-256 `0123abcd`)" in card
    assert "The tokens are those of the model k12/chosen" in card and "someone" not in card
    assert "started from" not in render(facts) and "starting from" not in render(facts)
