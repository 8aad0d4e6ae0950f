import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoModel

from grover.classifier import Classifier, load_classifier, logits, new_classifier, pool
from grover.errors import InputError
from grover.finetuning import BestEpoch, Settings, fine_tune
from grover.model import Architecture, load_language_model, new_language_model, save
from grover.vocabulary import Vocabulary

CPU = torch.device("cpu")
SETTINGS = Settings(epochs=6, batch=32, learning_rate=1e-2, pooling="mean")


@pytest.fixture
def folder(tmp_path):
    letters = Vocabulary.from_kmers("char", 1)
    letters.save(tmp_path / "vocabulary")
    model = new_language_model(Architecture(1, 16, 2, 32, 40, 0.0).config(letters.size), 7)
    save(model, model.config, tmp_path / "model", tmp_path / "vocabulary")
    return tmp_path / "model"


def dataset(classes=2):
    """The class is the base of which a sequence has most."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, classes, 240)
    sequence = ["".join(rng.permutation([*("ACGT"[y] * 12), *"ACGTACGT"])) for y in label]
    fold = np.array(["train", "train", "train", "valid", "test"])[np.arange(240) % 5]
    return pd.DataFrame({"sequence": sequence, "label": label, "fold": fold})


@pytest.mark.parametrize("pretrained", [True, False])
def test_a_simple_rule_is_learnt_and_both_folds_predicted(folder, pretrained):
    table = dataset()
    model, predicted = fine_tune(table, Vocabulary.load(folder), folder, pretrained, SETTINGS, CPU, seed=1)
    assert list(predicted.columns) == ["example", "seed", "fold", "label", "probability"]
    assert sorted(predicted["example"]) == sorted(table.index[table["fold"] != "train"])
    assert (table.loc[predicted["example"], "label"].to_numpy() == predicted["label"]).all()
    assert ((predicted["probability"] > 0.5) == predicted["label"]).mean() > 0.95


def test_several_classes_have_a_column_each(folder):
    _, predicted = fine_tune(dataset(3), Vocabulary.load(folder), folder, True, SETTINGS, CPU, seed=0)
    columns = [f"probability_{label}" for label in range(3)]
    np.testing.assert_allclose(predicted[columns].sum(axis=1), 1)
    assert (predicted[columns].to_numpy().argmax(1) == predicted["label"]).mean() > 0.9


def test_fine_tuning_is_repeatable_and_seeds_differ(folder):
    quick = Settings(epochs=1, batch=64, learning_rate=1e-2)
    runs = [
        fine_tune(dataset(), Vocabulary.load(folder), folder, True, quick, CPU, seed)[1]["probability"]
        for seed in (0, 0, 1)
    ]
    assert (runs[0] == runs[1]).all() and (runs[0] != runs[2]).any()


def test_pretrained_weights_are_taken_and_the_twin_has_others(folder):
    stored = load_language_model(folder).bert.state_dict()
    pretrained, twin = (new_classifier(folder, 2, "cls", kind, 3).bert.state_dict() for kind in (True, False))
    assert all(torch.equal(stored[name], pretrained[name]) for name in pretrained)
    assert stored.keys() == twin.keys() and not torch.equal(
        stored["embeddings.word_embeddings.weight"], twin["embeddings.word_embeddings.weight"]
    )


def test_a_stored_classifier_answers_alike_and_opens_as_an_encoder(folder, tmp_path):
    model, _ = fine_tune(dataset(), Vocabulary.load(folder), folder, True, Settings(epochs=1), CPU, 0)
    save(model, model.config, tmp_path / "stored", folder)
    sequences = [np.array([5, 6, 7]), np.array([8, 8, 5, 5, 6])]
    np.testing.assert_allclose(
        logits(load_classifier(tmp_path / "stored"), sequences, CPU), logits(model, sequences, CPU), atol=1e-6
    )
    encoder = AutoModel.from_pretrained(tmp_path / "stored")
    assert torch.equal(encoder.embeddings.word_embeddings.weight, model.bert.embeddings.word_embeddings.weight)
    with pytest.raises(InputError, match="no classifier"):
        load_classifier(folder)


def test_pooling_leaves_padding_out():
    states = torch.arange(24.0).reshape(2, 4, 3)
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]], dtype=torch.bool)
    assert pool(states, mask, "cls").tolist() == states[:, 0].tolist()
    assert pool(states, mask, "last").tolist() == [states[0, 3].tolist(), states[1, 1].tolist()]
    torch.testing.assert_close(pool(states, mask, "mean"), torch.stack([states[0].mean(0), states[1, :2].mean(0)]))
    with pytest.raises(InputError, match="pooling"):
        Classifier(Architecture(1, 16, 2, 32, 40).config(9), 2, "max")


def test_the_best_epoch_is_kept_and_patience_ends():
    model, losses = torch.nn.Linear(1, 1, bias=False), iter([3.0, 1.0, 2.0, 1.5, 0.1])
    watch = BestEpoch(model, 2, lambda: next(losses))
    stops = []
    for epoch in range(4):
        torch.nn.init.constant_(model.weight, epoch)
        stops.append(watch())
    assert stops == [False, False, False, True] and float(watch.weights["weight"]) == 1.0


def test_a_fold_without_both_classes_is_refused(folder):
    table = dataset()
    with pytest.raises(InputError, match="fold valid"):
        fine_tune(table[(table["fold"] != "valid")], Vocabulary.load(folder), folder, True, SETTINGS, CPU, 0)
