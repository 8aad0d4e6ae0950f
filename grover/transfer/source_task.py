"""What was learnt from a task of the source's run, tested on a task here without a label of it."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import torch

from grover.benchmarks.tokenise import read_tokens
from grover.finetuning import baselines
from grover.finetuning.finetune import probabilities
from grover.network.classifier import logits
from grover.network.classifier_folder import load_classifier
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import Vocabulary
from grover.transfer.arms import ELSEWHERE, SOURCE
from grover.transfer.few_labels import calls


def classifier_of_source(
    folder: Path, here: pd.DataFrame, there: pd.DataFrame, place: torch.device, precision: str
) -> pd.DataFrame:
    """Return what a classifier fine-tuned on the dataset `there` calls on fold test of the dataset `here`, with 0 labels of it.

    Columns as those of `grover.transfer.few_labels`, but for the seed. Label 1 is called from a probability of 0.5.
    """
    check_labels(here, there)
    test = fold_test(here)
    scores = logits(
        load_classifier(folder), read_tokens(test, Vocabulary.load(folder)), place, precision, "source task"
    )
    table = pd.DataFrame({"example": test.index, "fold": "test", "label": test["label"]})
    return calls(table.assign(**probabilities(scores))).assign(labels=0, method=ELSEWHERE, model=SOURCE)


def baselines_of_source(
    names: Iterable[str], here: pd.DataFrame, there: pd.DataFrame, settings: baselines.Settings, seed: int
) -> list[pd.DataFrame]:
    """Return the same of baselines that are fitted on fold train of the dataset `there`."""
    check_labels(here, there)
    test = fold_test(here)
    both = pd.concat([there[there["fold"] == "train"], test], ignore_index=True)
    both.attrs = dict(there.attrs)
    found = []
    for name in names:
        table = calls(baselines.predict(both, name, [seed], settings))
        found.append(table.assign(example=test.index, labels=0, method=ELSEWHERE, model=name))
    return found


def check_labels(here: pd.DataFrame, there: pd.DataFrame) -> None:
    """Raise InputError where the two datasets have other labels."""
    ours, theirs = (list(dataset.attrs.get("labels") or []) for dataset in (here, there))
    if ours != theirs:
        raise InputError(
            f"{here.attrs.get('task', 'the task')}: its labels are {', '.join(map(str, ours))}, those of the source's task "
            f"{', '.join(map(str, theirs))}; name a task with the same labels in `transfer.source_tasks`"
        )


def fold_test(dataset: pd.DataFrame) -> pd.DataFrame:
    """Return fold test, with the row numbers of the dataset as index."""
    dataset = dataset.reset_index(drop=True)
    return dataset[dataset["fold"] == "test"]
