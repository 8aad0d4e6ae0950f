"""`grover info` prints what the model is, beside what torch and the files contain."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from grover.commands.application import application
from grover.commands.info import describe
from grover.network.bert import bert_config, new_language_model, save
from grover.network.classifier import new_classifier
from grover.network.classifier_folder import save_classifier
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import Vocabulary
from tests.fakes.networks import architecture

BITS = {"bits_per_base": 1.875, "low": 1.75, "high": 2.0}


def scores(loss: float) -> dict:
    return {"loss": loss, "top1": 0.125, "topk": 0.5, "perplexity": 20.0, "perplexity_share": 0.3, "bits_per_base": 1.9}


def metrics() -> dict:
    gain = {"difference": -0.25, "low": None, "high": None}
    split = {"windows": 4, "masked_tokens": 1_234, "seen_share": 0.0, "block": 10, "model": scores(2.0)}
    split["baselines"] = {"frequency": scores(2.5), "neighbours": scores(2.25), "untrained": scores(3.0)}
    split["gains"] = {"frequency": {}, "neighbours": gain, "untrained": {}}
    return {
        "split": "region",
        "splits": {"region": split},
        "common_spans": BITS | {"span": 6, "bases": 77, "baselines": {}},
    }


def record() -> dict:
    return {
        "arguments": {"tokens": "results/x/tokens.npy", "layers": 1, "steps": 30, "batch": 8},
        "inputs": {"results/x/tokens.npy": "cafe"},
        "outputs": {},
        "code": "c0de",
        "git": None,
        "versions": {"grover": "0.1"},
        "hardware": {"cpu": "Some CPU", "cores": 2, "gpus": []},
        "started": "2026-01-02T03:04:05Z",
        "seconds": 61.5,
    }


@pytest.fixture
def model(tmp_path) -> Path:
    """A saved model of two merges, with what a run leaves beside it."""
    vocabulary = Vocabulary.from_merges("bpe-2", np.array([[0, 0], [4, 3]], np.int32))
    vocabulary.save(tmp_path / "vocabulary")
    config = bert_config(architecture(2, 24, 3, 40, 50), vocabulary.size)
    save(new_language_model(config, 0), config, tmp_path / "model", tmp_path / "vocabulary")
    (tmp_path / "model/metrics.json").write_text(json.dumps(metrics()))
    (tmp_path / "model/model.safetensors.provenance.json").write_text(json.dumps(record()))
    return tmp_path / "model"


def test_sizes_and_weights_are_those_of_the_loaded_model(model):
    from transformers import AutoModelForMaskedLM

    loaded, found = AutoModelForMaskedLM.from_pretrained(model), describe(model)
    assert found["weights"] == loaded.num_parameters()
    sizes = {"class": "BertForMaskedLM", "layers": 2, "hidden": 24, "heads": 3, "intermediate": 40, "positions": 50}
    assert found["architecture"] == sizes
    assert found["vocabulary"] == {"size": loaded.config.vocab_size, "kind": "bpe", "k": 0}


def test_training_and_scores_are_read_from_the_files_beside_it(model):
    found = describe(model)
    assert found["training"] == {"layers": 1, "steps": 30, "batch": 8} and found["made"]["versions"] == {
        "grover": "0.1"
    }
    region = found["held_out"]["splits"]["region"]
    assert region["masked_tokens"] == 1_234 and region["loss"] == 2.0
    # the baseline with the least loss
    assert (region["baseline"]["name"], region["baseline"]["loss"]) == ("counts between neighbours", 2.25)
    assert region["difference"]["difference"] == -0.25 and found["held_out"]["common_spans"]["bits_per_base"] == 1.875


def test_lines_and_json(model):
    run = CliRunner().invoke
    lines = run(application, ["info", str(model)]).output.splitlines()
    said = dict(line.split(maxsplit=1) for line in lines if line[0] != " ")
    assert said["architecture"] == "BertForMaskedLM: layers 2, width 24, heads 3, feed-forward width 40, positions 50"
    assert said["vocabulary"] == "11 tokens: byte pairs" and said["training"] == "steps 30, batch 8"
    assert "split region  loss 2.000 nats per token, top-1 12.5%, perplexity 20.0, 1.900 bits per base" in lines
    assert "common spans  1.875 bits per base (95 % CI 1.750 to 2.000), spans of 6 bases" in lines
    assert all(line[13] == " " and line[14] != " " for line in lines)
    assert json.loads(run(application, ["info", "--json", str(model)]).output) == describe(model)


def fine_tuned(model: Path, pooling: str, labels: list[str]) -> Path:
    folder = model.with_name(f"tuned-{pooling}")
    save_classifier(new_classifier(model, len(labels), pooling, True, 0), folder, model, "enhancers", labels)
    return folder


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_fine_tuned_model_has_kind_task_labels_and_pooling(model, pooling):
    labels = [f"class {number}" for number in range(11)]  # 10 stands behind 9
    found = describe(fine_tuned(model, pooling, labels))
    assert found["kind"] == "fine-tuned classifier" and describe(model)["kind"] == "pretrained masked language model"
    assert found["classifier"] == {"task": "enhancers", "labels": labels, "pooling": pooling}
    assert describe(model)["classifier"] is None and found["held_out"] is None
    assert found["architecture"]["positions"] == 50


def test_a_fine_tuned_model_shows_the_scores_of_its_seeds(model):
    folder = fine_tuned(model, "mean", ["no", "yes"])
    seeds = [{"seed": 3, "mcc": 0.25, "auroc": float("nan"), "accuracy": 0.5, "threshold": 0.5}]
    said = {
        "kind": "random",
        "n_train": 30,
        "seeds": seeds,
        "alone": {"examples": 200, "median": 0.01, "largest": 0.0312},
    }
    (folder / "metrics.json").write_text(json.dumps(said))
    lines = CliRunner().invoke(application, ["info", str(folder)]).output.splitlines()
    for line in (
        "kind          fine-tuned classifier",
        "task          enhancers",
        "labels        no, yes",
        "pooling       mean",
        "seed 3        fold test: MCC 0.250, AUROC undefined, accuracy 0.500",
        "surroundings  tokenised without them, probabilities of 200 test examples differ by at most 0.031",
    ):
        assert line in lines


def test_the_chosen_model_of_links_has_the_files_of_its_original(model):
    chosen = model.with_name("chosen")
    chosen.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (chosen / name).symlink_to(model / name)
    assert describe(chosen) == describe(model) | {"model": str(chosen), "links_to": str(model)}


def test_what_is_not_recorded_is_said(model):
    (model / "metrics.json").unlink()
    (model / "model.safetensors.provenance.json").unlink()
    said = CliRunner().invoke(application, ["info", str(model)]).output
    assert "training      not recorded: no model.safetensors.provenance.json" in said
    assert "held out      no scores: no metrics.json of a pretraining" in said


def no_sizes(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "bert", "start": "plain"}')


def cut_off(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:100])


def no_json(folder: Path) -> None:
    (folder / "metrics.json").write_text("{")


def other_metrics(folder: Path) -> None:
    (folder / "metrics.json").write_text('{"splits": {"region": {"loss": 2.0}}}')


def other_record(folder: Path) -> None:
    (folder / "model.safetensors.provenance.json").write_text('{"arguments": {}, "inputs": {}, "outputs": {}}')


def no_object(folder: Path) -> None:
    (folder / "config.json").write_text("[]")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda folder: (folder / "config.json").unlink(), r"no config\.json there; expected the folder"),
        (lambda folder: (folder / "tokenizer.json").unlink(), r"no tokenizer\.json there; expected the folder"),
        (no_sizes, r"config\.json: no num_hidden_layers; expected the configuration of a BERT encoder"),
        (cut_off, r"model\.safetensors: no safetensors file \(.*\); copy the model again"),
        (no_json, r"metrics\.json: expected a JSON object, but it is no JSON: .*; copy the model again"),
        (
            other_metrics,
            r"metrics\.json: 'baselines' is missing or of another kind; expected the file that this version",
        ),
        (
            other_record,
            r"provenance\.json: 'started' is missing or of another kind; expected the file that this version",
        ),
        (
            no_object,
            r"config\.json: expected a JSON object, but it is JSON of another kind, a list; copy the model again",
        ),
    ],
)
def test_a_broken_folder_is_one_sentence(model, spoil, sentence):
    spoil(model)
    with pytest.raises(InputError, match=sentence):
        describe(model)
