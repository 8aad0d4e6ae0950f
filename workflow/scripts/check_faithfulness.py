"""Test whether the importance of bases follows what the fine-tuned model computes."""

import sys
from typing import Annotated

import numpy as np
import pandas as pd
from typer import Option

from grover.benchmarks.tokenise import read_tokens
from grover.config.options import Device, Precision, Seed
from grover.config.sections.benchmarks import BlockBootstrap
from grover.config.sections.interpretation import Faithfulness, ImportanceMethods
from grover.interpretation.answers import FineTuned
from grover.interpretation.check import COLUMNS, Explained, check, other_seeds, token_counts
from grover.interpretation.sites import is_stranded, sites_of
from grover.network.device import choose_device
from grover.runtime.cli import Input, Output, main
from grover.runtime.files import folder, write_table
from grover.runtime.options import Threads
from grover.runtime.settings import Setting


def check_faithfulness(
    model: Input,
    dataset: Input,
    bases: Input,
    output: Output,
    task: Annotated[str, Option(help="name of the benchmark")],
    faithfulness: Faithfulness,
    methods: ImportanceMethods,
    resampled: Annotated[int, Setting(BlockBootstrap, "block")],
    seed: Seed,
    device: Device,
    precision: Precision,
    threads: Threads = 0,
) -> None:
    """Test the explanations of BASES on some of their sites, drawn by the seed.

    The tests are deletion and insertion curves, randomised weights, and rank correlation between methods, seeds and strands
    (`grover.interpretation.check`).

    The second seed is read from the folder of the model, where fine-tuning keeps it.
    """
    place = choose_device(device, threads)
    data, explained = pd.read_parquet(dataset), pd.read_parquet(bases)
    examples = np.random.default_rng(seed).permutation(explained["example"].unique())
    chosen = np.sort(examples[: faithfulness.faithfulness_examples])
    own = Explained.read(explained, sites_of(data, chosen), is_stranded(data), resampled)
    loaded = FineTuned.load(folder(model), place, precision)
    others = other_seeds(folder(model))
    second = FineTuned.load(others[0], place, precision, label=others[0].name.replace("-", " ")) if others else None
    if second is None:
        print(
            f"{task}: one seed was fine-tuned, so that no other is compared; set `finetuning.seeds: 2`", file=sys.stderr
        )
    train = data[data["fold"] == "train"]
    counts = token_counts(read_tokens(train, loaded.vocabulary, max(1, threads)), loaded.vocabulary.size)
    table = check(own, loaded, second, methods, counts, seed).assign(task=task)[COLUMNS]
    write_table(output, table.round(6))


if __name__ == "__main__":
    main(check_faithfulness)
