"""Floors on planted signals, and the whole chain from motif to comparison through its commands."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grover import floors, metrics
from grover.errors import InputError
from grover.genome import encode

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"


def random_letters(rng, size: int, gc: float = 0.5) -> str:
    return "".join(rng.choice(list("ACGT"), size, p=[(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]))


def dataset_of(size: int, sequence_of) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, size)
    fold = np.resize(["train", "train", "valid", "test"], size)
    sequences = [sequence_of(rng, positive) for positive in label]
    return pd.DataFrame({"sequence": sequences, "label": label, "fold": fold, "score": rng.normal(3 * label)})


def planted_word(rng, positive) -> str:
    text = random_letters(rng, 60)
    return text[:20] + "GATTACA" + text[27:] if positive else text


def auroc(dataset: pd.DataFrame, floor: str, **settings) -> float:
    return metrics.summarise(floors.predict(dataset, floor, seed=0, **settings), resamples=10)["auroc"]


def test_each_floor_finds_its_own_signal_and_nothing_else():
    by_word = dataset_of(200, planted_word)
    by_gc = dataset_of(200, lambda rng, positive: random_letters(rng, 60, 0.65 if positive else 0.4))
    assert auroc(by_gc, "gc") > 0.9
    assert auroc(by_word, "gc") < 0.75
    assert auroc(by_word, "pwm") > 0.9
    assert auroc(by_word, "tfidf-forest", trees=50) > 0.9
    majority = metrics.summarise(floors.predict(by_word, "majority", seed=0), resamples=10)
    assert (majority["mcc"], majority["auroc"]) == (0, 0.5)


def test_gc_share_counts_letters():
    table = pd.DataFrame({"sequence": ["AACG", "GGCC", "ATAT"]})
    assert floors.gc_share(table)[:, 0].tolist() == [0.5, 1.0, 0.0]


def test_held_out_labels_and_sequences_do_not_reach_the_fit():
    dataset = dataset_of(120, planted_word)
    predicted = floors.predict(dataset, "tfidf-forest", seed=3, trees=10)
    other = dataset.copy()
    other.loc[other["fold"] != "train", "label"] ^= 1
    changed = floors.predict(other, "tfidf-forest", seed=3, trees=10)
    pd.testing.assert_series_equal(predicted["probability"], changed["probability"])
    # without the test fold the words and weights of the others stay the same
    fewer = floors.predict(dataset[dataset["fold"] != "test"], "tfidf-forest", seed=3, trees=10)
    valid = predicted[predicted["fold"] == "valid"].reset_index(drop=True)
    pd.testing.assert_frame_equal(valid, fewer)
    assert predicted["example"].tolist() == dataset.index[dataset["fold"] != "train"].tolist()
    seed = floors.predict(dataset, "tfidf-forest", seed=4, trees=10)
    assert not np.array_equal(predicted["probability"], seed["probability"])


def test_what_a_floor_lacks_is_named():
    dataset = dataset_of(40, planted_word)
    with pytest.raises(InputError, match="unknown floor 'forest'; choose one of majority, gc, pwm, tfidf-forest"):
        floors.predict(dataset, "forest", seed=0)
    with pytest.raises(InputError, match="needs the column `score`"):
        floors.predict(dataset.drop(columns="score"), "pwm", seed=0)
    with pytest.raises(InputError, match="both labels in fold train"):
        floors.predict(dataset.assign(label=1), "gc", seed=0)


def command(name: str):
    """The function behind a script, which its command line calls."""
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return getattr(module, name)


def test_from_motif_to_comparison(tmp_path):
    """A planted motif, bound where a second word follows: the forest sees it, the matrix does not."""
    rng = np.random.default_rng(0)
    pieces, peaks = [], []
    for i in range(300):
        bound = rng.random() < 0.5
        text = random_letters(rng, 45) + "TGACCTTGAGCT" + ("CATCATCAT" if bound else random_letters(rng, 9))
        pieces.append(text + random_letters(rng, 100 - len(text)))
        if bound:
            peaks.append(f"chr1\t{100 * i + 20}\t{100 * i + 80}\t.\t0\t.\t1\t-1\t-1\t30\n")
    np.save(tmp_path / "sequence.npy", encode("".join(pieces)))
    (tmp_path / "segments.bed").write_text("chr1\t0\t30000\ts0\n")
    (tmp_path / "contigs.tsv").write_text("contig\tlength\nchr1\t30000\n")
    (tmp_path / "folds.bed").write_text("chr1\t0\t18000\ttrain\nchr1\t18000\t22000\tvalid\nchr1\t22000\t30000\ttest\n")
    (tmp_path / "peaks.narrowPeak").write_text("".join(peaks))
    matrix = np.full((12, 4), 0.01)
    matrix[np.arange(12), encode("TGACCTTGAGCT")] = 0.97
    rows = "\n".join(" ".join(map(str, row)) for row in matrix)
    (tmp_path / "motifs.meme").write_text(
        f"MEME version 4\n\nMOTIF M1 WORD\nletter-probability matrix: w= 12\n{rows}\n"
    )

    genome = {"sequence": tmp_path / "sequence.npy", "segments": tmp_path / "segments.bed"}
    hits, dataset, card = (tmp_path / name for name in ("hits.parquet", "dataset.parquet", "card.json"))
    command("scan_motif")(**genome, motifs=tmp_path / "motifs.meme", motif="WORD", threshold=1e-6, output=hits)
    command("build_dataset")(
        **genome,
        contigs=tmp_path / "contigs.tsv",
        folds=tmp_path / "folds.bed",
        hits=hits,
        peaks=tmp_path / "peaks.narrowPeak",
        length=60,
        dataset=dataset,
        card=card,
    )
    written = json.loads(card.read_text())
    assert (written["motif"], written["threshold"], written["builder"]) == ("WORD", 1e-6, "motif-bound")
    assert written["examples"] >= 295
    assert sum(by_label["bound"] for by_label in written["counts"].values()) == pytest.approx(len(peaks), abs=3)

    results = {"metrics": [], "predictions": []}
    for floor in ("tfidf-forest", "pwm"):
        for kind, suffix in (("metrics", "json"), ("predictions", "parquet")):
            results[kind].append(tmp_path / f"{floor}.{suffix}")
        command("run_floor")(
            dataset=dataset,
            predictions=results["predictions"][-1],
            metrics=results["metrics"][-1],
            task="ctcf",
            floor=floor,
            seeds=[0, 1],
            trees=30,
            block=200,
            resamples=100,
        )
    benchmarks, comparisons = tmp_path / "benchmarks.parquet", tmp_path / "comparisons.parquet"
    command("compare_models")(
        **results, benchmarks=benchmarks, comparisons=comparisons, chosen="tfidf-forest", resamples=100
    )
    scores = pd.read_parquet(benchmarks).set_index("model")
    assert scores.loc["tfidf-forest", "mcc"] > 0.8 > 0.4 > scores.loc["pwm", "mcc"]
    assert set(scores["seeds"]) == {2}
    (row,) = pd.read_parquet(comparisons).itertuples(index=False)
    assert (row.task, row.model, row.rival) == ("ctcf", "tfidf-forest", "pwm")
    assert row.difference == pytest.approx(scores["mcc"]["tfidf-forest"] - scores["mcc"]["pwm"])
    assert 0 < row.low < row.difference < row.high
