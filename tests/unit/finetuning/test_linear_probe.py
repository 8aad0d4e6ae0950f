"""The probe of a frozen encoder, beside transformers and scikit-learn used directly."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler
from transformers import AutoModel

from grover.finetuning import linear_probe
from grover.network.bert import bert_config, new_language_model, save
from grover.network.training import Execution
from grover.runtime.errors import InputError
from grover.runtime.files import checksum
from grover.tokenization.vocabulary import Vocabulary
from tests.fakes.networks import architecture

SCRIPT = Path(__file__).parents[3] / "workflow" / "scripts" / "probe_linear.py"
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A random model of a few thousand weights that reads 2-mers."""
    path = tmp_path_factory.mktemp("model")
    vocabulary = Vocabulary.from_kmers("2-mer", 2)
    vocabulary.save(path / "2-mer")
    model = new_language_model(bert_config(architecture(2, 16, 2, 32, 34), vocabulary.size), 0)
    save(model, model.config, path / "model", path / "2-mer")
    return path / "model"


def dataset_of(size: int, classes: int = 2) -> pd.DataFrame:
    """The more G and C, the higher the label; sequences of mixed lengths."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, classes, size)
    share = 0.2 + 0.3 * label
    sequences = [
        "".join(rng.choice(list("ACGT"), rng.integers(30, 60), p=[(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]))
        for gc in share
    ]
    dataset = pd.DataFrame({"sequence": sequences, "label": label, "fold": np.resize(["train", "valid", "test"], size)})
    dataset.attrs = {"task": "gc", "labels": list("xyz"[:classes]), "call": "half"}
    return dataset


@pytest.mark.parametrize("pooling", ["cls", "mean"])
@pytest.mark.parametrize("classes", [2, 3])
def test_the_probe_is_the_same_recipe_written_out(folder, pooling, classes):
    dataset = dataset_of(90, classes)
    vocabulary, encoder = Vocabulary.load(folder), AutoModel.from_pretrained(folder, add_pooling_layer=False).eval()
    vectors = []
    for text in dataset["sequence"]:
        kmers = [text[i : i + 2] for i in range(0, len(text) - 1, 2)] + [text[-1]] * (len(text) % 2)
        ids = torch.tensor([[2, *(vocabulary.tokens.index(kmer) for kmer in kmers), 3]])
        with torch.inference_mode():
            states = encoder(ids).last_hidden_state[0]
        vectors.append((states[0] if pooling == "cls" else states.mean(0)).numpy().astype(np.float64))
    folds = {name: np.flatnonzero(dataset["fold"] == name) for name in ("train", "valid", "test")}
    scale = StandardScaler().fit(np.array(vectors)[folds["train"]])
    values, label = scale.transform(vectors), dataset["label"].to_numpy()
    models = [
        LogisticRegression(C=strength, max_iter=1000).fit(values[folds["train"]], label[folds["train"]])
        for strength in linear_probe.STRENGTHS
    ]
    losses = [log_loss(label[folds["valid"]], model.predict_proba(values[folds["valid"]])) for model in models]
    best = int(np.argmin(losses))
    expected = models[best].predict_proba(values[folds["test"]])

    predicted, chosen = linear_probe.probe(dataset, folder, pooling, Execution(CPU, "auto", seed=0))
    test = predicted[predicted["fold"] == "test"]
    assert chosen == {"n_train": 30, "strength": linear_probe.STRENGTHS[best]}
    columns = ["probability"] if classes == 2 else [f"probability_{number}" for number in range(classes)]
    assert test[columns].to_numpy() == pytest.approx(expected[:, -len(columns) :], abs=1e-3)
    assert test["example"].tolist() == folds["test"].tolist()


def test_the_command_writes_predictions_and_scores_of_what_was_drawn(folder, tmp_path):
    spec = importlib.util.spec_from_file_location("probe_linear", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["probe_linear"] = module
    spec.loader.exec_module(module)
    dataset_of(120).to_parquet(tmp_path / "dataset.parquet")
    module.probe_linear(
        dataset=tmp_path / "dataset.parquet",
        model=folder / "model.safetensors",
        predictions=tmp_path / "p.parquet",
        metrics=tmp_path / "m.json",
        task="gc",
        pooling="mean",
        maximum_train=20,
        device="cpu",
        precision="auto",
        threads=1,
        seed=3,
    )
    written = json.loads((tmp_path / "m.json").read_text())
    assert (written["task"], written["model"], written["kind"], written["n_train"]) == (
        "gc",
        "probe-mean",
        "baseline",
        20,
    )
    assert written["weights"] == checksum(folder / "model.safetensors")
    assert written["dataset"] == checksum(tmp_path / "dataset.parquet")
    assert written["settings"]["pooling"] == "mean" and written["seeds"][0]["seed"] == 3
    assert written["seeds"][0]["auroc"] > 0.8
    assert pd.read_parquet(tmp_path / "p.parquet")["fold"].tolist().count("test") == 40


def test_what_the_probe_cannot_use_is_named(folder):
    dataset = dataset_of(90)
    with pytest.raises(InputError, match="is not among the 1 examples drawn for training"):
        linear_probe.probe(dataset, folder, "mean", Execution(CPU, "auto", seed=0), 1)
    with pytest.raises(InputError, match="needs examples in fold valid"):
        linear_probe.probe(dataset[dataset["fold"] != "valid"], folder, "mean", Execution(CPU, "auto", seed=0))
    with pytest.raises(InputError, match="exceed the 34 positions"):
        linear_probe.probe(dataset.assign(sequence="ACGT" * 20), folder, "mean", Execution(CPU, "auto", seed=0))
