"""Digests that are kept between starts are those that would be computed, whatever happened to the code and to the file in between."""

import json
from pathlib import Path

import pytest

from grover.runtime import kept_digests
from grover.runtime.digest import Code
from grover.runtime.kept_digests import KeptDigests


@pytest.fixture
def computed(tmp_path, monkeypatch):
    """A small package with a script; the scripts whose digests are computed, in their order."""
    package = tmp_path / "grover"
    package.mkdir()
    (package / "low.py").write_text("def f(x):\n    return x\n")
    (package / "low.html").write_text("<p>")
    (tmp_path / "script.py").write_text("from grover.low import f\n\nprint(f(1))\n")
    scripts: list[Path] = []

    def compute(script: Path, package: Path) -> str:
        scripts.append(script)
        return Code(package).digest(script)

    monkeypatch.setattr(kept_digests, "code_digest", compute)
    return scripts


def start(folder: Path) -> str:
    """The digest that one start of the workflow sees."""
    digests = KeptDigests(folder / "kept.json", folder / "grover")
    found = digests.digest(folder / "script.py")
    digests.keep()
    assert found == Code(folder / "grover").digest(folder / "script.py")
    return found


def test_a_second_start_computes_nothing(tmp_path, computed):
    assert start(tmp_path) == start(tmp_path)
    assert len(computed) == 1


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [("grover/low.py", "return x", "return -x"), ("grover/low.html", "p", "b"), ("script.py", "f(1)", "f(2)")],
)
def test_changed_files_are_read_anew(tmp_path, computed, name, old, new):
    before = start(tmp_path)
    path = tmp_path / name
    path.write_text(path.read_text().replace(old, new))
    assert start(tmp_path) != before
    assert len(computed) == 2


def test_a_change_that_is_taken_back_costs_one_computation_and_old_versions_are_let_go(tmp_path, computed):
    path = tmp_path / "grover/low.py"
    right, text = start(tmp_path), path.read_text()
    for number in range(3):
        path.write_text(text + f"\n\nC = {number}\n")
        start(tmp_path)
        path.write_text(text)
        assert start(tmp_path) == right
    assert len(computed) == 4
    assert len(json.loads((tmp_path / "kept.json").read_text())) == 2


@pytest.mark.parametrize("text", ["", "[]", "{", '{"CODE": 1}', '{"CODE": {"KEY": 1}}', '{"other": {"KEY": "x"}}'])
def test_a_damaged_file_counts_as_absent(tmp_path, computed, text):
    right = start(tmp_path)
    [(code, digests)] = json.loads((tmp_path / "kept.json").read_text()).items()
    text = text.replace("CODE", code).replace("KEY", *digests)
    (tmp_path / "kept.json").write_text(text)
    assert start(tmp_path) == right
    assert len(computed) == 2


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path, computed):
    (tmp_path / "file").touch()
    digests = KeptDigests(tmp_path / "file/kept.json", tmp_path / "grover")
    assert digests.digest(tmp_path / "script.py")
    digests.keep()
