"""Measure the importance of single bases to a fine-tuned model."""

from typing import Annotated, Literal

import pandas as pd
from typer import Option

from grover.config.options import Device, Precision, Seed
from grover.config.sections.interpretation import ImportanceMethods, ImportanceSites
from grover.interpretation.answers import FineTuned
from grover.interpretation.interpret import interpret
from grover.interpretation.sites import choose_examples, is_stranded, sites_of
from grover.network.device import choose_device
from grover.runtime.cli import Input, Output, main
from grover.runtime.files import folder, write_table
from grover.runtime.options import Threads
from grover.runtime.settings import Setting


def interpret_importance(
    model: Input,
    dataset: Input,
    table: Output,
    bases: Output,
    task: Annotated[str, Option(help="name of the benchmark")],
    examples: Annotated[int, Setting(ImportanceSites, "examples")],
    methods: ImportanceMethods,
    seed: Seed,
    device: Device,
    precision: Precision,
    fold: Annotated[Literal["train", "valid", "test"], Option(help="fold of the sites")] = "test",
    threads: Threads = 0,
) -> None:
    """Explain EXAMPLES sites of a fold, drawn by the seed.

    Of two classes these are sites of label 1, of several classes sites of each.

    Write TABLE (a row per substitution, or per base where the method has none) and BASES (a row per base: importance, significance,
    resolution); docs/reference/importance.md describes the columns. Where sites have no strand, both strands are read.
    """
    place = choose_device(device, threads)
    data = pd.read_parquet(dataset)
    sites = sites_of(data, choose_examples(data, fold, examples, seed))
    explained = FineTuned.load(folder(model), place, precision, label=task)
    found, per_base = interpret(sites, explained, methods, task=task, stranded=is_stranded(data), seed=seed)
    write_table(table, found)
    write_table(bases, per_base)


if __name__ == "__main__":
    main(interpret_importance)
