import numpy as np
import pandas as pd
import pytest

from grover.report.parts import Folded, Picture, Results, Table
from grover.report.sections import importance
from tests.fakes import results as fake


@pytest.fixture(scope="module")
def section(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return importance.section(Results(folder, fake.write(folder)))


@pytest.mark.parametrize(("method", "signed"), [("ism", -3.0), ("block", -1.0), ("ig", 1.0)])
def test_letters_point_up_where_a_base_raises_the_answer_by_any_method(method, signed):
    rows = pd.DataFrame({"method": method, "signed": [signed, -signed], "importance": [1.0, 1.0]})
    assert importance.heights(rows).tolist() == [1.0, -1.0]


def test_the_planted_table_has_the_methods_of_the_task_whose_windows_are_around_sites(section):
    [table] = [part for part in section.parts if isinstance(part, Table) and "Planted truth" in part.caption]
    assert table.frame["task"].tolist() == ["ctcf", "ctcf"] and table.frame["sites"].tolist() == ["1", "1"]
    assert (table.frame["AUROC of partner bases"].astype(float) > 0.9).all()


def test_the_agreement_of_a_method_is_shown_with_its_interval(section):
    [table] = [part for part in section.parts if isinstance(part, Table) and "Planted truth" not in part.caption]
    row = table.frame.set_index(["task", "method"]).loc[("ctcf", "single substitutions")]
    assert row["deletion"] == "1.00 (0.80 to 1.20)" and row["random weights"] == "0.10 (0.00 to 0.40)"
    assert row["other seed"] == "–" and row["substitutions"] == "–"
    assert table.frame["substitutions"].tolist()[1] == "0.70 (0.60 to 0.80)"


def test_the_first_task_is_shown_and_the_others_are_folded(section):
    captions = [part.caption for part in section.parts if isinstance(part, Picture)]
    assert len(captions) == 2 and all("ctcf" in caption for caption in captions)
    assert [part.title for part in section.parts if isinstance(part, Folded)] == ["Importance in promoters"]
    assert section.findings[-1].endswith("set `finetuning.seeds: 2`.")


def test_the_completeness_error_is_that_of_the_worst_and_of_the_median_site(section):
    rows = {"example": [1, 1, 2, 3, 4], "error": [0.001, 0.001, 0.002, 0.15, np.nan]}
    [sentence] = importance.completeness({"ctcf": pd.DataFrame(rows)})
    assert "of 3 sites" in sentence and "by 15.0% at most, and by 0.2% in the median" in sentence
    assert not [part for part in section.parts if isinstance(part, str) and "Integrated gradients" in part]


def test_a_long_site_is_cut_to_its_most_important_stretch():
    heights = np.zeros(300)
    heights[200:210] = -1
    shown = importance.figures.best_stretch(pd.DataFrame({"height": heights}), 110)
    assert len(shown) == 110 and shown.index[0] <= 200 and shown.index[-1] >= 209
