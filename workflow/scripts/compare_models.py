"""Gather the scores of all models on all benchmarks, and compare the chosen model with each rival."""

import json
from pathlib import Path
from typing import Annotated

import pandas as pd
from typer import Option

from grover.cli import Inputs, Output, main
from grover.errors import InputError
from grover.files import write_table
from grover.metrics import compare

COLUMNS = ["task", "model", "kind", "mcc", "mcc_low", "mcc_high", "auroc", "auroc_low", "auroc_high", "auprc"]
COLUMNS += ["accuracy", "f1", "n_test", "positive_share", "seeds", "seconds"]


def compare_models(
    metrics: Inputs,
    predictions: Inputs,
    benchmarks: Output,
    comparisons: Output,
    chosen: Annotated[str, Option(help="model that is compared with all others of its task")] = "chosen",
    threshold: Annotated[float, Option(help="call label 1 from this probability on; 0: choose on fold valid")] = 0.5,
    resamples: Annotated[int, Option(help="resamples of the bootstrap")] = 1000,
):
    """Write one row a task and model, and one a rival of the chosen model: the difference in MCC on the same examples.

    --metrics and --predictions are given as often as there are models, in the same order.
    """
    if len(metrics) != len(predictions):
        raise InputError(f"{len(metrics)} --metrics but {len(predictions)} --predictions; give one of each a model")
    summaries = [json.loads(Path(path).read_text(encoding="utf-8")) for path in metrics]
    rows = [{**summary, "seeds": len(summary["seeds"])} for summary in summaries]
    tables = {(row["task"], row["model"]): path for row, path in zip(rows, predictions, strict=True)}
    differences = []
    for task, rival in tables:
        if rival != chosen and (task, chosen) in tables:
            ours, theirs = (pd.read_parquet(tables[task, model]) for model in (chosen, rival))
            difference = compare(ours, theirs, threshold or None, resamples)
            differences.append({"task": task, "model": chosen, "rival": rival, **difference})
    write_table(benchmarks, pd.DataFrame(rows)[COLUMNS])
    write_table(comparisons, pd.DataFrame(differences, columns=["task", "model", "rival", "difference", "low", "high"]))


if __name__ == "__main__":
    main(compare_models)
