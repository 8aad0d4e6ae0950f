"""Fine-tuning an external model, by function and by the command that goes on where it was."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from grover.config.sections import benchmarks as config
from grover.external_models import adapters
from grover.finetuning.finetune import Settings, fine_tune
from grover.runtime.files import checksum

ROOT = Path(__file__).parents[3]
CPU = torch.device("cpu")
TRAINING = config.ClassifierTraining(
    epochs=1, warmup=0.1, class_weights="balanced", patience=2, maximum_train=0, maximum_valid=0
)


def dataset():
    """Label 1 has more G and C; ten examples of each fold and label at least."""
    label = np.arange(90) % 2
    rng = np.random.default_rng(1)
    sequence = [
        "".join(rng.choice(list("ACGT"), 20, p=[0.1, 0.4, 0.4, 0.1] if one else [0.4, 0.1, 0.1, 0.4])) for one in label
    ]
    fold = np.array(["train", "train", "valid", "test"])[np.arange(90) // 2 % 4]
    table = pd.DataFrame({"sequence": sequence, "label": label, "fold": fold})
    table.attrs = {"task": "gc", "labels": ["low", "high"], "call": "half"}
    return table


def test_a_external_model_learns_a_simple_rule(dnabert):
    external, table = adapters.load(dnabert, "dnabert", remote_code=False), dataset()
    settings = Settings(
        **TRAINING.model_copy(update={"epochs": 8}).model_dump(), batch=16, learning_rate=1e-2, precision="auto"
    )
    network, predicted = fine_tune(table, external.read(table["sequence"].to_list()), external.make, settings, CPU, 0)
    assert ((predicted["probability"] > 0.5) == predicted["label"]).mean() > 0.9


def test_the_command_writes_predictions_and_goes_on_where_it_was(tiny, tmp_path, monkeypatch):
    script = ROOT / "workflow/scripts/finetune_external.py"
    specification = importlib.util.spec_from_file_location("finetune_external", script)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    dataset().to_parquet(tmp_path / "dataset.parquet")
    (tmp_path / "passed.txt").write_text(checksum(tmp_path / "dataset.parquet") + "\n")
    done, real = [], module.fine_tune

    def interrupted(*arguments):
        done.append(arguments[-1])
        if done == [0, 1]:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(module, "fine_tune", interrupted)
    arguments = dict(
        dataset=tmp_path / "dataset.parquet",
        passed=tmp_path / "passed.txt",
        folder=tiny / "config.json",
        predictions=tmp_path / "out/predictions.parquet",
        metrics=tmp_path / "out/metrics.json",
        task="gc",
        name="tiny",
        reading=config.ExternalReading(adapter="hyenadna", remote_code=True),
        tuning=config.ExternalTuning(batch=32, learning_rate=5e-5),
        repetitions=config.Repetitions(seeds=2),
        training=TRAINING,
        seed=0,
        device="cpu",
        precision="auto",
    )
    with pytest.raises(KeyboardInterrupt):
        module.finetune_external(**arguments)
    module.finetune_external(**arguments)
    assert done == [0, 1, 1]
    predicted = pd.read_parquet(tmp_path / "out/predictions.parquet")
    assert predicted.columns.tolist() == ["example", "seed", "fold", "label", "probability"]
    assert predicted.groupby("seed").size().nunique() == 1 and set(predicted["fold"]) == {"valid", "test"}
    metrics = json.loads((tmp_path / "out/metrics.json").read_text())
    assert metrics["kind"] == "external" and metrics["weights"] == checksum(tiny / "pytorch_model.bin")
    assert metrics["settings"]["pooling"] == "mean" and [row["seed"] for row in metrics["seeds"]] == [0, 1]
    (kept,) = (tmp_path / "out").glob("seeds-*/")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "metrics.json",
        "predictions.parquet",
        kept.name,
    ]
    (tmp_path / "out/predictions.parquet").unlink()
    module.finetune_external(**arguments)
    assert done == [0, 1, 1] and pd.read_parquet(tmp_path / "out/predictions.parquet").equals(predicted)
