"""Training on a benchmark once per seed, so that no finished seed is trained twice.

A finished seed is kept in `seeds-HASH/seed-N/` beside the predictions. HASH covers the inputs, the settings and the code, but not the
list of seeds. A killed command continues with the seeds that are not kept; those that are trained as one network end together. One whose
outputs were deleted writes them again. One with more seeds trains the new seeds only.
"""

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from grover.network.cores import side_by_side
from grover.runtime.files import atomic, write_json, write_table
from grover.statistics.metrics import by_seed

PREDICTIONS = "predictions.parquet"


@dataclass(frozen=True)
class Outputs:
    """Paths of the outputs: predictions, metrics, and other `files` by their names in the folder of the first seed."""

    predictions: Path
    metrics: Path
    files: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Seeds:
    """The seeds to train with: so many `together` in a call, and so many calls `at_once`, each in a process of its own."""

    numbers: Sequence[int]
    at_once: int = 1
    together: int = 1


def train_seeds(
    seeds: Seeds,
    read: Callable[[], list],
    train: Callable[[list, Mapping[int, Path]], Sequence[pd.DataFrame]],
    outputs: Outputs,
    *,
    identity: list,
    facts: dict,
    call: str,
) -> None:
    """Train the seeds that are not kept, then write the predictions of all and, last, the metrics.

    `read()` reads the inputs if a seed is left to train; `train(inputs, folders)` returns the predictions of the seeds of `folders`
    (`grover.finetuning.finetune.fine_tune`) and writes the other files of the outputs into the folder of the first seed. They are hard
    links there, so that a classifier takes its space once, or copies where the file system has no links.

    HASH is that of `identity`, which is written as JSON. The metrics have the `facts` (task, model, settings); n_train, seconds (sum
    over the seeds), epochs (in their order), seeds (`grover.statistics.metrics.by_seed` with this `call`). They have `alone` where
    the table of the first seed has it among its `attrs`. Seeds of another HASH are removed when the metrics are written.
    """
    kept = outputs.predictions.parent / f"seeds-{hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:12]}"
    folders = {seed: kept / f"seed-{seed}" for seed in seeds.numbers}
    missing = _missing(folders, outputs.files, facts)
    inputs = read() if missing else []

    def train_some(some: list[int]) -> None:
        for seed in some:
            shutil.rmtree(folders[seed], ignore_errors=True)  # so that files of two trainings never mix
        started = time.monotonic()
        tables = train(inputs, {seed: folders[seed] for seed in some})
        seconds = (time.monotonic() - started) / len(some)
        for seed, predicted in zip(some, tables, strict=True):
            predicted.attrs["seconds"] = seconds
            write_table(folders[seed] / PREDICTIONS, predicted)  # last: a folder with it is finished

    side_by_side(
        train_some, [missing[i : i + seeds.together] for i in range(0, len(missing), seeds.together)], seeds.at_once
    )

    tables = [pd.read_parquet(folder / PREDICTIONS) for folder in folders.values()]
    measured = [table.attrs for table in tables]
    for table in tables:
        table.attrs = {}  # concat needs equal ones
    predicted = pd.concat(tables, ignore_index=True)
    scores = by_seed(predicted, call)
    for name, place in outputs.files.items():
        _link(folders[seeds.numbers[0]] / name, place)
    write_table(outputs.predictions, predicted)
    of_seeds = {
        "n_train": measured[0]["n_train"],
        "seconds": round(sum(each["seconds"] for each in measured), 2),
        "epochs": [each["epochs"] for each in measured],
        "seeds": scores,
        **{name: measured[0][name] for name in ("alone",) if name in measured[0]},
    }
    write_json(outputs.metrics, facts | of_seeds)
    for other in kept.parent.glob("seeds-*"):
        if other != kept:
            shutil.rmtree(other)


def _missing(folders: dict[int, Path], files: Mapping[str, Path], facts: dict) -> list[int]:
    """Seeds whose folder lacks its predictions or, for the first seed, one of `files`; prints the others."""
    first = next(iter(folders))
    needed = {seed: [PREDICTIONS, *(files if seed == first else ())] for seed in folders}
    finished = [seed for seed in folders if all((folders[seed] / name).is_file() for name in needed[seed])]
    if finished:
        print(
            f"{facts['task']}, {facts['model']}: {len(finished)} of {len(folders)} seeds are finished and kept: "
            f"{', '.join(map(str, finished))}",
            file=sys.stderr,
        )
    return [seed for seed in folders if seed not in finished]


def _link(source: Path, place: Path) -> None:
    """Make `place` a hard link to the file `source`, atomically, or a copy where that is impossible."""
    with atomic(place) as temporary:
        temporary.unlink()
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)
        os.utime(temporary)  # Snakemake makes an output that is older than its inputs again
