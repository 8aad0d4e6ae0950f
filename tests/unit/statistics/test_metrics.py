"""Scores against scikit-learn, and intervals against explicit resampling and against the truth that they should hold."""

import time

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sklearn

from grover.runtime.errors import InputError
from grover.statistics import bootstrap, metrics


def example(size: int = 300, seed: int = 0, strength: float = 1.0):
    rng = np.random.default_rng(seed)
    label = (rng.random(size) < 0.3).astype(np.int64)
    probability = 1 / (1 + np.exp(-(rng.normal(size=size) + strength * (2 * label - 1))))
    return label, np.round(probability * 64) / 64  # rounded, so that there are ties


def several(size: int = 300, seed: int = 0, classes: int = 4):
    rng = np.random.default_rng(seed)
    label = rng.choice(classes, size, p=np.arange(1, classes + 1) / np.arange(1, classes + 1).sum())
    odds = np.exp(rng.normal(size=(size, classes)) + 1.5 * np.eye(classes)[label])
    return label, odds / odds.sum(axis=1, keepdims=True)


def table_of(label, probability, seed: int = 0, fold: str = "test") -> pd.DataFrame:
    """A table of predictions."""
    table = pd.DataFrame({"example": np.arange(len(label)), "seed": seed, "fold": fold, "label": label})
    if probability.ndim == 1:
        return table.assign(probability=probability)
    return table.assign(**{f"probability_{name}": column for name, column in enumerate(probability.T)})


def binned_error(hit, confidence) -> float:
    """The expected calibration error bin by bin."""
    error = 0.0
    for low in np.arange(15) / 15:
        inside = (confidence > low) & (confidence <= low + 1 / 15) | (low == 0) & (confidence == 0)
        if inside.any():
            error += inside.mean() * abs(hit[inside].mean() - confidence[inside].mean())
    return error


@pytest.mark.parametrize("threshold", [0.5, 0.31])
def test_scores_of_two_classes_are_scikit_learns(threshold):
    label, probability = example()
    called = probability >= threshold
    assert metrics.scores(label, probability, threshold) == pytest.approx(
        {
            "mcc": sklearn.matthews_corrcoef(label, called),
            "auroc": sklearn.roc_auc_score(label, probability),
            "auprc": sklearn.average_precision_score(label, probability),
            "accuracy": sklearn.accuracy_score(label, called),
            "f1": sklearn.f1_score(label, called),
            "brier": sklearn.brier_score_loss(label, probability),
            "ece": binned_error(label, probability),
        },
        abs=1e-12,
    )


def test_scores_of_several_classes_are_scikit_learns():
    label, probability = several()
    called = probability.argmax(axis=1)
    truth = np.eye(4)[label]
    assert metrics.scores(label, probability) == pytest.approx(
        {
            "mcc": sklearn.matthews_corrcoef(label, called),
            "auroc": sklearn.roc_auc_score(label, probability, multi_class="ovr"),
            "auprc": sklearn.average_precision_score(truth, probability),
            "accuracy": sklearn.accuracy_score(label, called),
            "f1": sklearn.f1_score(label, called, average="macro"),
            "brier": ((probability - truth) ** 2).sum(axis=1).mean() / 2,
            "ece": binned_error(called == label, probability.max(axis=1)),
        },
        abs=1e-12,
    )


def test_hand_made_cases():
    label = np.array([0, 0, 1, 1])
    perfect = metrics.scores(label, label.astype(float))
    assert perfect == {"mcc": 1, "auroc": 1, "auprc": 1, "accuracy": 1, "f1": 1, "brier": 0, "ece": 0}
    constant = metrics.scores(label, np.full(4, 0.5))
    assert constant == {"mcc": 0, "auroc": 0.5, "auprc": 0.5, "accuracy": 0.5, "f1": 2 / 3, "brier": 0.25, "ece": 0}
    # one example in each cell of the table
    assert metrics.scores(label, np.array([0.9, 0.1, 0.8, 0.2]))["mcc"] == 0
    # two classes given as several are the same
    label, probability = example()
    probability = np.where(
        probability == 0.5, 0.51, probability
    )  # label 1 is called from half on, but is not the most probable
    pair = metrics.scores(label, np.stack([1 - probability, probability], axis=1))
    assert {name: pair[name] for name in ("mcc", "auroc", "brier")} == pytest.approx(
        {name: metrics.scores(label, probability)[name] for name in ("mcc", "auroc", "brier")}
    )


