"""Train a small convolutional network on one benchmark, as a baseline."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from typer import Option

from grover.finetuning.cnn import ConvolutionalNetwork, read_letters
from grover.finetuning.finetune import Settings, fine_tune
from grover.finetuning.seeds import train_seeds
from grover.network.device import choose_device
from grover.runtime.cli import Input, Output, main
from grover.runtime.digest import code_digest
from grover.runtime.files import checksum
from grover.runtime.options import Device, Precision, Threads


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
    """Train once a seed on all of fold train, and write the predictions for folds valid and test and the scores on test.

    Finished seeds are kept beside PREDICTIONS and not trained again (`grover.finetuning.seeds`).
    """
    # a class weighs as much as it has examples: the other baselines do the same
    settings = Settings(
        epochs,
        batch,
        learning_rate,
        patience=patience,
        class_weights="none",
        maximum_valid=maximum_valid,
        precision=precision,
    )
    processor = choose_device(device, threads)
    sha256 = checksum(dataset)
    table = pd.read_parquet(dataset)
    table.attrs["task"] = task

    def train(letters: list[np.ndarray], seed: int, _: Path) -> pd.DataFrame:
        return fine_tune(table, letters, ConvolutionalNetwork, settings, processor, seed)[1]

    train_seeds(
        seeds,
        lambda: read_letters(table["sequence"]),
        train,
        [sha256, asdict(settings), code_digest(Path(__file__))],
        predictions,
        metrics,
        {
            "task": task,
            "model": "cnn",
            "kind": "baseline",
            "dataset": sha256,
            "weights": "",
            "settings": asdict(settings),
        },
        table.attrs.get("call", "half"),
    )


if __name__ == "__main__":
    main(train_cnn)
