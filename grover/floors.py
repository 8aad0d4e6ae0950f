"""Floors: what a benchmark yields without a language model, learned on the same fold and scored on the same others.

`majority`       the share of label 1, whatever the sequence
`gc`             logistic regression on the share of G and C
`pwm`            logistic regression on the score of the motif that found the site
`tfidf-forest`   TF-IDF of k-mers into a random forest, the floor of the GROVER paper (doi 10.1038/s42256-024-00872-0)
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from grover.errors import InputError


def gc_share(dataset: pd.DataFrame) -> np.ndarray:
    """Share of G and C in each sequence, float64 [examples, 1]."""
    sequence = dataset["sequence"]
    return ((sequence.str.count("G") + sequence.str.count("C")) / sequence.str.len()).to_numpy()[:, None]


def motif_score(dataset: pd.DataFrame) -> np.ndarray:
    """Score of each site under its matrix in bits, float64 [examples, 1]."""
    if "score" not in dataset or dataset["score"].isna().any():
        raise InputError("the floor pwm needs the column `score` of a benchmark of motif sites; leave it out here")
    return dataset[["score"]].to_numpy(dtype=np.float64)


def sequences(dataset: pd.DataFrame) -> np.ndarray:
    return dataset["sequence"].to_numpy(dtype=object)


def _majority(seed: int, **settings):
    return make_pipeline(FunctionTransformer(gc_share), DummyClassifier(strategy="prior"))


def _gc(seed: int, **settings):
    return make_pipeline(FunctionTransformer(gc_share), StandardScaler(), LogisticRegression())


def _pwm(seed: int, **settings):
    return make_pipeline(FunctionTransformer(motif_score), StandardScaler(), LogisticRegression())


def _tfidf_forest(seed: int, trees: int, kmers: tuple[int, int], threads: int):
    words = TfidfVectorizer(analyzer="char", lowercase=False, ngram_range=kmers, dtype=np.float32)
    forest = RandomForestClassifier(trees, random_state=seed, n_jobs=threads)
    return make_pipeline(FunctionTransformer(sequences), words, forest)


FLOORS: dict[str, Callable] = {"majority": _majority, "gc": _gc, "pwm": _pwm, "tfidf-forest": _tfidf_forest}


def predict(
    dataset: pd.DataFrame, floor: str, seed: int, trees: int = 500, kmers: tuple[int, int] = (3, 6), threads: int = 1
) -> pd.DataFrame:
    """Fit a floor on fold train and predict folds valid and test.

    `dataset` has the columns sequence, label, fold and, for `pwm`, score. Returns example (row of the dataset), seed,
    fold, label, probability (float64, of label 1). `trees` and `kmers` (shortest, longest) are for `tfidf-forest`.
    """
    if floor not in FLOORS:
        raise InputError(f"unknown floor {floor!r}; choose one of {', '.join(FLOORS)}")
    model = FLOORS[floor](seed=seed, trees=trees, kmers=kmers, threads=threads)
    train = dataset[dataset["fold"] == "train"]
    held_out = dataset[dataset["fold"].isin(["valid", "test"])]
    if train["label"].nunique() < 2 or not len(held_out):
        raise InputError("a floor needs both labels in fold train, and examples in the folds valid or test")
    model.fit(train, train["label"])
    probability = model.predict_proba(held_out)[:, 1]
    table = held_out[["fold", "label"]].assign(example=held_out.index, seed=seed, probability=probability)
    return table[["example", "seed", "fold", "label", "probability"]].reset_index(drop=True)
