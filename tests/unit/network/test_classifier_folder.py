"""Folders of models opened by transformers alone, in a process without the project and without standard input."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from scipy.special import softmax
from transformers import BertForSequenceClassification

from grover.embeddings.embed import load_encoder
from grover.genome.bases import encode
from grover.network.bert import bert_config, load_language_model, new_language_model, save
from grover.network.classifier import Classifier, logits, new_classifier
from grover.network.classifier_folder import files_of, load_classifier, save_classifier
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import Vocabulary, overlapping_kmers
from tests.fakes.networks import architecture

ROOT = Path(__file__).parents[3]
READER = ROOT / "tests/fakes/standard_reader.py"
OTHER = ROOT / ".venv-external/bin/python"  # transformers 4.48
CPU = torch.device("cpu")
POSITIONS = 40
LABELS = {2: ["no promoter", "promoter"], 3: ["A549", "K562", "none of both"]}
KINDS = [(pooling, classes) for pooling in ("cls", "mean") for classes in LABELS]
# of several lengths, in both cases, with an unknown base, and longer than the model reads
SEQUENCES = ["ACGTTAGCCATTGACCAGT", "tta", "ACGNNACGTTGCA" * 3, "GATTACA" * 572]


def classifier_of(folder: Path, classes: int, pooling: str) -> Classifier:
    """A classifier with logits of up to 15."""
    model = new_classifier(folder, classes, pooling, True, 1).eval()
    with torch.no_grad():
        model.classifier.weight.mul_(15 / np.abs(logits(model, [np.arange(5, 30)], CPU, "fp32")).max())
    return model


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> Path:
    """A pretrained model of 3-mers and one of overlapping 3-mers, and classifiers of both poolings on them."""
    root = tmp_path_factory.mktemp("models")
    for make, name in ((Vocabulary.from_kmers, "kmer-3"), (Vocabulary.from_overlapping_kmers, "overlap-3")):
        vocabulary = make(name, 3)
        vocabulary.save(root / "vocabulary" / name)
        config = bert_config(architecture(2, 32, 2, 64, POSITIONS, 0.1), vocabulary.size)
        save(new_language_model(config, 7), config, root / name, root / "vocabulary" / name)
    for pooling, classes in KINDS:
        model = classifier_of(root / "kmer-3", classes, pooling)
        save_classifier(model, root / f"{pooling}-{classes}", root / "kmer-3", "promoters", LABELS[classes])
    model = classifier_of(root / "overlap-3", 2, "mean")
    save_classifier(model, root / "mean-overlap", root / "overlap-3", "promoters", LABELS[2])
    return root


def ours(folder: Path, sequences=SEQUENCES) -> np.ndarray:
    vocabulary = Vocabulary.load(folder)
    inputs = [vocabulary.encode(encode(sequence))[: POSITIONS - 2] for sequence in sequences]
    return logits(load_classifier(folder), inputs, CPU, "fp32")


@pytest.fixture(
    scope="module",
    params=[pytest.param(sys.executable, id="main"), pytest.param(OTHER, id="4.48", marks=pytest.mark.external)],
)
def answers(request, folders, tmp_path_factory):
    """What a process without the project makes of each folder: by folder, class of transformers and consent."""
    python, place = Path(request.param), tmp_path_factory.mktemp("reader")
    if not python.is_file():
        pytest.skip(
            "no .venv-external, which `make external` builds; `make test-external` runs this test with transformers 4.48"
        )
    asked = {
        (name, kind, consent): {
            "folder": str(folders / name),
            "texts": [overlapping_kmers(text, 3) for text in SEQUENCES] if "overlap" in name else SEQUENCES,
            "kind": kind,
            "consent": consent,
        }
        for name in (*(f"{pooling}-{classes}" for pooling, classes in KINDS), "mean-overlap")
        for kind, consent in (
            ("AutoModelForSequenceClassification", None),
            ("AutoModelForSequenceClassification", True),
            ("pipeline", None),
            ("pipeline", True),
            ("BertForSequenceClassification", None),
        )
    }
    asked |= {
        (name, "AutoModelForMaskedLM", None): {
            "folder": str(folders / name),
            "texts": SEQUENCES[:1],
            "kind": "AutoModelForMaskedLM",
            "consent": None,
        }
        for name in ("kmer-3", "mean-2")
    }
    (place / "asked.json").write_text(json.dumps(list(asked.values())))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, READER, place / "asked.json", place / "answers.json"],
        cwd=place,
        env=environment | {"HF_HOME": str(place), "HF_MODULES_CACHE": str(place / "modules"), "HF_HUB_OFFLINE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    found = json.loads((place / "answers.json").read_text())
    assert found["version"].startswith("5." if request.param == sys.executable else "4.48.")
    return dict(zip(asked, found["answers"], strict=True))


def check(answer: dict, folder: Path, classes: int) -> None:
    assert "refused" not in answer, answer
    assert answer["shape"] == [len(SEQUENCES), POSITIONS]  # cut where it is too long
    expected = ours(folder)
    np.testing.assert_allclose(answer["logits"], expected, atol=1e-5)  # padded
    np.testing.assert_allclose(answer["alone"], expected, atol=1e-5)
    assert list(answer["labels"].values()) == LABELS[classes]


@pytest.mark.parametrize("classes", LABELS)
def test_cls_opens_as_berts_own_classifier_with_our_logits(answers, folders, classes):
    for kind in ("AutoModelForSequenceClassification", "BertForSequenceClassification"):
        answer = answers[f"cls-{classes}", kind, None]
        check(answer, folders / f"cls-{classes}", classes)
        assert answer["class"] == "BertForSequenceClassification"


@pytest.mark.parametrize("classes", LABELS)
def test_mean_opens_by_consent_with_our_logits_and_is_refused_without(answers, folders, classes):
    name = f"mean-{classes}"
    check(answers[name, "AutoModelForSequenceClassification", True], folders / name, classes)
    for kind in ("AutoModelForSequenceClassification", "pipeline"):
        assert "trust_remote_code" in answers[name, kind, None]["refused"]
    # BERT's classifier would have a random pooler
    assert "size" in answers[name, "BertForSequenceClassification", None]["refused"]


@pytest.mark.parametrize(
    ("name", "classes"), [("cls-2", 2), ("cls-3", 3), ("mean-2", 2), ("mean-3", 3), ("mean-overlap", 2)]
)
def test_a_pipeline_gives_our_probabilities_under_the_names_of_the_labels(answers, folders, name, classes):
    answer = answers[name, "pipeline", None if name.startswith("cls") else True]
    assert "refused" not in answer, answer
    for given, expected in zip(answer["scores"], softmax(ours(folders / name), axis=1), strict=True):
        scores = {each["label"]: each["score"] for each in given}
        assert scores == pytest.approx(dict(zip(LABELS[classes], expected, strict=True)), abs=1e-5)


def test_the_pretrained_model_opens_and_a_classifier_is_no_language_model(answers, folders):
    answer = answers["kmer-3", "AutoModelForMaskedLM", None]
    ids = torch.tensor(answer["ids"])
    with torch.no_grad():
        expected = load_language_model(folders / "kmer-3")(ids).logits
    np.testing.assert_allclose(answer["logits"], expected, atol=1e-5)
    assert "trust_remote_code" in answers["mean-2", "AutoModelForMaskedLM", None]["refused"]


def test_the_configuration_says_task_labels_pooling_and_longest_input(folders):
    for pooling, classes in KINDS:
        folder = folders / f"{pooling}-{classes}"
        config = json.loads((folder / "config.json").read_text())
        assert (config["pooling"], config["finetuning_task"]) == (pooling, "promoters")
        assert config["problem_type"] == "single_label_classification"
        assert config["id2label"] == {str(number): name for number, name in enumerate(LABELS[classes])}
        assert config["label2id"] == {name: number for number, name in enumerate(LABELS[classes])}
        assert (config["model_type"] == "bert") == (pooling == "cls") == ("auto_map" not in config)
        assert {path.name for path in folder.iterdir()} == {*files_of(pooling)}
    for folder in folders.glob("*/tokenizer_config.json"):
        assert json.loads(folder.read_text())["model_max_length"] == POSITIONS


@pytest.mark.parametrize(("pooling", "classes"), KINDS)
def test_what_was_stored_is_read_back_bit_for_bit(folders, pooling, classes):
    model, again = (
        classifier_of(folders / "kmer-3", classes, pooling),
        load_classifier(folders / f"{pooling}-{classes}"),
    )
    assert not again.training and again.pooling == pooling
    for (name, stored), (_, read) in zip(model.state_dict().items(), again.state_dict().items(), strict=True):
        assert torch.equal(stored, read), name


def test_the_linear_part_of_tanh_is_as_exact_as_single_precision(folders):
    """States as large as those of trained encoders, beside double precision."""
    model = BertForSequenceClassification.from_pretrained(folders / "cls-3").eval()
    weight, bias = load_classifier(folders / "cls-3").classifier.weight.double(), model.classifier.bias.double()
    states = 10 * torch.nn.functional.normalize(
        torch.randn(2_000, 1, 32, generator=torch.Generator().manual_seed(0)), dim=-1
    )
    with torch.no_grad():
        found = model.classifier(model.bert.pooler(states))
        expected = states[:, 0].double() @ weight.T + bias
    assert expected.abs().max() > 5
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=5e-6)


def test_a_fine_tuned_model_is_not_taken_for_a_pretrained_one_and_the_reverse(folders, tmp_path):
    for name in ("cls-2", "mean-2"):
        sentence = re.escape(f"{folders / name}: this model is fine-tuned; expected the folder of a pretrained model")
        for take in (
            load_language_model,
            load_encoder,
            lambda folder: load_encoder(folder, random=True),
            lambda folder: new_classifier(folder, 2, "mean", True, 0),
        ):
            with pytest.raises(InputError, match=sentence):
                take(folders / name)
    with pytest.raises(
        InputError, match="kmer-3: this model is not fine-tuned; expected the folder of a fine-tuned model"
    ):
        load_classifier(folders / "kmer-3")
    with pytest.raises(InputError, match=r"no model\.safetensors there; expected the folder of a fine-tuned model"):
        load_classifier(tmp_path)


def test_a_classifier_of_another_version_or_with_another_pooler_is_refused(folders, tmp_path):
    folder = tmp_path / "old"
    save_classifier(classifier_of(folders / "kmer-3", 2, "cls"), folder, folders / "kmer-3", "promoters", LABELS[2])
    weights = load_file(folder / "model.safetensors")
    save_file(weights | {"bert.pooler.dense.bias": torch.ones(32)}, folder / "model.safetensors")
    with pytest.raises(InputError, match="the pooler is not that of a model fine-tuned by this workflow"):
        load_classifier(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["Classifier"]}))
    with pytest.raises(InputError, match="another version wrote this fine-tuned model; delete this folder"):
        load_classifier(folder)


def test_what_transformers_could_not_open_is_not_written(folders, tmp_path):
    model = new_classifier(folders / "kmer-3", 2, "last", True, 0)
    with pytest.raises(ValueError, match="pooling last"):
        save_classifier(model, tmp_path, folders / "kmer-3", "next k-mer", LABELS[2])
    with pytest.raises(ValueError, match="3 labels for 2 classes"):
        save_classifier(model, tmp_path, folders / "kmer-3", "next k-mer", LABELS[3])
