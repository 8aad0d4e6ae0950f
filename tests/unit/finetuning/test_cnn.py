"""The small convolutional network: what it reads, and what it learns of a planted motif."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score

from grover.config.sections import benchmarks as config
from grover.finetuning.cnn import ConvolutionalNetwork
from grover.genome.bases import encode
from grover.runtime.errors import InputError

SCRIPT = Path(__file__).parents[3] / "workflow" / "scripts" / "train_cnn.py"


def planted(size: int, classes: int = 2, lengths: tuple[int, int] = (35, 50)) -> pd.DataFrame:
    """A motif at a random place of sequences of mixed lengths, none in label 0."""
    rng = np.random.default_rng(0)
    motifs, labels, texts = ("", "GATTACAGG", "CCTATCAAT"), rng.integers(0, classes, size), []
    for label in labels:
        text = "".join(rng.choice(list("ACGT"), rng.integers(*lengths)))
        place = rng.integers(0, len(text) - 9)
        texts.append(text[:place] + motifs[label] + text[place + len(motifs[label]) :])
    dataset = pd.DataFrame(
        {"sequence": texts, "label": labels, "fold": np.resize(["train"] * 4 + ["valid", "test"], size)}
    )
    dataset.attrs = {"task": "planted", "labels": list(motifs[:classes]), "call": "half"}
    return dataset


def train_cnn(
    folder: Path, dataset: pd.DataFrame, epochs: int = 1, seeds: int = 1, seed: int = 0, **options
) -> tuple[dict, pd.DataFrame]:
    """What the script writes, called as its command line calls it."""
    spec = importlib.util.spec_from_file_location("train_cnn", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["train_cnn"] = module
    spec.loader.exec_module(module)
    dataset.to_parquet(folder / "dataset.parquet")
    files = {name: folder / file for name, file in (("predictions", "p.parquet"), ("metrics", "m.json"))}
    settings = {
        "repetitions": config.Repetitions(seeds=seeds),
        "training": config.CnnTraining(cnn_epochs=epochs),
        "stopping": config.EarlyStopping(patience=3, maximum_valid=0),
        "seed": seed,
        "device": "cpu",
        "precision": "auto",
    }
    common = {"dataset": folder / "dataset.parquet", "task": "planted", "threads": 1, "batch": 32}
    module.train_cnn(**common, **files, **settings, **options)
    return json.loads(files["metrics"].read_text()), pd.read_parquet(files["predictions"])


@pytest.fixture
def network() -> ConvolutionalNetwork:
    return ConvolutionalNetwork(3, seed=1).eval()


def test_neither_padding_nor_neighbours_change_what_a_sequence_gives(network):
    inputs = [encode(text) for text in [*planted(11, lengths=(10, 90))["sequence"], "A"]]
    together = network(**network.collate(inputs))
    alone = torch.cat([network(**network.collate([codes])) for codes in inputs])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-6)
    assert together.shape == (12, 3)


def test_an_unknown_base_is_zero_in_all_channels(network):
    codes = encode("ACGTN")
    one_hot = network.one_hot[network.collate([codes])["codes"]]
    assert torch.equal(one_hot[0], torch.tensor(np.vstack([np.eye(4), np.zeros(4)]), dtype=torch.float32))


def test_the_network_is_what_its_layers_are_by_hand(network):
    """Sequences as long as they are, without padding: convolution, ReLU, the higher of two neighbours, and so on."""
    codes = encode("ACGTTGCANACGGTATTACGACTA")
    states = torch.tensor(np.eye(5)[:, :4][codes].T[None], dtype=torch.float32)
    first, second, third = network.convolutions
    states = torch.relu(first(states))
    states = torch.relu(second(states.unfold(2, 2, 2).amax(3)))
    states = torch.relu(third(states.unfold(2, 2, 2).amax(3)))
    parts = torch.zeros(1, states.shape[1], 16)  # six places among sixteen parts
    parts[:, :, [0, 2, 5, 8, 10, 13]] = states
    read = torch.cat([states.amax(2, keepdim=True), parts], 2).flatten(1)
    torch.testing.assert_close(network(**network.collate([codes])), network.classifier(read))


def test_a_word_in_the_middle_is_told_from_the_same_word_elsewhere(tmp_path):
    rng, texts = np.random.default_rng(3), []
    labels = rng.integers(0, 2, 900)
    for label in labels:
        text, place = "".join(rng.choice(list("ACGT"), 80)), 36 if label else int(rng.choice([4, 20, 52, 66]))
        texts.append(text[:place] + "GATTACAGG" + text[place + 9 :])
    dataset = planted(900).assign(sequence=texts, label=labels)
    written, _ = train_cnn(tmp_path, dataset, epochs=3, learning_rate=5e-3)
    assert written["seeds"][0]["auroc"] > 0.9


def test_a_planted_motif_is_learnt_and_the_command_says_how(tmp_path):
    written, predicted = train_cnn(tmp_path, planted(900), epochs=3, learning_rate=5e-3)
    assert written["seeds"][0]["auroc"] > 0.9
    assert (written["task"], written["model"], written["kind"], written["n_train"]) == (
        "planted",
        "cnn",
        "baseline",
        600,
    )
    assert written["settings"]["epochs"] == 3 and written["weights"] == ""
    test = predicted.query("fold == 'test'")
    assert roc_auc_score(test["label"], test["probability"]) == pytest.approx(written["seeds"][0]["auroc"])
    assert predicted.columns.tolist() == ["example", "seed", "fold", "label", "probability"]


def test_shuffled_labels_teach_nothing(tmp_path):
    dataset = planted(900)
    labels = np.random.default_rng(5).permutation(dataset["label"])
    written, _ = train_cnn(tmp_path, dataset.assign(label=labels), epochs=2)
    assert written["seeds"][0]["auroc"] == pytest.approx(0.5, abs=0.12)


def test_three_labels_and_two_seeds(tmp_path):
    written, predicted = train_cnn(tmp_path, planted(300, 3), seeds=2)
    columns = [f"probability_{label}" for label in range(3)]
    assert predicted[columns].sum(axis=1).to_numpy() == pytest.approx(np.ones(len(predicted)))
    assert [row["seed"] for row in written["seeds"]] == [0, 1]
    first, second = (predicted[predicted["seed"] == seed][columns].to_numpy() for seed in (0, 1))
    assert not np.allclose(first, second)
    assert predicted["example"].isin(np.flatnonzero(planted(300, 3)["fold"] != "train")).all()


def test_a_further_seed_leaves_those_that_are_finished(tmp_path, capsys):
    few, first = train_cnn(tmp_path, planted(200), seed=3)
    more, both = train_cnn(tmp_path, planted(200), seed=3, seeds=2)
    assert "planted, cnn: 1 of 2 seeds are finished and kept: 3\n" in capsys.readouterr().err
    assert both[both["seed"] == 3].equals(first) and few["seeds"][0] in more["seeds"] and more["epochs"] == [1, 1]


def test_a_sequence_without_bases_is_refused(network):
    with pytest.raises(InputError, match="no bases"):
        network.check(0)
