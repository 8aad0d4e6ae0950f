import pytest

from grover.report.parts import Picture, Results, Table
from grover.report.sections import motifs
from tests.fakes import results as fake


@pytest.fixture(scope="module")
def section(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return motifs.section(Results(folder, fake.write(folder)))


def test_each_task_has_a_sentence_and_one_with_motifs_a_table_and_a_figure(section):
    texts = [part for part in section.parts if isinstance(part, str)][1:]
    assert texts == [
        "ctcf: 2 motifs from contributions, 1 supported by both tests on fold test.",
        "splice: no motif was found.",
    ]
    [table] = [part for part in section.parts if isinstance(part, Table)]
    assert table.frame["consensus"].tolist() == ["TTACG", "GATGAC"]
    assert table.frame["class"].tolist() == ["bound", "against bound"]
    assert table.frame["match"].tolist() == ["MA1.1 (q 0.002)", "none"]
    assert table.frame["insertion"].tolist() == ["5.90 (5.60 to 6.30)", "–"]
    [picture] = [part for part in section.parts if isinstance(part, Picture)]
    titles = [axis.get_title(loc="left") for axis in picture.figure.axes]
    assert titles[::2] == ["motif-1, 37 windows", "motif-2, 8 windows, not supported"]


def test_the_finding_names_what_is_supported_and_the_tasks_without_motifs(section):
    assert section.findings == [
        "Motifs supported by both tests: ctcf: TTACG (bound, like MA1.1).",
        "No motif is supported by both tests in splice.",
    ]
