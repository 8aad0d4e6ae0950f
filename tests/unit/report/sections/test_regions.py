"""The section on what the embeddings hold, from made-up probes: sentences follow the intervals, what is left out is named."""

import numpy as np
import pandas as pd
import pytest

from grover.report.parts import Folded, Picture, Results, Table
from grover.report.sections import regions
from grover.report.sections.region_clusters import cluster_sentence
from grover.report.sections.representations import gain_styles
from grover.report.style import to_svg
from tests.fakes.regions import write


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("regions")
    write(folder, np.random.default_rng(0))
    return folder


def build(folder):
    return regions.section(Results(folder, [folder / name for name in regions.NEEDS]))


@pytest.fixture(scope="module")
def section(folder):
    return build(folder)


def test_the_heat_map_says_it_all(section):
    pictures = {part.name: to_svg(part.figure) for part in section.parts if isinstance(part, Picture)}
    assert list(pictures) == ["regions_heat", "regions_gains", "regions_layers"]
    heat = pictures["regions_heat"]
    for text in (
        "GC content",
        "k-mers",
        "word2vec",
        "random initialisation",
        "CLS",
        "mean",
        "dnabert2",
        "gene strand",
        "R²",
    ):
        assert text in heat
    # of the mean embedding's tracks one lies above k-mers; no other cell does
    assert heat.count("\u25b2") == 1 and heat.count("\u25bd") > 3
    assert "cpg island" not in heat
    assert all(len(svg) < 300_000 for svg in pictures.values())


def test_sentences_follow_the_intervals(section):
    assert section.findings[0] == (
        "Linear probes on the mean embedding outperform k-mers on 1 of 5 tracks (repeat class) and underperform on 1 (gene); on 3 no "
        "difference is established (95\u00a0% interval; Holm over 5 tracks)."
    )
    assert [text.partition(" outperform ")[2].split(" on ")[0] for text in section.findings[1:4]] == [
        "GC content",
        "word2vec",
        "random initialisation",
    ]
    assert (
        "rank correlation of held-out predictions and truth is +0.050 (median over 5 tracks; highest +0.200, replication timing)"
        in section.findings[4]
    )
    lines = next(part for part in section.parts if isinstance(part, list) and part is not section.findings)
    assert len(lines) == 5 and lines[2].startswith(
        "gene: the mean embedding (AUROC 0.485) underperforms k-mers (\u2212"
    )


def test_tracks_whose_blocks_are_alike_are_named(section):
    [found] = [sentence for sentence in section.findings if "too narrow" in sentence]
    assert found.startswith(
        "Fold test is too small for the long stretches of gene strand (60 blocks, correlation 0.40): "
    )


def test_what_is_at_chance_tells_nothing_even_if_k_mers_tell_less():
    rows = pd.DataFrame(
        {"metric": ["auroc", "auroc", "r2"], "low": [0.49, 0.51, 0.01], "gain_low": [0.02, 0.02, -0.01]}
    )
    assert regions.is_ahead(rows, "gain").tolist() == [False, True, False]


def test_what_has_too_few_regions_is_named(section):
    found = next(part for part in section.parts if isinstance(part, str) and part.startswith("Left out"))
    assert found.endswith("too few regions in the folds: repeat class (RC, Unknown); cpg island (no score).")


def test_the_sentence_on_partial_correlations_names_what_is_given(section, folder, tmp_path):
    assert section.findings[4].startswith("Given GC content and the share of repeats, the partial rank")
    write(tmp_path, np.random.default_rng(0))
    probes = pd.read_parquet(tmp_path / regions.NEEDS[0])
    probes.assign(given="gc").to_parquet(tmp_path / regions.NEEDS[0])
    other = build(tmp_path)
    assert other.findings[4].startswith("Given GC content, the partial rank")
    tables = [part.parts[0] for part in other.parts if isinstance(part, Folded)]
    assert tables[0].caption.endswith("truth given GC content.")


def test_an_empty_track_is_said_to_be():
    probes = pd.DataFrame({"track": ["line_strand"], "note": ["empty: no region with class=LINE"], "value": [np.nan]})
    assert regions.describe_left_out(probes)[0].endswith("line strand (empty: no region with class=LINE; no score).")


def test_categories_lie_together_more_than_by_k_mers_only_beyond_the_margin():
    purity = pd.DataFrame({"mean": [0.5, 0.5, 0.26], "k-mers": [0.49, 0.4, 0.1]}, index=["a", "b", "c"])
    keys = pd.MultiIndex.from_product([["a", "b", "c"], ["all"]], names=["track", "repeats"])
    text = cluster_sentence(purity, pd.DataFrame({"purity_expected": 0.25}, index=keys))[0]
    assert "on 2 of 3 tracks; on 1 of these it is also more than 0.02 above that by k-mers." in text


def test_every_external_model_has_a_style_of_its_own():
    external_models = [f"external model {i}" for i in range(6)]
    styles = gain_styles(["k-mers", "mean", *external_models])
    assert list(styles) == ["mean", *external_models] and len(set(styles.values())) == 7


def test_all_numbers_are_folded(section, folder):
    pages = {part.title: part.parts[0] for part in section.parts if isinstance(part, Folded)}
    probes, shown = pd.read_parquet(folder / regions.NEEDS[0]), pages["All probes of the deepest layers"].frame
    assert len(shown) == (probes["layer"].isna() | (probes["layer"] == 3)).sum() and "nan" not in shown.to_string()
    row = shown.iloc[1]
    assert row["model"] == "chosen" and row["layer"] == "3" and row["score"] == "0.820 (0.800 to 0.840)"
    assert len(pages["All clusters"].frame) == 64
    table = next(part for part in section.parts if isinstance(part, Table)).frame
    assert table.iloc[0].tolist()[:4] == ["repeat class", "all", "800", "0.250"] and len(table) == 7


def test_without_any_score_there_is_a_sentence(folder, tmp_path):
    write(tmp_path, np.random.default_rng(0))
    for name, columns in zip(regions.NEEDS, (["value"], ["purity", "silhouette"]), strict=True):
        table = pd.read_parquet(tmp_path / name)
        table[columns] = np.nan
        table.to_parquet(tmp_path / name)
    assert build(tmp_path).parts[0] == "No track has enough regions for a probe."
    # probes without clusters, and a run of one layer without a randomly initialised model
    probes = pd.read_parquet(folder / regions.NEEDS[0])
    alone = probes[(probes["model"] != "chosen-random") & (probes["layer"].isna() | (probes["layer"] == 3))]
    alone.assign(over_random=np.nan, over_random_low=np.nan, over_random_high=np.nan).to_parquet(
        tmp_path / regions.NEEDS[0]
    )
    section = build(tmp_path)
    assert [part.name for part in section.parts if isinstance(part, Picture)] == ["regions_heat", "regions_gains"]
    assert not any("random" in text for text in section.findings)
    assert "No track has enough regions of two categories to ask whether they lie together." in section.parts
