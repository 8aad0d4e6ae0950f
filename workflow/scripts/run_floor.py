"""Score one floor on one benchmark."""

import time
from typing import Annotated

import pandas as pd
from typer import Option

from grover.cli import Input, Output, main
from grover.datasets import blocks
from grover.files import write_json, write_table
from grover.floors import predict
from grover.metrics import summarise


def run_floor(
    dataset: Input,
    predictions: Output,
    metrics: Output,
    task: Annotated[str, Option(help="name of the benchmark")],
    floor: Annotated[str, Option(help="majority, gc, pwm or tfidf-forest")],
    seeds: Annotated[list[int], Option(help="seed; repeat the option for several")] = (0,),
    trees: Annotated[int, Option(help="trees of the random forest")] = 500,
    shortest: Annotated[int, Option(help="shortest k-mer of tfidf-forest")] = 3,
    longest: Annotated[int, Option(help="longest k-mer of tfidf-forest")] = 6,
    threshold: Annotated[float, Option(help="call label 1 from this probability on; 0: choose on fold valid")] = 0.5,
    block: Annotated[int, Option(help="resample blocks of so many bases for the intervals; 0: examples")] = 0,
    resamples: Annotated[int, Option(help="resamples of the bootstrap")] = 1000,
    threads: Annotated[int, Option(help="threads of the random forest")] = 1,
):
    """Fit the floor on fold train once a seed, and write its predictions for valid and test and its scores on test."""
    started = time.monotonic()
    table = pd.read_parquet(dataset)
    predicted = pd.concat(
        [predict(table, floor, seed, trees, (shortest, longest), threads) for seed in seeds], ignore_index=True
    )
    if block:
        predicted["block"] = blocks(table, block)[predicted["example"]]
    summary = summarise(predicted, threshold or None, resamples)
    seconds = round(time.monotonic() - started, 2)
    write_table(predictions, predicted)
    write_json(metrics, {"task": task, "model": floor, "kind": "floor", **summary, "seconds": seconds})


if __name__ == "__main__":
    main(run_floor)
