"""Baselines: predictors without a language model, fitted and scored on the same folds as the models.

`majority`                        the share of each label, whatever the sequence
`gc`                              logistic regression on the share of G and C
`dinucleotide`                    logistic regression on the shares of the 16 dinucleotides
`tfidf-logistic`, `tfidf-forest`  TF-IDF of k-mers into logistic regression, or into a random forest as in the GROVER
                                  paper (doi 10.1038/s42256-024-00872-0)
`token-logistic`, `token-forest`  the same with the tokens of a vocabulary
`pwm`                             logistic regression on the score of a motif
`adjacency`                       the forbidden-adjacency rule, which is not fitted. BPE never emits two adjacent tokens that it
                                  would have merged, but shuffled tokens contain such pairs.
those of start codons             `grover.finetuning.start_baselines`
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from grover.config.names import LIMITED_BASELINES, SEEDED_BASELINES
from grover.finetuning import start_baselines
from grover.finetuning.baseline_features import (
    Settings,
    allowed,
    dinucleotide_shares,
    gc_share,
    kmer_counts,
    motif_scores,
    token_counts,
)
from grover.runtime.errors import InputError

DENSE_BYTES = 2_000_000_000


def predict(dataset: pd.DataFrame, baseline: str, seeds: Sequence[int], settings: Settings) -> pd.DataFrame:
    """Fit a baseline on fold train and predict folds valid and test.

    `dataset` has the columns sequence, label (0..classes - 1), fold and, where the baseline reads them, score, before, after,
    pieces. A forest is fitted once per seed, another baseline once, with the first seed. Returns the table of `predictions`, whose
    `attrs` have the number of examples of a fit (`n_train`). Raises InputError for an unknown baseline, for labels without a training
    example and for a missing motif or vocabulary.
    """
    if baseline not in STEPS:
        raise InputError(f"unknown baseline {baseline!r}; choose one of {', '.join(STEPS)}")
    train, held_out = train_and_held_out(dataset)
    label = dataset["label"].to_numpy(np.int64)
    read, learn = STEPS[baseline]
    seeds = seeds if baseline in SEEDED_BASELINES else seeds[:1]
    maximum = settings.maximum_train if baseline in LIMITED_BASELINES else 0
    drawn = [_draw(train, label, maximum, seed) for seed in seeds]
    used = np.unique(np.concatenate([*drawn, held_out]))
    features = read(dataset.iloc[used], settings)
    asked = np.searchsorted(used, held_out)
    if baseline in CHOSEN_ON_VALID:
        valid = np.flatnonzero(dataset["fold"].to_numpy()[held_out] == "valid")
        learn = partial(learn, valid=valid, valid_label=label[held_out[valid]])
    tables = []
    for seed, rows in zip(seeds, drawn, strict=True):
        # rows by number are a copy, which may be changed
        probability = learn(features[np.searchsorted(used, rows)], label[rows], features[asked], seed, settings)
        tables.append(predictions(dataset, held_out, probability, seed))
    table = pd.concat(tables, ignore_index=True)
    table.attrs = {"n_train": 0 if learn is _rule else len(drawn[0])}
    return table


def _draw(train: np.ndarray, label: np.ndarray, maximum: int, seed: int) -> np.ndarray:
    """Draw the same examples as `grover.finetuning.finetune.draw` does with this seed, but in their order; 0: all."""
    rows = np.sort(np.random.default_rng(seed).permutation(train)[:maximum]) if maximum else train
    if set(label[rows]) != set(label[train]):
        raise InputError(
            f"a label is not among the {len(rows):,} examples of fold train that seed {seed} draws; raise --maximum-train"
        )
    return rows


def train_and_held_out(dataset: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the row numbers of fold train, and of the folds valid and test.

    Raises an InputError where a label is missing in training or no example is held out.
    """
    names = dataset.attrs.get("labels") or range(int(dataset["label"].max()) + 1)
    train = np.flatnonzero(dataset["fold"] == "train")
    held_out = np.flatnonzero(dataset["fold"].isin(["valid", "test"]))
    counts = np.bincount(dataset["label"].to_numpy(np.int64)[train], minlength=len(names))
    missing = [str(name) for name, count in zip(names, counts, strict=True) if count == 0]
    if len(names) < 2 or missing:
        which = f"{missing[0]} has none" if missing else "there is one label only"
        raise InputError(f"fold train needs examples of every label, but {which}; check the dataset and its folds")
    if not len(held_out):
        raise InputError("the dataset has no example in the folds valid and test; check its folds")
    return train, held_out


