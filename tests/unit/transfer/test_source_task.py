"""What was learnt in the source's task is tested on the right examples here, with their own labels."""

import numpy as np
import pandas as pd
import pytest
import torch

from grover.finetuning import baselines
from grover.runtime.errors import InputError
from grover.transfer import source_task

SETTINGS = baselines.Settings(10, (2, 3), 0)


def dataset(seed: int, folds: list[str]) -> pd.DataFrame:
    """Sequences of which those of label 1 have more GC; the folds take turns, so that row numbers of a fold are not its order."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, 120)
    texts = [
        "".join(rng.choice(list("ACGT"), 40, p=[0.4, 0.1, 0.1, 0.4] if not one else [0.2, 0.3, 0.3, 0.2]))
        for one in label
    ]
    table = pd.DataFrame({"sequence": texts, "label": label, "fold": np.resize(folds, 120)})
    table.attrs = {"task": "gc", "labels": ["low", "high"], "call": "half"}
    return table


def gc(sequences: pd.Series) -> np.ndarray:
    return np.array([[(text.count("G") + text.count("C")) / len(text)] for text in sequences])


def test_a_baseline_is_fitted_on_fold_train_there_and_calls_fold_test_here():
    here, there = dataset(0, ["train", "test", "valid", "test", "test"]), dataset(1, ["test", "train"])
    # in fold test there and in the other folds here the labels are the other way round, from which nothing may be learnt
    there.loc[there["fold"] == "test", "label"] ^= 1
    here.loc[here["fold"] != "test", "label"] ^= 1
    (found,) = source_task.baselines_of_source(["gc"], here, there, SETTINGS, 3)
    test = here[here["fold"] == "test"]
    assert found["example"].tolist() == test.index.tolist()
    assert found["called"].tolist() == found["label"].tolist() == test["label"].tolist()
    assert set(found["model"]) == {"gc"} and set(found["labels"]) == {0}


def test_the_classifier_of_the_source_calls_fold_test_here(monkeypatch):
    here, there = dataset(0, ["train", "test", "valid", "test", "test"]), dataset(1, ["train"])
    monkeypatch.setattr(source_task, "load_classifier", lambda folder: None)
    monkeypatch.setattr(source_task.Vocabulary, "load", lambda folder: None)
    monkeypatch.setattr(source_task, "read_tokens", lambda test, vocabulary: gc(test["sequence"])[:, 0] - 0.5)
    monkeypatch.setattr(source_task, "logits", lambda model, shares, *rest: np.stack([-shares, shares], 1))
    found = source_task.classifier_of_source("model", here, there, torch.device("cpu"), "fp32")
    test = here[here["fold"] == "test"]
    assert found["example"].tolist() == test.index.tolist() and found["label"].tolist() == test["label"].tolist()
    assert found["called"].tolist() == (gc(test["sequence"])[:, 0] >= 0.5).astype(int).tolist()


def test_a_task_with_other_labels_is_refused():
    here, there = dataset(0, ["test"]), dataset(1, ["train"])
    there.attrs["labels"] = ["high", "low"]
    with pytest.raises(
        InputError, match="gc: its labels are low, high, those of the source's task high, low; name a task"
    ):
        source_task.baselines_of_source(["gc"], here, there, SETTINGS, 3)
