"""Score all who predict a benchmark side by side."""

import pandas as pd

from grover.config.options import Seed
from grover.config.sections.benchmarks import BlockBootstrap
from grover.finetuning.scores import score
from grover.runtime.cli import Input, Inputs, Output, main
from grover.runtime.errors import InputError
from grover.runtime.files import checksum, write_table
from grover.runtime.json_files import read_json


def score_task(
    dataset: Input,
    audit: Input,
    predictions: Inputs,
    metrics: Inputs,
    scores: Output,
    differences: Output,
    precision_recall: Output,
    resampling: BlockBootstrap,
    seed: Seed,
) -> None:
    """Write the scores of each model with intervals, the differences between models, and precision at equal steps of recall.

    Scores are on the whole test set and on its clean part.

    --predictions and --metrics are given as often as there are models, in the same order. The first model is compared with
    all others, and each with its randomly initialised model.
    """
    if len(metrics) != len(predictions):
        raise InputError(f"{len(metrics)} --metrics but {len(predictions)} --predictions; give one of each per model")
    digest = checksum(dataset)
    facts, tables = {}, {}
    for said, predicted in zip(metrics, predictions, strict=True):
        values = read_json(said)
        if values.get("dataset") != digest:
            raise InputError(f"{said} is of another dataset than {dataset}; make the predictions anew")
        if values["model"] in facts:
            raise InputError(f"{said}: model {values['model']} is given twice; give each once")
        facts[values["model"]], tables[values["model"]] = values, pd.read_parquet(predicted)
    found = score(
        pd.read_parquet(dataset), pd.read_parquet(audit), tables, facts, resampling.block, resampling.bootstrap, seed
    )
    for path, table in zip((scores, differences, precision_recall), found, strict=True):
        write_table(path, table)


if __name__ == "__main__":
    main(score_task)
