"""Linear probe: a linear classifier on the pooled states of the pretrained encoder, without fine-tuning."""

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from transformers import BertModel

from grover.benchmarks.tokenise import read_tokens
from grover.finetuning.baselines import predictions, train_and_held_out
from grover.finetuning.finetune import draw
from grover.network.bert import check_length, load_config, load_into
from grover.network.classifier import pooled
from grover.network.training import Execution
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import Vocabulary

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # C of the logistic regression


def probe(
    dataset: pd.DataFrame,
    folder: Path,
    pooling: Literal["cls", "mean"],
    execution: Execution,
    maximum_train: int = 0,
    threads: int = 1,
) -> tuple[pd.DataFrame, dict[str, int | float]]:
    """Fit a logistic regression on the pooled states of the model in `folder` and predict folds valid and test.

    It is fitted on fold train, of which at most `maximum_train` examples (0: all) are drawn by the seed. Its strength is chosen on
    fold valid. `dataset` has the columns sequence, label, fold and those of `read_tokens`. Returns the table of
    `grover.finetuning.baselines.predictions` and what was chosen: n_train, strength.
    """
    train, held_out = train_and_held_out(dataset)
    train = draw(train, maximum_train, [execution.seed])
    label, fold = dataset["label"].to_numpy(np.int64), dataset["fold"].to_numpy()
    valid = fold[held_out] == "valid"
    _check_folds(dataset, label, train, valid, maximum_train)
    encoder = BertModel(load_config(folder), add_pooling_layer=False)
    load_into(encoder, folder, "bert.")
    rows = np.concatenate([train, held_out])
    tokens = read_tokens(dataset.iloc[rows], Vocabulary.load(folder), threads)
    check_length(max(map(len, tokens)), encoder.config.max_position_embeddings, "sequences")
    states = pooled(encoder, tokens, pooling, execution.device, execution.precision, "embed").astype(np.float64)

    known, asked = states[: len(train)], states[len(train) :]
    fits = []
    for strength in STRENGTHS:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000)).fit(known, label[train])
        probability = model.predict_proba(asked)
        loss = log_loss(label[held_out][valid], probability[valid], labels=model.classes_)
        fits.append((loss, strength, probability))
    _, strength, probability = min(fits, key=lambda fit: fit[0])
    chosen = {"n_train": len(train), "strength": strength}
    return predictions(dataset, held_out, probability, execution.seed), chosen


def _check_folds(dataset: pd.DataFrame, label: np.ndarray, train: np.ndarray, valid: np.ndarray, maximum: int) -> None:
    """Raise an InputError where training lacks a label or fold valid is empty."""
    missing = sorted(set(label) - set(label[train]))
    if missing:
        names = dataset.attrs.get("labels") or range(label.max() + 1)
        raise InputError(
            f"label {names[missing[0]]} is not among the {maximum:,} examples drawn for training; raise `maximum_train`"
        )
    if not valid.any():
        raise InputError(
            "the linear probe needs examples in fold valid to choose its strength; check the folds of the dataset"
        )
