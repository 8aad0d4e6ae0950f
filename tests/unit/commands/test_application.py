"""The command `grover` as it is typed."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
WAYS = {"installed": [Path(sys.executable).with_name("grover")], "module": [sys.executable, "-m", "grover"]}


def typed(*command, **options) -> subprocess.CompletedProcess:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)


@pytest.mark.parametrize("way", WAYS)
def test_the_version(way, tmp_path):
    done = typed(*WAYS[way], "--version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"grover {VERSION}\n"), done.stderr


def test_a_wrong_folder_is_one_sentence(tmp_path):
    done = typed(*WAYS["module"], "info", tmp_path)
    assert done.returncode == 1 and not done.stdout
    assert done.stderr == (
        f"error: {tmp_path}: no model.safetensors there; expected the folder of a model, such as results/RUN/models/NAME or "
        "results/RUN/finetuning/TASK/NAME\n"
    )


def test_a_name_that_no_model_has_is_one_sentence(tmp_path):
    done = typed(*WAYS["module"], "info", "nosuch", cwd=tmp_path)
    assert done.returncode == 1 and not done.stdout
    assert done.stderr.startswith("error: nosuch: no such folder, and the package has no model of this name")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("module", "heavy"), [("application", "{'numpy', 'torch'}"), ("info", "{'torch'}")])
def test_nothing_heavy_is_imported(module, heavy):
    done = typed(sys.executable, "-c", f"import grover.commands.{module}, sys; print({heavy} & set(sys.modules))")
    assert done.stdout == "set()\n", done.stderr
