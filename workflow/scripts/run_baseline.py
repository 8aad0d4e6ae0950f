"""Predict one benchmark with one baseline."""

import time
from pathlib import Path
from typing import Annotated

import pandas as pd
from typer import Option

from grover.annotation.meme import read_matrix
from grover.config.names import LIMITED_BASELINES, SEEDED_BASELINES, TOKEN_BASELINES
from grover.config.options import Seed
from grover.config.sections import benchmarks as config
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
            help="majority, gc, dinucleotide, tfidf-logistic, tfidf-forest, token-logistic, token-forest, pwm, adjacency, open-frame, "
            "open-frame-window, codon-markov or shine-dalgarno"
        ),
    ],
    repetitions: config.Repetitions,
    forest: config.Forest,
    lengths: config.KmerRange,
    examples: config.BaselineExamples,
    seed: Seed,
    vocabulary: Annotated[
        Path | None, READ, Option(help="tokenizer.json of the vocabulary of token-* and adjacency", exists=True)
    ] = None,
    motifs: Annotated[
        Path | None, READ, Option(help="motifs in MEME format, for pwm where sites have no score", exists=True)
    ] = None,
    motif: Annotated[str, Option(help="identifier or name of the motif of pwm")] = "",
    threads: Annotated[int, Option(help="threads of a forest")] = 1,
) -> None:
    """Fit the baseline on fold train; write its predictions for valid and test and its scores on test.

    A forest is fitted with SEEDS seeds from SEED on. Baselines on k-mers and tokens are fitted on at most MAXIMUM_TRAIN examples, adjacency
    on none, the others on all of fold train; codon-markov chooses its order on fold valid."""
    started = time.monotonic()
    if (motifs is None) != (motif == ""):
        raise InputError("--motifs and --motif go together; give the file and the name of a motif in it")
    table = pd.read_parquet(dataset)
    shortest, longest = lengths.kmers
    settings = Settings(
        forest.trees,
        (shortest, longest),
        examples.maximum_train,
        threads,
        Vocabulary.load(folder(vocabulary)) if vocabulary and baseline in TOKEN_BASELINES else None,
        read_matrix(motifs, motif) if motifs and baseline == "pwm" else None,
    )
    predicted = predict(table, baseline, range(seed, seed + repetitions.seeds), settings)
    used: dict[str, int | str] = {"trees": forest.trees} if baseline in SEEDED_BASELINES else {}
    used |= {"shortest": shortest, "longest": longest} if baseline.startswith("tfidf") else {}
    used |= {"vocabulary": settings.vocabulary.name} if settings.vocabulary else {}
    used |= {"motif": motif} if settings.matrix is not None else {}
    used |= {"maximum_train": examples.maximum_train} if baseline in LIMITED_BASELINES else {}
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