def test_the_calibration_of_two_classes_is_that_of_label_1():
    # three of four are right at a confidence of 0.75 on both sides, but label 1 is as common at 0.25 as at 0.75
    probability = np.repeat([0.25, 0.75], 4)
    assert metrics.scores(np.array([1, 1, 0, 0, 1, 1, 0, 0]), probability)["ece"] == pytest.approx(0.25)
    assert metrics.scores(np.array([1, 0, 0, 0, 1, 1, 1, 0]), probability)["ece"] == pytest.approx(0)
    # too many called on one side and too few on the other are both errors, though hits and confidence agree on the whole
    label = np.array([0, 0, 0, 0, 1, 1, 0, 0])
    assert metrics.scores(label, probability)["ece"] == pytest.approx(0.25)
    pair = np.stack([1 - probability, probability], axis=1)
    assert metrics.scores(label, pair)["ece"] == metrics.scores(label, probability)["ece"]


def test_a_fold_without_one_label_has_no_area_under_the_curve():
    for label, probability in (([1, 1, 1], [0.9, 0.2, 0.6]), ([0, 0, 0], [0.9, 0.2, 0.6])):
        found = metrics.scores(np.array(label), np.array(probability))
        assert np.isnan(found["auroc"]) and np.isnan(found["auprc"]) and found["mcc"] == 0
    label, probability = several()
    assert np.isnan(metrics.scores(label[label < 3], probability[label < 3])["auroc"])


def test_best_threshold_is_the_best_of_all():
    for seed in range(3):
        label, probability = example(60, seed)
        found = metrics.best_threshold(label, probability)
        # the MCC is the correlation of two binary variables
        tried = [np.corrcoef(label, probability >= cut)[0, 1] for cut in np.unique(probability)[1:]]
        assert sklearn.matthews_corrcoef(label, probability >= found) == pytest.approx(max(tried))
    assert metrics.best_threshold([0, 1, 1], [0.4, 0.4, 0.4]) == 0.5
    assert metrics.best_threshold([1, 1, 1], [0.2, 0.4, 0.9]) == pytest.approx(0.65)


def test_thresholds_come_from_the_validation_fold_of_their_own_seed():
    label, probability = example(400)
    valid = [table_of(label, probability / 10, 3, "valid"), table_of(label[:200], probability[:200] / 5, 7, "valid")]
    test = [table_of(label, probability / 10, seed) for seed in (3, 7)]
    predictions = pd.concat(valid + test).sample(frac=1, random_state=0)
    half, best = metrics.by_seed(predictions, "half"), metrics.by_seed(predictions, "valid")
    assert [row["seed"] for row in best] == [3, 7]
    assert [row["threshold"] for row in half] == [0.5, 0.5] and half[0]["mcc"] == 0
    assert best[0]["threshold"] == metrics.best_threshold(label, probability / 10)
    assert best[1]["threshold"] == metrics.best_threshold(label[:200], probability[:200] / 5)
    assert best[0] == {"seed": 3, "threshold": best[0]["threshold"]} | metrics.scores(
        label, probability / 10, best[0]["threshold"]
    )
    label, probability = several()
    (row,) = metrics.by_seed(table_of(label, probability), "valid")
    assert np.isnan(row["threshold"]) and row["mcc"] == metrics.scores(label, probability)["mcc"]


def test_precision_at_steps_of_recall_is_that_of_the_curve():
    label, probability = example(2000)
    curve = metrics.precision_recall(label, probability)
    assert len(curve) == 200 and curve["recall"].iloc[-1] == 1
    for row in curve.iloc[::23].itertuples():
        called = probability >= row.threshold
        assert row.precision == pytest.approx(label[called].mean())
        assert label[called].sum() >= row.recall * label.sum() - 1e-9
        fewer = probability > row.threshold
        assert label[fewer].sum() < row.recall * label.sum()
    assert curve["precision"].mean() == pytest.approx(sklearn.average_precision_score(label, probability), abs=0.02)
    assert len(metrics.precision_recall(label[:40], probability[:40])) == label[:40].sum()
    assert metrics.precision_recall(np.zeros(5, dtype=int), np.linspace(0, 1, 5)).empty


