"""Tables of scores and differences against explicit computation, and the commands that write them."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sklearn

from grover.config.sections.benchmarks import BlockBootstrap
from grover.finetuning import scores as scoring
from grover.runtime.errors import InputError
from grover.runtime.files import checksum
from grover.statistics.metrics import by_seed

SCRIPTS = Path(__file__).parents[3] / "workflow" / "scripts"


def benchmark(size: int = 400, labels: tuple = ("no", "yes"), call: str = "half"):
    """A dataset of which a quarter each is valid and test, 100 kb apart, and its audit: every fifth example leaks."""
    rng = np.random.default_rng(0)
    start = np.arange(size) * 100_000
    dataset = pd.DataFrame({"sequence": "ACGT", "label": rng.integers(0, len(labels), size), "chrom": "chr1"})
    dataset = dataset.assign(start=start, end=start + 300, fold=np.resize(["train", "test", "train", "valid"], size))
    dataset.attrs = {"task": "toy", "labels": list(labels), "call": call}
    leak = np.where(np.arange(size) % 5 == 0, "overlap", "")
    return dataset, pd.DataFrame({"example": np.arange(size), "leak": leak})


def predicted(dataset, skill: float, seeds=(0, 1, 2), noise: int = 0) -> pd.DataFrame:
    """Predictions of folds valid and test, better with more skill."""
    rows, classes = dataset[dataset["fold"] != "train"], len(dataset.attrs["labels"])
    tables = []
    for seed in seeds:
        rng = np.random.default_rng([noise, seed])
        odds = np.exp(rng.normal(size=(len(rows), classes)) + skill * np.eye(classes)[rows["label"]])
        share = odds / odds.sum(axis=1, keepdims=True)
        table = pd.DataFrame({"example": rows.index, "seed": seed, "fold": rows["fold"], "label": rows["label"]})
        names = ["probability"] if classes == 2 else [f"probability_{label}" for label in range(classes)]
        tables.append(table.assign(**dict(zip(names, share.T[-len(names) :], strict=True))))
    return pd.concat(tables, ignore_index=True)


def said(model: str, **more) -> dict:
    facts = {"task": "toy", "model": model, "kind": "model", "n_train": 200, "dataset": "d", "weights": "w"}
    return facts | {"settings": {"epochs": 2, "batch": 8}, "seconds": 1.5} | more


def scored(dataset, audit, predictions, block: int = 100_000, resamples: int = 200, seed: int = 0):
    return scoring.score(
        dataset, audit, predictions, {name: said(name) for name in predictions}, block, resamples, seed
    )


def test_each_part_has_a_row_for_each_seed_and_one_for_their_mean_with_intervals():
    dataset, audit = benchmark(call="valid")
    predictions = {"chosen": predicted(dataset, 2), "gc": predicted(dataset, 1, seeds=(0,), noise=1)}
    scores, differences, curves = scored(dataset, audit, predictions)
    assert list(scores) == scoring.SCORE_COLUMNS and list(differences) == scoring.DIFFERENCE_COLUMNS
    assert scores.groupby(["model", "part"]).size().to_dict() == {
        ("chosen", "all"): 4,
        ("chosen", "clean"): 4,
        ("gc", "all"): 2,
        ("gc", "clean"): 2,
    }
    whole = scores[(scores["model"] == "chosen") & (scores["part"] == "all")].reset_index(drop=True)
    for row, expected in zip(whole.iloc[:3].to_dict("records"), by_seed(predictions["chosen"], "valid"), strict=True):
        assert {name: row[name] for name in expected} == expected and np.isnan(row["mcc_low"])
    mean = whole.iloc[3]
    assert mean["seed"] is pd.NA and np.isnan(mean["threshold"])
    assert mean["mcc"] == pytest.approx(whole["mcc"][:3].mean()) and mean["ece"] == pytest.approx(
        whole["ece"][:3].mean()
    )
    assert mean["mcc_low"] < mean["mcc"] < mean["mcc_high"] and mean["auroc_low"] < mean["auroc"] < mean["auroc_high"]
    assert (mean["n_test"], mean["n_train"], mean["classes"], mean["dataset"]) == (100, 200, 2, "d")
    for row in whole.iloc[:3].itertuples():
        valid = predictions["chosen"].query(f"fold == 'valid' and seed == {row.seed}")
        called = valid["probability"] >= row.threshold
        assert row.mcc_valid == pytest.approx(sklearn.matthews_corrcoef(valid["label"], called))
    assert mean["mcc_valid"] == pytest.approx(whole["mcc_valid"][:3].mean())
    assert mean["positive_share"] == dataset.loc[dataset["fold"] == "test", "label"].mean()
    assert json.loads(mean["configuration"]) == {"epochs": 2, "batch": 8}

    clean = scores[(scores["model"] == "chosen") & (scores["part"] == "clean")].iloc[0]
    rows = predictions["chosen"].query("fold == 'test' and seed == 0 and example % 5 != 0")
    assert clean["n_test"] == len(rows) == 80
    assert clean["mcc"] == pytest.approx(
        sklearn.matthews_corrcoef(rows["label"], rows["probability"] >= clean["threshold"])
    )
    assert clean["auroc"] == pytest.approx(sklearn.roc_auc_score(rows["label"], rows["probability"]))
    assert set(curves["model"]) == {"chosen", "gc"} and list(curves) == ["model", "recall", "precision", "threshold"]
    assert curves.groupby("model").size().max() <= 200 and (curves.dtypes[1:] == np.float64).all()


def test_several_classes_are_scored_without_thresholds_and_curves():
    dataset, audit = benchmark(labels=("neither", "donor", "acceptor"))
    scores, _, curves = scored(dataset, audit, {"chosen": predicted(dataset, 2)})
    mean = scores.iloc[3]
    rows = predicted(dataset, 2).query("fold == 'test'")
    share = rows.filter(like="probability_").to_numpy()
    expected = [
        sklearn.matthews_corrcoef(rows["label"][rows["seed"] == seed], share[rows["seed"] == seed].argmax(axis=1))
        for seed in range(3)
    ]
    assert mean["mcc"] == pytest.approx(np.mean(expected)) and mean["mcc_low"] < mean["mcc"] < mean["mcc_high"]
    assert mean["classes"] == 3 and np.isnan(mean["positive_share"]) and scores["threshold"].isna().all()
    assert curves.empty and list(curves) == ["model", "recall", "precision", "threshold"]


def test_the_first_is_compared_with_all_and_every_other_with_its_random_model():
    dataset, audit = benchmark()
    names = ["chosen", "bpe-600", "chosen-random", "bpe-600-random", "gc"]
    predictions = {name: predicted(dataset, 2 - index / 3, noise=index) for index, name in enumerate(names)}
    scores, differences, _ = scored(dataset, audit, predictions)
    whole = differences[differences["part"] == "all"]
    assert list(zip(whole["model"], whole["comparator"], strict=True)) == [
        *(("chosen", name) for name in names[1:]),
        ("bpe-600", "bpe-600-random"),
    ]
    means = scores[scores["seed"].isna() & (scores["part"] == "all")].set_index("model")
    for row in whole.itertuples():
        assert row.difference == pytest.approx(means["mcc"][row.model] - means["mcc"][row.comparator])
        assert row.auroc_difference == pytest.approx(means["auroc"][row.model] - means["auroc"][row.comparator])
        assert row.low < row.difference < row.high and row.auroc_low < row.auroc_difference < row.auroc_high
    assert whole.iloc[3]["low"] > 0  # the baseline is much worse


def test_differences_are_paired():
    dataset, audit = benchmark(1200)
    same = predicted(dataset, 2)
    slight = same.assign(probability=np.clip(same["probability"] + 0.02, 0, 1))
    stranger = predicted(dataset, 2, noise=1)
    other_seeds = same.assign(seed=same["seed"] + 7)
    predictions = {"a": same, "same": same, "slight": slight, "stranger": stranger, "seeds": other_seeds}
    _, differences, _ = scored(dataset, audit, predictions)
    rows = differences[differences["part"] == "all"].set_index("comparator")
    assert (rows.loc["same", scoring.DIFFERENCE_COLUMNS[4:]] == 0).all()
    width = rows["high"] - rows["low"]
    assert 0 < width["slight"] < 0.6 * width["stranger"]
    # other seeds are drawn apart
    assert rows["low"]["seeds"] < 0 == rows["difference"]["seeds"] < rows["high"]["seeds"]


def test_copies_in_the_same_block_do_not_narrow_the_interval():
    dataset, audit = benchmark()
    attrs = dataset.attrs
    often = np.repeat(np.arange(len(dataset)), 4)
    copies = dataset.loc[often].reset_index(drop=True)
    copies.attrs = attrs
    predictions = predicted(dataset, 2, seeds=(0,)).set_index("example")
    repeated = pd.DataFrame({"example": np.arange(len(copies)), "original": often})
    repeated = repeated[repeated["original"].isin(predictions.index)]
    repeated = predictions.loc[repeated["original"]].assign(example=repeated["example"].to_numpy())
    audits = audit.loc[often].assign(example=np.arange(len(copies)))
    one, _, _ = scored(dataset, audit, {"a": predictions.reset_index()})
    four, _, _ = scored(copies, audits, {"a": repeated.reset_index(drop=True)})
    columns = ["mcc", "mcc_low", "mcc_high", "auroc", "auroc_low", "auroc_high"]
    np.testing.assert_allclose(one[columns].astype(float), four[columns].astype(float), atol=1e-12)


def test_each_stratum_of_negatives_is_a_part_with_all_positives():
    dataset, audit = benchmark()
    kind = np.where(dataset["label"] == 1, "", np.resize(["near", "far", "near"], len(dataset)))
    dataset = dataset.assign(stratum=kind)
    predictions = {"chosen": predicted(dataset, 2), "gc": predicted(dataset, 1, seeds=(0,), noise=1)}
    scores, differences, _ = scored(dataset, audit, predictions)
    assert (
        list(dict.fromkeys(scores["part"]))
        == ["all", "clean", "far", "near"]
        == list(dict.fromkeys(differences["part"]))
    )
    row = scores[(scores["model"] == "gc") & (scores["part"] == "far") & scores["seed"].isna()].iloc[0]
    examples = predictions["gc"].query("fold == 'test'")
    within = examples[dataset.loc[examples["example"], "stratum"].isin(["far", ""]).to_numpy()]
    assert row["n_test"] == len(within) and row["auroc_low"] < row["auroc"] < row["auroc_high"]
    assert row["auroc"] == pytest.approx(sklearn.roc_auc_score(within["label"], within["probability"]))


def test_a_small_clean_part_is_left_out_and_a_label_may_be_missing():
    dataset, audit = benchmark()
    few = audit.assign(leak=np.where(audit["example"] < 300, "duplicate", ""))
    scores, differences, _ = scored(dataset, few, {"a": predicted(dataset, 2), "b": predicted(dataset, 1)})
    assert set(scores["part"]) == {"clean", "all"}
    few = audit.assign(leak=np.where(audit["example"] < 340, "duplicate", ""))
    scores, differences, _ = scored(dataset, few, {"a": predicted(dataset, 2), "b": predicted(dataset, 1)})
    assert set(scores["part"]) == set(differences["part"]) == {"all"}
    attrs = dataset.attrs
    dataset = dataset.assign(label=dataset["label"].where(dataset["fold"] != "test", 1))
    dataset.attrs = attrs
    scores, differences, curves = scored(dataset, audit, {"a": predicted(dataset, 2), "b": predicted(dataset, 1)})
    assert scores["auroc"].isna().all() and scores["auroc_low"].isna().all() and (scores["mcc"] == 0).all()
    assert differences["auroc_difference"].isna().all() and (differences["difference"] == 0).all()
    assert scores["accuracy"].notna().all() and (curves["precision"] == 1).all()


def test_what_does_not_fit_the_dataset_is_refused():
    dataset, audit = benchmark()
    table = predicted(dataset, 2)
    with pytest.raises(InputError, match="a predicts other examples"):
        scored(dataset, audit, {"a": table[table["example"] != 1]})
    with pytest.raises(InputError, match="a predicts other examples"):
        scored(dataset, audit, {"a": table.assign(label=1 - table["label"])})
    with pytest.raises(InputError, match="a: the seeds predict different examples"):
        scored(dataset, audit, {"a": table[(table["example"] != 1) | (table["seed"] != 1)]})
    with pytest.raises(InputError, match="the audit lacks examples"):
        scored(dataset, audit.head(300), {"a": table})
    with pytest.raises(InputError, match="the metrics of a lack settings"):
        facts = said("a")
        del facts["settings"]
        scoring.score(dataset, audit, {"a": table}, {"a": facts}, 100, 10, 0)
    three, _ = benchmark(labels=("x", "y", "z"))
    three["label"] = three["label"] % 2
    with pytest.raises(InputError, match="a predicts 2 classes but the dataset has 3 labels"):
        scored(three, audit, {"a": table.assign(label=three["label"][table["example"]].to_numpy())})


def test_a_scan_gives_each_base_to_the_nearest_middle():
    dataset = pd.DataFrame(
        [("chr1", 300, 1301), ("chr1", 0, 1001), ("chr1", 400, 1401), ("chr1", 400, 1401), ("chr2", 100, 1101)],
        columns=["chrom", "start", "end"],
    )
    table = pd.DataFrame({"example": [0, 1, 2, 3, 4], "probability": [0.2, 0.4, 0.6, 1.0, 0.5]})
    table = pd.concat([table.assign(seed=0), table.assign(seed=1, probability=table["probability"] / 2)])
    track = scoring.scan(dataset, table, 300)
    # middles 500, 800 and 900 (twice) on chr1, 600 on chr2; the border of 800 and 900 is 850
    expected = [("chr1", 350, 650, 0.3), ("chr1", 650, 850, 0.15), ("chr1", 850, 1050, 0.6), ("chr2", 450, 750, 0.375)]
    assert [(row.chrom, row.start, row.end, round(row.probability, 9)) for row in track.itertuples()] == expected
    with pytest.raises(InputError, match="two classes"):
        scoring.scan(dataset, table.rename(columns={"probability": "probability_0"}), 300)
    with pytest.raises(InputError, match="coordinates in the genome"):
        scoring.scan(dataset.assign(chrom=""), table, 300)


def test_intervals_of_a_scan_are_disjoint_whatever_the_windows():
    rng = np.random.default_rng(0)
    start = rng.integers(0, 5000, 80)
    dataset = pd.DataFrame({"chrom": rng.choice(["a", "b"], 80), "start": start, "end": start + 101})
    table = pd.DataFrame({"example": np.arange(80), "seed": 0, "probability": rng.random(80)})
    for step in (1, 7, 300):
        track = scoring.scan(dataset, table, step)
        assert (track["start"] < track["end"]).all() and (track["end"] - track["start"] <= min(step, 101)).all()
        for _, rows in track.groupby("chrom"):
            assert (rows["start"].to_numpy()[1:] >= rows["end"].to_numpy()[:-1]).all()


def command(name: str):
    """The function behind a script, which its command line calls."""
    specification = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return getattr(module, name)


def test_the_commands_score_a_task_and_gather_all(tmp_path):
    dataset, audit = benchmark()
    files = {"dataset": tmp_path / "dataset.parquet", "audit": tmp_path / "audit.parquet"}
    dataset.to_parquet(files["dataset"])
    audit.to_parquet(files["audit"])
    files |= {"predictions": [], "metrics": []}
    for index, name in enumerate(("chosen", "chosen-random")):
        files["predictions"].append(tmp_path / f"{name}.parquet")
        files["metrics"].append(tmp_path / f"{name}.json")
        predicted(dataset, 2, noise=index).to_parquet(files["predictions"][-1])
        files["metrics"][-1].write_text(json.dumps(said(name, dataset=checksum(files["dataset"]))))
    written = {name: tmp_path / f"{name}.parquet" for name in ("scores", "differences", "precision_recall")}
    settings = {"resampling": BlockBootstrap(bootstrap=100, block=100_000), "seed": 0}
    command("score_task")(**files, **written, **settings)
    scores, differences = (pd.read_parquet(written[name]) for name in ("scores", "differences"))
    assert scores["seed"].dtype == "Int64" and set(scores["model"]) == {"chosen", "chosen-random"}
    assert differences[["model", "comparator"]].to_numpy().tolist() == 2 * [["chosen", "chosen-random"]]

    alone = tmp_path / "alone.parquet"
    differences.head(0).to_parquet(alone)
    gathered = {"benchmarks": tmp_path / "benchmarks.parquet", "comparisons": tmp_path / "comparisons.parquet"}
    command("gather_benchmarks")(
        scores=[written["scores"], written["scores"]], differences=[alone, written["differences"]], **gathered
    )
    pd.testing.assert_frame_equal(
        pd.read_parquet(gathered["benchmarks"]), pd.concat([scores, scores], ignore_index=True)
    )
    pd.testing.assert_frame_equal(pd.read_parquet(gathered["comparisons"]), differences)

    track = tmp_path / "scan.bedgraph"
    command("scan_track")(dataset=files["dataset"], predictions=files["predictions"][0], output=track, step=300)
    lines = [line.split("\t") for line in track.read_text().splitlines()]
    assert len(lines) == 200 and lines[0][:3] == ["chr1", "100000", "100300"] and 0 <= float(lines[0][3]) <= 1

    with pytest.raises(InputError, match="of another dataset"):
        audit.to_parquet(files["dataset"])
        command("score_task")(**files, **written, **settings)
    with pytest.raises(InputError, match="give one of each"):
        command("score_task")(**files | {"metrics": []}, **written, **settings)
