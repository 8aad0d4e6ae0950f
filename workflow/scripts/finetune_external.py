"""Fine-tune a model from elsewhere on one benchmark, as finetune.py does with ours.

It also runs in the environment of envs/external.txt, whose transformers is older: import nothing here that is not listed there.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from typer import Option

from grover.config.options import Device, Precision, Seed
from grover.config.sections import benchmarks as config
from grover.external_models import adapters
from grover.external_models.folder import CONFIG
from grover.finetuning.finetune import Settings, check_passed, fine_tune
from grover.finetuning.seeds import Outputs, Seeds, train_seeds
from grover.network.device import choose_device
from grover.runtime.cli import READ, Input, Output, main
from grover.runtime.digest import code_digest
from grover.runtime.files import checksum
from grover.runtime.options import Initial, Threads


def finetune_external(
    dataset: Input,
    passed: Input,
    folder: Annotated[Path, READ, Option(help="config.json of the model's folder", show_default=False)],
    predictions: Output,
    metrics: Output,
    task: Annotated[str, Option(help="name of the benchmark")],
    name: Annotated[str, Option(help="name of the external model in the tables")],
    reading: config.ExternalReading,
    tuning: config.ExternalTuning,
    repetitions: config.Repetitions,
    training: config.ClassifierTraining,
    seed: Seed,
    device: Device,
    precision: Precision,
    initial: Initial = "pretrained",
    pooling: Annotated[
        Literal["", "mean", "cls", "last"], Option(help="what the classifier reads; empty: as the adapter says")
    ] = "",
    threads: Threads = 0,
) -> None:
    """Train with SEEDS seeds from SEED on; write the predictions for folds valid and test and the scores on test.

    PASSED is what the audit of the dataset wrote. Nothing is downloaded. Finished seeds are kept beside PREDICTIONS and not trained
    again (`grover.finetuning.seeds`).
    """
    settings = Settings(**training.model_dump(), **tuning.model_dump(), precision=precision)
    sha256 = check_passed(dataset, passed)
    source = folder.parent if folder.name == CONFIG else folder
    external = adapters.load(source, reading.adapter, reading.remote_code, initial, pooling)
    table = pd.read_parquet(dataset)
    processor = choose_device(device, threads)
    settled = settings.model_dump() | {"adapter": reading.adapter, "pooling": external.pooling, "initial": initial}
    files = {path.name: checksum(path) for path in external.files}

    def train(inputs: list[np.ndarray], folders: Mapping[int, Path]) -> list[pd.DataFrame]:
        return [fine_tune(table, inputs, external.make, settings, processor, each)[1] for each in folders]

    train_seeds(
        Seeds(range(seed, seed + repetitions.seeds)),
        lambda: external.read(table["sequence"].to_list(), task),
        train,
        Outputs(predictions, metrics),
        identity=[sha256, files, settled, code_digest(Path(__file__))],
        facts={
            "task": task,
            "model": name,
            "kind": "external",
            "dataset": sha256,
            "weights": adapters.joint([files[path.name] for path in external.weights])
            if initial == "pretrained"
            else "",
            "settings": settled,
        },
        call=table.attrs["call"],
    )


if __name__ == "__main__":
    main(finetune_external)
