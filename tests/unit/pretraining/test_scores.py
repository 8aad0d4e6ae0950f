import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, top_k_accuracy_score

from grover.config.names import MASKED_BASELINES
from grover.genome.assembly import Genome
from grover.pretraining import evaluation, scores
from grover.pretraining.scores import PREDICTORS
from grover.tokenization.vocabulary import FIRST_BASE

SIZE = 12


def made_up(n: int = 4_000, seed: int = 0) -> pd.DataFrame:
    """Masked tokens over 2 Mb; the model loses half a nat less than each baseline."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"target": rng.integers(FIRST_BASE, SIZE, n), "bases": rng.integers(1, 5, n)})
    table["base"] = np.sort(rng.integers(0, 2_000_000, n))
    table["seen"] = rng.random(n) < 0.25
    for name in PREDICTORS:
        table[f"nats_{name}"] = rng.exponential(2.0 if name == "model" else 2.5, n).astype(np.float32)
        table[f"rank_{name}"] = rng.integers(0, 7, n)
    return table


def test_scores_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(SIZE - FIRST_BASE), 300)
    probabilities = np.hstack([np.zeros((300, FIRST_BASE)), probabilities])
    targets = rng.integers(FIRST_BASE, SIZE, 300)
    bases = np.array([0] * FIRST_BASE + [1, 2, 3, 1, 2, 3, 4])[targets]
    predicted = evaluation.score(probabilities, targets)
    table = pd.DataFrame({"bases": bases, "base": targets * 100, "seen": False})
    for name in PREDICTORS:
        table[f"nats_{name}"], table[f"rank_{name}"] = predicted.nats, predicted.rank
    found = scores.score_split(table, answers=7, top=3, seed=0)["model"]
    labels = range(SIZE)
    assert found["loss"] == pytest.approx(log_loss(targets, probabilities, labels=labels))
    assert found["top1"] == pytest.approx(top_k_accuracy_score(targets, probabilities, k=1, labels=labels))
    assert found["topk"] == pytest.approx(top_k_accuracy_score(targets, probabilities, k=3, labels=labels))
    assert found["perplexity_share"] == pytest.approx(np.exp(found["loss"]) / 7)
    assert found["bits_per_base"] == pytest.approx(found["loss"] * 300 / np.log(2) / bases.sum())
    assert scores.summarise(predicted.nats, predicted.rank, None)["bits_per_base"] is None


def test_a_split_has_scores_gains_and_the_share_that_training_saw():
    table = made_up()
    found = scores.score_split(table, SIZE - FIRST_BASE, 3, seed=0)
    assert found["seen_share"] == table["seen"].mean() and found["masked_tokens"] == 4_000
    assert list(found["baselines"]) == list(MASKED_BASELINES)
    for name, gain in found["gains"].items():
        assert gain["low"] < gain["difference"] < gain["high"] < 0
        assert gain["difference"] == pytest.approx(found["model"]["loss"] - found["baselines"][name]["loss"], abs=1e-6)


def test_intervals_follow_the_number_of_blocks():
    """Tokens of one block that all say the same are one observation, not many."""
    rng = np.random.default_rng(0)
    effect = rng.normal(1.0, 1.0, 100)
    sums, counts = (effect * 50)[:, None], np.full((100, 1), 50.0)
    low, high = scores.interval(sums, counts, seed=0)
    error = effect.std() / 10
    assert high[0] - low[0] == pytest.approx(2 * 1.96 * error, rel=0.15)
    assert low[0] < effect.mean() < high[0]
    few = np.where(np.arange(100) < 4, 1.0, 0.0)[:, None]
    assert np.isnan(scores.interval(sums * few, counts * few, 0)).all()


def test_blocks_shrink_until_there_are_enough():
    assert scores.block_size(np.arange(0, 100_000_000, 1_000)) == 100_000
    small = np.arange(0, 600_000, 100)
    size = scores.block_size(small)
    assert len(np.unique(small // size)) >= 50 and size > 1_000
    assert scores.block_size(np.array([5, 6])) == 1_000


def test_strata_are_those_of_a_slow_look_at_each_token():
    table = made_up(1_000)
    places = {
        ("repeat", "Alu"): (np.array([0, 500_000]), np.array([250_000, 900_000])),
        ("repeat", "L1"): (np.array([800_000]), np.array([1_200_000])),  # overlaps Alu
        ("gene", "gene"): (np.array([1_999_999]), np.array([2_000_000])),  # empty
    }
    found = scores.strata(table, places, seed=0).set_index(["track", "category", "predictor"])
    base = table["base"]
    alu = (base < 250_000) | ((base >= 500_000) & (base < 900_000))
    first = (base >= 800_000) & (base < 1_200_000)
    for category, inside in (("Alu", alu), ("L1", first), ("none", ~alu & ~first)):
        for name in PREDICTORS:
            row = found.loc["repeat", category, name]
            assert row["n"] == inside.sum() and row["share"] == pytest.approx(inside.mean())
            assert row["loss"] == pytest.approx(table.loc[inside, f"nats_{name}"].mean(), rel=1e-5)
            assert row["top1"] == pytest.approx((table.loc[inside, f"rank_{name}"] == 0).mean())
            if name != "model":
                assert row["low"] < row["gain"] < row["high"]
    assert ("gene", "gene", "model") not in found.index and found.loc["gene", "none", "model"]["n"] == 1_000


def test_tokens_have_accuracy_and_area():
    table = made_up(500)
    areas = np.linspace(0, 1, SIZE)
    found = scores.by_token(table, areas, [str(i) for i in range(SIZE)]).set_index("id")
    assert found["n"].sum() == 500
    assert (found["accuracy"] * found["n"]).sum() == pytest.approx((table["rank_model"] == 0).sum())
    assert (found["auc"] == areas[found.index]).all() and (found["token"] == found.index.astype(str)).all()


def test_the_soft_mask_is_a_stratum_unless_there_is_none(tmp_path):
    np.save(tmp_path / "sequence.npy", np.zeros(30, np.uint8))
    (tmp_path / "segments.bed").write_text("chr1\t100\t120\ts0\nchr2\t0\t10\ts1\n")
    (tmp_path / "softmask.bed").write_text("chr1\t105\t110\nchr2\t0\t4\n")
    (tmp_path / "none.bed").write_text("")
    genome = Genome(tmp_path / "sequence.npy", tmp_path / "segments.bed")
    ((name, (starts, ends)),) = scores.soft_mask(genome, tmp_path / "softmask.bed").items()
    assert name == ("soft_mask", "lower case") and starts.tolist() == [5, 20] and ends.tolist() == [10, 24]
    assert scores.soft_mask(genome, tmp_path / "none.bed") == {}
