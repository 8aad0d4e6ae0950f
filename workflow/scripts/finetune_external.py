"""Fine-tune a model from elsewhere on one benchmark, as finetune.py does with ours.

It also runs in the environment of envs/external.txt, whose transformers is older: import nothing here that is not listed there.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from typer import Option

from grover.external_models import adapters
from grover.external_models.folder import CONFIG
from grover.finetuning.finetune import Settings, check_passed, fine_tune
from grover.finetuning.seeds import train_seeds
from grover.network.device import choose_device
from grover.runtime.cli import READ, Input, Output, main
from grover.runtime.digest import code_digest
from grover.runtime.files import checksum
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


def finetune_external(
    dataset: Input,
    passed: Input,
    folder: Annotated[Path, READ, Option(help="config.json of the model's folder", show_default=False)],
    predictions: Output,
    metrics: Output,
    task: Annotated[str, Option(help="name of the benchmark")],
    name: Annotated[str, Option(help="name of the external model in the tables")],
    adapter: Annotated[str, Option(help=f"how it reads sequence: {', '.join(adapters.ADAPTERS)}")] = "auto",
    remote_code: Annotated[bool, Option(help="consent to execute the Python files of its folder")] = False,
    initial: Initial = "pretrained",
    seeds: Seeds = (0,),
    epochs: Epochs = 4,
    batch: BatchSize = 32,
    learning_rate: LearningRate = 5e-5,
    warmup: Warmup = 0.1,
    patience: Patience = 2,
    pooling: Annotated[str, Option(help="what the classifier reads: mean, cls or last; empty: the adapter's")] = "",
    class_weights: ClassWeights = "balanced",
    maximum_train: MaximumTrain = 0,
    maximum_valid: MaximumValid = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: Threads = 0,
):
    """Train once a seed, write the predictions for folds valid and test and the scores on test.

    PASSED is what the audit of the dataset wrote. Nothing is downloaded. Finished seeds are kept beside PREDICTIONS and not trained
    again (`grover.finetuning.seeds`).
    """
    settings = Settings(
        epochs, batch, learning_rate, warmup, patience, class_weights, maximum_train, maximum_valid, precision
    )
    sha256 = check_passed(dataset, passed)
    source = folder.parent if folder.name == CONFIG else folder
    external = adapters.load(source, adapter, remote_code, initial, pooling)
    table = pd.read_parquet(dataset)
    processor = choose_device(device, threads)
    settled = asdict(settings) | {"adapter": adapter, "pooling": external.pooling, "initial": initial}
    files = {path.name: checksum(path) for path in external.files}

    def train(inputs: list[np.ndarray], seed: int, _: Path) -> pd.DataFrame:
        return fine_tune(table, inputs, external.make, settings, processor, seed)[1]

    train_seeds(
        seeds,
        lambda: external.read(table["sequence"].to_list(), task),
        train,
        [sha256, files, settled, code_digest(Path(__file__))],
        predictions,
        metrics,
        {
            "task": task,
            "model": name,
            "kind": "external",
            "dataset": sha256,
            "weights": adapters.joint([files[path.name] for path in external.weights])
            if initial == "pretrained"
            else "",
            "settings": settled,
        },
        table.attrs["call"],
    )


if __name__ == "__main__":
    main(finetune_external)
