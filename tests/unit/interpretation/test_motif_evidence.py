"""Tests of motifs against scikit-learn, an oracle in place of the network, and labels without meaning."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from grover.annotation.motifs import best_scores
from grover.config.sections.interpretation import Motifs
from grover.genome.bases import decode, encode
from grover.interpretation.contributions import read_contributions
from grover.interpretation.insertion import Placement, insertion_effects, neutral_windows, usual_placement, written
from grover.interpretation.motif_association import Examples, Resampling, association
from grover.interpretation.motif_discovery import discover
from grover.interpretation.motif_evidence import discover_by_class, evidence
from grover.interpretation.motif_matches import best_matches, calibrated, decoys
from grover.statistics.bootstrap import blocks
from tests.fakes import motifs as fake

TABLE = fake.dataset()
SETTINGS = Motifs(motif_insertions=20)
RESAMPLING = Resampling(200, 1)
TEST = TABLE[TABLE["fold"] == "test"]


def examples(labels=None):
    labels = TEST["label"].to_numpy(np.int64) if labels is None else labels
    return Examples([encode(sequence) for sequence in TEST["sequence"]], labels, blocks(TEST, 2_000))


def oracle(label):
    return lambda rows, versions: [fake.answer(each) for each in versions]


@pytest.fixture(scope="module")
def planted():
    return read_contributions(fake.importance(TABLE, fake.train_rows(TABLE)), TABLE)


@pytest.fixture(scope="module")
def motif(planted):
    return discover(planted, SETTINGS)[0]


def test_the_auroc_is_that_of_the_best_match_and_p_is_near_mann_whitney(motif):
    rng = np.random.default_rng(0)
    noise = rng.dirichlet([0.3] * 4, 6).T
    found = association(examples(), [motif.probabilities, noise], [1, 1], RESAMPLING)
    labels = TEST["label"].to_numpy()
    for row, matrix in zip(found.itertuples(), (motif.probabilities, noise), strict=True):
        score = best_scores(examples().codes, matrix)
        assert row.auroc == pytest.approx(roc_auc_score(labels, score))
        assert row.auroc_low <= row.auroc <= row.auroc_high
        by_scipy = mannwhitneyu(score[labels == 1], score[labels == 0]).pvalue
        assert abs(np.log10(row.p) - np.log10(by_scipy)) < 0.5 or max(row.p, by_scipy) < 1e-6
    assert found["q"].iloc[0] < 1e-6 and found["auroc"].iloc[0] == 1


def test_a_class_without_sequences_and_short_sequences_give_no_number(motif):
    found = association(examples(), [motif.probabilities], [3], RESAMPLING)
    assert found.isna().all(axis=None)
    short = Examples([encode("ACGT")] * 4, np.array([0, 1, 0, 1]), np.arange(4))
    assert association(short, [motif.probabilities], [1], RESAMPLING).isna().all(axis=None)


def test_a_piece_is_written_where_its_middle_belongs_on_its_strand():
    codes = encode("A" * 20)
    assert decode(written(codes, encode("CCGGG"), Placement(0, False))) == "AAAAAAAACCGGGAAAAAAA"
    assert decode(written(codes, encode("CCGGG"), Placement(2, True))) == "AAAAAAAAAACCCGGAAAAA"
    assert not Placement(9, False).fits(20, 5) and Placement(9, False).within(20, 5).start(20, 5) == 15
    assert Placement(-99, True).within(20, 5).start(20, 5) == 0


def test_insertion_finds_the_side_and_the_strand_of_the_rule(planted, motif):
    placement = usual_placement(planted, motif)
    assert not placement.minus and 5 <= placement.offset <= 31
    table, profile = evidence(planted, [(motif, 1)], examples(), oracle, SETTINGS, RESAMPLING)
    row = table.iloc[0]
    assert row["supported"] and row["insertion"] > 7 and abs(row["opposite"]) < 2 and row["insertion_windows"] == 20
    effects = profile.set_index(["orientation", "offset"])["effect"]
    right = effects.index.get_level_values("offset") > 5
    forward = effects.index.get_level_values("orientation") == "+"
    assert effects[right & forward].min() > 7 and effects[~right | ~forward].abs().max() < 6
    assert effects[effects.index.get_level_values("offset") < -6].abs().max() < 2


def test_neutral_windows_are_of_the_other_class_and_without_the_motif(motif):
    rows = neutral_windows(examples(), motif, 1, 20, 1)
    assert len(rows) == 20 and (TEST["label"].to_numpy()[rows] == 0).all() and (np.diff(rows) > 0).all()
    score = best_scores(examples().codes, motif.probabilities)
    assert score[rows].max() <= np.median(score[TEST["label"].to_numpy() == 0])


def test_a_placement_outside_of_a_sequence_gives_no_number():
    found = insertion_effects(
        [encode("ACGTACGTAC")], np.array([0]), encode("ACG"), [Placement(0, False), Placement(40, False)],
        lambda rows, versions: [np.arange(len(each), dtype=float) for each in versions], shuffles=2, seed=0,
    )  # fmt: skip
    assert found[0, 0] == -1.5 and np.isnan(found[1, 0])


def test_each_sequence_has_shuffles_of_its_own_which_are_those_of_all_placements():
    consensus, seen = encode("ACCGTTGACA"), []

    def predict(rows, versions):
        seen.extend(versions)
        return [np.zeros(len(each)) for each in versions]

    places = [Placement(-5, False), Placement(5, False)]
    insertion_effects([encode("A" * 40)] * 3, np.arange(3), consensus, places, predict, shuffles=4, seed=0)
    pieces = [
        [decode(version[start : start + 10]) for version in versions]
        for versions, start in zip(seen, [10] * 3 + [20] * 3, strict=True)
    ]
    assert pieces[:3] == pieces[3:] and all(each[0] == "ACCGTTGACA" for each in pieces)
    assert all(sorted(piece) == sorted("ACCGTTGACA") for each in pieces for piece in each)
    assert len({piece for each in pieces[:3] for piece in each[1:]}) == 12


def test_a_test_fold_within_one_block_supports_nothing_since_it_has_no_interval(planted, motif):
    one = Examples(examples().codes, examples().label, np.zeros(len(TEST), np.int64))
    table, _ = evidence(planted, [(motif, 1)], one, oracle, SETTINGS, RESAMPLING)
    row = table.iloc[0]
    assert row["insertion"] > 7 and np.isnan(row["insertion_low"]) and not row["supported"]
    assert row["auroc"] == 1 and np.isnan(row["auroc_low"])


def test_labels_without_meaning_support_nothing(planted, motif):
    shuffled = np.random.default_rng(4).permutation(TEST["label"].to_numpy(np.int64))
    table, profile = evidence(planted, [(motif, 1)], examples(shuffled), oracle, SETTINGS, RESAMPLING)
    assert not table["supported"].any() and profile.empty


def test_no_motif_is_a_table_without_rows(planted):
    table, profile = evidence(planted, [], examples(), oracle, SETTINGS, RESAMPLING)
    assert table.empty and profile.empty and {"auroc", "q", "insertion", "supported"} <= set(table)


def test_each_of_several_classes_has_motifs_of_its_own(planted):
    labels = TABLE["label"].to_numpy(np.int64).copy()
    labels[planted.example[:20]] = 2
    found = discover_by_class(planted, labels, SETTINGS)
    assert [(each.text, label, len(each.seqlets)) for each, label in found] == [
        (fake.ELEMENT, 1, 20),
        (fake.ELEMENT, 2, 20),
    ]


def test_decoys_are_known_motifs_with_their_columns_in_another_order():
    rng = np.random.default_rng(0)
    known = [rng.dirichlet([1] * 4, 9).T, rng.dirichlet([1] * 4, 5).T]
    for number, decoy in enumerate(decoys(known, 5, 1)):
        source = known[number % 2]
        assert sorted(map(tuple, decoy.T)) == sorted(map(tuple, source.T)) and (decoy != source).any()


def test_p_counts_decoys_and_known_motifs():
    known, decoy = np.array([[1e-6, 0.5], [0.3, 0.01]]), np.full((2, 50), 0.2)
    found = calibrated(known, decoy, ["A", "B"])
    assert found["match"].tolist() == ["A", "B"]
    np.testing.assert_allclose(found["match_p"], [1 / 101, 1 - 0.99**2])
    np.testing.assert_allclose(found["match_q"], [2 / 101, 1 - 0.99**2])
    decoy[0, :30] = 1e-7
    assert calibrated(known, decoy, ["A", "B"])["match_p"].iloc[0] == pytest.approx(31 / 101)


def test_without_known_motifs_there_is_no_match(motif):
    found = best_matches([motif.probabilities], [], [], 20, 0)
    assert found["match"].tolist() == [""] and found["match_q"].isna().all()
    assert isinstance(found, pd.DataFrame) and best_matches([], ["A"], [motif.probabilities], 20, 0).empty


@pytest.mark.slow  # Tomtom compiles itself, once per environment
def test_a_file_of_one_motif_tells_a_copy_of_it_from_other_motifs(motif):
    rng = np.random.default_rng(2)
    others = [rng.dirichlet([0.3] * 4, 12).T for _ in range(3)]
    known = motif.probabilities[:, ::-1][::-1]
    found = best_matches([motif.probabilities, *others], ["PARTNER"], [known], 200, 1)
    assert found["match_q"].iloc[0] < 0.01 and (found["match_q"].iloc[1:] > 0.05).all()
