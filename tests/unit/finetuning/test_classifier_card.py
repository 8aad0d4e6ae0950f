"""The card of a fine-tuned model: what it says, and that its code opens the model."""

import copy
import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from grover.finetuning.classifier_card import Facts, render
from grover.finetuning.scores import SCORE_COLUMNS
from grover.finetuning.surroundings import compare_alone
from grover.genome.bases import encode
from grover.network.bert import bert_config, new_language_model, save
from grover.network.classifier import new_classifier
from grover.network.classifier_folder import save_classifier
from grover.network.folder import read_config
from grover.tokenization.vocabulary import Vocabulary
from tests.fakes.networks import architecture

LABELS = ["no promoter", "promoter"]
DATASET = {
    "task": "promoters",
    "builder": "prom300",
    "negatives": "token-shuffle",
    "length": 300,
    "labels": LABELS,
    "counts": {fold: dict.fromkeys(LABELS, 1_500) for fold in ("train", "valid", "test")},
    "context": 100,
    "checksums": {"dataset": "d00d", "inputs": {"promoters": {"file": "tss.bed.gz", "sha256": "97e9"}}},
}
METRICS = {
    "model": "chosen",
    "kind": "model",
    "weights": "cafe",
    "n_train": 3_000,
    "epochs": [4, 3],
    "seeds": [{"seed": 1}, {"seed": 2}],
    "settings": {"pooling": "mean", "batch": 32},
    "alone": {"examples": 200, "median": 0.004, "largest": 0.0415},
}


def scores() -> pd.DataFrame:
    """A row for each seed and one for their mean."""
    numbers = {"mcc": 0.71, "mcc_low": 0.65, "mcc_high": 0.77, "auroc": 0.9, "auroc_low": np.nan, "auroc_high": np.nan}
    row = dict.fromkeys(SCORE_COLUMNS) | numbers | {"part": "all", "n_test": 3_000, "auprc": 0.88, "accuracy": 0.855}
    rows = [row | {"seed": 1, "mcc": 0.1}, row | {"seed": None}]
    return pd.DataFrame(rows).astype({"seed": "Int64"})


def facts_of(root, pooling: str = "mean", vocabulary: Vocabulary | None = None, **changed) -> Facts:
    """The facts of a stored classifier."""
    vocabulary = vocabulary or Vocabulary.from_merges("bpe-2", np.array([[0, 0], [4, 3]]))
    vocabulary.save(root / "vocabulary")
    config = bert_config(architecture(1, 16, 2, 32, 24, 0.1), vocabulary.size)
    save(new_language_model(config, 0), config, root / "model", root / "vocabulary")
    classifier = new_classifier(root / "model", 2, pooling, True, 0)
    save_classifier(classifier, root / "tuned", root / "model", "promoters", LABELS)
    record = {
        "outputs": {"/home/someone/results/model.safetensors": {"sha256": "beef"}},
        "code": "c0de",
        "git": None,
        "versions": {"torch": "9.9"},
        "hardware": {"host": "secret-host", "cpu": "Some CPU", "cores": 3, "gpus": []},
        "started": "2026-01-02T03:04:05Z",
        "seconds": 61.5,
    }
    facts = Facts("chosen", vocabulary, read_config(root / "tuned"), METRICS, DATASET, scores(), record)
    return dataclasses.replace(facts, **changed)


def test_the_card_says_what_the_files_say(tmp_path):
    card = render(facts_of(tmp_path))
    head = yaml.safe_load(card.split("---")[1])
    assert head["pipeline_tag"] == "text-classification" and head["library_name"] == "transformers"
    assert head["model-index"][0]["results"][0]["metrics"][0] == {"type": "mcc", "value": 0.71}
    for text in (
        "# Classifier chosen of promoters",
        "| 0 | no promoter |\n| 1 | promoter |",
        "Pooling is `mean`: the classifier reads the mean over the states of all tokens, [CLS] and [SEP] included",
        "up to 100 bases on either side",
        "Negatives are shuffled tokens",
        "200 test examples differ by a median of 0.004 and by at most 0.042",
        "trust_remote_code=True",
        "At most 24 tokens fit",
        "| whole test set | 3,000 | 0.710 (95 % interval 0.650 to 0.770) | 0.900 (too few blocks for an interval) | 0.880 | 85.5% |",
        "Means over the trainings with the seeds 1, 2, of which this folder contains the first.",
        "| train | 1,500 | 1,500 |",
        "| `tss.bed.gz` | `97e9` |",
        "| `dataset.parquet` | `d00d` |",
        "`cafe`",
        "| SHA-256 of `model.safetensors` | `beef` |",
    ):
        assert text in card, text
    assert "someone" not in card and "secret-host" not in card and "/home" not in card


def test_each_kind_of_model_is_called_what_it_is(tmp_path):
    random = copy.deepcopy(METRICS) | {"kind": "random", "weights": "", "alone": None}
    dataset = DATASET | {"context": 0, "negatives": ""}
    card = render(facts_of(tmp_path, "cls", metrics=random, dataset=dataset, scores=scores().iloc[:1], record=None))
    assert "fine-tuned from random initialisation" in card and "the classifier reads the state of [CLS]" in card
    assert "The workflow tokenises each sequence alone, as the code above does." in card
    assert "trust_remote_code" not in card and "pretrained weights" not in card and card.count("Not recorded.") == 2


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("kind", ["bpe", "overlap"])
def test_the_code_of_the_card_opens_the_model(tmp_path, monkeypatch, kind, pooling):
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    vocabulary = Vocabulary.from_overlapping_kmers("overlap-3", 3) if kind == "overlap" else None
    facts = facts_of(tmp_path, pooling, vocabulary)
    code = re.search(r"```python\n(.*?)```", render(facts), re.DOTALL)[1].replace('"."', repr(str(tmp_path / "tuned")))
    assert len([line for line in code.splitlines() if line]) <= 7
    names = {}
    exec(code, names)
    expected = [len(facts.vocabulary.encode(encode(sequence))) + 2 for sequence in names["sequences"]]
    assert names["inputs"]["attention_mask"].sum(1).tolist() == expected
    assert 1 not in names["inputs"]["input_ids"]  # no [UNK]
    assert names["probabilities"].shape == torch.Size([2, 2])


def test_bare_sequence_is_compared_with_sequence_between_its_neighbours(tmp_path):
    """A cut between two bases that the vocabulary merges changes the tokens; a sequence of pairs and neighbours that fit does not."""
    facts = facts_of(tmp_path)
    classifier = new_classifier(tmp_path / "model", 2, "mean", True, 0)
    with torch.no_grad():
        classifier.classifier.weight.mul_(20)
    table = pd.DataFrame({"sequence": ["AACGAA", "ACGTTA"] * 40, "fold": ["test", "test", "train", "valid"] * 20})
    device = torch.device("cpu")

    def found(inputs):
        return compare_alone(classifier, table, inputs, facts.vocabulary, device, "fp32")

    alone = [facts.vocabulary.encode(encode(sequence)) for sequence in table["sequence"]]
    assert found(alone) == {"examples": 40, "median": 0.0, "largest": 0.0}
    shorter = [tokens[1:] for tokens in alone]
    changed = found(shorter)
    assert changed["examples"] == 40 and 0.001 < changed["median"] <= changed["largest"] < 1
    table["sequence"] = table["sequence"] * 10  # longer than the model reads
    assert found(alone)["largest"] > 0
