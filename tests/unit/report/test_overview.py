"""The first screen: its sentences and figures follow the artefacts, and a run that lacks some says so."""

import json

import numpy as np
import pandas as pd
import pytest

from grover.report import overview
from grover.report.figures.overview import _apart
from grover.report.folding import contents, fold, parted
from grover.report.glossary import ALIASES, TERMS, gloss
from grover.report.page import build, render
from grover.report.parts import Code, Folded, Picture, Results, Section, Table
from grover.report.sections import tokens
from grover.report.style import to_svg
from tests.fakes.results import write as write_artefacts


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return folder, write_artefacts(folder)


def first_screen(folder, files, sections=()):
    return overview.summarise(Results(folder, files), list(sections))


def test_the_verdict_names_the_best_baseline_both_directions_and_all_figures_are_there(run):
    found = first_screen(*run)
    learnt, use = (sentence.replace("\u00a0", " ").replace("\u2212", "-") for sentence in found.verdict)
    assert learnt == (
        "The pretrained model outperforms the best baseline at predicting masked tokens (counts between neighbours) by 0.200 nats per "
        "masked token (95 % interval +0.100 to +0.300)."
    )
    assert use == (
        "Fine-tuned, it outperforms random initialisation on 5 of 8 tasks (underperforms on 0) and the best baseline on 3 of 8 tasks "
        "(underperforms on 3); its embedding outperforms k-mer counts on 1 of 5 tracks (underperforms on 1)."
    )
    assert [panel.name for panel in found.panels] == [
        f"overview_{name}" for name in ("loss", "tasks", "tracks", "sites")
    ]
    drawn = {panel.name: to_svg(panel.figure) for panel in found.panels}
    assert "counts" in drawn["overview_loss"] and "promscan" in drawn["overview_tasks"]
    assert "planted partner" in drawn["overview_sites"] and "repeat class" in drawn["overview_tracks"]
    assert found.run == "vocabulary bpe-300, 812,345 parameters, 3.08 Mb of sequence"


def test_a_run_that_lacks_stages_has_a_sentence_in_the_place_of_a_figure(run):
    folder, files = run
    kept = [path for path in files if path.parent.parent.name == "models"]
    found = first_screen(folder, kept)
    assert [panel.figure is None for panel in found.panels] == [False, True, True, True]
    assert len(found.verdict) == 1 and found.panels[1].shows == "No benchmark was scored in this run."
    page = render([], "A run", "make", lambda *_: None, found)
    assert "No track was probed in this run." in page
    nothing = first_screen(folder, [])
    assert nothing.verdict == [] and nothing.run == ""


def test_there_are_at_most_eight_findings_one_of_each_section():
    sections = [
        Section(name, name.title(), findings=["One.", "Two."])
        for name in ("genome", *reversed(overview.LEADING), *overview.FOLLOWING)
    ]
    found = overview._findings(sections)
    assert [key for key, _, _ in found] == list(overview.LEADING) and len(found) == overview.MOST_FINDINGS
    assert {sentence for _, _, sentence in found} == {"One."}
    assert [key for key, _, _ in overview._findings(sections[:3])] == ["variants", "reproduction"]


def test_a_positive_site_stands_above_a_decoy_and_without_truth_above_the_lowest_answer(tmp_path):
    files = write_artefacts(tmp_path)
    places = tmp_path / "simulated/truth.json"
    with_truth = first_screen(tmp_path, files).panels[3]
    kinds = {site["partner"] for site in json.loads(places.read_text())["sites"]}
    svg = to_svg(with_truth.figure)
    assert ("decoy" in svg) == bool(kinds & {"left", "reversed"})
    without = first_screen(tmp_path, [path for path in files if path != places]).panels[3]
    svg = to_svg(without.figure)
    assert "highest answer" in svg and "lowest answer" in svg and "planted" not in svg


