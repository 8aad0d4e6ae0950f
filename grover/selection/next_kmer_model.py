"""Next-k-mer prediction by fine-tuning a pretrained model."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from grover.config.sections.pretraining import NextKmerTraining
from grover.genome.folds import FOLDS
from grover.network.classifier import Classifier, Pooling, Schedule, fit, logits, new_classifier
from grover.network.stacked import Training, trained_together
from grover.network.training import Execution
from grover.selection.next_kmer import Contexts, score, tokenise_contexts
from grover.statistics.proportions import example_variance
from grover.tokenization.vocabulary import Vocabulary

SCORED = ("valid", "test")
POOLING: Pooling = "last"  # the state that the classifier reads
WARMUP = 0.1  # share of the steps


class Settings(NextKmerTraining):
    """How each classifier is trained."""

    precision: str


def tokenise(vocabulary: Vocabulary, contexts: Contexts, threads: int = 1) -> dict[str, list[np.ndarray]]:
    """Token ids of the contexts of each fold."""
    return {
        fold: tokenise_contexts(vocabulary, getattr(contexts, fold)[:, : contexts.context], threads) for fold in FOLDS
    }


def fine_tune(
    folder: Path,
    tokens: dict[str, list[np.ndarray]],
    contexts: Contexts,
    k: int,
    settings: Settings,
    device: torch.device,
    seeds: Sequence[int],
) -> list[pd.DataFrame]:
    """Fine-tune the model in `folder` with each seed to predict the next k bases, several seeds as one network (`grover.network.stacked`).

    Returns for each seed fold and right, one row per example of folds valid and test. `tokens` are the contexts by fold (`tokenise`). The
    seed decides on the first weights of the classifier, the order of the contexts and the dropout.
    """
    models = [new_classifier(folder, 4**k, POOLING, True, seed) for seed in seeds]
    inputs, labels = tokens["train"], contexts.labels("train", k)
    schedule = Schedule(settings.epochs, settings.batch, settings.learning_rate, WARMUP)
    label = f"next {k}-mer, seed {', '.join(map(str, seeds))}"
    execution = Execution(device, settings.precision, seeds[0], label=label)
    if len(seeds) == 1:
        fit(models[0], inputs, labels, schedule, execution)
    elif not trained_together(
        [Training(model, inputs, labels, seed, np.ones(4**k)) for model, seed in zip(models, seeds, strict=True)],
        schedule,
        execution,
    ):
        del models
        if device.type == "cuda":
            torch.cuda.empty_cache()
        return [fine_tune(folder, tokens, contexts, k, settings, device, [seed])[0] for seed in seeds]

    def answered(model: Classifier) -> pd.DataFrame:
        answers = {fold: logits(model, tokens[fold], device, settings.precision).argmax(1) for fold in SCORED}
        right = {fold: answers[fold] == contexts.labels(fold, k) for fold in SCORED}
        return pd.concat([pd.DataFrame({"fold": fold, "right": right[fold]}) for fold in SCORED], ignore_index=True)

    return [answered(model) for model in models]


def by_seed(
    name: str,
    k: Iterable[int],
    seeds: Iterable[int],
    answers: Callable[[int, int], pd.DataFrame],
    block: np.ndarray,
) -> pd.DataFrame:
    """Tabulate a vocabulary, one row per k and seed.

    Columns: accuracy on fold test with its interval; `accuracy_valid`, by which the vocabulary is chosen; `example_variance`
    (`grover.statistics.proportions`) of fold test, one for all seeds of a k.

    `answers(k, seed)` is the table that `fine_tune` makes; block: int64 [examples of fold test] (`Contexts.block`).
    """
    rows = []
    for size in k:
        tables = {seed: answers(size, seed) for seed in seeds}
        right = {
            fold: np.stack([table.loc[table["fold"] == fold, "right"] for table in tables.values()]) for fold in SCORED
        }
        variance = example_variance(right["test"], block)
        for seed, valid, test in zip(tables, right["valid"], right["test"], strict=True):
            row = score(name, "model", size, test, block) | {"seed": seed, "accuracy_valid": float(valid.mean())}
            rows.append(row | {"n_valid": len(valid), "example_variance": variance})
    return pd.DataFrame(rows)
