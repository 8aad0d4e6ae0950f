"""Tests of explanations, on answers of which the truth is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr

from grover.config.sections.interpretation import ImportanceMethods
from grover.genome.bases import encode
from grover.interpretation.answers import FineTuned
from grover.interpretation.check import COLUMNS, Explained, check, other_seeds, spread, token_counts
from grover.interpretation.faithfulness import (
    RANDOM,
    RARITY,
    curves,
    gains,
    mean_with_interval,
    randomised,
    rank_correlation,
    rarity,
)
from grover.interpretation.interpret import BASES, CUTS, TABLE, TESTED, interpret, null_of, null_rows
from grover.interpretation.mutagenesis import substitutions
from grover.interpretation.sites import Site
from grover.network.bert import bert_config
from grover.network.classifier import Classifier
from grover.tokenization.vocabulary import Vocabulary
from tests.fakes.networks import architecture

NONE = np.zeros(0, np.uint8)
TEXT = "ACGTTGCAACGTAGGCATTACAGGTTTACGCA"
FAST = ImportanceMethods(block=6, block_step=6, block_draws=1, steps=4, null_examples=2, shuffles=2)


def model(seed: int = 0) -> FineTuned:
    vocabulary = Vocabulary.from_kmers("kmer-2", 2)
    torch.manual_seed(seed)
    classifier = Classifier(bert_config(architecture(2, 8, 2, 16, 40, dropout=0.0), vocabulary.size), 2, "mean")
    return FineTuned(classifier.eval(), vocabulary, torch.device("cpu"))


def sites(number: int = 3) -> list[Site]:
    return [
        Site(7 * i, 1, encode(TEXT[i:] + TEXT[:i]), NONE, NONE, (), "chr1", 900 * i, 900 * i + 32, "+-"[i % 2])
        for i in range(number)
    ]


def test_an_order_that_follows_the_answer_beats_a_random_one_and_its_reverse_loses():
    weight = np.zeros(32)
    weight[[3, 9, 20, 21]] = [4, 3, 2, 1]

    def answer(given, codes):
        return [(np.atleast_2d(each) == site.codes) @ weight for site, each in zip(given, codes, strict=True)]

    rng = np.random.default_rng(0)
    orders = {"good": [weight] * 3, "bad": [-weight] * 3, RANDOM: [rng.random(32) for _ in range(3)]}
    table = curves(sites(), orders, answer, seed=1)
    wide = table.pivot_table(index=["method", "site"], columns=["test", "share"], values="answer")
    # nothing is deleted, or all is inserted: the site itself; the other ends are its shuffle
    assert (wide["deletion", 0.0] == 10).all() and (wide["insertion", 1.0] == 10).all()
    assert np.allclose(wide["deletion", 1.0], wide["insertion", 0.0])
    good = wide.loc["good"]
    assert (good["insertion", 0.15] == 10).all() and (good["deletion", 0.15] < 10).any()
    found = gains(table, RANDOM)
    assert all((found[test, "good"] >= 0).all() and found[test, "good"].sum() > 0 for test in ("deletion", "insertion"))
    assert found["deletion", "bad"].sum() < 0 and found["insertion", "bad"].sum() < 0
    assert set(found) == {(test, method) for test in ("deletion", "insertion") for method in ("good", "bad")}


def test_rank_correlations_are_those_of_spearman():
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 9, (2, 4, 30))
    expected = [spearmanr(*pair).statistic for pair in zip(one, other, strict=True)]
    assert np.allclose(rank_correlation(one, other), expected)
    assert np.isnan(rank_correlation([np.ones(4)], [np.arange(4)])).all()


def test_intervals_are_over_blocks_and_leave_out_what_is_unknown():
    values = np.array([0.0, 0.0, 1.0, 1.0, np.nan])
    found = mean_with_interval(values, np.array([0, 0, 1, 1, 2]), seed=0)
    assert found == {"value": 0.5, "low": 0.0, "high": 1.0, "n": 4}  # two blocks: as far apart as can be
    alone = mean_with_interval(values[:2], np.array([4, 4]), seed=0)
    assert alone["n"] == 2 and np.isnan(alone["low"]) and mean_with_interval(values[4:], np.array([1]), 0)["n"] == 0


@pytest.mark.parametrize(("number", "expected"), [(20, [0, 4, 9, 14, 19]), (3, [0, 1, 2]), (1, [0])])
def test_few_sites_are_spread_over_all(number, expected):
    assert spread(number, 5).tolist() == expected


def test_weights_are_randomised_from_the_last_layer_downwards():
    own = model().classifier
    before = {name: value.clone() for name, value in own.state_dict().items()}
    seen = []
    for name, copy in randomised(own, seed=1):
        same = {key for key, value in copy.state_dict().items() if torch.equal(value, before[key])}
        changed = {
            key.removeprefix("bert.").removeprefix("encoder.").partition(".query")[0] for key in before.keys() - same
        }
        seen.append(
            (
                name,
                any("layer.1." in key for key in changed),
                any("layer.0." in key for key in changed),
                any("word" in key for key in changed),
            )
        )
    assert seen == [
        ("classifier", False, False, False),
        ("layer 2", True, False, False),
        ("layer 1", True, True, False),
        ("embeddings", True, True, True),
    ]
    assert all(torch.equal(value, before[name]) for name, value in own.state_dict().items())


def test_random_weights_are_not_those_that_a_training_of_this_seed_starts_from():
    own = model(seed=3).classifier.state_dict()
    *_, (_, last) = randomised(model(seed=3).classifier, seed=3)
    for name, value in last.state_dict().items():
        if value.numel() >= 16 and value.std() > 0:
            assert abs(np.corrcoef(own[name].ravel(), value.ravel())[0, 1]) < 0.8, name


def test_rare_tokens_come_first():
    own, (site, *_) = model(), sites()
    tokens = own.vocabulary.encode(site.codes)
    counts = np.arange(own.vocabulary.size)
    (values,) = rarity([site], counts, own)
    assert (
        np.array_equal(values, -np.repeat(tokens, 2).astype(int))
        and token_counts([tokens, tokens], own.vocabulary.size).sum() == 32
    )


@pytest.fixture(scope="module")
def tables():
    return interpret(sites(), model(), FAST, task="ctcf", stranded=True, seed=0)


def test_tables_have_a_row_per_substitution_and_per_base(tables):
    table, bases = tables
    assert list(table) == [*TABLE, *CUTS] and list(bases) == [*BASES, *TESTED]
    assert table["method"].value_counts().to_dict() == {"ism": 3 * 96, "block": 96, "ig": 96, "attention": 96}
    assert bases["method"].value_counts().to_dict() == dict.fromkeys(("ism", "block", "ig", "attention"), 96)
    ism, own = table[table["method"] == "ism"], model()
    minus = ism[(ism["example"] == 7)]
    assert minus["pos"].iloc[0] == 931 and (minus["strand"] == "-").all() and minus["ref"].iloc[0] == TEXT[1]
    sequences, position, _ = substitutions(sites()[1].codes)
    (direct,) = own([sites()[1]], [np.vstack([sites()[1].codes[None], sequences])])
    assert np.allclose(minus["delta"], direct[1:] - direct[0], atol=1e-5)
    assert bases.loc[bases["example"] == 7, "answer"].unique() == pytest.approx([direct[0]], abs=1e-5)
    importance = ism.groupby(["example", "pos"])["delta"].apply(lambda each: each.abs().mean())
    per_base = bases[bases["method"] == "ism"].set_index(["example", "pos"])["importance"]
    assert np.allclose(per_base, importance.reindex(per_base.index), atol=1e-5)
    assert ism["boundary_moved"].notna().all() and table.loc[table["method"] != "ism", "reach"].isna().all()
    assert (table.loc[table["method"] != "ism", "base"] == "").all()


def test_only_mutagenesis_has_significance_and_only_gradients_an_error(tables):
    bases = tables[1].set_index("method")
    assert bases.loc["ism", ["p", "q"]].notna().all(axis=None) and bases.loc["ism", "p"].between(0, 1).all()
    assert (bases.loc["ism", "q"] >= bases.loc["ism", "p"]).all() and bases.loc[["ig", "block"], "q"].isna().all()
    assert bases.loc["ig", "error"].notna().all() and bases.loc["ism", "error"].isna().all()
    assert bases["resolution"].groupby("method").max().to_dict() == {"attention": 2, "block": 6, "ig": 2, "ism": 1}
    none, per_base = interpret(
        sites(1), model(), FAST.model_copy(update={"methods": ["ig"]}), task="x", stranded=False, seed=0
    )
    assert set(none["method"]) == {"ig"} and per_base["p"].isna().all()


def test_sites_may_be_explained_a_few_at_a_time(tables):
    chosen = [sites()[row] for row in null_rows(len(sites()), FAST, 0)]
    null = null_of(chosen, model(), FAST, 0)
    parts = [interpret([site], model(), FAST, task="ctcf", stranded=True, seed=0, null=null) for site in sites()]
    for whole, pieces in zip(tables, zip(*parts, strict=True), strict=True):
        joined = pd.concat(pieces, ignore_index=True).sort_values(["method", "example", "pos"], kind="stable")
        expected = whole.sort_values(["method", "example", "pos"], kind="stable")
        pd.testing.assert_frame_equal(joined.reset_index(drop=True), expected.reset_index(drop=True), atol=1e-5)


@pytest.mark.parametrize("method", ["ism", "ig", "attention"])
def test_without_strands_values_are_those_of_the_reverse_complement(method):
    settings = FAST.model_copy(update={"methods": [method], "null_examples": 0})
    given = [replace(site, strand=".") for site in sites(2)]
    tables = [
        interpret(each, model(), settings, task="x", stranded=False, seed=0)[1]
        for each in (given, [site.reversed() for site in given])
    ]
    for example in (0, 7):
        one, other = (table[table["example"] == example] for table in tables)
        assert np.allclose(one["signed"], other["signed"].to_numpy()[::-1], atol=1e-5)
        assert np.array_equal(one["resolution"], other["resolution"][::-1])
    alone = interpret(given, model(), settings, task="x", stranded=True, seed=0)[1]
    assert not np.allclose(alone["signed"], tables[0]["signed"], atol=1e-3)


def test_all_tests_of_a_task_are_one_table_and_a_missing_seed_is_said(tables):
    own = model()
    explained = Explained.read(tables[1], sites(), True, 500)
    assert len(explained.importance) == 4 and sorted(explained.block) == [0, 1, 2]
    counts = np.ones(own.vocabulary.size, np.int64)
    found = check(explained, own, None, FAST, counts, seed=0)
    assert list(found) == COLUMNS[1:]
    assert found["test"].value_counts().to_dict() == {
        "deletion": 60,
        "insertion": 60,
        "deletion gain": 8,
        "insertion gain": 8,
        "methods": 6,
        "seeds": 4,
        "strands": 3,
        "randomisation": 12,
    }
    seeds = found[found["test"] == "seeds"]
    assert (seeds["n"] == 0).all() and seeds["value"].isna().all()
    same = check(explained, own, replace(model(), label="seed 8"), FAST, counts, seed=0)
    seeds = same[same["test"] == "seeds"].set_index("method")
    assert list(seeds.index) == ["ism", "ig", "attention"] and (seeds["against"] == "seed 8").all()
    assert np.allclose(seeds["value"], 1) and {RARITY, RANDOM} <= set(found["against"])


def test_seeds_after_the_first_are_found_in_the_folder_of_the_model(tmp_path):
    for seed in (12, 7, 8):
        (tmp_path / f"seeds-abc/seed-{seed}").mkdir(parents=True)
        (tmp_path / f"seeds-abc/seed-{seed}/predictions.parquet").touch()
    assert other_seeds(tmp_path) == []
    for seed in (12, 7):
        (tmp_path / f"seeds-abc/seed-{seed}/model.safetensors").touch()
    assert other_seeds(tmp_path) == [tmp_path / "seeds-abc/seed-12"]


def test_bases_are_read_by_their_place_in_the_site(tables):
    mixed = tables[1].sample(frac=1, random_state=0)
    first, second = (Explained.read(each, sites(), True, 500).importance["ig"] for each in (tables[1], mixed))
    assert all(np.array_equal(*pair) for pair in zip(first, second, strict=True))
