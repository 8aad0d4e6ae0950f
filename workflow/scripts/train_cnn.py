"""Train a small convolutional network on one benchmark, as a baseline."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from typer import Option

from grover.config.options import Device, Precision, Seed
from grover.config.sections import benchmarks as config
from grover.finetuning.cnn import ConvolutionalNetwork
from grover.finetuning.finetune import Settings, fine_tune
from grover.finetuning.seeds import Outputs, Seeds, train_seeds
from grover.genome.bases import encode
from grover.network.cores import threads_of
from grover.network.device import choose_device
from grover.runtime.cli import Input, Output, main
from grover.runtime.digest import code_digest
from grover.runtime.files import checksum
from grover.runtime.options import Threads


def train_cnn(
    dataset: Input,
    predictions: Output,
    metrics: Output,
    task: Annotated[str, Option(help="name of the benchmark")],
    repetitions: config.Repetitions,
    training: config.CnnTraining,
    stopping: config.EarlyStopping,
    seed: Seed,
    device: Device,
    precision: Precision,
    batch: Annotated[int, Option(help="sequences per step")] = 64,
    learning_rate: Annotated[float, Option(help="highest learning rate")] = 2e-3,
    warmup: Annotated[float, Option(help="share of the steps in which the learning rate rises")] = 0.1,
    threads: Threads = 0,
) -> None:
    """Train with SEEDS seeds from SEED on, on all of fold train; write the predictions for folds valid and test and the scores on test.

    Finished seeds are kept beside PREDICTIONS and not trained again (`grover.finetuning.seeds`).
    """
    # a class weighs as much as it has examples: the other baselines do the same
    settings = Settings(
        epochs=training.cnn_epochs,
        batch=batch,
        learning_rate=learning_rate,
        warmup=warmup,
        **stopping.model_dump(),
        class_weights="none",
        maximum_train=0,
        precision=precision,
    )
    processor = choose_device(device, threads)
    sha256 = checksum(dataset)
    table = pd.read_parquet(dataset)
    table.attrs["task"] = task

    def train(bases: list[np.ndarray], folders: Mapping[int, Path]) -> list[pd.DataFrame]:
        return [fine_tune(table, bases, ConvolutionalNetwork, settings, processor, each)[1] for each in folders]

    train_seeds(
        Seeds(range(seed, seed + repetitions.seeds), threads_of(threads) if processor.type == "cpu" else 1),
        lambda: [encode(text) for text in table["sequence"]],
        train,
        Outputs(predictions, metrics),
        identity=[sha256, settings.model_dump(), code_digest(Path(__file__))],
        facts={
            "task": task,
            "model": "cnn",
            "kind": "baseline",
            "dataset": sha256,
            "weights": "",
            "settings": settings.model_dump(),
        },
        call=table.attrs.get("call", "half"),
    )


if __name__ == "__main__":
    main(train_cnn)
