import gc
import hashlib
import importlib.util
import json
import sys
import weakref
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from grover.benchmarks.tokenise import read_tokens
from grover.config.sections import benchmarks as config
from grover.finetuning import finetune
from grover.finetuning.finetune import BestEpoch, Settings, check_passed, draw, fine_tune, fine_tune_seeds
from grover.network import stacked
from grover.network.bert import bert_config, new_language_model, save
from grover.network.classifier import Network, logits, new_classifier
from grover.network.classifier_folder import files_of, load_classifier
from grover.network.device import trained_in
from grover.network.stacked import Differs
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import Vocabulary
from tests.fakes.networks import architecture

CPU = torch.device("cpu")
TRAINING = {
    "epochs": 6,
    "warmup": 0.1,
    "patience": 2,
    "class_weights": "balanced",
    "maximum_train": 0,
    "maximum_valid": 0,
}
SETTINGS = Settings(**TRAINING, batch=32, learning_rate=1e-2, precision="auto")
SCRIPT = Path(__file__).parents[3] / "workflow/scripts/finetune.py"


@pytest.fixture
def folder(tmp_path):
    bases = Vocabulary.from_kmers("char", 1)
    bases.save(tmp_path / "vocabulary")
    model = new_language_model(bert_config(architecture(1, 16, 2, 32, 40, 0.0), bases.size), 7)
    save(model, model.config, tmp_path / "model", tmp_path / "vocabulary")
    return tmp_path / "model"


