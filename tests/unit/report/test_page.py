"""The report from made-up artefacts: everything is inside the page, and sentences follow the numbers."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from grover.report.page import build, inline_svg, render
from grover.report.parts import Folded, Picture, Results, Table, formatted, verdict
from grover.report.sections import atlas, benchmarks, comparisons, genome, selection
from grover.report.style import to_svg
from tests.fakes.results import write as write_artefacts


class Page(HTMLParser):
    """Collects what a page loads, its ids, the text and the open elements."""

    def __init__(self, html):
        super().__init__()
        self.loaded, self.ids, self.links, self.figures = [], [], [], 0
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.figures += tag == "figure"
        for name in ("src", "href", "xlink:href", "data", "srcset", "poster"):
            if name in attributes:
                (self.links if tag == "a" else self.loaded).append(attributes[name])


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    files = write_artefacts(folder)
    figures = {}
    sections = build(Results(folder, files), "run: demo\n", palette="okabe-ito")
    html = render(sections, "A <run> & its report", "snakemake --cores 2 results/demo/", figures.__setitem__)
    return html, figures, sections


def test_nothing_is_loaded_from_outside(page):
    html, _, _ = page
    parsed = Page(html)
    assert parsed.loaded and all(link.startswith(("#", "data:")) for link in parsed.loaded)
    assert all(link.startswith("#") for link in parsed.links)
    assert not re.search(r"url\((?!#)|@import|<script[^>]+src", html)
    assert max(len(link) for link in parsed.loaded) < 1_500_000


def test_ids_are_unique_and_every_link_has_its_target(page):
    parsed = Page(page[0])
    assert len(parsed.ids) == len(set(parsed.ids))
    inner = [link[1:] for link in parsed.loaded + parsed.links if link.startswith("#")]
    assert set(inner) <= set(parsed.ids)


def test_every_figure_has_a_caption_a_command_and_stays_small(page):
    html, figures, sections = page
    assert Page(html).figures == len(figures) >= 14
    assert html.count("<figcaption>") == len(figures)
    assert "snakemake --cores 2 results/demo/genome/contigs.tsv" in html
    assert all(len(svg) < 300_000 for svg in figures.values())
    assert [section.key for section in sections[:4]] == ["genome", "vocabulary", "atlas", "stability"]


def test_text_is_escaped(page):
    assert "A &lt;run&gt; &amp; its report" in page[0] and "<run>" not in page[0]


def test_figures_are_the_same_again(page, tmp_path):
    section = genome.section(Results(tmp_path, write_artefacts(tmp_path)))
    again = {part.name: to_svg(part.figure) for part in section.parts if isinstance(part, Picture)}
    assert again and again.items() <= page[1].items()


def test_absent_artefacts_leave_a_sentence(tmp_path):
    files = [
        path for path in write_artefacts(tmp_path, variants=False) if path.parent.name in ("genome", "interpretation")
    ]
    sections = {section.key: section for section in build(Results(tmp_path, files), "", palette="okabe-ito")}
    assert sections["corpus"].parts == ["Left out: this run has no corpus/*/windows.parquet."]
    assert sections["variants"].parts == [
        "Left out: this run has no interpretation/variant_metrics.parquet, no interpretation/variant_effects.json, no "
        "interpretation/variant_confounding.parquet, no interpretation/variant_sample.parquet."
    ]


def test_the_main_model_is_the_chosen_one_or_else_the_first_pretrained_one_of_the_run(tmp_path):
    def results(*models, chosen="kmer-4"):
        places = [tmp_path / f"embeddings/{model}/strands.parquet" for model in models]
        (tmp_path / "selection").mkdir(exist_ok=True)
        (tmp_path / "selection/chosen.txt").write_text(chosen)
        return Results(tmp_path, [*places, tmp_path / "selection/chosen.txt"])

    pattern = "embeddings/*/strands.parquet"
    assert results("bpe-200-random", "bpe-200").of_main_model(pattern) == "embeddings/bpe-200/strands.parquet"
    assert "/chosen/" in results("bpe-200", "bpe-200-random", "chosen", "chosen-random").of_main_model(pattern)
    assert "/bpe-600/" in results("bpe-200", "bpe-600", "bpe-600-random", chosen="bpe-600").of_main_model(pattern)
    assert results().main_model(["agro", "kmer-6-random", "kmer-6"]) == "kmer-6"
    assert results().main_model(["bpe-600", "bpe-200"]) == "bpe-200" and results().main_model([]) == "chosen"


def test_the_atlas_stands_beside_null_genomes(page):
    section = next(section for section in page[2] if section.key == "atlas")
    table = next(part for part in section.parts if isinstance(part, Table)).frame
    assert list(table.columns) == ["number", "genome", "null, order 1", "null, order 5"]
    assert table.iloc[0].tolist() == ["bases per token", "3.90", "3.90", "3.90"]
    assert table.set_index("number").loc["token CG"].tolist() == ["yes", "no", "no"]
    assert section.findings[0].endswith("those of null genomes 5 (null, order 1) and 6 (null, order 5).")
    drawn = {name for name in page[1] if name.startswith("atlas_")}
    kinds = ("frequencies", "composition", "balance", "compression", "enrichment", "coverage")
    assert drawn == {f"atlas_{kind}" for kind in kinds}
    # nothing about the untested category
    assert "Satellite" not in page[1]["atlas_enrichment"] and "SINE" in page[1]["atlas_enrichment"]


def test_the_atlas_without_null_genomes_and_annotation_and_the_vocabulary_without_an_atlas(tmp_path):
    files = [path for path in write_artefacts(tmp_path) if "markov" not in str(path)]
    places = tmp_path / "atlas/observed/enrichment.parquet"
    pd.read_parquet(places).head(0).to_parquet(places)
    parts = atlas.section(Results(tmp_path, files)).parts
    assert [part.name for part in parts if isinstance(part, Picture)] == [
        "atlas_frequencies",
        "atlas_composition",
        "atlas_balance",
        "atlas_compression",
    ]
    files = [path for path in files if "atlas" not in path.parts]
    sections = {section.key: section for section in build(Results(tmp_path, files), "", palette="okabe-ito")}
    assert sections["atlas"].parts[0].startswith("Left out: this run has no atlas/observed/summary.json")
    assert [part.name for part in sections["vocabulary"].parts if hasattr(part, "name")] == ["vocabulary_frequencies"]


def test_the_best_baseline_is_chosen_on_fold_valid_and_by_fold_test_only_without_one():
    rows = {"task": "t", "kind": "baseline", "model": ["gc", "cnn"], "mcc": [0.4, 0.6], "mcc_valid": [0.5, 0.3]}
    table = pd.DataFrame(rows)
    assert comparisons.baselines_of(table) == {"t": "gc"}
    assert comparisons.baselines_of(table.assign(mcc_valid=np.nan)) == {"t": "cnn"}
    assert comparisons.best_baseline(table.assign(kind="model")) is None


def test_a_difference_that_one_task_would_establish_is_not_established_among_ten():
    one = {"part": "all", "comparator": "gc", "difference": 0.1, "low": 0.01, "high": 0.19}
    compared = pd.DataFrame([one | {"task": f"t{i}"} for i in range(10)])
    alone = comparisons.differences(compared.head(1), {"t0": "gc"})
    assert alone["verdict"].tolist() == ["outperforms"]
    assert comparisons.overview(alone, "GC content").endswith("(t0) and underperforms on 0 (95\u00a0% interval).")
    among = comparisons.differences(compared, {f"t{i}": "gc" for i in range(10)})
    assert set(among["verdict"]) == {"does not differ measurably from"} and among["p"].min() > 0.2


@pytest.mark.parametrize("chosen, said", [("kmer-4", True), ("bpe-300", False)])
def test_a_section_about_another_vocabulary_than_the_chosen_one_says_so(tmp_path, chosen, said):
    files = write_artefacts(tmp_path)
    (tmp_path / "selection/chosen.txt").write_text(f"{chosen}\nSo it was.\n")
    wanted = [path for path in files if "atlas" in path.parts or path.name == "chosen.txt"]
    section = {section.key: section for section in build(Results(tmp_path, wanted), "", palette="okabe-ito")}["atlas"]
    sentence = f"This section is about bpe-300; the vocabulary chosen for the benchmarks is {chosen}."
    assert (sentence in section.parts) == said


@pytest.mark.parametrize(
    "reason, said", [("It has the best mean rank.", "was chosen among 3"), ("It was fixed beforehand. R.", "was fixed")]
)
def test_a_vocabulary_that_the_configuration_names_is_not_said_to_be_chosen(tmp_path, reason, said):
    files = [path for path in write_artefacts(tmp_path) if path.parent.name == "selection"]
    (tmp_path / "selection/chosen.txt").write_text(f"bpe-300\n{reason}\n")
    assert f"Vocabulary bpe-300 {said}" in selection.section(Results(tmp_path, files)).findings[0]


@pytest.fixture(scope="module")
def benchmark_section(page):
    return next(section for section in page[2] if section.key == "benchmarks")


def test_findings_name_both_directions_and_the_correction_for_several_tasks(benchmark_section):
    pretraining, baselines, rule = benchmark_section.findings
    assert rule.startswith(
        "The forbidden-pairs rule, which learns nothing, has MCC 0.96 on token-shuffled promoters, 0.00, 0.01 and 0.00 with the other"
    )
    assert pretraining.replace("\u00a0", " ") == (
        "The pretrained model outperforms random initialisation on 5 of 8 tasks (prom300-retokenised, prom300-dinucleotide, ctcf-GM12878, "
        "splice and gue-prom_core_all) and underperforms on 0; on 3 no difference is established (95 % interval; Holm over 8 tasks)."
    )
    assert baselines.startswith(
        "The pretrained model outperforms the best baseline on 3 of 8 tasks (prom300-retokenised, prom300-dinucleotide and "
        "prom300-genomic) and underperforms on 3 (promscan, ctcf-GM12878 and splice); on 2 no difference is established"
    )


def test_every_task_says_what_pretraining_adds_and_how_it_stands_to_the_best_baseline(benchmark_section):
    lists = [part for part in benchmark_section.parts if isinstance(part, list)]
    said = {text.partition(" (")[0]: text.replace("\u00a0", " ").replace("\u2212", "-") for text in lists[1]}
    assert len(said) == 8
    assert said["promscan"] == (
        "promscan (412 test examples, 3 seeds): +0.070 MCC (+0.010 to +0.130) against random initialisation, not established "
        "(Holm p = 0.067); -0.080 MCC (-0.140 to -0.020) against the best baseline, k-mers + forest (MCC 0.390)."
    )
    assert "random initialisation, not established;" in said["prom300-shuffle"]
    assert "on 8 of 8 tasks: 12,000" in " ".join(part for part in benchmark_section.parts if isinstance(part, str))


def test_the_clean_part_stands_beside_the_whole_only_where_they_differ(benchmark_section):
    sentences = [part for part in benchmark_section.parts if isinstance(part, list)][2]
    assert len(sentences) == 1 and sentences[0].startswith("gue-prom_core_all: 380 of 412 test examples are clean; the")
    clean = next(part for part in benchmark_section.parts if isinstance(part, Table)).frame
    assert set(clean["task"]) == {"gue-prom_core_all"} and clean["MCC, clean part"][0] == "0.490 (0.440 to 0.540)"


def test_each_task_has_a_folded_page_with_scores_and_audit(page, benchmark_section):
    pages = {part.title: part.parts for part in benchmark_section.parts if isinstance(part, Folded)}
    assert len(pages) == 8 and page[0].count("<summary>Task ") == 8
    scores, made, _, audit, _, telling = pages["Task gue-prom_core_all"]
    assert scores.frame["predictor"][0] == "nt-tiny" and made.startswith(
        "3,900 sequences of the length that they are given in"
    )
    assert audit.startswith("Between folds there are duplicates on either strand: 43 (train-valid), 43 (train-test)")
    assert (
        "Whether pretraining has seen fold test is not known. 280 of 300 test examples are clean. More than 0% dup"
        in audit
    )
    assert "0.0% of the bases of fold test lie in pretraining windows (by their places)." in pages["Task promscan"][3]
    assert telling.endswith("GC content 0.63 and length 0.50.")
    like = (
        "negatives: genomic-matched, like their positives in GC and repeats (rmsk.txt.gz), without a blacklist. 2,400"
    )
    assert like in pages["Task prom300-genomic"][1] and "blacklist" not in pages["Task prom300-dinucleotide"][1]
    assert "ECE (15 bins of the probability of label 1)" in scores.caption
    assert "bins of the highest probability" in pages["Task splice"][0].caption
    assert (
        "MCC is R_K" in pages["Task splice"][0].caption and "highest probability is called" in pages["Task splice"][1]
    )


def test_every_vocabulary_is_compared_with_its_own_random_initialisation():
    whole = pd.DataFrame(
        {"task": "ctcf", "model": ["chosen", "bpe-100", "bpe-100-random"], "kind": ["model", "model", "random"]}
    )
    row = {"task": "ctcf", "part": "all", "model": "bpe-100", "comparator": "bpe-100-random"}
    compared = pd.DataFrame([row | {"difference": -0.2, "low": -0.3, "high": -0.1}])
    ((sentence,),) = benchmarks.others("ctcf", whole, compared, "chosen")
    assert sentence.startswith("bpe-100: pretraining costs 0.200 MCC (95\u00a0%\u00a0interval \u22120.300")
    assert benchmarks.others("splice", whole, compared, "chosen") == []


def test_strata_of_negatives_have_their_own_scores():
    columns = ["model", "kind", "part", "mcc", "auroc", "auroc_low", "auroc_high"]
    rows = [
        ("chosen", "model", "all", 0.6, 0.9, 0.88, 0.92),
        ("open-frame", "baseline", "all", 0.7, 0.8, 0.78, 0.82),
        ("chosen", "model", "in-frame", 0.5, 0.85, 0.8, 0.9),
        ("open-frame", "baseline", "in-frame", 0.2, 0.6, 0.5, 0.7),
    ]
    table = pd.DataFrame(rows, columns=columns).assign(task="starts", mcc_valid=[0.4, 0.6, 0.4, 0.6])
    pair = {"task": "starts", "part": "in-frame", "model": "chosen", "comparator": "open-frame"}
    compared = pd.DataFrame([pair | {"difference": 0.3, "low": 0.2, "high": 0.4}])
    picture, (sentence,), scores = benchmarks.strata(table, compared, "chosen")
    (axis,) = picture.figure.axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ["pretrained", "open frame"]
    assert sentence.startswith(
        "in-frame: the pretrained model outperforms the best baseline (open frame, 0.200) by 0.300 MCC"
    )
    assert scores.frame["predictor"].tolist() == ["open frame", "pretrained"]
    assert scores.frame["AUROC, in-frame"].tolist() == ["0.600 (0.500 to 0.700)", "0.850 (0.800 to 0.900)"]
    assert benchmarks.strata(table[table["part"] == "all"], compared, "chosen") == []


def test_scores_of_tasks_without_cards_networks_or_differences_still_have_their_section(tmp_path):
    files = [path for path in write_artefacts(tmp_path) if path.name in ("benchmarks.parquet", "comparisons.parquet")]
    scores = pd.read_parquet(tmp_path / "benchmarks.parquet")
    scores[(scores["kind"] == "baseline") & (scores["part"] == "all")].to_parquet(tmp_path / "benchmarks.parquet")
    pd.read_parquet(tmp_path / "comparisons.parquet").head(0).to_parquet(tmp_path / "comparisons.parquet")
    section = benchmarks.section(Results(tmp_path, files))
    assert section.findings == [] and "No clean part of fold test was scored." in section.parts
    pictures = [part.name for part in section.parts if isinstance(part, Picture)]
    assert pictures == ["benchmarks_overview", "benchmarks_scores"]


def test_published_scores_stand_beside_ours(page):
    section = next(section for section in page[2] if section.key == "reproduction")
    table = next(part for part in section.parts if isinstance(part, Table)).frame
    row = table[(table["task"] == "CTCF") & (table["published model"] == "GROVER")].iloc[0]
    assert row.tolist()[3:] == ["60", "ctcf-GM12878", "chosen", "20.0 (15.0 to 25.0)", "not reproduced"]
    assert "not run here" not in table["verdict"].unique() and len(table) == 9
    assert section.findings[1] == "17 further published scores have no counterpart in this run."


def test_tokens_are_short_in_a_table():
    assert atlas.shorten(["AAAA", "ACGT", "T" * 16, "G"]) == "A4, ACGT, T16, …"
    assert atlas.shorten(["ACG" * 20], 1) == "ACGACGACGACGACGACGACGACG…"


def test_verdicts_follow_the_interval():
    assert verdict("It", "chance", 0.2, 0.1, 0.3, "MCC").startswith("It outperforms chance by 0.200 MCC")
    assert verdict("It", "chance", -0.2, -0.3, -0.1, "MCC").startswith("It underperforms chance by 0.200 MCC")
    assert "does not differ measurably" in verdict("It", "chance", 0.05, -0.1, 0.2, "MCC")


def test_cells_are_readable():
    table = formatted(pd.DataFrame({"n": [1234567], "x": [np.nan], "share": [0.1234]}), {"share": "{:.1%}"})
    assert table.iloc[0].tolist() == ["1,234,567", "–", "12.3%"]


def test_inline_figures_get_their_own_ids_and_the_text_colour_of_the_page():
    svg = '<?xml?><svg width="1"><defs><path id="a"/></defs><use xlink:href="#a" style="fill: #23282f"/></svg>'
    inline = inline_svg(svg, "fig", 'say "x"')
    assert 'id="fig-a"' in inline and 'href="#fig-a"' in inline and "currentColor" in inline
    assert 'aria-label="say &quot;x&quot;"' in inline and "--width: 56.0rem" in inline
    # half as wide as the text, so that letters have one size in all figures
    assert "--width: 28.0rem" in inline_svg(svg.replace('"1"', '"324pt"'), "fig", "")
