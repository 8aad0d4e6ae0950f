"""Files are whole or absent, on the disk before they have their name; damaged JSON is said once."""

import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from grover.runtime.errors import InputError
from grover.runtime.files import atomic, write_json
from grover.runtime.json_files import read_json, read_record


@pytest.fixture
def calls(monkeypatch, tmp_path) -> list:
    """What is flushed and renamed, by name, with the size of a file."""
    made = []
    fsync, replace = os.fsync, os.replace

    def flush(handle):
        path = Path(os.readlink(f"/proc/self/fd/{handle}"))
        made.append(("flush", "folder" if path.is_dir() else path.stat().st_size))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(os, "replace", lambda a, b: (made.append(("rename", Path(b).name)), replace(a, b)))
    return made


def test_a_file_is_flushed_before_it_has_its_name_and_its_folder_after(calls, tmp_path):
    write_json(tmp_path / "new/identity.json", {"a": np.int64(1), "b": np.array([1.5]), "c": Path("x")})
    size = (tmp_path / "new/identity.json").stat().st_size
    assert calls == [("flush", size), ("rename", "identity.json"), ("flush", "folder")] and size > 10
    assert read_json(tmp_path / "new/identity.json") == {"a": 1, "b": [1.5], "c": "x"}
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "new/identity.json").stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_is_interrupted_leaves_the_earlier_file_and_no_other(error, tmp_path):
    (tmp_path / "a").write_text("before")
    with pytest.raises(error), atomic(tmp_path / "a") as temporary:
        temporary.write_text("half")
        raise error
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "before")]


DAMAGED = {
    "": "it is empty",
    "\0\0\0": "it is empty",
    '{"a": ': "it is no JSON: Expecting value: line 1 column 7",
    "no": "it is no JSON",
    "[" * 100_000: "it is no JSON: maximum recursion",
    "1" * 5_000: "it is no JSON: Exceeds the limit",
    "[1]": "it is JSON of another kind, a list",
    "3": "it is JSON of another kind, a int",
}


@pytest.mark.parametrize("text", DAMAGED)
def test_damage_reads_as_absence_said_once_where_the_work_goes_on_and_is_an_error_where_it_does_not(
    text, tmp_path, capsys
):
    path = tmp_path / "side.json"
    path.write_text(text)
    assert read_record(path) is None and read_record(path) is None
    said = capsys.readouterr().err
    assert said.startswith(f"{path} is damaged ({DAMAGED[text]}") and said.count("\n") == 1
    with pytest.raises(InputError) as error:
        read_json(path)
    assert str(error.value).startswith(f"{path}: expected a JSON object, but {DAMAGED[text]}")
    assert str(error.value).endswith("; remove the file and make it again")


def test_bytes_of_another_encoding_are_damage_and_an_absent_file_is_not(tmp_path, capsys):
    (tmp_path / "a").write_bytes(b'{"a": "\xe9"}')
    assert read_record(tmp_path / "a") is None and "no JSON: 'utf-8' codec" in capsys.readouterr().err
    assert read_record(tmp_path / "none") is None and not capsys.readouterr().err


def test_json_has_no_number_that_json_lacks(tmp_path):
    path = tmp_path / "metrics.json"
    write_json(
        path, {"auroc": float("nan"), "seeds": [np.float64("inf"), 0.1, np.int64(3)], "curve": np.array([np.nan])}
    )

    def refuse(name):
        pytest.fail(f"{name} is no JSON")

    found = json.loads(path.read_text(), parse_constant=refuse)
    assert found == {"auroc": None, "seeds": [None, 0.1, 3], "curve": [None]}
