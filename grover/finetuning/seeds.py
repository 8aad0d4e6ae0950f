"""Training on a benchmark once a seed, so that no finished seed is trained twice.

A finished seed is kept in `parts-HASH/seed-N/` beside the predictions. HASH covers the inputs, the settings and the code, but not which
seeds are asked for: a command that is killed goes on where it was, one whose outputs were deleted writes them again from what is kept,
and one that is asked for more seeds trains those alone.
"""

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from grover.runtime.files import atomic, write_json, write_table
from grover.statistics.metrics import by_seed

PREDICTIONS = "predictions.parquet"


def train_seeds(
    seeds: Sequence[int],
    read: Callable[[], Sequence],
    train: Callable[[Sequence, int, Path], pd.DataFrame],
    identity: list,
    predictions: Path,
    metrics: Path,
    said: dict,
    call: str,
    files: Mapping[str, Path] | None = None,
) -> None:
    """Train the seeds that are not kept, then write the predictions of all and, last, the metrics.

    `read()` reads the inputs, where anything is left to train; `train(inputs, seed, folder)` returns the predictions of a seed
    (`grover.finetuning.finetune.fine_tune`). `identity`, which JSON can hold, is what HASH is of. `files` are names of files that
    `train` writes into the folder of the first seed, and where they are wanted: there they are hard links, so that a classifier takes
    its place on disk once, or copies where the file system has no links. The metrics hold what is `said` of task, model and settings,
    and beside it n_train, seconds (sum over the seeds), epochs (in the order of `seeds`) and seeds (`grover.statistics.metrics.by_seed`
    with this `call`).

    Parts of another HASH are removed when the metrics are written, those of this one stay.
    """
    predictions, files = Path(predictions), files or {}
    parts = predictions.parent / f"parts-{hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:12]}"
    folders = {seed: parts / f"seed-{seed}" for seed in seeds}
    needed = {seed: [PREDICTIONS, *(files if seed == seeds[0] else ())] for seed in seeds}
    kept = [seed for seed in seeds if all((folders[seed] / name).is_file() for name in needed[seed])]
    if kept:
        print(
            f"{said['task']}, {said['model']}: {len(kept)} of {len(seeds)} seeds are finished and kept: "
            f"{', '.join(map(str, kept))}",
            file=sys.stderr,
        )
    inputs = read() if len(kept) < len(seeds) else []
    for seed in seeds:
        if seed not in kept:
            shutil.rmtree(folders[seed], ignore_errors=True)  # so that no files of two trainings ever lie together
            started = time.monotonic()
            predicted = train(inputs, seed, folders[seed])
            predicted.attrs["seconds"] = time.monotonic() - started
            write_table(folders[seed] / PREDICTIONS, predicted)  # last: what has it is finished

    tables = [pd.read_parquet(folders[seed] / PREDICTIONS) for seed in seeds]
    told = [table.attrs for table in tables]
    for table in tables:
        table.attrs = {}  # concat wants them equal
    predicted = pd.concat(tables, ignore_index=True)
    scores = by_seed(predicted, call)
    for name, place in files.items():
        _link(folders[seeds[0]] / name, Path(place))
    write_table(predictions, predicted)
    of_seeds = {
        "n_train": told[0]["n_train"],
        "seconds": round(sum(each["seconds"] for each in told), 2),
        "epochs": [each["epochs"] for each in told],
        "seeds": scores,
    }
    write_json(metrics, said | of_seeds)
    for other in predictions.parent.glob("parts-*"):
        if other != parts:
            shutil.rmtree(other)


def _link(source: Path, place: Path) -> None:
    """Make `place` another name of the file `source`, atomically, or a copy where that cannot be."""
    with atomic(place) as temporary:
        temporary.unlink()
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)
        os.utime(temporary)  # an output that is older than its inputs would be made again and again
