"""Train a small convolutional network on one benchmark, as a floor."""

import time
from dataclasses import asdict
from typing import Annotated

import pandas as pd
from typer import Option

from grover.cli import Input, Output, main
from grover.cnn import ConvolutionalNetwork, read_letters
from grover.device import choose_device
from grover.files import checksum, write_json, write_table
from grover.finetuning import Settings, fine_tune
from grover.metrics import by_seed
from grover.options import Device, Precision, Threads


def train_cnn(
    dataset: Input,
    predictions: Output,
    metrics: Output,
    task: Annotated[str, Option(help="name of the benchmark")],
    seeds: Annotated[list[int], Option(help="seed; repeat the option for several")] = (0,),
    epochs: Annotated[int, Option(help="passes over fold train at most")] = 10,
    batch: Annotated[int, Option(help="sequences a step")] = 64,
    learning_rate: Annotated[float, Option(help="highest learning rate")] = 2e-3,
    patience: Annotated[int, Option(help="epochs without a better loss on fold valid before training stops")] = 3,
    maximum_valid: Annotated[int, Option(help="examples of fold valid that decide when to stop, at most; 0: all")] = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: Threads = 0,
):
    """Train once a seed on all of fold train, and write the predictions for folds valid and test and the scores on
    test."""
    started = time.monotonic()
    # a class weighs as much as it has examples: the other floors do the same
    settings = Settings(
        epochs,
        batch,
        learning_rate,
        patience=patience,
        class_weights="none",
        maximum_valid=maximum_valid,
        precision=precision,
    )
    place = choose_device(device, threads)
    table = pd.read_parquet(dataset)
    table.attrs["task"] = task
    letters = read_letters(table["sequence"])
    found = [fine_tune(table, letters, ConvolutionalNetwork, settings, place, seed)[1] for seed in seeds]
    n_train = int((table["fold"] == "train").sum())
    predicted = pd.concat(found, ignore_index=True)
    write_table(predictions, predicted)
    write_json(
        metrics,
        {
            "task": task,
            "model": "cnn",
            "kind": "floor",
            "n_train": n_train,
            "dataset": checksum(dataset),
            "weights": "",
            "settings": asdict(settings),
            "seconds": round(time.monotonic() - started, 2),
            "seeds": by_seed(predicted, table.attrs.get("call", "half")),
        },
    )


if __name__ == "__main__":
    main(train_cnn)
