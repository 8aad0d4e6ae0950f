"""Predict one benchmark with one baseline."""

import time
from pathlib import Path
from typing import Annotated

import pandas as pd
from typer import Option

from grover.annotation.motifs import read_matrix
from grover.config.names import LIMITED_BASELINES, SEEDED_BASELINES, TOKEN_BASELINES
from grover.finetuning.baselines import Settings, predict
from grover.runtime.cli import READ, Input, Output, main
from grover.runtime.errors import InputError
from grover.runtime.files import checksum, folder, write_json, write_table
from grover.statistics.metrics import by_seed
from grover.tokenization.vocabulary import Vocabulary


def run_baseline(
    dataset: Input,
    predictions: Output,
    metrics: Output,
    task: Annotated[str, Option(help="name of the benchmark")],
    baseline: Annotated[
        str,
        Option(
            help="majority, gc, dinucleotide, tfidf-logistic, tfidf-forest, token-logistic, token-forest, pwm or adjacency"
        ),
    ],
    vocabulary: Annotated[
        Path | None, READ, Option(help="tokenizer.json of the vocabulary of token-* and adjacency", exists=True)
    ] = None,
    motifs: Annotated[
        Path | None, READ, Option(help="motifs in MEME format, for pwm where sites have no score", exists=True)
    ] = None,
    motif: Annotated[str, Option(help="identifier or name of the motif of pwm")] = "",
    seeds: Annotated[list[int], Option(help="seed of a forest; repeat the option for several")] = (0,),
    trees: Annotated[int, Option(help="trees of a forest")] = 500,
    shortest: Annotated[int, Option(help="letters of the shortest k-mer of tfidf-*")] = 2,
    longest: Annotated[int, Option(help="letters of the longest k-mer of tfidf-*")] = 6,
    threads: Annotated[int, Option(help="threads of a forest")] = 1,
    maximum_train: Annotated[
        int,
        Option(
            help="largest number of examples of fold train for tfidf-* and token-*, drawn by the seed; 0: all", min=0
        ),
    ] = 0,
):
    """Fit the baseline on fold train, a forest once a seed, and write its predictions for valid and test and its scores on
    test. gc, dinucleotide, pwm and majority learn from all of fold train, adjacency from nothing."""
    started = time.monotonic()
    if (motifs is None) != (motif == ""):
        raise InputError("--motifs and --motif go together; give the file and the name of a motif in it")
    table = pd.read_parquet(dataset)
    settings = Settings(
        trees,
        (shortest, longest),
        threads,
        Vocabulary.load(folder(vocabulary)) if vocabulary and baseline in TOKEN_BASELINES else None,
        read_matrix(motifs, motif) if motifs and baseline == "pwm" else None,
        maximum_train,
    )
    predicted = predict(table, baseline, list(seeds), settings)
    used = {"trees": trees} if baseline in SEEDED_BASELINES else {}
    used |= {"shortest": shortest, "longest": longest} if baseline.startswith("tfidf") else {}
    used |= {"vocabulary": settings.vocabulary.name} if settings.vocabulary else {}
    used |= {"motif": motif} if settings.matrix is not None else {}
    used |= {"maximum_train": maximum_train} if baseline in LIMITED_BASELINES else {}
    write_table(predictions, predicted)
    write_json(
        metrics,
        {
            "task": task,
            "model": baseline,
            "kind": "baseline",
            "n_train": predicted.attrs["n_train"],
            "dataset": checksum(dataset),
            "weights": "",
            "settings": used,
            "seconds": round(time.monotonic() - started, 2),
            "seeds": by_seed(predicted, table.attrs.get("call", "half")),
        },
    )


if __name__ == "__main__":
    main(run_baseline)
