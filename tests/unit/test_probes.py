"""Linear probes: a planted signal is found, noise stays at chance, and scikit-learn gives the same scores."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score, roc_auc_score

from grover.genome import Genome
from grover.probes import auroc, kmer_frequencies, make_target, probe, score

N = 600
FOLDS = np.random.default_rng(5).permutation(np.repeat(["train", "valid", "test", "gap"], [360, 60, 150, 30]))


def run(values, kind, signal, resamples=100):
    rng = np.random.default_rng(0)
    representations = {"mean": np.column_stack([signal, rng.normal(size=(N, 7))])}
    representations |= {"gc": rng.random((N, 1)), "kmers": rng.random((N, 12))}
    table = probe(pd.DataFrame({"track": values}), {"track": kind}, FOLDS, representations, 0, resamples)
    return table.set_index("representation")


@pytest.fixture(scope="module")
def hidden():
    return np.random.default_rng(1).normal(size=N)


def test_a_planted_category_is_found_and_beats_both_floors(hidden):
    names = np.array(["low", "none", "high"])[np.digitize(hidden, [-0.5, 0.5])]
    row = run(names, "category", hidden + 3).loc["mean"]
    # a linear multinomial model cannot single out the middle class perfectly
    assert row["value"] > 0.9 and row["low"] < row["value"] < row["high"]
    assert row["over_gc_low"] > 0 and row["over_kmers_low"] > 0
    assert (row["n_train"], row["n_test"], row["metric"], row["note"]) == (360, 150, "auroc", "")


def test_a_planted_presence_and_quantity_are_found(hidden):
    assert run(hidden > 0, "presence", hidden).loc["mean", "value"] > 0.97
    quantity = run(2 * hidden + 1, "quantity", hidden).loc["mean"]
    assert quantity["value"] > 0.97 and quantity["metric"] == "r2"


def test_noise_stays_at_chance(hidden):
    noise = np.random.default_rng(9)
    table = run(noise.random(N) < 0.5, "presence", hidden)
    assert (table["low"] < 0.5).all() and (table["high"] > 0.5).all() and (table["high"] < 0.7).all()
    assert run(noise.normal(size=N), "quantity", hidden).loc["mean", "value"] < 0.05


def test_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(2)
    truth, weights = rng.integers(0, 4, 80), rng.random((80, 4))
    probabilities = weights / weights.sum(1, keepdims=True)
    expected = roc_auc_score(truth, probabilities, multi_class="ovr", average="macro")
    assert score(truth, probabilities, "auroc") == pytest.approx(expected)
    tied = rng.integers(0, 5, 80)
    assert auroc(truth == 1, tied) == pytest.approx(roc_auc_score(truth == 1, tied))
    predicted = truth + rng.normal(size=80)
    assert score(truth.astype(float), predicted, "r2") == pytest.approx(r2_score(truth, predicted))


def test_rare_categories_are_left_out_and_named(hidden):
    names = np.where(hidden > 0, "many", "none").astype(object)
    rare = np.flatnonzero(FOLDS == "train")[:9]
    names[rare] = "few"
    table = run(names, "category", hidden)
    assert table.loc["mean", "note"] == "too few regions: few"
    assert table.loc["mean", "n_train"] == 351
    assert table.loc["mean", "value"] > 0.97


def test_a_track_without_two_categories_has_no_value(hidden):
    table = run(np.full(N, "same"), "category", hidden)
    assert table["value"].isna().all() and table["note"].eq("too few regions").all()
    target = make_target(pd.Series(np.full(N, np.nan)), "quantity", FOLDS)
    assert target.values.size == 0 and target.note == "too few regions"


def test_kmers_are_counted_within_the_region(tmp_path):
    codes = np.array([0, 0, 0, 0, 0, 3, 1, 2, 1, 1], np.uint8)
    np.save(tmp_path / "sequence.npy", codes)
    (tmp_path / "segments.bed").write_text("chr1\t100\t110\ts0\n")
    genome = Genome(tmp_path / "sequence.npy", tmp_path / "segments.bed")
    row = kmer_frequencies(genome, pd.DataFrame({"chrom": ["chr1"], "start": [100], "end": [106]}))[0]
    # AAAAAT holds AAAA twice and AAAT once
    assert row[0] == pytest.approx(2 / 3) and row[3] == pytest.approx(1 / 3) and row.sum() == pytest.approx(1)
