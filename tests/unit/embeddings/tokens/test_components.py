"""Components of token embeddings against planted directions, NumPy's singular values and SciPy's rank correlation."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from grover.embeddings.tokens.components import (
    NAMES,
    chance_level,
    choose_tokens,
    correlate,
    principal_components,
    repeat_shares,
    spearman_interval,
    strongest,
    token_properties,
)
from grover.report.parts import Picture, Results, Table
from grover.report.published import LENGTHS
from grover.report.sections import tokens as section_of_tokens
from grover.report.style import to_svg
from grover.runtime.errors import InputError
from tests.fakes.tokens import write as write_tokens

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture
def tokens():
    rng = np.random.default_rng(3)
    words = {"".join(rng.choice(list("ACGT"), rng.integers(2, 9))) for _ in range(150)}
    table = pd.DataFrame({"token": SPECIALS + sorted(words)})
    table.insert(0, "id", range(len(table)))
    return table.assign(count=rng.permutation(np.geomspace(10, 1e5, len(table)).astype(int)))


def planted(words, rng):
    """Vectors that hold frequency in their widest direction and GC in the next, turned at random."""
    text = words["token"]
    gc = np.array([(word.count("G") + word.count("C")) / len(word) for word in text])
    vectors = rng.normal(0, 0.05, (len(words), 24))
    vectors[:, 0] += 4 * np.log10(words["count"])
    vectors[:, 1] += 3 * gc
    turn, _ = np.linalg.qr(rng.normal(size=(24, 24)))
    return vectors @ turn


def test_planted_frequency_and_gc_are_found_where_they_are(tokens):
    words = choose_tokens(tokens, np.full(len(tokens), 50), 20)
    values, shares = principal_components(planted(words, np.random.default_rng(0)))
    paper = pd.DataFrame([("PC2", "gc", -0.96), ("PC4", "length", 0.39), ("PC6", "length", 0.43)])
    paper.columns = ["component", "property", "published"]
    table = correlate(values, token_properties(words)).merge(paper, how="left")
    effects = strongest(table, shares).set_index("property")
    assert effects["component"][["frequency", "gc"]].tolist() == ["PC1", "PC2"]
    assert (effects["spearman"][["frequency", "gc"]].abs() > 0.97).all()
    np.testing.assert_allclose(effects["share"][["frequency", "gc"]], shares[:2])
    assert effects["published"]["gc"] == -0.96 and effects["published_component"]["length"] == "PC6"
    assert np.isnan(effects["published"]["ac"])


def test_components_and_shares_are_those_of_the_singular_values(tokens):
    vectors = np.random.default_rng(1).normal(size=(len(tokens), 24)).astype(np.float32)
    values, shares = principal_components(vectors)
    left, singular, _ = np.linalg.svd(vectors.astype(float) - vectors.mean(0, dtype=float), full_matrices=False)
    np.testing.assert_allclose(np.abs(values), np.abs(left[:, :6] * singular[:6]), atol=1e-8)
    np.testing.assert_allclose(shares, singular[:6] ** 2 / (singular**2).sum())


def test_specials_and_rare_tokens_are_left_out(tokens):
    counts = np.full(len(tokens), 50)
    counts[10] = 19
    words = choose_tokens(tokens, counts, 20)
    assert words["id"].tolist() == [i for i in range(5, len(tokens)) if i != 10]


def test_correlations_are_those_of_scipy_and_leave_out_what_is_unknown_or_constant(tokens):
    rng = np.random.default_rng(5)
    words = choose_tokens(tokens, np.full(len(tokens), 50), 20)
    shares = pd.Series(rng.random(len(words) - 20), words["id"][20:])
    properties = token_properties(words, shares).assign(length=4)
    values = rng.normal(size=(len(words), 6))
    table = correlate(values, properties).set_index(["property", "component"])
    assert "length" not in table.index.get_level_values(0) and len(table) == 5 * 6
    for i, component in enumerate(NAMES):
        assert table["spearman"]["repeats", component] == spearmanr(values[20:, i], shares).statistic
    assert (table["low"] < table["spearman"]).all() and (table["spearman"] < table["high"]).all()


def test_intervals_cover_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(0)
    truth = 6 / np.pi * np.arcsin(0.6 / 2)  # Spearman of a binormal pair whose Pearson correlation is 0.6
    covered = []
    for _ in range(300):
        one = rng.normal(size=80)
        other = 0.6 * one + 0.8 * rng.normal(size=80)
        low, high = spearman_interval(spearmanr(one, other).statistic, 80)
        covered.append(low < truth < high)
    assert 0.91 < np.mean(covered) < 0.985


def test_six_unrelated_components_seldom_pass_the_level_of_chance():
    rng = np.random.default_rng(1)
    ranks = rng.permuted(np.tile(np.arange(200.0), (600, 6, 1)), axis=2)
    strongest_of_six = np.abs([[np.corrcoef(row, np.arange(200.0))[0, 1] for row in rows] for rows in ranks[:300]]).max(
        1
    )
    assert 0.02 < np.mean(strongest_of_six > chance_level(200)) < 0.09


def test_properties_by_hand():
    words = pd.DataFrame({"id": [7, 9], "token": ["GGCA", "AT"], "count": [1000, 10]})
    table = token_properties(words, pd.Series({9: 0.25}))
    assert table.loc[0].drop("repeats").to_dict() == {"frequency": 3, "gc": 0.75, "ag": 0.75, "ac": 0.5, "length": 4}
    assert table.loc[1].to_dict() == {"frequency": 1, "gc": 0, "ag": 0.5, "ac": 0.5, "length": 2, "repeats": 0.25}
    assert np.isnan(table["repeats"][0])


def test_the_share_in_repeats_comes_from_any_repeat():
    places = pd.DataFrame(
        {"track": ["repeats", "repeats", "gene"], "category": ["any", "LINE", "any"], "id": [7, 7, 7]}
    )
    assert repeat_shares(places.assign(share=[0.5, 0.2, 0.9])).to_dict() == {7: 0.5}
    assert repeat_shares(places.assign(share=0.1)[1:]) is None


def test_too_few_tokens_and_another_vocabulary_are_refused(tokens):
    with pytest.raises(InputError, match="at least 20 times"):
        choose_tokens(tokens, np.zeros(len(tokens), int), 20)
    with pytest.raises(InputError, match="give the vocabulary of the model"):
        choose_tokens(tokens, np.full(50, 30), 20)


@pytest.fixture(scope="module")
def section(tmp_path_factory):
    """Of a run on the whole of hg19 with the vocabulary of the paper, so that published values stand beside."""
    folder = tmp_path_factory.mktemp("run")
    contigs, chosen = folder / "genome/contigs.tsv", folder / "selection/chosen.txt"
    for path in (contigs, chosen):
        path.parent.mkdir()
    lengths = [*LENGTHS, 2_600_000_000]
    pd.DataFrame({"contig": range(5), "length": lengths, "kept": lengths}).to_csv(contigs, sep="\t", index=False)
    chosen.write_text("bpe-600 It was fixed beforehand.\n")
    files = [*write_tokens(folder, np.random.default_rng(0)), contigs, chosen]
    return section_of_tokens.section(Results(folder, files))


def test_the_section_says_where_the_properties_are_and_what_is_not_told_from_chance(section):
    strongest, last, static, *_, alike = section.findings
    assert strongest.endswith("of the 200 tokens is frequency on PC1 (|Spearman| 1.00; 0.19 by chance).")
    assert last.startswith("Layer 2: frequency on PC1 (") and "share of G, C on PC2 (" in last
    assert (
        static.startswith("Word2vec: share of G, C on PC1 (")
        and "frequency" in static.partition(" are below")[0].rpartition(";")[2]
    )
    assert (
        alike.startswith("The cosines of all pairs of tokens in layer 2 correlate by 0.") and "with word2vec" in alike
    )


def test_the_section_sets_the_paper_beside_each_embedding(section):
    effects, alike, steps, clusters = (part.frame for part in section.parts if isinstance(part, Table))
    assert list(effects.columns) == ["property", "paper", "layer 0", "layer 2", "word2vec"]
    assert effects["paper"].tolist() == ["PC1 0.88", "PC2 -0.96", "–", "–", "PC4 0.39, PC6 0.43", "–"]
    assert (
        alike["embedding"].tolist() == ["layer 0", "layer 1", "layer 2", "word2vec"] and alike["with layer 2"][2] == "–"
    )
    assert steps["property"].str.contains("stacking|roll|twist").all() and len(steps) == 3
    assert set(clusters["embedding"]) == {"layer 2", "word2vec"} and len(clusters) <= 16


def test_the_figures_of_the_section_stay_small(section):
    figures = {part.name: to_svg(part.figure) for part in section.parts if isinstance(part, Picture)}
    assert set(figures) == {f"tokens_{name}" for name in ("components", "sources", "correlations", "map", "clusters")}
    assert all(len(svg) < 300_000 for svg in figures.values())


def test_the_random_model_stands_beside_the_model_where_there_is_one(tmp_path):
    files = write_tokens(tmp_path, np.random.default_rng(0))
    random_model = tmp_path / "embeddings/chosen-random/effects.tsv"
    random_model.parent.mkdir()
    random_model.write_bytes((tmp_path / "embeddings/chosen/effects.tsv").read_bytes())
    section = section_of_tokens.section(Results(tmp_path, [*files, random_model]))
    assert any(sentence.startswith("Random initialisation, layer 2: frequency on PC1") for sentence in section.findings)
    assert (
        next(part for part in section.parts if isinstance(part, Table)).frame.columns[-1]
        == "random initialisation, layer 2"
    )


def test_four_tokens_have_three_components_and_a_section(tmp_path):
    values, shares = principal_components(np.random.default_rng(0).normal(size=(4, 12)))
    assert np.isfinite(values[:, :3]).all() and np.isnan(values[:, 3:]).all()
    assert shares[:3].sum() == pytest.approx(1) and np.isnan(shares[3:]).all()
    files = write_tokens(tmp_path, np.random.default_rng(0), list("ACGT"))
    section = section_of_tokens.section(Results(tmp_path, files))
    assert section.findings[0].startswith("In layer 2 no component is associated with a property of the 4 tokens")
    assert section.findings[1].startswith("Layer 2: no property is on any component")
    for part in section.parts:
        if isinstance(part, Picture):
            part.figure.savefig(tmp_path / "figure.svg")
