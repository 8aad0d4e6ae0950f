"""The pretrained encoder as it is: a linear classifier on its pooled states, which shows what they hold without any fine-tuning."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
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
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import Vocabulary

POOLINGS = ("cls", "mean")
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # C of the logistic regression


def probe(
    dataset: pd.DataFrame,
    folder: Path,
    pooling: str,
    device: torch.device,
    maximum_train: int = 0,
    precision: str = "auto",
    seed: int = 0,
    threads: int = 1,
) -> tuple[pd.DataFrame, dict]:
    """Fit a logistic regression on the pooled states of the model in `folder` for fold train, its strength chosen on fold valid,
    and predict folds valid and test.

    `dataset` has the columns sequence, label, fold and what `read_tokens` takes. With `maximum_train` as many examples of fold
    train are drawn by the seed. Returns the table of `grover.finetuning.baselines.predictions` and what was chosen: n_train,
    strength.
    """
    if pooling not in POOLINGS:
        raise InputError(f"pooling: {pooling!r} is unknown; expected one of {', '.join(POOLINGS)}")
    train, held_out = train_and_held_out(dataset)
    train = draw(train, maximum_train, [seed])
    label, fold = dataset["label"].to_numpy(np.int64), dataset["fold"].to_numpy()
    _check_folds(dataset, label, train, fold[held_out] == "valid", maximum_train)
    encoder = BertModel(load_config(folder), add_pooling_layer=False)
    load_into(encoder, folder, "bert.")
    rows = np.concatenate([train, held_out])
    tokens = read_tokens(dataset.iloc[rows], Vocabulary.load(folder), threads)
    check_length(max(map(len, tokens)), encoder.config.max_position_embeddings, "sequences")
    states = pooled(encoder, tokens, pooling, device, precision, "embed").astype(np.float64)

    known, asked = states[: len(train)], states[len(train) :]
    valid = fold[held_out] == "valid"
    best, lowest = None, np.inf
    for strength in STRENGTHS:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000)).fit(known, label[train])
        probability = model.predict_proba(asked)
        loss = log_loss(label[held_out][valid], probability[valid], labels=model.classes_)
        if loss < lowest:
            best, lowest = (strength, probability), loss
    strength, probability = best
    return predictions(dataset, held_out, probability, seed), {"n_train": len(train), "strength": strength}


def _check_folds(dataset: pd.DataFrame, label: np.ndarray, train: np.ndarray, valid: np.ndarray, maximum: int) -> None:
    missing = sorted(set(label) - set(label[train]))
    if missing:
        names = dataset.attrs.get("labels") or range(label.max() + 1)
        raise InputError(
            f"label {names[missing[0]]} is not among the {maximum:,} examples drawn for training; raise `maximum_train`"
        )
    if not valid.any():
        raise InputError(
            "the probe needs examples in fold valid to choose its strength; check the folds of the dataset"
        )
