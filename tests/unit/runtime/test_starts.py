"""The table of the starts of a run."""

import pytest

from grover.runtime.errors import InputError
from grover.runtime.files import write_json
from grover.runtime.starts import mixed_versions, note_start, read_starts
from grover.runtime.version import version


def test_each_start_is_a_row(tmp_path):
    path = tmp_path / "run/starts.tsv"
    assert read_starts(path) == []
    note_start(path, "slurm", "id-1")
    note_start(path, "local", "")
    [first, _] = read_starts(path)
    assert (first["executor"], first["name"], first["version"]) == ("slurm", "id-1", version())
    with open(path, "a") as stream:
        stream.write("2026-11-30T10")  # a crash
    assert [row["name"] for row in read_starts(path)] == ["id-1", ""]


def made(path, found, **changed):
    """An artefact with the side file that a version writes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {"command": [], "arguments": {}, "inputs": {}, "outputs": {}, "code": "", "started": ""}
    write_json(f"{path}.provenance.json", record | {"versions": {"grover": found}} | changed)


def test_files_of_other_versions_are_named_with_what_is_made_anew(tmp_path):
    assert mixed_versions(tmp_path, ["pretrain"]) == ""
    for name, found in {"sequence.npy": "0.9.1", "model": "0.10.2", "report": version()}.items():
        made(tmp_path / "run" / name, found)
    made(tmp_path / "run/damaged", "0.11.0", code=None)
    said = mixed_versions(tmp_path / "run", ["pretrain", "finetune", "pretrain"])
    assert said == (
        f"{tmp_path}/run: files there were made with grover 0.10.2, 0.9.1, and this is {version()}, which makes these anew: pretrain, "
        "finetune; to keep what 0.10.2 has trained where only code changed, set freeze_release: v0.10.2 "
        "(docs/reference/site-installation.md)"
    )
    made(tmp_path / "run/copied", "unknown")
    assert "which makes none of them anew (docs" in mixed_versions(tmp_path / "run", [])


def test_files_are_not_searched_where_this_version_alone_has_worked(tmp_path):
    made(tmp_path / "copied", "0.9.1")
    note_start(tmp_path / "starts.tsv", "local", "")
    assert mixed_versions(tmp_path, []) == ""


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(InputError, match="starts.tsv"):
        note_start(tmp_path / "run/starts.tsv", "local", "")
