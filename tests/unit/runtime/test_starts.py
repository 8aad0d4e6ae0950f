"""The table of the starts of a run."""

import pytest

from grover.runtime.errors import InputError
from grover.runtime.starts import note_start, read_starts
from grover.runtime.version import version


def test_each_start_is_a_row_and_returns_the_one_before(tmp_path):
    path = tmp_path / "run/starts.tsv"
    assert read_starts(path) == [] and note_start(path, "slurm", "id-1") is None
    before = note_start(path, "local", "")
    assert before and (before["executor"], before["name"], before["version"]) == ("slurm", "id-1", version())
    with open(path, "a") as stream:
        stream.write("2026-11-30T10")  # a crash
    assert [row["name"] for row in read_starts(path)] == ["id-1", ""]


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(InputError, match="starts.tsv"):
        note_start(tmp_path / "run/starts.tsv", "local", "")
