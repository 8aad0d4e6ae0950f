"""The section of the report on models in another species."""

import numpy as np
import pytest

from grover.report.parts import Picture, Results, Table
from grover.report.sections import transfer
from tests.fakes import transfer as fake


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path, fake.write(tmp_path, np.random.default_rng(0)))


def test_the_figure_comes_first_and_near_duplicates_are_counted(results):
    section = transfer.section(results)
    assert isinstance(section.parts[1], Picture)
    assert "80 of 200 test examples of ctcf, 8 of 20 loci" in section.parts[0]
    assert any(found.startswith("masked bases: source trained on here") for found in section.findings)
    assert "without near-duplicates" in section.parts[1].caption and "baselines" in section.parts[2].caption
    tables = [part for part in section.parts if isinstance(part, Table)]
    assert "3.90" in tables[0].frame["bases per token"].tolist()
    assert "k-mers + logistic" in tables[1].frame["model"].tolist()


def test_the_source_task_holds_does_not_hold_or_is_not_shown_to(results):
    scores = results.table(transfer.SCORES)
    row = (scores["method"] == "source task") & (scores["model"] == "source")
    for low, high, said in (
        (0.1, 0.3, "holds here"),
        (-0.6, -0.4, "does not hold here"),
        (-0.1, 0.1, "is not shown to"),
    ):
        changed = scores.assign(mcc_low=scores["mcc_low"].mask(row, low), mcc_high=scores["mcc_high"].mask(row, high))
        found = transfer._elsewhere(changed[changed["part"] == "apart"], "ctcf")
        assert any(said in sentence and "fitted there, too: GC content " in sentence for sentence in found)


def test_without_the_sequence_of_the_source_the_report_says_so(results, monkeypatch):
    kept = {name: (table := results.table(name))[table["part"] != "apart"] for name in transfer.NEEDS}
    monkeypatch.setattr(results, "table", lambda name: kept[name])
    assert "were not set apart" in transfer.section(results).parts[0]


def test_a_run_without_tasks_shows_masked_bases_alone(results, monkeypatch):
    kept = {transfer.SCORES: results.table(transfer.SCORES).iloc[:0], transfer.BASES: results.table(transfer.BASES)}
    monkeypatch.setattr(results, "table", lambda name: kept[name])
    parts = transfer.section(results).parts
    assert [type(part) for part in parts].count(Picture) == 1 and [type(part) for part in parts].count(Table) == 1
