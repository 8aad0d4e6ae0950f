"""Test the classifier that was fine-tuned on a task of the source's run, and baselines fitted there, on a task here."""

import pandas as pd

from grover.config.options import Device, Precision, Seed
from grover.config.sections import benchmarks, transfer
from grover.finetuning.baselines import Settings
from grover.network.device import choose_device
from grover.runtime.cli import Input, Output, main
from grover.runtime.files import folder, write_table
from grover.runtime.options import Threads
from grover.transfer.source_task import baselines_of_source, classifier_of_source


def transfer_source_task(
    dataset: Input,
    source_dataset: Input,
    classifier: Input,
    predictions: Output,
    asked: transfer.TransferBaselines,
    forest: benchmarks.Forest,
    kmers: benchmarks.KmerRange,
    seed: Seed,
    device: Device,
    precision: Precision,
    threads: Threads = 0,
) -> None:
    """Write what they call on fold test of DATASET without a label of it, as transfer_labels.py does for a model. CLASSIFIER is the
    model.safetensors of a fine-tuned model; baselines learn from fold train of SOURCE_DATASET."""
    here, there = pd.read_parquet(dataset), pd.read_parquet(source_dataset)
    shortest, longest = kmers.kmers
    settings = Settings(forest.trees, (shortest, longest), maximum_train=0)
    found = [
        classifier_of_source(folder(classifier), here, there, choose_device(device, threads), precision),
        *baselines_of_source(asked.baselines, here, there, settings, seed),
    ]
    write_table(predictions, pd.concat(found, ignore_index=True).assign(seed=seed))


if __name__ == "__main__":
    main(transfer_source_task)
