"""Fine-tune the pretrained model, or its random twin, on one benchmark."""

import hashlib
import json
import shutil
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import pandas as pd
import torch
from typer import Option

from grover.classifier import load_classifier, new_classifier
from grover.cli import Input, Output, main
from grover.device import choose_device
from grover.digest import code_digest
from grover.errors import InputError
from grover.files import checksum, write_json, write_table
from grover.finetuning import Settings, check_passed, fine_tune
from grover.metrics import by_seed
from grover.model import CONFIG, TOKENIZER, WEIGHTS, save
from grover.options import Device, Precision, Threads, folder
from grover.reading import read_tokens
from grover.vocabulary import Vocabulary

INITIAL = {"pretrained": "model", "random": "twin"}  # what it starts from, and what it is called in the tables


def finetune(
    dataset: Input,
    passed: Input,
    initial_model: Input,
    model: Output,
    predictions: Output,
    metrics: Output,
    task: Annotated[str, Option(help="name of the benchmark")],
    name: Annotated[str, Option(help="name of the model in the tables")],
    initial: Annotated[str, Option(help="pretrained, or random for the twin of the same size")] = "pretrained",
    seeds: Annotated[list[int], Option(help="seed; repeat the option for several")] = (0,),
    epochs: Annotated[int, Option(help="passes over fold train at most", min=1)] = 4,
    batch: Annotated[int, Option(help="sequences a step", min=1)] = 32,
    learning_rate: Annotated[float, Option(help="highest learning rate")] = 5e-5,
    warmup: Annotated[float, Option(help="share of the steps in which the learning rate rises")] = 0.1,
    patience: Annotated[
        int, Option(help="epochs without a better loss on fold valid before training stops", min=1)
    ] = 2,
    pooling: Annotated[str, Option(help="what the classifier reads: the mean of all states, cls or last")] = "mean",
    class_weights: Annotated[str, Option(help="balanced: classes weigh the same, however rare; or none")] = "balanced",
    maximum_train: Annotated[int, Option(help="training examples at most; 0: all")] = 0,
    maximum_valid: Annotated[int, Option(help="examples of fold valid that decide when training stops; 0: all")] = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: Threads = 0,
):
    """Train once a seed, write the predictions for folds valid and test, the scores on test, and the classifier of the
    first seed as a Hugging Face folder (MODEL is its model.safetensors).

    PASSED is what the audit of the dataset wrote; a dataset without it is not trained on. Finished seeds are kept in parts-HASH beside
    MODEL and taken from there when the command is interrupted and run again; HASH covers the inputs, the settings and the code.
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
    place = choose_device(device, threads)

    weights = checksum(source / WEIGHTS)
    files = [sha256, weights, *(checksum(source / file) for file in (CONFIG, *TOKENIZER))]
    said = asdict(settings) | {"pooling": pooling, "initial": initial}
    identity = json.dumps([files, said, code_digest(Path(__file__))])
    parts = model.parent / f"parts-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"
    kept = [seed for seed in seeds if finished(parts, seed, seeds)]
    if kept:
        print(
            f"{task}, {name}: {len(kept)} of {len(seeds)} seeds are finished and kept: {', '.join(map(str, kept))}",
            file=sys.stderr,
        )
    inputs = read_tokens(table, vocabulary, max(1, threads)) if len(kept) < len(seeds) else []

    def make(classes: int, seed: int) -> torch.nn.Module:
        return new_classifier(source, classes, pooling, initial == "pretrained", seed)

    for seed in seeds:
        if seed in kept:
            continue
        started = time.monotonic()
        classifier, predicted = fine_tune(table, inputs, make, settings, place, seed)
        if seed == seeds[0]:
            save(classifier, classifier.config, parts / f"seed-{seed}", source)
        predicted.attrs["seconds"] = time.monotonic() - started
        write_table(part(parts, seed), predicted)  # last: what has it is finished

    tables = [pd.read_parquet(part(parts, seed)) for seed in seeds]
    told = [table.attrs for table in tables]  # concat wants them equal
    for each in tables:
        each.attrs = {}
    predicted = pd.concat(tables, ignore_index=True)
    scores = by_seed(predicted, table.attrs["call"])
    first = load_classifier(parts / f"seed-{seeds[0]}")
    save(first, first.config, model.parent, source)
    write_table(predictions, predicted)
    for done in model.parent.glob("parts-*"):
        shutil.rmtree(done)
    write_json(
        metrics,
        {
            "task": task,
            "model": name,
            "kind": INITIAL[initial],
            "n_train": told[0]["n_train"],
            "dataset": sha256,
            "weights": weights if initial == "pretrained" else "",
            "settings": said,
            "seconds": round(sum(each["seconds"] for each in told), 2),
            "epochs": [each["epochs"] for each in told],
            "seeds": scores,
        },
    )


def part(parts: Path, seed: int) -> Path:
    """Where the predictions of a seed are kept."""
    return parts / f"seed-{seed}" / "predictions.parquet"


def finished(parts: Path, seed: int, seeds: list[int]) -> bool:
    """Whether a seed has its predictions, and the first one its classifier too."""
    return part(parts, seed).is_file() and (seed != seeds[0] or part(parts, seed).with_name(WEIGHTS).is_file())


if __name__ == "__main__":
    main(finetune)
