"""Fine-tune the pretrained model, or its randomly initialised model, on one benchmark."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
from typer import Option

from grover.benchmarks.tokenise import read_tokens
from grover.finetuning.finetune import Settings, check_passed, fine_tune
from grover.finetuning.seeds import train_seeds
from grover.network.bert import CONFIG, TOKENIZER, WEIGHTS, save
from grover.network.classifier import new_classifier
from grover.network.device import choose_device
from grover.runtime.cli import Input, Output, main
from grover.runtime.digest import code_digest
from grover.runtime.errors import InputError
from grover.runtime.files import checksum, folder
from grover.runtime.options import (
    BatchSize,
    ClassWeights,
    Device,
    Epochs,
    Initial,
    LearningRate,
    MaximumTrain,
    MaximumValid,
    Patience,
    Precision,
    Seeds,
    Threads,
    Warmup,
)
from grover.tokenization.vocabulary import Vocabulary

INITIAL = {"pretrained": "model", "random": "random"}  # what it starts from, and what it is called in the tables


def finetune(
    dataset: Input,
    passed: Input,
    initial_model: Input,
    model: Output,
    predictions: Output,
    metrics: Output,
    task: Annotated[str, Option(help="name of the benchmark")],
    name: Annotated[str, Option(help="name of the model in the tables")],
    initial: Initial = "pretrained",
    seeds: Seeds = (0,),
    epochs: Epochs = 4,
    batch: BatchSize = 32,
    learning_rate: LearningRate = 5e-5,
    warmup: Warmup = 0.1,
    patience: Patience = 2,
    pooling: Annotated[str, Option(help="what the classifier reads: the mean of all states, cls or last")] = "mean",
    class_weights: ClassWeights = "balanced",
    maximum_train: MaximumTrain = 0,
    maximum_valid: MaximumValid = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: Threads = 0,
):
    """Train once a seed, write the predictions for folds valid and test, the scores on test, and the classifier of the
    first seed as a Hugging Face folder (MODEL is its model.safetensors).

    PASSED is what the audit of the dataset wrote; a dataset without it is not trained on. Finished seeds are kept beside PREDICTIONS
    and not trained again (`grover.finetuning.seeds`).
    """
    if initial not in INITIAL:
        raise InputError(f"initial: {initial!r} is unknown; expected one of {', '.join(INITIAL)}")
    settings = Settings(
        epochs, batch, learning_rate, warmup, patience, class_weights, maximum_train, maximum_valid, precision
    )
    sha256 = check_passed(dataset, passed)
    source = folder(initial_model)
    vocabulary = Vocabulary.load(source)
    table = pd.read_parquet(dataset)
    processor = choose_device(device, threads)

    weights = checksum(source / WEIGHTS)
    files = [sha256, weights, *(checksum(source / file) for file in (CONFIG, *TOKENIZER))]
    settled = asdict(settings) | {"pooling": pooling, "initial": initial}

    def make(classes: int, seed: int) -> torch.nn.Module:
        return new_classifier(source, classes, pooling, initial == "pretrained", seed)

    def train(inputs: list[np.ndarray], seed: int, place: Path) -> pd.DataFrame:
        classifier, predicted = fine_tune(table, inputs, make, settings, processor, seed)
        if seed == seeds[0]:
            save(classifier, classifier.config, place, source)
        return predicted

    train_seeds(
        seeds,
        lambda: read_tokens(table, vocabulary, max(1, threads)),
        train,
        [files, settled, code_digest(Path(__file__))],
        predictions,
        metrics,
        {
            "task": task,
            "model": name,
            "kind": INITIAL[initial],
            "dataset": sha256,
            "weights": weights if initial == "pretrained" else "",
            "settings": settled,
        },
        table.attrs["call"],
        {file: model.with_name(file) for file in (WEIGHTS, CONFIG, *TOKENIZER)},
    )


if __name__ == "__main__":
    main(finetune)
