"""Scores of labelled variants against scikit-learn, planted confounding, and what must not be judged."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics as sklearn

from grover.interpretation.confounding import confounding
from grover.interpretation.variant_metrics import Resampling, difference, number_blocks, oriented, separation
from grover.interpretation.variant_regression import cross_validated
from grover.interpretation.variant_samples import Sample
from grover.interpretation.variant_summary import Collected, shown

RESAMPLING = Resampling(block=10_000, resamples=100, seed=0)


def variants(size: int = 600, strength: float = 1.0, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, size)
    change = rng.integers(-1, 2, size)
    return pd.DataFrame(
        {
            "chrom": np.where(np.arange(size) < size // 2, "c", "d"),
            "pos": np.tile(np.arange(1, size // 2 + 1) * 500, 2),
            "label": label,
            "status": "ok",
            "fold": "test",
            "llr": rng.normal(size=size) - strength * label,
            "delta_logit": np.nan,
            "markov_5": rng.normal(size=size),
            "token_change": change.astype(float),
            "cpg": rng.choice(["CpG", "other"], size, p=[0.2, 0.8]),
            "substitution": rng.choice(["transition", "transversion"], size),
            "mask": "",
            "tokens": np.array(["fewer", "equal", "more"])[change + 1],
        }
    )


def test_separation_is_scikit_learns_in_each_stratum():
    table = variants()
    found = separation(table, RESAMPLING).set_index(["score", "stratum", "value"])
    for stratum, value in (("all", ""), ("cpg", "CpG"), ("tokens", "fewer")):
        part = table if stratum == "all" else table[table[stratum] == value]
        row = found.loc[("llr", stratum, value)]
        assert row["auroc"] == pytest.approx(sklearn.roc_auc_score(part["label"], -part["llr"]))
        assert row["auprc"] == pytest.approx(sklearn.average_precision_score(part["label"], -part["llr"]))
        assert row["auroc_low"] < row["auroc"] < row["auroc_high"]
        assert (row["positive"], row["negative"]) == (part["label"].sum(), (1 - part["label"]).sum())
    absolute = found.loc[("|llr|", "all", "")]
    assert absolute["auroc"] == pytest.approx(sklearn.roc_auc_score(table["label"], table["llr"].abs()))
    assert "delta_logit" not in found.index.get_level_values("score") and "mask" not in found.index.get_level_values(
        "stratum"
    )
    chance = found.loc[("markov_5", "all", "")]
    assert chance["auroc_low"] < 0.5 < chance["auroc_high"]
    assert oriented(table, "token_change").min() == 0


def test_positives_in_two_blocks_are_not_judged():
    table = variants().query("chrom == 'c'").assign(pos=lambda rows: np.arange(len(rows)) * 60 + 9_000)
    table = table[(table["label"] == 0) | (table["pos"] < 20_000)]
    assert separation(table, RESAMPLING).empty
    assert set(difference(table, "llr", "markov_5", RESAMPLING).values()) == {None}
    assert separation(table.iloc[:0], RESAMPLING).empty
    assert len(separation(variants()[lambda rows: rows["label"] == 0], RESAMPLING)) == 0


def test_a_stratum_or_score_with_positives_in_two_blocks_is_not_judged():
    table = variants()
    near = (table["chrom"] == "c") & (table["pos"] < 20_000)
    table = table.assign(
        cpg=np.where(near | (table["label"] == 0), "CpG", "other"),
        cosine=table["llr"].where(near | (table["label"] == 0)),
    )
    assert (near & (table["label"] == 1)).sum() >= 10
    found = separation(table, RESAMPLING)
    assert set(found["stratum"]) == {"all", "substitution", "tokens"} and "cosine" not in set(found["score"])


def test_a_difference_is_that_of_both_aurocs_on_common_variants():
    table = variants()
    table.loc[::3, "markov_5"] = np.nan
    kept = table.dropna(subset=["markov_5"])
    found = difference(table, "llr", "markov_5", RESAMPLING)
    expected = [sklearn.roc_auc_score(kept["label"], -kept[name]) for name in ("llr", "markov_5")]
    assert found["auroc"] == pytest.approx(expected[0] - expected[1]) and 0 < found["low"] < found["high"]


def test_confounding_is_the_partial_correlation():
    table = variants(strength=0).assign(llr=lambda rows: rows["llr"] - rows["token_change"] + rows["markov_5"])
    row = confounding(table, ["llr", "delta_logit"], RESAMPLING).set_index("score").loc["llr"]
    assert row["r"] == pytest.approx(stats.pearsonr(table["llr"], table["token_change"])[0])
    known = np.column_stack([np.ones(len(table)), table["markov_5"]])
    rest = [
        table[name] - known @ np.linalg.lstsq(known, table[name], rcond=None)[0] for name in ("llr", "token_change")
    ]
    assert row["partial"] == pytest.approx(stats.pearsonr(*rest)[0]) and row["partial_high"] < -0.4
    assert row["n"] == 600 and len(confounding(table, ["delta_logit"], RESAMPLING)) == 0


def test_the_regression_predicts_blocks_that_it_has_not_seen():
    """The label is that of the block, and `name` tells blocks apart: learnt by heart it would predict all, on other blocks nothing."""
    table = variants()
    block = number_blocks(table, 10_000)
    rng = np.random.default_rng(2)
    label = rng.integers(0, 2, 200)[block]
    features = {f"name{i}": (block == i).astype(float) for i in np.unique(block)}
    table = table.assign(label=label, useful=label + rng.normal(size=len(table)), **features)
    table.loc[::5, "useful"] = np.nan
    useful = cross_validated(table, ["useful"], 10_000)
    assert sklearn.roc_auc_score(label, useful) > 0.65
    assert sklearn.roc_auc_score(label, cross_validated(table, [*features], 10_000)) < 0.55
    assert np.isnan(cross_validated(table.assign(empty=np.nan), ["empty"], 10_000)).all()
    assert np.isnan(cross_validated(table[table["pos"] < 3_000], ["useful"], 10_000)).all()


def test_the_regression_does_not_order_blocks_by_the_labels_of_the_others():
    """Blocks differ in their share of positives, the features say nothing: pooled predictions are at chance, not below it."""
    found = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        table = variants(1_200, seed=seed)
        share = rng.beta(0.7, 0.7, 100)[number_blocks(table, 50_000)]
        label = (rng.random(len(table)) < share).astype(int)
        table = table.assign(label=label, noise=rng.normal(size=len(table)))
        found.append(sklearn.roc_auc_score(label, cross_validated(table, ["noise"], 50_000)))
    assert np.mean(found) == pytest.approx(0.5, abs=0.02)


def test_a_sample_has_each_row_with_the_same_chance_and_in_order():
    chosen = np.zeros(100)
    for seed in range(300):
        sample = Sample(10, seed)
        for first in range(0, 100, 7):
            sample.add(pd.DataFrame({"row": np.arange(first, min(first + 7, 100))}))
        rows = sample.table()["row"].to_numpy()
        assert len(rows) == 10 and (np.diff(rows) > 0).all()
        chosen[rows] += 1
    assert stats.chisquare(chosen).pvalue > 0.001


def test_counts_are_those_of_all_variants():
    table = variants(200).assign(fold=lambda rows: np.where(rows["pos"] < 20_000, "train", "test"))
    table.loc[:9, "status"] = "symbolic"
    table.loc[20:39, "label"] = -1
    collected = Collected(seed=0)
    for part in (table[:70], table[70:]):
        collected.add(part)
    counts = collected.counts()
    assert counts["alleles"] == 200 and counts["status"] == {"ok": 190, "symbolic": 10}
    scored = table[(table["status"] == "ok") & (table["fold"] == "test")]["label"].tolist()
    assert counts["labelled"]["test"] == {"positive": scored.count(1), "negative": scored.count(0)}
    judged = collected.judged()
    assert sorted(judged["pos"]) == sorted(table[(table["status"] == "ok") & (table["label"] >= 0)]["pos"])
    assert set(shown(judged, collected.substitutions.table(), 0)["shown"]) == {"labelled", "substitutions"}