def dataset(classes=2):
    """The class is the base of which a sequence has most."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, classes, 240)
    sequence = ["".join(rng.permutation([*("ACGT"[y] * 12), *"ACGTACGT"])) for y in label]
    fold = np.array(["train", "train", "train", "valid", "test"])[np.arange(240) % 5]
    table = pd.DataFrame({"sequence": sequence, "label": label, "fold": fold})
    table.attrs = {"task": "bases", "labels": list("ACGT"[:classes]), "call": "half"}
    return table


def tuned(folder, table, settings=SETTINGS, seed=0, pretrained=True):
    inputs = read_tokens(table, Vocabulary.load(folder))
    return fine_tune(
        table,
        inputs,
        lambda classes, seed: new_classifier(folder, classes, "mean", pretrained, seed),
        settings,
        CPU,
        seed,
    )


@pytest.mark.parametrize("pretrained", [True, False])
def test_a_simple_rule_is_learnt_and_both_folds_predicted(folder, pretrained):
    table = dataset()
    model, predicted = tuned(folder, table, seed=1, pretrained=pretrained)
    assert list(predicted.columns) == ["example", "seed", "fold", "label", "probability"]
    assert sorted(predicted["example"]) == sorted(table.index[table["fold"] != "train"])
    assert (table.loc[predicted["example"], "label"].to_numpy() == predicted["label"]).all()
    assert ((predicted["probability"] > 0.5) == predicted["label"]).mean() > 0.95
    assert predicted.attrs["n_train"] == 144 and 1 <= predicted.attrs["epochs"] <= 6


def test_several_classes_have_a_column_each(folder):
    _, predicted = tuned(folder, dataset(3))
    columns = [f"probability_{label}" for label in range(3)]
    np.testing.assert_allclose(predicted[columns].sum(axis=1), 1)
    assert (predicted[columns].to_numpy().argmax(1) == predicted["label"]).mean() > 0.9


def test_fine_tuning_is_repeatable_and_seeds_differ(folder):
    quick = SETTINGS.model_copy(update=dict(epochs=1, batch=64, learning_rate=1e-2))
    runs = [tuned(folder, dataset(), quick, seed)[1]["probability"] for seed in (0, 0, 1)]
    assert (runs[0] == runs[1]).all() and (runs[0] != runs[2]).any()


def test_the_best_epoch_is_kept_and_patience_ends():
    model, losses = torch.nn.Linear(1, 1, bias=False), iter([3.0, 1.0, 2.0, 1.5, 0.1])
    watch = BestEpoch(model, 2, lambda: next(losses))
    stops = []
    for epoch in range(4):
        torch.nn.init.constant_(model.weight, epoch)
        stops.append(watch())
    assert stops == [False, False, False, True] and float(watch.weights["weight"]) == 1.0 and watch.epochs == 4


def test_limits_and_class_weights_reach_the_training(folder, monkeypatch):
    table, asked = dataset(), {}
    rare = table.drop(index=table.index[(table["label"] == 1) & (table["fold"] == "train")][4:]).reset_index(drop=True)
    rare.attrs = table.attrs

    def record(network, inputs, labels, *rest, class_weights, after_epoch):
        asked.update(labels=labels, weights=class_weights)
        after_epoch()

    monkeypatch.setattr(finetune, "fit", record)
    tuned(folder, rare)
    count = np.bincount(asked["labels"])
    assert count[1] == 4 and asked["weights"] == pytest.approx(count.sum() / (2 * count))
    tuned(folder, rare, SETTINGS.model_copy(update=dict(class_weights="none")))
    assert asked["weights"].tolist() == [1, 1]

    read = []
    monkeypatch.setattr(
        finetune,
        "logits",
        lambda network, inputs, *rest: read.append(len(inputs)) or logits(network, inputs, CPU, precision="auto"),
    )
    _, predicted = tuned(folder, table, SETTINGS.model_copy(update=dict(maximum_train=50, maximum_valid=20)), seed=3)
    assert len(asked["labels"]) == 50 == predicted.attrs["n_train"] and read == [20, 96]


class Numbers(Network):
    """Logistic regression on two numbers."""

    reentrant = False

    def __init__(self, classes, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.classifier = torch.nn.Linear(2, classes)

    def forward(self, rows):
        return self.classifier(rows)

    def collate(self, inputs):
        return {"rows": torch.from_numpy(np.array(inputs))}

    def groups(self, lengths, device_type):
        return [np.arange(len(lengths))]

    def check(self, longest):
        pass


@pytest.mark.parametrize("shares", [[0.9, 0.1], [0.7, 0.22, 0.08]])
def test_probabilities_are_those_of_the_classes_as_common_as_they_are(shares, monkeypatch):
    """With weights and without; what is learnt without them needs no correction, and is the reference."""
    classes, rng = len(shares), np.random.default_rng(4)
    label = rng.choice(classes, 4000, p=shares)
    rows = [
        row.astype(np.float32) for row in np.array([[0, 0], [1.5, 0], [0, 1.5]])[label] + rng.normal(size=(4000, 2))
    ]
    table = pd.DataFrame({"label": label, "fold": np.array(["train", "train", "valid", "test"])[np.arange(4000) % 4]})
    columns = ["probability"] if classes == 2 else [f"probability_{number}" for number in range(classes)]

    def found(class_weights):
        settings = SETTINGS.model_copy(
            update=dict(epochs=8, batch=100, learning_rate=5e-2, patience=8, class_weights=class_weights)
        )
        network, predicted = fine_tune(table, rows, Numbers, settings, CPU, 0)
        test = predicted[predicted["fold"] == "test"]
        stored = finetune.probabilities(logits(network, [rows[row] for row in test["example"]], CPU, precision="auto"))
        np.testing.assert_allclose(test[columns], np.column_stack([stored[name] for name in columns]), rtol=1e-5)
        return test[columns].to_numpy()

    given, natural, balanced = shares[-len(columns) :], found("none"), found("balanced")
    assert natural.mean(0) == pytest.approx(given, abs=0.03) and balanced.mean(0) == pytest.approx(given, abs=0.03)
    assert np.abs(balanced - natural).mean() < 0.03
    monkeypatch.setattr(finetune, "restore_shares", lambda *given: None)
    uncorrected = found("balanced")
    assert uncorrected[:, -1].mean() > given[-1] + 0.1
    if classes == 2:
        assert (np.argsort(uncorrected[:, 0]) == np.argsort(balanced[:, 0])).all()


def test_examples_are_drawn_by_the_seed():
    rows = np.arange(10, 30)
    assert draw(rows, 0, 1).tolist() == rows.tolist()
    drawn = [draw(rows, 5, seed) for seed in (1, 1, 2)]
    assert drawn[0].tolist() == drawn[1].tolist() != drawn[2].tolist()
    assert len(set(drawn[0])) == 5 and set(drawn[0]) <= set(rows) and len(draw(rows, 50, 1)) == 20


def test_what_cannot_be_trained_is_refused_before_it_is(folder, monkeypatch):
    monkeypatch.setattr(finetune, "fit", lambda *given, **options: pytest.fail("trained"))
    table = dataset()
    with pytest.raises(InputError, match="bases: the 0 examples of fold valid .* not two labels"):
        tuned(folder, table[table["fold"] != "valid"])
    with pytest.raises(InputError, match="bases: no example of label C is among the .* of fold train"):
        tuned(folder, table[(table["fold"] != "train") | (table["label"] == 0)])
    with pytest.raises(InputError, match="no example of label [AC] is among the 1 .*maximum_train"):
        tuned(folder, table.sort_values("label"), SETTINGS.model_copy(update=dict(maximum_train=1)), seed=0)
    table.loc[239, "sequence"] = "ACGT" * 10
    with pytest.raises(InputError, match="bases, example 239: sequences of 40 tokens .* 40 positions .* shorter"):
        tuned(folder, table)


def both_seeds(folder, table, settings, seeds=(3, 0)):
    def make(classes, seed):
        network = new_classifier(folder, classes, "mean", True, seed)
        network.dropout.p = 0.0  # which torch draws for both at once
        return network

    inputs = read_tokens(table, Vocabulary.load(folder))
    alone = [fine_tune(table, inputs, make, settings, CPU, seed) for seed in seeds]
    return fine_tune_seeds(table, inputs, make, settings, CPU, seeds), alone


@pytest.mark.parametrize("weights", ["none", "balanced"])
def test_seeds_that_are_one_network_end_as_each_by_itself(folder, weights):
    settings = SETTINGS.model_copy(update={"epochs": 3, "class_weights": weights, "maximum_train": 100})
    together, alone = both_seeds(folder, dataset(), settings)
    for (network, found), (other, expected) in zip(together, alone, strict=True):
        pd.testing.assert_frame_equal(found, expected, atol=0.01)
        assert found.attrs == expected.attrs and found["probability"].std() > 0.1
        torch.testing.assert_close(network.classifier.weight, other.classifier.weight, rtol=0.02, atol=0.005)


@pytest.mark.parametrize("seeds", [[0], [3, 0]])
def test_no_network_outlives_its_training(folder, seeds):
    made, table = [], dataset()

    def make(classes, seed):
        network = new_classifier(folder, classes, "mean", True, seed)
        made.append(weakref.ref(network))
        return network

    settings = SETTINGS.model_copy(update={"epochs": 1})
    gc.collect()
    gc.disable()  # of which a GPU that is full does not wait
    try:
        fine_tune_seeds(table, read_tokens(table, Vocabulary.load(folder)), make, settings, CPU, seeds)
        assert len(made) == len(seeds) and not any(network() for network in made)
    finally:
        gc.enable()


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), Differs("logits differ")])
def test_seeds_for_which_there_is_no_room_are_trained_one_after_the_other(folder, monkeypatch, capsys, error):
    def refused(trainings, *_):
        with torch.no_grad():
            trainings[0].network.classifier.weight.fill_(9.0)  # what was begun must not count
        raise error

    monkeypatch.setattr(stacked, "fit_together", refused)
    together, alone = both_seeds(folder, dataset(), SETTINGS.model_copy(update={"epochs": 1}))
    for (_, found), (_, expected) in zip(together, alone, strict=True):
        pd.testing.assert_frame_equal(found, expected)
    assert f"bases, seeds 3, 0: trained one after the other: {error}" in capsys.readouterr().err


def test_only_the_dataset_that_the_audit_let_pass_is_trained_on(tmp_path):
    (tmp_path / "dataset").write_text("rows")
    (tmp_path / "passed.txt").write_text(hashlib.sha256(b"rows").hexdigest() + "\n")
    assert check_passed(tmp_path / "dataset", tmp_path / "passed.txt") == hashlib.sha256(b"rows").hexdigest()
    (tmp_path / "dataset").write_text("other rows")
    with pytest.raises(InputError, match=r"passed.txt: .* audit the dataset again"):
        check_passed(tmp_path / "dataset", tmp_path / "passed.txt")


def test_a_killed_job_keeps_the_seeds_that_it_finished(folder, tmp_path, monkeypatch, capsys):
    specification = importlib.util.spec_from_file_location("finetune_script", SCRIPT)
    script = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, "finetune_script", script)
    specification.loader.exec_module(script)
    done, killed = [], [True]

    def interrupted(table, inputs, make, settings, device, seeds):
        if seeds == [2] and killed:
            raise KeyboardInterrupt
        done.extend(seeds)
        return fine_tune_seeds(table, inputs, make, settings, device, seeds)

    monkeypatch.setattr(script, "fine_tune_seeds", interrupted)
    dataset().to_parquet(tmp_path / "dataset.parquet")
    (tmp_path / "passed.txt").write_text(script.checksum(tmp_path / "dataset.parquet") + "\n")
    out = tmp_path / "out"
    given = [tmp_path / "dataset.parquet", tmp_path / "passed.txt", folder]
    given += [
        out / "model.safetensors",
        out / "predictions.parquet",
        out / "metrics.json",
        "bases",
        "chosen-random",
        "random",
    ]

    def run(seeds: int = 2, epochs: int = 2) -> None:
        script.finetune(
            *given,
            config.Repetitions(seeds=seeds),
            config.ClassifierTraining(**TRAINING | {"epochs": epochs}),
            config.ClassifierNetwork(batch=32, learning_rate=1e-2, pooling="mean"),
            seed=1,
            device="cpu",
            precision="auto",
            threads=1,
        )

    with pytest.raises(KeyboardInterrupt):
        run()
    assert done == [1] and not (out / "metrics.json").exists()
    killed.clear()
    run()
    assert done == [1, 2] and "bases, chosen-random: 1 of 2 seeds are finished and kept: 1\n" in capsys.readouterr().err
    (kept,) = out.glob("seeds-*")
    assert (out / "model.safetensors").samefile(kept / "seed-1/model.safetensors")
    assert not (kept / "seed-2/model.safetensors").exists()

    said = json.loads((out / "metrics.json").read_text())
    assert said["computed_in"] == trained_in(CPU, "auto")
    assert (said["task"], said["model"], said["kind"], said["n_train"]) == ("bases", "chosen-random", "random", 144)
    assert said["weights"] == "" and said["dataset"] == script.checksum(tmp_path / "dataset.parquet")
    assert said["epochs"] == [2, 2] and [row["seed"] for row in said["seeds"]] == [1, 2] and said["seconds"] > 0
    assert said["alone"] == {"examples": 48, "median": 0.0, "largest": 0.0}  # these examples have no surroundings
    assert said["settings"]["pooling"] == "mean" and said["settings"]["class_weights"] == "balanced"
    predicted, table = pd.read_parquet(out / "predictions.parquet"), dataset()
    first = predicted[predicted["seed"] == 1]
    found = logits(
        load_classifier(out), read_tokens(table.loc[first["example"]], Vocabulary.load(folder)), CPU, precision="auto"
    )
    np.testing.assert_allclose(first["probability"], 1 / (1 + np.exp(found[:, 0] - found[:, 1])), rtol=1e-4)
    for path in [*given[3:6], *(out / name for name in files_of("mean"))]:
        path.unlink(missing_ok=True)  # as Snakemake does before it runs the command again
    run(seeds=3)
    assert done == [1, 2, 3] and pd.read_parquet(out / "predictions.parquet")["seed"].unique().tolist() == [1, 2, 3]
    again = logits(
        load_classifier(out), read_tokens(table.loc[first["example"]], Vocabulary.load(folder)), CPU, precision="auto"
    )
    assert (again == found).all() and Vocabulary.load(out).size == Vocabulary.load(folder).size
    run(epochs=1)
    assert done == [1, 2, 3, 1, 2] and len(list(out.glob("seeds-*"))) == 1 and not kept.exists()
    (tmp_path / "passed.txt").write_text("0" * 64)
    with pytest.raises(InputError, match="audit the dataset again"):
        run()
