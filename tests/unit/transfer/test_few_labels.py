"""All methods learn from the same labels, and from no more of fold valid than of fold train."""

import numpy as np
import pandas as pd
import pytest
import torch

from grover.finetuning import baselines
from grover.finetuning.finetune import Settings, draw
from grover.network.training import Execution
from grover.runtime.errors import InputError
from grover.statistics.metrics import mcc
from grover.transfer.few_labels import baseline, draw_labels, fine_tuned, long_enough, probed
from tests.fakes.source_models import write_source

SETTINGS = Settings(
    epochs=1,
    warmup=0.1,
    class_weights="none",
    patience=1,
    maximum_valid=7,
    maximum_train=3,
    batch=8,
    learning_rate=1e-2,
    precision="fp32",
)


@pytest.fixture(scope="module")
def dataset():
    """Sequences whose label is their GC."""
    rng = np.random.default_rng(0)
    label = np.arange(240) % 2
    texts = [
        "".join(rng.choice(list("ACGT"), 30, p=[0.4, 0.1, 0.1, 0.4] if not one else [0.1, 0.4, 0.4, 0.1]))
        for one in label
    ]
    fold = np.repeat(["train", "valid", "test"], [120, 60, 60])
    table = pd.DataFrame({"sequence": texts, "label": label, "fold": fold})
    table.attrs = {"task": "gc", "labels": ["low", "high"], "call": "half"}
    return table


def test_a_draw_has_the_labels_that_fine_tuning_draws_and_all_of_fold_test(dataset):
    drawn = draw_labels(dataset, 20, 4)
    fold = dataset["fold"].to_numpy()

    def of(name):
        return set(drawn.rows[drawn.dataset["fold"] == name])

    assert of("train") == set(draw(np.flatnonzero(fold == "train"), 20, [4]))
    assert of("valid") == set(draw(np.flatnonzero(fold == "valid"), 20, [4, 1]))
    assert of("test") == set(np.flatnonzero(fold == "test"))
    assert (dataset["sequence"].to_numpy()[drawn.rows] == drawn.dataset["sequence"]).all()


def test_too_many_labels_and_a_draw_without_a_label_are_refused(dataset):
    with pytest.raises(InputError, match="fold train has 120 examples, but `transfer.labels` asks for 121"):
        draw_labels(dataset, 121, 0)
    rare = dataset.assign(label=(np.arange(240) % 120 == 7).astype(int))
    with pytest.raises(InputError, match="seed 0 draws 10 examples of fold .* raise `transfer.labels`"):
        draw_labels(rare, 10, 0)


def test_few_labels_are_read_often_enough(dataset):
    changed = long_enough(SETTINGS, 20, 30)
    assert changed.epochs == 12 and changed.patience == 10 and not changed.maximum_train and not changed.maximum_valid
    assert long_enough(SETTINGS, 100_000, 30).epochs == 1


def test_every_method_predicts_fold_test_of_the_whole_dataset(dataset, tmp_path):
    folder, drawn = write_source(tmp_path), draw_labels(dataset, 60, 1)
    execution = Execution(torch.device("cpu"), "fp32", 1)
    tables = [
        fine_tuned(drawn, folder, long_enough(SETTINGS, 60, 40), "mean", execution),
        probed(drawn, folder, execution),
        baseline(drawn, "gc", baselines.Settings(10, (2, 3), 0)),
    ]
    for table in tables:
        assert table["example"].tolist() == list(range(180, 240))
        assert (table["label"] == dataset["label"].to_numpy()[table["example"]]).all()
        cells = np.bincount(table["label"] * 2 + table["called"], minlength=4).reshape(2, 2)
        assert mcc(cells) > 0.6 and ((table["score"] >= 0.5) == table["called"]).all()
