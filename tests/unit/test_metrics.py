"""Scores against scikit-learn, intervals against explicit resampling and known answers."""

import time

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import matthews_corrcoef, roc_auc_score

from grover import metrics
from grover.errors import InputError


def example(size: int = 300, seed: int = 0, strength: float = 1.0):
    rng = np.random.default_rng(seed)
    label = (rng.random(size) < 0.3).astype(np.int64)
    probability = 1 / (1 + np.exp(-(rng.normal(size=size) + strength * (2 * label - 1))))
    return label, np.round(probability, 2)  # rounded, so that there are ties


def table_of(label, probability, seed: int = 0, fold: str = "test") -> pd.DataFrame:
    columns = {"example": np.arange(len(label)), "seed": seed, "fold": fold, "label": label, "probability": probability}
    return pd.DataFrame(columns)


def test_weighted_scores_are_scikit_learns():
    label, probability = example()
    rng = np.random.default_rng(1)
    mcc = metrics._mcc_of(label, probability[:, None] >= 0.5)
    auroc = metrics._auroc_of(label, probability[:, None])
    for weight in [np.ones(len(label)), *rng.integers(0, 4, (20, len(label))).astype(float)]:
        assert mcc(weight)[0] == pytest.approx(matthews_corrcoef(label, probability >= 0.5, sample_weight=weight))
        assert auroc(weight)[0] == pytest.approx(roc_auc_score(label, probability, sample_weight=weight))
    assert metrics._mcc_of(label, np.ones((len(label), 1), dtype=bool))(np.ones(len(label)))[0] == 0


def test_best_threshold_is_the_best_of_all():
    for seed in range(3):
        label, probability = example(60, seed)
        found = metrics.best_threshold(label, probability)
        # the MCC is the correlation of two binary variables
        tried = [np.corrcoef(label, probability >= cut)[0, 1] for cut in np.unique(probability)[1:]]
        assert matthews_corrcoef(label, probability >= found) == pytest.approx(max(tried))
    assert metrics.best_threshold([0, 1, 1], [0.4, 0.4, 0.4]) == 0.5


def test_bootstrap_interval_is_that_of_explicit_resampling():
    label, probability = example(400)
    rng = np.random.default_rng(7)
    values = []
    for _ in range(1000):
        drawn = rng.integers(0, 400, 400)
        table = np.bincount(2 * label[drawn] + (probability[drawn] >= 0.5), minlength=4).astype(float)
        tn, fp, fn, tp = table
        values.append((tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)))
    low, high = metrics.bootstrap(label, probability)
    assert (low, high) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])), abs=0.02)
    assert metrics.bootstrap(label, probability) == (low, high)


def test_copies_of_an_example_in_one_block_add_nothing():
    label, probability = example(200)
    alone = metrics.bootstrap(label, probability)
    copies = np.repeat(np.arange(200), 9)
    blocked = metrics.bootstrap(label[copies], probability[copies], groups=copies)
    loose = metrics.bootstrap(label[copies], probability[copies])
    assert blocked == pytest.approx(alone, abs=1e-12)
    assert (loose[1] - loose[0]) == pytest.approx((alone[1] - alone[0]) / 3, rel=0.2)


def test_a_thousand_resamples_of_ten_thousand_examples_are_quick():
    label, probability = example(10_000)
    started = time.perf_counter()
    metrics.bootstrap(label, probability)
    assert time.perf_counter() - started < 2  # 0.2 s on an idle core


def test_summary_averages_seeds_and_is_exact_for_a_perfect_model():
    label, probability = example(500)
    other = example(500, seed=9)[1]
    both = pd.concat([table_of(label, probability, 3), table_of(label, other, 4)])
    summary = metrics.summarise(both.sample(frac=1, random_state=0), resamples=200)
    expected = [metrics.scores(label, probability), metrics.scores(label, other)]
    for name in metrics.SCORES:
        assert summary[name] == pytest.approx(np.mean([row[name] for row in expected]))
    assert [row["seed"] for row in summary["seeds"]] == [3, 4]
    assert expected[0]["auroc"] == pytest.approx(roc_auc_score(label, probability))
    assert summary["mcc_low"] < summary["mcc"] < summary["mcc_high"]
    assert summary["n_test"] == 500

    perfect = metrics.summarise(table_of(label, label.astype(float)), resamples=50)
    assert [perfect[name] for name in ("mcc", "mcc_low", "mcc_high", "auroc_low", "auprc", "f1")] == [1] * 6


def test_threshold_comes_from_the_validation_fold_alone():
    label, probability = example(400)
    valid = table_of(label, probability / 10, fold="valid")
    test = table_of(label, probability / 10)
    fixed = metrics.summarise(pd.concat([valid, test]), resamples=20)
    chosen = metrics.summarise(pd.concat([valid, test]), threshold=None, resamples=20)
    assert fixed["mcc"] == 0 and chosen["mcc"] > 0.4
    assert chosen["seeds"][0]["threshold"] == metrics.best_threshold(label, probability / 10)
    flipped = pd.concat([valid, test.assign(label=1 - label)])
    assert metrics.summarise(flipped, threshold=None, resamples=20)["mcc"] == pytest.approx(-chosen["mcc"])


def test_paired_difference_is_narrower_than_that_of_strangers_and_covers_the_truth():
    label, probability = example(1000)
    better = table_of(label, probability)
    assert metrics.compare(better, better) == {"difference": 0, "low": 0, "high": 0}
    noise = np.random.default_rng(3).normal(scale=0.05, size=1000)
    worse = table_of(label, np.clip(probability + noise, 0, 1))
    paired = metrics.compare(better, worse, resamples=300)
    stranger = metrics.compare(better, table_of(label, np.random.default_rng(4).random(1000)), resamples=300)
    assert paired["high"] - paired["low"] < 0.6 * (stranger["high"] - stranger["low"])
    expected = matthews_corrcoef(label, probability >= 0.5) - matthews_corrcoef(label, worse["probability"] >= 0.5)
    assert paired["difference"] == pytest.approx(expected)
    assert stranger["low"] > 0

    # 95 % intervals of two equally good models hold 0 in nearly all of 30 test sets
    held = 0
    for seed in range(30):
        label, one = example(200, seed)
        two = 1 / (1 + np.exp(-(np.random.default_rng(seed + 100).normal(size=200) + 2 * label - 1)))
        difference = metrics.compare(table_of(label, one), table_of(label, two), resamples=100)
        held += difference["low"] <= 0 <= difference["high"]
    assert held >= 25


def test_predictions_that_do_not_fit_together_are_refused():
    label, probability = example(50)
    table = table_of(label, probability)
    with pytest.raises(InputError, match="different examples"):
        metrics.summarise(pd.concat([table, table.head(40).assign(seed=1)]))
    with pytest.raises(InputError, match="label 0 and with label 1"):
        metrics.summarise(table.assign(label=0))
    with pytest.raises(InputError, match="make both from the same dataset"):
        metrics.compare(table, table.assign(label=1 - label))
