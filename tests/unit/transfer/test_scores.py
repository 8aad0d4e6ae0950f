"""The matrix: parts of fold test, differences on the same labels, masked bits per base."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import matthews_corrcoef, roc_auc_score

from grover.transfer.scores import Resampling, gc_matched, parts_of, score_bases, score_labels

HOW = Resampling(1_000, 100, 0)


@pytest.fixture
def examples():
    """120 test examples, whose label goes with GC, and a third of which the source saw."""
    rng = np.random.default_rng(2)
    label = np.arange(120) % 2
    start = 500 * np.arange(120)
    table = {"sequence": "A", "label": label, "chrom": "chr1", "start": start, "end": start + 100}
    return pd.DataFrame(table, index=np.arange(300, 420)).assign(
        gc=np.clip(0.4 + 0.05 * label + rng.normal(0, 0.05, 120), 0, 1), similar=np.where(np.arange(120) % 3, 0.0, 0.8)
    )


def predictions(examples, model, share, labels=50, method="fine-tuned"):
    """Predictions of two seeds that are right for about a share of the examples."""
    tables = []
    for seed in (1, 2):
        right = np.random.default_rng([seed, int(100 * share)]).random(len(examples)) < share
        called = np.where(right, examples["label"], 1 - examples["label"])
        columns = {
            "example": examples.index,
            "label": examples["label"].to_numpy(),
            "called": called,
            "score": 0.2 + 0.6 * called,
        }
        tables.append(pd.DataFrame(columns).assign(seed=seed, labels=labels, method=method, model=model))
    return pd.concat(tables)


def test_parts_and_gc_matching(examples):
    parts = parts_of(examples, 0.2, 0)
    assert parts["apart"].sum() == 80 and not parts["gc"][examples["similar"] > 0.2].any()
    matched = examples[gc_matched(examples, np.ones(120, bool), 0)]
    bins = (matched["gc"] // 0.05).astype(int)
    assert (pd.crosstab(bins, matched["label"]).diff(axis=1)[1] == 0).all() and len(matched) > 40
    unknown = parts_of(examples.assign(similar=np.nan), 0.2, 0)
    assert "apart" not in unknown and unknown["gc"].sum() == len(matched)


def test_scores_are_those_of_scikit_learn_and_differences_those_of_the_same_labels(examples):
    tables = [
        predictions(examples, "source", 0.9),
        predictions(examples, "random", 0.55),
        predictions(examples, "source", 0.7, 0, "source task"),
    ]
    found = score_labels(pd.concat(tables), examples, HOW, 0.2).set_index(["model", "method", "labels", "part"])
    for (model, _, labels, part), row in found.iterrows():
        if part == "gc":
            continue
        kept = examples[parts_of(examples, 0.2, 0)[part]]
        rows = next(t for t in tables if t["model"].iloc[0] == model and t["labels"].iloc[0] == labels)
        each = [t.set_index("example").loc[kept.index] for _, t in rows.groupby("seed")]
        assert row["mcc"] == pytest.approx(np.mean([matthews_corrcoef(t["label"], t["called"]) for t in each]))
        assert row["auroc"] == pytest.approx(np.mean([roc_auc_score(t["label"], t["score"]) for t in each]))
        assert row["n_test"] == len(kept) and row["mcc_low"] < row["mcc"] < row["mcc_high"]
    source, random = found.loc[("source", "fine-tuned", 50, "all")], found.loc[("random", "fine-tuned", 50, "all")]
    assert source["over_random"] == pytest.approx(source["mcc"] - random["mcc"]) and source["over_random_low"] > 0
    assert np.isnan(random["over_random"]) and np.isnan(found.loc[("source", "source task", 0, "all"), "over_random"])


def test_bits_per_base_weigh_loci_by_their_bases():
    def table(bits):
        return pd.DataFrame(
            {"bases": [100, 300, 100], "tokens": [25, 75, 20], "bits": bits, "bits_frequency": [200.0, 600.0, 200.0]}
        )

    tables = {"source": table([150.0, 600.0, 190.0]), "random": table([202.0, 602.0, 200.0])}
    tables["random"]["bits_frequency"] += [2.0, 2.0, 0.0]  # another vocabulary
    found = score_bases(tables, np.array([0.0, 0.0, 0.9]), 0.2, HOW).set_index(["model", "part"])
    assert found.loc[("source", "all"), "bits"] == pytest.approx(940 / 500)
    assert found.loc[("source", "apart"), "gain"] == pytest.approx(50 / 400)
    assert found.loc[("source", "apart"), "over_random"] == pytest.approx(50 / 400)
    assert np.isnan(found.loc[("random", "all"), "over_random"]) and np.isnan(found["over_scratch"]).all()
    assert found.loc[("source", "all"), "bases_per_token"] == pytest.approx(500 / 120)
    assert set(score_bases(tables, np.full(3, np.nan), 0.2, HOW)["part"]) == {"all"}