def test_resampled_scores_are_scikit_learns_of_repeated_examples():
    block = np.random.default_rng(2).integers(0, 40, 300)
    drawn = bootstrap.draw(40, 8, seed=1)
    assert (drawn.sum(axis=1) == 40).all()
    label, probability = example()
    mcc = bootstrap.resampled_mcc(drawn, block, label, metrics.called(probability), 2)
    auroc = bootstrap.resampled_auroc(drawn, block, label, probability)
    auprc = bootstrap.resampled_auprc(drawn, block, label, probability)
    labels, probabilities = several()
    mccs = bootstrap.resampled_mcc(drawn, block, labels, metrics.called(probabilities), 4)
    aurocs = bootstrap.resampled_auroc(drawn, block, labels, probabilities)
    for row, weight in enumerate(drawn[:, block]):
        often = np.repeat(np.arange(300), weight)
        assert mcc[row] == pytest.approx(sklearn.matthews_corrcoef(label[often], probability[often] >= 0.5))
        assert auroc[row] == pytest.approx(sklearn.roc_auc_score(label[often], probability[often]))
        assert auprc[row] == pytest.approx(sklearn.average_precision_score(label[often], probability[often]))
        one, two = labels[often], probabilities[often]
        assert mccs[row] == pytest.approx(sklearn.matthews_corrcoef(one, two.argmax(axis=1)))
        assert aurocs[row] == pytest.approx(sklearn.roc_auc_score(one, two, multi_class="ovr"))


def mcc_interval(label, probability, block=None, resamples: int = 1000, seed: int = 0):
    block = np.arange(len(label)) if block is None else block
    drawn = bootstrap.draw(block.max() + 1, resamples, seed)
    return bootstrap.interval(bootstrap.resampled_mcc(drawn, block, label, metrics.called(probability), 2))


def test_the_interval_is_that_of_explicit_resampling():
    label, probability = example(400)
    rng = np.random.default_rng(7)
    values = []
    for _ in range(1000):
        chosen = rng.integers(0, 400, 400)
        tn, fp, fn, tp = np.bincount(2 * label[chosen] + (probability[chosen] >= 0.5), minlength=4).astype(float)
        values.append((tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)))
    low, high = mcc_interval(label, probability)
    assert (low, high) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])), abs=0.02)
    assert mcc_interval(label, probability) == (low, high)
    assert mcc_interval(label, probability, seed=1) != (low, high)


def test_copies_of_an_example_in_one_block_add_nothing():
    label, probability = example(200)
    alone = mcc_interval(label, probability)
    copies = np.repeat(np.arange(200), 9)
    blocked = mcc_interval(label[copies], probability[copies], copies)
    loose = mcc_interval(label[copies], probability[copies])
    assert blocked == pytest.approx(alone, abs=1e-12)
    assert (loose[1] - loose[0]) == pytest.approx((alone[1] - alone[0]) / 3, rel=0.2)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """Test sets of 60 blocks of 5 alike examples, and 5 seeds that each are of another quality; the truth is known."""
    rng = np.random.default_rng(0)
    held = {"blocks and seeds": 0, "examples alone": 0}
    block = np.repeat(np.arange(60), 5)
    for trial in range(80):
        label = np.repeat(rng.integers(0, 2, 60), 5)
        right = np.repeat(rng.random(60) < 0.8, 5)  # a block is right or wrong as a whole
        seeds = right ^ (rng.random((5, 300)) < np.clip(rng.normal(0.1, 0.05, (5, 1)), 0, 1))
        calls = np.where(seeds, label, 1 - label)
        truth = 2 * (0.8 * 0.9 + 0.2 * 0.1) - 1  # labels are even, so that the MCC is twice the accuracy less one
        for way, place in (("blocks and seeds", block), ("examples alone", np.arange(300))):
            drawn = bootstrap.draw(place.max() + 1, 120, trial)
            values = np.stack([bootstrap.resampled_mcc(drawn, place, label, call, 2) for call in calls], axis=1)
            blocked = way == "blocks and seeds"
            values = bootstrap.over_seeds(values, (0, 1, 2, 3, 4), trial) if blocked else values.mean(axis=1)
            low, high = bootstrap.interval(values)
            held[way] += low <= truth <= high
    assert held["blocks and seeds"] >= 0.90 * 80 and held["examples alone"] < 0.75 * 80


def test_seeds_are_drawn_alike_for_models_with_the_same_seeds():
    values = np.tile([0.1, 0.2, 0.6], (4000, 1))
    found = bootstrap.over_seeds(values, (0, 1, 2), 5)
    np.testing.assert_array_equal(found, bootstrap.over_seeds(values, (0, 1, 2), 5))
    assert not np.array_equal(found, bootstrap.over_seeds(values, (0, 1, 3), 5))
    # the mean of three scatters by sd / sqrt(3), with the sd of a sample
    assert found.mean() == pytest.approx(0.3, abs=0.01)
    assert found.std() == pytest.approx(np.std([0.1, 0.2, 0.6], ddof=1) / np.sqrt(3), rel=0.05)
    np.testing.assert_array_equal(bootstrap.over_seeds(values[:, :1], (0,), 5), values[:, 0])


