"""The description of a vocabulary on hand-sized examples, and against SciPy and simulation."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import entropy

from grover.atlas.null_genomes import markov_counts, simulate
from grover.atlas.token_statistics import count_kmers, describe_tokens, evenness, expected_count, gini, summarise

PAIRS = np.arange(1, 17)


@pytest.fixture
def statistics() -> pd.DataFrame:
    tokens = {"[PAD]": 0, "A": 0, "C": 10, "G": 0, "T": 2, "TTT": 40, "CG": 8, "AACGT": 40, "AAAA": 0}
    return pd.DataFrame({"id": range(len(tokens)), "token": list(tokens), "count": list(tokens.values())})


def test_tokens_are_described(statistics):
    table = describe_tokens(statistics, PAIRS)
    assert table["token"].tolist() == ["TTT", "AACGT", "C", "CG", "T", "A", "G", "AAAA"]
    row = table.set_index("token").loc["AACGT"]
    assert (row["id"], row["length"], row["count"], row["share"], row["rank"], row["first"]) == (7, 5, 40, 0.4, 2, "A")
    assert (row["gc"], row["ag"], row["ac"]) == (2 / 5, 3 / 5, 3 / 5)


def test_expected_occurrences_are_those_of_a_first_order_chain():
    assert expected_count("A", PAIRS.reshape(4, 4)) == 1 + 2 + 3 + 4
    assert expected_count("CG", PAIRS.reshape(4, 4)) == pytest.approx(7)
    pairs = np.array([[40, 10, 20, 30], [10, 20, 5, 30], [30, 10, 10, 10], [20, 30, 20, 40]])
    codes = simulate(pairs.ravel(), 1, np.array([400_000]), 1)
    bounds = np.array([0, codes.size])
    found = markov_counts(codes, bounds, 3)[0b00_10_01_01]  # AGCC
    assert expected_count("AGCC", markov_counts(codes, bounds, 1).reshape(4, 4)) == pytest.approx(found, rel=0.08)


def test_words_are_counted():
    table = count_kmers(np.array([0, 1, 2, 3, 0, 1, 2], np.uint8), np.array([0, 7]))
    found = table[table["count"] > 0].set_index("kmer")["count"].to_dict()
    assert found == {"ACGT": 1, "CGTA": 1, "GTAC": 1, "TACG": 1, "ACGTA": 1, "CGTAC": 1, "GTACG": 1} | {
        "ACGTAC": 1,
        "CGTACG": 1,
    }
    assert table.groupby("k").size().to_dict() == {4: 256, 5: 1024, 6: 4096}


def test_evenness_and_gini_agree_with_their_definitions():
    counts = np.random.default_rng(0).integers(0, 50, 40)
    assert evenness(counts) == pytest.approx(entropy(counts) / np.log(40))
    differences = np.abs(counts[:, None] - counts[None, :]).mean()
    assert gini(counts) == pytest.approx(differences / 2 / counts.mean())
    assert (evenness(np.full(9, 3)), evenness(np.array([0, 0, 5]))) == pytest.approx((1, 0))
    assert (gini(np.full(9, 3)), gini(np.array([0, 0, 6]))) == pytest.approx((0, 2 / 3))


def test_the_summary_has_the_papers_numbers(statistics):
    kmers = pd.DataFrame({"k": [4, 4, 5, 5, 6, 6], "count": [1, 1, 1, 3, 0, 2]})
    tokens = describe_tokens(statistics, PAIRS)
    bases = int((tokens["length"] * tokens["count"]).sum())
    summary = summarise(tokens, kmers, bases)
    assert bases == 10 + 2 + 120 + 16 + 200 and summary["mean_length"] == pytest.approx(3.48)
    assert (summary["types"], summary["used_types"], summary["occurrences"]) == (8, 5, 100)
    # occurrences that begin with A or T: T, TTT, AACGT; types: these, A and AAAA
    assert (summary["starts_with_at"], summary["starts_with_at_types"]) == (0.82, 5 / 8)
    assert summary["types_by_length"] == {"1": 4, "2": 1, "3": 1, "4": 1, "5": 1}
    assert (summary["five_mers"], summary["six_mers"], summary["has_cg"]) == (1, 0, True)
    assert (summary["longest"], summary["longest_length"], summary["longest_runs"]) == (["AACGT"], 5, ["C", "TTT"])
    assert summary["lone_bases"] == {"A": 0, "C": 0.1, "G": 0, "T": 0.02}
    assert (summary["least_count"], summary["median_count"], summary["median_per_million"]) == (0, 5, 50_000)
    assert summary["gc"] == pytest.approx((10 + 16 + 80) / 348)
    assert summary["balance"]["4-mers"] == {"rows": 2, "evenness": pytest.approx(1), "gini": 0}
