"""The report from made-up artefacts: everything is inside the page, and sentences follow the numbers."""

import re
import runpy
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grover.figures.style import to_svg
from grover.report import build, inline_svg, render
from grover.sections import atlas, genome
from grover.sections.parts import Picture, Results, Table, formatted, verdict

write_artefacts = runpy.run_path(str(Path(__file__).parents[1] / "fake_results.py"))["write"]


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
    sections = build(Results(folder, files), "run: demo\n")
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
    sections = {section.key: section for section in build(Results(tmp_path, files), "")}
    assert sections["corpus"].parts == ["Left out: this run has no corpus/*/windows.parquet."]
    assert "No variants were given, so none were scored." in sections["interpretation"].parts


def test_the_atlas_stands_beside_null_genomes_and_the_paper(page):
    section = next(section for section in page[2] if section.key == "atlas")
    table = next(part for part in section.parts if isinstance(part, Table)).frame
    assert list(table.columns) == ["number", "paper", "genome", "null, order 1", "null, order 5"]
    assert table.iloc[0].tolist() == ["bases a token", "4.07", "3.90", "3.90", "3.90"]
    assert table.set_index("number").loc["token CG"].tolist() == ["–", "yes", "no", "no"]
    assert "theirs reach 5 (null, order 1) and 6 (null, order 5) bases" in section.findings[0]
    drawn = {name for name in page[1] if name.startswith("atlas_")}
    kinds = ("frequencies", "composition", "balance", "compression", "localisation", "coverage")
    assert drawn == {f"atlas_{kind}" for kind in kinds}
    # nothing about the untested category
    assert "Satellite" not in page[1]["atlas_localisation"] and "SINE" in page[1]["atlas_localisation"]


def test_the_atlas_without_null_genomes_and_annotation_and_the_vocabulary_without_an_atlas(tmp_path):
    files = [path for path in write_artefacts(tmp_path) if "markov" not in str(path)]
    places = tmp_path / "atlas/observed/localisation.parquet"
    pd.read_parquet(places).head(0).to_parquet(places)
    parts = atlas.section(Results(tmp_path, files)).parts
    assert [part.name for part in parts if isinstance(part, Picture)] == [
        "atlas_frequencies",
        "atlas_composition",
        "atlas_balance",
        "atlas_compression",
    ]
    files = [path for path in files if "atlas" not in path.parts]
    sections = {section.key: section for section in build(Results(tmp_path, files), "")}
    assert sections["atlas"].parts[0].startswith("Left out: this run has no atlas/observed/summary.json")
    assert [part.name for part in sections["vocabulary"].parts if hasattr(part, "name")] == ["vocabulary_frequencies"]


def test_tokens_are_short_in_a_table():
    assert atlas.shorten(["AAAA", "ACGT", "T" * 16, "G"]) == "A4, ACGT, T16, …"
    assert atlas.shorten(["ACG" * 20], 1) == "ACGACGACGACGACGACGACGACG…"


def test_verdicts_follow_the_interval():
    assert verdict("It", "chance", 0.2, 0.1, 0.3, "MCC").startswith("It beats chance by 0.200 MCC")
    assert verdict("It", "chance", -0.2, -0.3, -0.1, "MCC").startswith("It stays behind chance by 0.200 MCC")
    assert "does not differ measurably" in verdict("It", "chance", 0.05, -0.1, 0.2, "MCC")


def test_cells_are_readable():
    table = formatted(pd.DataFrame({"n": [1234567], "x": [np.nan], "share": [0.1234]}), {"share": "{:.1%}"})
    assert table.iloc[0].tolist() == ["1,234,567", "–", "12.3%"]


def test_inline_figures_get_their_own_ids_and_the_text_colour_of_the_page():
    svg = '<?xml?><svg width="1"><defs><path id="a"/></defs><use xlink:href="#a" style="fill: #23282f"/></svg>'
    inline = inline_svg(svg, "fig", 'say "x"')
    assert 'id="fig-a"' in inline and 'href="#fig-a"' in inline and "currentColor" in inline
    assert 'aria-label="say &quot;x&quot;"' in inline