def test_blocks_hold_neighbours_and_equal_sequences_without_a_place():
    size = 300_000
    near = pd.DataFrame({"chrom": "chr1", "start": np.arange(60) * size, "end": np.arange(60) * size + 300})
    table = pd.concat([near, near, near.assign(chrom="chr2")], ignore_index=True).assign(sequence="ACGT")
    found = bootstrap.blocks(table, 100_000)
    np.testing.assert_array_equal(found[:60], found[60:120])  # a shuffle and what it was made from
    assert len(set(found)) == 120 and found.max() == 119 and found.min() == 0
    assert len(set(bootstrap.blocks(table.assign(start=0, end=300), 100_000))) == 2
    csv = pd.DataFrame({"chrom": "", "start": -1, "end": -1, "sequence": ["A", "C", "A", "G"]})
    assert bootstrap.blocks(csv, 100_000).tolist() == [0, 1, 0, 2]
    assert bootstrap.blocks(pd.concat([table, csv]), 100_000).max() == 122
    # 100 neighbouring examples in 50 kb are of smaller blocks
    small = pd.DataFrame({"chrom": "a", "start": np.arange(100) * 500, "sequence": ""})
    assert 40 <= bootstrap.blocks(small.assign(end=small["start"] + 300), 100_000).max() + 1 <= 100


def test_blocks_are_as_long_as_what_is_predicted_stays_the_same():
    rng = np.random.default_rng(4)
    start = np.arange(60_000) * 1_000
    regions = pd.DataFrame({"chrom": "chr1", "start": start, "end": start + 1_000})
    noise = rng.normal(size=(len(start), 1))
    block, alike = bootstrap.blocks_unlike(regions, noise, 10)
    np.testing.assert_array_equal(block, bootstrap.blocks(regions.assign(sequence=""), 100_000))
    assert abs(alike) < 0.15
    # domains of 400 kb: two neighbouring blocks of 100 kb mostly lie in one
    domain = rng.normal(size=150)[start // 400_000][:, None]
    block, alike = bootstrap.blocks_unlike(regions, domain + 0.1 * noise, 10)
    assert np.bincount(block).min() * 1_000 >= 400_000 and alike < 0.25
    # one slope over all: the fewest blocks that are allowed, and the correlation says that they are not enough
    block, alike = bootstrap.blocks_unlike(regions, start[:, None] / 1e6, 10)
    assert 10 <= block.max() + 1 < 20 and alike > 0.5
    assert bootstrap.blocks_unlike(regions, np.ones((len(start), 1)), 10)[1] == 0


def test_sparse_regions_have_neighbours_too_and_contigs_are_none():
    start = np.arange(300) * 400_000
    regions = pd.DataFrame({"chrom": "chr1", "start": start, "end": start + 1_000})
    domain = np.random.default_rng(5).normal(size=60)[start // 2_000_000][:, None]
    block, alike = bootstrap.blocks_unlike(regions, domain, 10)
    assert block.max() + 1 <= 60 and alike < 0.25
    # one block a contig, however much they rise from one to the next
    contigs = pd.DataFrame({"chrom": [f"chr{n}" for n in range(60)], "start": 0, "end": 1_000})
    block, alike = bootstrap.blocks_unlike(contigs, np.arange(60.0)[:, None], 10)
    assert block.tolist() == list(range(60)) and alike == 0


def test_a_thousand_resamples_of_six_thousand_examples_and_three_seeds_are_quick():
    label, probability = several(6000, classes=3)
    binary, one = example(6000)
    started = time.process_time()
    drawn = bootstrap.draw(6000, 1000, 0)
    bootstrap.resampled_mcc(drawn, np.arange(6000), label, probability.argmax(axis=1), 3)
    bootstrap.resampled_auroc(drawn, np.arange(6000), binary, one)
    assert time.process_time() - started < 1.5  # one seed


def test_predictions_that_do_not_fit_together_are_refused():
    label, probability = example(50)
    table = table_of(label, probability)
    with pytest.raises(InputError, match="different examples"):
        metrics.by_seed(pd.concat([table, table.head(40).assign(seed=1)]), "half")
    with pytest.raises(InputError, match="different examples"):
        metrics.by_seed(pd.concat([table, table.assign(seed=1, label=1 - label)]), "half")
    with pytest.raises(InputError, match="no example of fold valid"):
        metrics.by_seed(table, "valid")
    with pytest.raises(InputError, match="no probability"):
        metrics.by_seed(table.assign(probability=np.nan), "half")
    with pytest.raises(InputError, match="labels other than 0 to 1"):
        metrics.by_seed(table.assign(label=2), "half")
    with pytest.raises(InputError, match="lack their column"):
        metrics.by_seed(table.drop(columns="probability"), "half")
    with pytest.raises(InputError, match="choose one of half, valid"):
        metrics.by_seed(table, "third")