def predictions(dataset: pd.DataFrame, rows: np.ndarray, probability: np.ndarray, seed: int) -> pd.DataFrame:
    """Tabulate predictions as all predictors write them.

    Columns: example (index of the dataset), seed, fold, label and, float64, the `probability` of label 1 of two, else one column
    `probability_{label}` per label. `probability` is float [rows, labels].
    """
    chosen = dataset.iloc[rows]
    table = pd.DataFrame(
        {"example": chosen.index, "seed": seed, "fold": chosen["fold"].to_numpy(), "label": chosen["label"].to_numpy()}
    )
    columns = {f"probability_{label}": values for label, values in enumerate(probability.T.astype(np.float64))}
    return table.assign(**({"probability": columns["probability_1"]} if len(columns) == 2 else columns))


# fits: (features, labels) of fold train and held-out features to probabilities [held out, labels]; a matrix of k-mers takes 15 kB per
# 1,000 bases, so that it is changed in place


def _prior(train: np.ndarray, label: np.ndarray, held_out: np.ndarray, seed: int, settings: Settings) -> np.ndarray:
    return DummyClassifier(strategy="prior").fit(train, label).predict_proba(held_out)


def _logistic(train: np.ndarray, label: np.ndarray, held_out: np.ndarray, seed: int, settings: Settings) -> np.ndarray:
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return model.fit(train, label).predict_proba(held_out)


def _rule(train: np.ndarray, label: np.ndarray, held_out: np.ndarray, seed: int, settings: Settings) -> np.ndarray:
    return np.hstack([1 - held_out, held_out])


def _tfidf_logistic(
    train: csr_matrix, label: np.ndarray, held_out: csr_matrix, seed: int, settings: Settings
) -> np.ndarray:
    train, held_out = tfidf(train, held_out)
    # lbfgs stops early in single precision
    train.data = train.data.astype(np.float64)
    return LogisticRegression(max_iter=1000).fit(train, label).predict_proba(held_out)


def _tfidf_forest(
    train: csr_matrix, label: np.ndarray, held_out: csr_matrix, seed: int, settings: Settings
) -> np.ndarray:
    train, held_out = tfidf(train, held_out)
    if 4 * train.shape[0] * train.shape[1] <= DENSE_BYTES:
        train = train.toarray()  # the same trees in a third of the time
    forest = RandomForestClassifier(settings.trees, random_state=seed, n_jobs=settings.threads).fit(train, label)
    rows = max(1, DENSE_BYTES // (32 * held_out.shape[1]))
    blocks = range(0, held_out.shape[0], rows)
    return np.concatenate([forest.predict_proba(held_out[start : start + rows].toarray()) for start in blocks])


def tfidf(train: csr_matrix, held_out: csr_matrix) -> tuple[csr_matrix, csr_matrix]:
    """Turn counts into TF-IDF with weights of fold train, in place; terms that fold train lacks are left out, as scikit-learn does."""
    seen = np.flatnonzero(train.getnnz(axis=0))
    if not len(seen):
        raise InputError(
            "no sequence of fold train contains a k-mer of A, C, G and T of that length; check the sequences"
        )
    if len(seen) < train.shape[1]:
        train, held_out = train[:, seen], held_out[:, seen]
    weights = TfidfTransformer().fit(train)
    return weights.transform(train, copy=False), weights.transform(held_out, copy=False)


# how each baseline reads features and how it learns; what else it takes: `grover.config.names`
STEPS: dict[str, tuple[Callable, Callable]] = {
    "majority": (gc_share, _prior),
    "gc": (gc_share, _logistic),
    "dinucleotide": (dinucleotide_shares, _logistic),
    "tfidf-logistic": (kmer_counts, _tfidf_logistic),
    "tfidf-forest": (kmer_counts, _tfidf_forest),
    "token-logistic": (token_counts, _tfidf_logistic),
    "token-forest": (token_counts, _tfidf_forest),
    "pwm": (motif_scores, _logistic),
    "adjacency": (allowed, _rule),
    "open-frame": (start_baselines.frame_lengths, _logistic),
    "open-frame-window": (start_baselines.window_frame_lengths, _logistic),
    "codon-markov": (start_baselines.phased_bases, start_baselines.fit_markov),
    "shine-dalgarno": (start_baselines.upstream_bases, start_baselines.fit_shine_dalgarno),
}
CHOSEN_ON_VALID = {
    "codon-markov"
}  # whose fit also takes the rows of fold valid among the held-out ones, and their labels
