"""Fine-tune the pretrained model, or its randomly initialised model, on one benchmark."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from typer import Option

from grover.benchmarks.tokenise import read_tokens
from grover.config.options import Device, Precision, Seed
from grover.config.sections import benchmarks as config
from grover.finetuning.finetune import Settings, check_passed, fine_tune_seeds
from grover.finetuning.seeds import Outputs, Seeds, train_seeds
from grover.finetuning.surroundings import compare_alone
from grover.network.classifier import Classifier, new_classifier
from grover.network.classifier_folder import files_of, save_classifier
from grover.network.device import choose_device, trained_in
from grover.network.folder import CONFIG, TOKENIZER, WEIGHTS
from grover.pretraining.preflight import processes_beside, stacked_beside
from grover.runtime.cli import Input, Output, main
from grover.runtime.digest import code_digest
from grover.runtime.files import checksum, folder
from grover.runtime.options import Initial, Threads
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
    initial: Initial,
    repetitions: config.Repetitions,
    training: config.ClassifierTraining,
    network: config.ClassifierNetwork,
    seed: Seed,
    device: Device,
    precision: Precision,
    threads: Threads = 0,
) -> None:
    """Train with SEEDS seeds from SEED on; write the predictions for folds valid and test, and the scores on test.

    Also write the classifier of the first seed as a Hugging Face folder. MODEL is its model.safetensors; with `mean` pooling the folder
    contains modeling_grover.py. The classifier of the second seed of a pretrained model stays in the folder where finished seeds are kept.

    PASSED is what the audit of the dataset wrote; a dataset without it is not trained on. Finished seeds are kept beside PREDICTIONS
    and not trained again (`grover.finetuning.seeds`).
    """
    reading = {"pooling": network.pooling, "initial": initial}
    settings = Settings(**training.model_dump(), **network.model_dump(exclude={"pooling"}), precision=precision)
    seeds = range(seed, seed + repetitions.seeds)
    sha256 = check_passed(dataset, passed)
    source = folder(initial_model)
    vocabulary = Vocabulary.load(source)
    table = pd.read_parquet(dataset)
    processor = choose_device(device, threads)

    weights = checksum(source / WEIGHTS)
    files = [sha256, weights, *(checksum(source / file) for file in (CONFIG, *TOKENIZER))]
    settled = settings.model_dump() | reading

    def make(classes: int, seed: int) -> Classifier:
        return new_classifier(source, classes, network.pooling, initial == "pretrained", seed)

    def train(inputs: list[np.ndarray], folders: Mapping[int, Path]) -> list[pd.DataFrame]:
        trained = fine_tune_seeds(table, inputs, make, settings, processor, [*folders])
        for (seed, place), (classifier, predicted) in zip(folders.items(), trained, strict=True):
            # the explanations of the second seed are compared with those of the first (check_faithfulness.py)
            if seed == seeds[0] or (initial == "pretrained" and seed in seeds[:2]):
                save_classifier(classifier, place, source, task, table.attrs["labels"])
            if seed == seeds[0]:
                predicted.attrs["alone"] = compare_alone(classifier, table, inputs, vocabulary, processor, precision)
        return [predicted for _, predicted in trained]

    for other in {*files_of("mean")} - {*files_of(network.pooling)}:
        model.with_name(other).unlink(missing_ok=True)
    train_seeds(
        Seeds(
            seeds, processes_beside(source, processor, precision, threads), stacked_beside(source, processor, precision)
        ),
        lambda: read_tokens(table, vocabulary, max(1, threads)),
        train,
        Outputs(predictions, metrics, {file: model.with_name(file) for file in files_of(network.pooling)}),
        # so that seeds of one result never differ in it
        identity=[files, settled, trained_in(processor, precision), code_digest(Path(__file__))],
        facts={
            "task": task,
            "model": name,
            "kind": INITIAL[initial],
            "dataset": sha256,
            "weights": weights if initial == "pretrained" else "",
            "settings": settled,
            "computed_in": trained_in(processor, precision),
        },
        call=table.attrs["call"],
    )


if __name__ == "__main__":
    main(finetune)
