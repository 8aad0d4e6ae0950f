"""Fit baselines without a language model on several numbers of labels of a task."""

import pandas as pd

from grover.config.options import Seed
from grover.config.sections import benchmarks, transfer
from grover.finetuning.baselines import Settings
from grover.runtime.cli import Input, Output, main
from grover.runtime.files import write_table
from grover.transfer.few_labels import COLUMNS, baseline, draw_labels


def transfer_baselines(
    dataset: Input,
    predictions: Output,
    asked: transfer.TransferBaselines,
    budgets: transfer.Budgets,
    forest: benchmarks.Forest,
    kmers: benchmarks.KmerRange,
    seed: Seed,
) -> None:
    """Write what each baseline calls on fold test, as transfer_labels.py does for a model."""
    table = pd.read_parquet(dataset)
    shortest, longest = kmers.kmers
    settings = Settings(forest.trees, (shortest, longest), maximum_train=0)
    found = [pd.DataFrame(columns=COLUMNS)]
    for labels in budgets.labels:
        for each in range(seed, seed + budgets.seeds):
            drawn = draw_labels(table, labels, each)
            found += [baseline(drawn, name, settings).assign(model=name) for name in asked.baselines]
    write_table(predictions, pd.concat(found[1:] or found, ignore_index=True))


if __name__ == "__main__":
    main(transfer_baselines)