def test_planted_elements_are_in_the_middle_of_what_is_drawn():
    site = pd.DataFrame({"offset": range(200), "height": 0.0, "motif": False, "partner": False})
    site.loc[120:130, "motif"], site.loc[150:160, "partner"] = True, True
    shown = overview._around(site)
    assert len(shown) == 2 * overview.AROUND
    assert abs(shown["offset"].mean() - 140) <= 1
    assert overview._around(site.head(50).drop(columns=["motif", "partner"]))["offset"].tolist() == list(range(50))


def test_labels_are_pushed_apart_and_keep_their_order():
    places = _apart(np.array([5.0, 1.0, 5.1, 5.05]), 0.5)
    assert places[1] == 1 and np.diff(np.sort(places)[1:]).min() >= 0.5 - 1e-6
    assert list(np.argsort(places)) == [1, 0, 3, 2]


def picture(name: str) -> Picture:
    return Picture(name, None, "A caption.", "")


def test_a_section_opens_with_a_finding_and_a_figure_and_folds_the_rest():
    table = Table(pd.DataFrame({"a": ["1"]}), "A table.", "")
    parts = [
        "Two. A method.",
        ["One.", "Two."],
        picture("a"),
        picture("b"),
        table,
        Folded("All", [table]),
        Code("c", "x"),
    ]
    shown = fold(Section("key", "Title", parts, ["One.", "Two."]))
    assert shown.lead == "One." and shown.picture.name == "a"
    assert shown.rest == ["Two. A method.", ["Two."], *parts[3:]]
    assert shown.title == "Methods, 1 sentence, 1 figure, 2 tables, 1 listing" == contents(shown.rest)
    assert fold(Section("key", "Title", parts, ["One."], lead="b")).picture.name == "b"
    plain = fold(Section("key", "Title", ["The first. The second."]))
    assert (plain.lead, plain.picture, plain.rest) == ("The first.", None, ["The second."])


@pytest.mark.parametrize(
    "text, first",
    [
        ("Scores (MCC) on test. Bold is best.", "Scores (MCC) on test."),
        ("Given a q of 0.05. The rest.", "Given a q of 0.05."),
        ("One sentence with 0.5 in it.", "One sentence with 0.5 in it."),
    ],
)
def test_captions_are_parted_after_their_first_sentence(text, first):
    assert parted(text)[0] == first


def test_a_term_is_explained_at_its_first_mention_and_text_stays_escaped():
    seen = set()
    once = gloss("MCC <b> of k-mers & MCC, not MCCs", seen)
    assert once.count("<a ") == 2 and "&lt;b&gt; of" in once and "&amp; MCC, not MCCs" in once
    assert 'href="#term-mcc"' in once and 'href="#term-k-mer"' in once
    assert gloss("MCC and AUROC", seen).count("<a ") == 1
    assert set(ALIASES.values()) <= set(TERMS)


def test_the_page_folds_tables_and_commands(run):
    folder, files = run
    sections = build(Results(folder, files), "run: demo\n", palette="okabe-ito")
    page = render(sections, "Run", "make it", lambda *_: None, first_screen(folder, files, sections))
    folded = page.split("<details")
    assert "<table>" not in folded[0] and 'code class="command"' not in folded[0]
    assert page.count("<table>") == page.count('class="copy"') > 10


def test_a_component_that_is_no_more_than_chance_is_called_so():
    rows = pd.DataFrame({"component": ["PC1", "PC2"], "spearman": [0.2, -0.3]}, index=["length", "gc"])
    said = tokens.describe_strongest("layer 1", rows, 63)
    assert said.startswith(
        "In layer 1 no component is associated with a property of the 63 tokens beyond chance (largest |Spearman| 0.30;"
    )
    said = tokens.describe_strongest("layer 1", rows, 5000)
    assert said.startswith("In layer 1 the strongest association of a component") and "on PC2 (|Spearman| 0.30;" in said
