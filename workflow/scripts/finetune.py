"""Fine-tune the pretrained model, or its random twin, on one benchmark."""

import hashlib
import json
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import pandas as pd
from typer import Option

from grover.classifier import load_classifier
from grover.cli import Input, Output, main
from grover.datasets import blocks
from grover.device import choose_device
from grover.digest import code_digest
from grover.errors import InputError
from grover.files import checksum, write_json, write_table
from grover.finetuning import Settings, fine_tune
from grover.metrics import summarise
from grover.model import WEIGHTS, save
from grover.options import Device, Precision, Threads, folder
from grover.vocabulary import Vocabulary


def finetune(
    dataset: Input,
    initial_model: Input,
    model: Output,
    predictions: Output,
    metrics: Output,
    task: Annotated[str, Option(help="name of the benchmark")],
    name: Annotated[str, Option(help="name of the model in the tables")],
    initial: Annotated[str, Option(help="pretrained, or random for the twin of the same size")] = "pretrained",
    seeds: Annotated[list[int], Option(help="seed; repeat the option for several")] = (0,),
    epochs: Annotated[int, Option(help="passes over fold train at most")] = 4,
    batch: Annotated[int, Option(help="sequences a step")] = 32,
    learning_rate: Annotated[float, Option(help="highest learning rate")] = 5e-5,
    warmup: Annotated[float, Option(help="share of the steps in which the learning rate rises")] = 0.1,
    patience: Annotated[int, Option(help="epochs without a better loss on fold valid before training stops")] = 2,
    pooling: Annotated[str, Option(help="what the classifier reads: the mean of all states, cls or last")] = "mean",
    balance: Annotated[bool, Option(help="weigh classes by the inverse of their share")] = False,
    maximum_train: Annotated[int, Option(help="training examples at most; 0: all")] = 0,
    threshold: Annotated[float, Option(help="call label 1 from this probability on; 0: choose on fold valid")] = 0.5,
    block: Annotated[int, Option(help="resample blocks of so many bases for the intervals; 0: examples")] = 0,
    resamples: Annotated[int, Option(help="resamples of the bootstrap")] = 1000,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: Threads = 0,
):
    """Train once a seed, write the predictions for folds valid and test, the scores on test, and the classifier of the
    first seed as a Hugging Face folder (MODEL is its model.safetensors).

    Finished seeds are kept in parts-HASH beside MODEL and taken from there when the command is interrupted and run
    again; HASH covers the inputs, the settings and the code.
    """
    started = time.monotonic()
    if initial not in ("pretrained", "random"):
        raise InputError(f"initial: {initial!r} is unknown; expected pretrained or random")
    settings = Settings(epochs, batch, learning_rate, warmup, patience, pooling, balance, maximum_train, precision)
    place = choose_device(device, threads)
    source = folder(initial_model)
    vocabulary = Vocabulary.load(source)
    table = pd.read_parquet(dataset)
    files = [checksum(path) for path in (dataset, source / WEIGHTS, source / "config.json", source / "tokenizer.json")]
    identity = json.dumps([files, initial, asdict(settings), code_digest(Path(__file__))])
    parts = model.parent / f"parts-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"
    for seed in seeds:
        part = parts / f"seed-{seed}"
        if not (part / "predictions.parquet").is_file():
            classifier, predicted = fine_tune(table, vocabulary, source, initial == "pretrained", settings, place, seed)
            if seed == seeds[0]:
                save(classifier, classifier.config, part, source)
            write_table(part / "predictions.parquet", predicted)  # last: what has it is finished

    predicted = pd.concat(
        [pd.read_parquet(parts / f"seed-{seed}" / "predictions.parquet") for seed in seeds], ignore_index=True
    )
    if block:
        predicted["block"] = blocks(table, block)[predicted["example"]]
    summary = summarise(predicted, threshold or None, resamples)
    first = load_classifier(parts / f"seed-{seeds[0]}")
    save(first, first.config, model.parent, source)
    write_table(predictions, predicted)
    seconds = round(time.monotonic() - started, 2)
    for finished in model.parent.glob("parts-*"):
        shutil.rmtree(finished)
    write_json(
        metrics, {"task": task, "model": name, "kind": "model", "initial": initial, **summary, "seconds": seconds}
    )


if __name__ == "__main__":
    main(finetune)
