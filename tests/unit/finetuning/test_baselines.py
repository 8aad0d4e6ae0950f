"""Baselines on planted signals and on real sets, beside scikit-learn used directly."""

import importlib.util
import json
import os
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import matthews_corrcoef, roc_auc_score

from grover.annotation import motifs
from grover.config.names import BASELINES, NETWORK_BASELINES
from grover.config.sections import benchmarks as config
from grover.finetuning import baseline_features, baselines
from grover.finetuning.baselines import Settings
from grover.finetuning.finetune import draw
from grover.genome.bases import decode, encode
from grover.genome.fasta import read_contigs
from grover.runtime.errors import InputError
from grover.tokenization import bpe
from grover.tokenization.vocabulary import Vocabulary

SCRIPT = Path(__file__).parents[3] / "workflow" / "scripts" / "run_baseline.py"
needs_data = pytest.mark.skipif("GROVER_DATA" not in os.environ, reason="GROVER_DATA is not set")


def random_bases(rng, size: int, gc: float = 0.5) -> str:
    return "".join(rng.choice(list("ACGT"), size, p=[(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]))


def dataset_of(size: int, sequence_of, classes: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    label = rng.integers(0, classes, size)
    fold = np.resize(["train", "train", "valid", "test"], size)
    sequences = [sequence_of(rng, number) for number in label]
    dataset = pd.DataFrame({"sequence": sequences, "label": label, "fold": fold, "score": rng.normal(3 * label)})
    dataset.attrs = {"task": "planted", "labels": [f"label {number}" for number in range(classes)], "call": "half"}
    return dataset


def planted_motif(rng, label) -> str:
    text = random_bases(rng, 60)
    return text[:20] + (text[20:27], "GATTACA", "CATCATC")[label] + text[27:]


def test_the_registry_names_each_baseline_that_can_be_fitted():
    assert {*baselines.STEPS, *NETWORK_BASELINES} == set(BASELINES)
    assert not set(baselines.STEPS) & set(NETWORK_BASELINES)


def chosen(**given) -> Settings:
    return Settings(**{"trees": 20, "kmers": (2, 6), "maximum_train": 0} | given)


def predict(dataset: pd.DataFrame, baseline: str, seeds=(0,), settings: Settings | None = None) -> pd.DataFrame:
    return baselines.predict(dataset, baseline, seeds, settings or chosen())


def auroc(dataset: pd.DataFrame, baseline: str, **settings) -> float:
    found = predict(dataset, baseline, settings=chosen(**settings)).query("fold == 'test'")
    return roc_auc_score(found["label"], found["probability"])


def parts(dataset: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    return dataset[dataset["fold"] == "train"], dataset[dataset["fold"] != "train"]


def test_each_baseline_finds_its_own_signal_and_nothing_else():
    by_motif = dataset_of(200, planted_motif)
    by_gc = dataset_of(200, lambda rng, label: random_bases(rng, 60, 0.65 if label else 0.4))
    by_pair = dataset_of(200, lambda rng, label: "".join(rng.choice(["AC", "GT"] if label else ["CA", "TG"], 30)))
    assert auroc(by_gc, "gc") > 0.9
    assert auroc(by_motif, "gc") < 0.75
    assert auroc(by_pair, "gc") < 0.75
    assert auroc(by_pair, "dinucleotide") > 0.99
    assert auroc(by_motif, "pwm") > 0.9
    assert auroc(by_motif, "tfidf-forest", trees=50) > 0.9
    assert auroc(by_motif, "tfidf-logistic") > 0.85
    assert auroc(by_motif, "majority") == 0.5


def test_shares_are_counts_by_hand():
    table = pd.DataFrame({"sequence": ["AACG", "GGCC", "ATAT", "GNNAG"]})
    assert baseline_features.gc_share(table)[:, 0].tolist() == [0.5, 1.0, 0.0, pytest.approx(2 / 3)]
    pairs = baseline_features.dinucleotide_shares(table)
    assert pairs.shape == (4, 16)
    assert [pairs[0, 0], pairs[0, 1], pairs[0, 6]] == [pytest.approx(1 / 3)] * 3  # AA, AC, CG
    assert pairs[3].nonzero()[0].tolist() == [2]  # AG


def test_kmers_are_those_of_scikit_learn_whatever_the_length(monkeypatch):
    rng = np.random.default_rng(1)
    texts = [random_bases(rng, size) for size in (40, 3, 75, 1, 60)]
    texts[2] = texts[2][:30] + "NN" + texts[2][32:]
    monkeypatch.setattr(baseline_features, "BASES_AT_ONCE", 50)
    found = baseline_features.kmer_counts(pd.DataFrame({"sequence": texts}), chosen(kmers=(2, 4))).toarray()
    kmers = ["".join(kmer) for k in (2, 3, 4) for kmer in product("ACGT", repeat=k)]
    expected = [[sum(text[i : i + len(kmer)] == kmer for i in range(len(text))) for kmer in kmers] for text in texts]
    assert np.array_equal(found, expected)


def test_tfidf_baselines_are_scikit_learns():
    dataset = dataset_of(160, planted_motif)
    train, held_out = parts(dataset)
    seen = TfidfVectorizer(analyzer="char", lowercase=False, ngram_range=(2, 4)).fit(train["sequence"]).vocabulary_
    order = sorted(seen, key=lambda kmer: (len(kmer), kmer))  # of the columns, which a forest draws from
    vectoriser = TfidfVectorizer(analyzer="char", lowercase=False, ngram_range=(2, 4), vocabulary=order)
    features = vectoriser.fit_transform(train["sequence"]), vectoriser.transform(held_out["sequence"])
    logistic = LogisticRegression(max_iter=1000).fit(features[0], train["label"])
    expected = {"tfidf-logistic": [logistic], "tfidf-forest": []}
    for seed in (3, 5):
        expected["tfidf-forest"].append(RandomForestClassifier(20, random_state=seed).fit(features[0], train["label"]))
    for baseline, models in expected.items():
        found = predict(dataset, baseline, (3, 5), chosen(trees=20, kmers=(2, 4)))
        probabilities = np.concatenate([model.predict_proba(features[1])[:, 1] for model in models])
        assert found["probability"].to_numpy() == pytest.approx(probabilities, abs=1e-6)
        assert found["seed"].unique().tolist() == ([3, 5] if baseline == "tfidf-forest" else [3])
        assert found["example"].tolist() == held_out.index.tolist() * len(models)


def test_a_forest_is_the_same_whether_its_table_is_dense_or_sparse(monkeypatch):
    dataset = dataset_of(200, planted_motif, 3)
    dense = predict(dataset, "tfidf-forest", (0, 1), chosen(trees=20))
    monkeypatch.setattr(baselines, "DENSE_BYTES", 300_000)  # a few rows
    pd.testing.assert_frame_equal(predict(dataset, "tfidf-forest", (0, 1), chosen(trees=20)), dense)


def small_vocabulary() -> Vocabulary:
    codes = encode(random_bases(np.random.default_rng(2), 5_000, 0.35))
    return Vocabulary.from_merges("bpe-30", bpe.train(codes, np.array([0]), np.array([codes.size]), 30).merges)


def test_token_baselines_are_scikit_learns_on_the_tokens_of_the_vocabulary():
    dataset, vocabulary = dataset_of(160, planted_motif), small_vocabulary()
    dataset.loc[3, "sequence"] = "NNN" + dataset.loc[3, "sequence"]
    dataset["pieces"] = ""
    dataset.loc[0, "pieces"] = " ".join(dataset.loc[0, "sequence"])  # a shuffle that says how it is cut
    texts = [[vocabulary.tokens[token] for token in vocabulary.encode(encode(text))] for text in dataset["sequence"]]
    texts = [[text for text in tokens if text != "[UNK]"] for tokens in texts]
    texts[0] = list(dataset.loc[0, "sequence"])
    train = np.flatnonzero(dataset["fold"] == "train")
    held_out = np.flatnonzero(dataset["fold"] != "train")
    vectoriser = TfidfVectorizer(analyzer=list)
    features = vectoriser.fit_transform([texts[row] for row in train])
    model = LogisticRegression(max_iter=1000).fit(features, dataset["label"].to_numpy()[train])
    found = predict(dataset, "token-logistic", settings=chosen(vocabulary=vocabulary))
    expected = model.predict_proba(vectoriser.transform([texts[row] for row in held_out]))[:, 1]
    assert found["probability"].to_numpy() == pytest.approx(expected, abs=1e-6)
    assert auroc(dataset, "token-forest", vocabulary=vocabulary, trees=50) > 0.7


def test_three_labels_get_three_probabilities():
    dataset = dataset_of(300, planted_motif, 3)
    for baseline in ("majority", "gc", "dinucleotide", "tfidf-logistic", "tfidf-forest", "pwm"):
        found = predict(dataset, baseline, settings=chosen(trees=30))
        columns = [f"probability_{label}" for label in range(3)]
        assert found.columns.tolist() == ["example", "seed", "fold", "label", *columns]
        assert found[columns].sum(axis=1).to_numpy() == pytest.approx(np.ones(len(found)))
    share = np.bincount(parts(dataset)[0]["label"]) / 150
    assert predict(dataset, "majority")[columns].to_numpy() == pytest.approx(np.tile(share, (150, 1)))
    found = predict(dataset, "tfidf-logistic")
    assert (found[columns].to_numpy().argmax(1) == found["label"]).mean() > 0.75


def test_where_sites_have_no_score_the_motif_is_looked_for():
    dataset = dataset_of(100, planted_motif).drop(columns="score")
    matrix = np.full((4, 7), 0.01)
    matrix[encode("GATTACA"), np.arange(7)] = 0.97
    assert auroc(dataset, "pwm", matrix=matrix) > 0.95
    best = motifs.best_scores([encode(text) for text in dataset["sequence"]], matrix)
    assert baseline_features.motif_scores(dataset.assign(score=np.nan), chosen(matrix=matrix))[:, 0] == pytest.approx(
        best
    )


def test_neighbours_that_are_a_merge_give_a_shuffle_away():
    """Merges of AA and then AAC: A stands beside A, or AA beside C, only where somebody has put them there."""
    vocabulary = Vocabulary.from_merges("two", np.array([[0, 0], [4, 1]]))
    table = pd.DataFrame({"sequence": ["AACAG", "AAACC", "AACAG", "AGANA", "CAAGC"]})
    table["pieces"] = ["", "A AAC C", "AA C A G", "", "C A A G C"]
    assert baseline_features.allowed(table.assign(label=0), chosen(vocabulary=vocabulary))[:, 0].tolist() == [
        1,
        1,
        0,
        1,
        0,
    ]
    # without its pieces the vocabulary cuts each itself, and nothing shows
    bare = table.assign(label=0, pieces="")
    assert baseline_features.allowed(bare, chosen(vocabulary=vocabulary))[:, 0].tolist() == [1] * 5


def test_kmers_have_no_forbidden_neighbours():
    dataset = dataset_of(40, planted_motif)
    found = predict(dataset, "adjacency", settings=chosen(vocabulary=Vocabulary.from_kmers("3-mer", 3)))
    assert (found["probability"] == 1).all() and found.attrs["n_train"] == 0


@pytest.mark.parametrize("baseline", ["tfidf-forest", "tfidf-logistic", "token-forest", "token-logistic"])
def test_a_baseline_of_kmers_learns_from_the_examples_that_a_network_of_its_seed_draws(baseline):
    dataset, seeds = dataset_of(160, planted_motif), (3, 5)
    settings = {"trees": 10, "kmers": (2, 4), "vocabulary": small_vocabulary()}
    found = predict(dataset, baseline, seeds, chosen(**settings, maximum_train=30))
    train = np.flatnonzero(dataset["fold"] == "train")
    assert found.attrs["n_train"] == 30 and found["seed"].nunique() == (2 if baseline.endswith("forest") else 1)
    for seed, rows in found.groupby("seed"):
        drawn = draw(train, 30, [seed])
        few = dataset[(dataset["fold"] != "train") | dataset.index.isin(drawn)]
        alone = predict(few, baseline, (seed,), chosen(**settings))
        pd.testing.assert_frame_equal(rows.reset_index(drop=True), alone)
    # as many as there are is the same as all
    both = [predict(dataset, baseline, seeds, chosen(**settings, maximum_train=most)) for most in (0, 1000)]
    pd.testing.assert_frame_equal(*both)
    assert both[0].attrs["n_train"] == len(train)


def test_baselines_of_a_few_numbers_learn_from_all_examples():
    dataset = dataset_of(160, planted_motif)
    for baseline in ("majority", "gc", "dinucleotide", "pwm"):
        few, whole = (predict(dataset, baseline, settings=chosen(maximum_train=most)) for most in (30, 0))
        pd.testing.assert_frame_equal(few, whole)
        assert few.attrs["n_train"] == 80


def test_the_matrix_of_kmers_is_weighted_in_place():
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"sequence": [random_bases(rng, 400) for _ in range(30)]})
    counts = baseline_features.kmer_counts(table, chosen(kmers=(1, 3)))
    train, held_out = counts[:20], counts[20:]
    weighed = baselines.tfidf(train, held_out)
    assert all(np.shares_memory(one.data, other.data) for one, other in zip((train, held_out), weighed, strict=True))


def test_held_out_labels_and_sequences_do_not_reach_the_fit():
    dataset, settings = dataset_of(120, planted_motif), chosen(trees=10)
    predicted = predict(dataset, "tfidf-forest", (3,), settings)
    other = dataset.copy()
    other.loc[other["fold"] != "train", "label"] ^= 1
    changed = predict(other, "tfidf-forest", (3,), settings)
    pd.testing.assert_series_equal(predicted["probability"], changed["probability"])
    # without the test fold the k-mers and weights of the others stay the same
    fewer = predict(dataset[dataset["fold"] != "test"], "tfidf-forest", (3,), settings)
    valid = predicted[predicted["fold"] == "valid"].reset_index(drop=True)
    pd.testing.assert_frame_equal(valid, fewer)
    seed = predict(dataset, "tfidf-forest", (4,), settings)
    assert not np.array_equal(predicted["probability"], seed["probability"])


def test_what_a_baseline_lacks_is_named():
    dataset, vocabulary = dataset_of(40, planted_motif), small_vocabulary()
    with pytest.raises(
        InputError, match="unknown baseline 'forest'; choose one of majority, gc, dinucleotide, tfidf-log"
    ):
        predict(dataset, "forest")
    with pytest.raises(InputError, match="pwm needs scores of the sites in the column `score`, or a motif"):
        predict(dataset.drop(columns="score"), "pwm")
    with pytest.raises(InputError, match="a sequence has 60 bases, but the motif has 61"):
        predict(dataset.drop(columns="score"), "pwm", settings=chosen(matrix=np.full((4, 61), 0.25)))
    with pytest.raises(InputError, match="every label, but label 0 has none"):
        predict(dataset.assign(label=1), "gc")
    with pytest.raises(InputError, match="no example in the folds valid and test"):
        predict(dataset.assign(fold="train"), "gc")
    with pytest.raises(InputError, match=r"token-\* and adjacency need a vocabulary; give the tokenizer.json"):
        predict(dataset, "token-logistic")
    overlapping = Vocabulary.from_overlapping_kmers("3-mer", 3)
    with pytest.raises(InputError, match="needs disjoint tokens, but those of 3-mer overlap"):
        predict(dataset, "adjacency", settings=chosen(vocabulary=overlapping))
    with pytest.raises(
        InputError, match="a label is not among the 1 examples of fold train that seed 0 draws; raise --max"
    ):
        predict(dataset, "tfidf-logistic", settings=chosen(maximum_train=1))
    with pytest.raises(InputError, match="predicts two labels, but the dataset has more"):
        predict(dataset_of(40, planted_motif, 3), "adjacency", settings=chosen(vocabulary=vocabulary))
    with pytest.raises(InputError, match="k-mers of 4 to 3 bases"):
        predict(dataset, "tfidf-logistic", settings=chosen(kmers=(4, 3)))


def run_baseline(**options):
    """The function behind the script, which its command line calls."""
    spec = importlib.util.spec_from_file_location("run_baseline", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["run_baseline"] = module
    spec.loader.exec_module(module)
    module.run_baseline(**options)


def test_the_command_writes_predictions_and_scores(tmp_path):
    dataset = dataset_of(120, planted_motif)
    dataset.to_parquet(tmp_path / "dataset.parquet")
    small_vocabulary().save(tmp_path / "bpe-30")
    common = {"dataset": tmp_path / "dataset.parquet", "task": "planted", "seed": 0}
    common |= {"repetitions": config.Repetitions(seeds=2), "forest": config.Forest(trees=20)}
    common |= {"lengths": config.KmerRange(kmers=[2, 4]), "examples": config.BaselineExamples(maximum_train=50)}
    common |= {"predictions": tmp_path / "predictions.parquet", "metrics": tmp_path / "metrics.json"}
    run_baseline(**common, baseline="tfidf-forest")
    written = json.loads((tmp_path / "metrics.json").read_text())
    assert (written["task"], written["model"], written["kind"], written["n_train"]) == (
        "planted",
        "tfidf-forest",
        "baseline",
        50,
    )
    assert written["settings"] == {"trees": 20, "shortest": 2, "longest": 4, "maximum_train": 50}
    assert [row["seed"] for row in written["seeds"]] == [0, 1]
    test = pd.read_parquet(tmp_path / "predictions.parquet").query("fold == 'test' and seed == 1")
    assert written["seeds"][1]["auroc"] == pytest.approx(roc_auc_score(test["label"], test["probability"]))
    run_baseline(**common, baseline="adjacency", vocabulary=tmp_path / "bpe-30" / "tokenizer.json")
    written = json.loads((tmp_path / "metrics.json").read_text())
    assert (written["settings"], written["n_train"]) == ({"vocabulary": "bpe-30"}, 0)
    assert [(row["seed"], row["mcc"]) for row in written["seeds"]] == [(0, 0)]
    with pytest.raises(InputError, match="--motifs and --motif go together"):
        run_baseline(**common, baseline="pwm", motif="CTCF")


def gue(name: str, per_fold: dict[str, int]) -> pd.DataFrame:
    folder = Path(os.environ["GROVER_DATA"]) / "gue" / name
    tables = [
        pd.read_csv(folder / f"{file}.csv.gz").sample(per_fold[fold], random_state=0).assign(fold=fold)
        for file, fold in (("train", "train"), ("dev", "valid"), ("test", "test"))
    ]
    return pd.concat(tables, ignore_index=True)


@needs_data
@pytest.mark.parametrize("name", ["tf/0", "prom_core_all"])
def test_the_forest_on_gue_is_within_two_points_of_the_same_recipe_in_scikit_learn(name):
    dataset = gue(name, {"train": 1500, "valid": 10, "test": 1000})
    train, test = (dataset[dataset["fold"] == fold] for fold in ("train", "test"))
    vectoriser = TfidfVectorizer(analyzer="char", lowercase=False, ngram_range=(2, 6))
    forest = RandomForestClassifier(100, random_state=11).fit(
        vectoriser.fit_transform(train["sequence"]).toarray(), train["label"]
    )
    expected = forest.predict(vectoriser.transform(test["sequence"]))
    found = predict(dataset, "tfidf-forest", (0,), chosen(trees=100)).query("fold == 'test'")
    called = found["probability"] > 0.5
    assert (called == found["label"]).mean() == pytest.approx((expected == test["label"]).mean(), abs=0.02)
    ours, theirs = matthews_corrcoef(found["label"], called), matthews_corrcoef(test["label"], expected)
    assert ours == pytest.approx(theirs, abs=0.02) and ours > 0.3


@needs_data
def test_the_rule_tells_shuffled_tokens_of_real_sequence_and_nothing_else():
    """A permutation of the tokens of a window makes a forbidden pair nearly always; cut anew, it holds none."""
    path = Path(os.environ["GROVER_DATA"]) / "hg19/genome/hg19.partial.fa.gz"
    _, text = next(read_contigs(path))
    codes = encode(bytes(text[4_000_000:6_000_000]))
    assert (codes < 4).all()
    merges = bpe.train(codes, np.array([0]), np.array([codes.size]), 600).merges
    vocabulary = Vocabulary.from_merges("bpe-600", merges)
    rng = np.random.default_rng(0)
    rows = []
    for start in rng.choice(codes.size - 300, 300, replace=False):
        tokens = [vocabulary.tokens[token] for token in vocabulary.encode(codes[start : start + 300])]
        shuffled = rng.permutation(tokens)
        rows += [(decode(codes[start : start + 300]), 1, " ".join(tokens)), ("".join(shuffled), 0, " ".join(shuffled))]
    dataset = pd.DataFrame(rows, columns=["sequence", "label", "pieces"]).assign(fold="test")
    dataset.loc[:9, "fold"] = "train"
    found = predict(dataset, "adjacency", settings=chosen(vocabulary=vocabulary)).query("fold == 'test'")
    assert matthews_corrcoef(found["label"], found["probability"]) > 0.9
    assert found.query("label == 1")["probability"].min() == 1
    honest = predict(dataset.assign(pieces=""), "adjacency", settings=chosen(vocabulary=vocabulary))
    assert honest["probability"].min() == 1
