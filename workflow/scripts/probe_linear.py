"""Probe the pretrained model, left as it is, on one benchmark."""

import time
from typing import Annotated, Literal

import pandas as pd
from typer import Option

from grover.config.options import Device, Precision, Seed
from grover.config.sections.benchmarks import ClassifierTraining
from grover.finetuning.linear_probe import probe
from grover.network.bert import WEIGHTS
from grover.network.device import choose_device
from grover.network.training import Execution
from grover.runtime.cli import Input, Output, main
from grover.runtime.files import checksum, folder, write_json, write_table
from grover.runtime.options import Threads
from grover.runtime.settings import Setting
from grover.statistics.metrics import by_seed


def probe_linear(
    dataset: Input,
    model: Input,
    predictions: Output,
    metrics: Output,
    task: Annotated[str, Option(help="name of the benchmark")],
    pooling: Annotated[
        Literal["cls", "mean"], Option(help="what describes a sequence: CLS, or the mean of all states")
    ],
    maximum_train: Annotated[int, Setting(ClassifierTraining, "maximum_train")],
    seed: Seed,
    device: Device,
    precision: Precision,
    threads: Threads = 0,
) -> None:
    """Fit a logistic regression on the embeddings of fold train, and write its predictions for folds valid and test and
    its scores on test. MODEL is the model.safetensors of a Hugging Face folder."""
    started = time.monotonic()
    place = choose_device(device, threads)
    source = folder(model)
    table = pd.read_parquet(dataset)
    predicted, chosen = probe(table, source, pooling, Execution(place, precision, seed), maximum_train, max(1, threads))
    write_table(predictions, predicted)
    write_json(
        metrics,
        {
            "task": task,
            "model": f"probe-{pooling}",
            "kind": "baseline",
            "n_train": chosen["n_train"],
            "dataset": checksum(dataset),
            "weights": checksum(source / WEIGHTS),
            "settings": {
                "pooling": pooling,
                "strength": chosen["strength"],
                "maximum_train": maximum_train,
                "precision": precision,
            },
            "seconds": round(time.monotonic() - started, 2),
            "seeds": by_seed(predicted, table.attrs.get("call", "half")),
        },
    )


if __name__ == "__main__":
    main(probe_linear)
