"""The command-line wrapper: which options name files, what becomes of a mistake, and which copy of the package counts."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from grover.runtime.cli import check_origin
from grover.runtime.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = '''"""A command."""

from pathlib import Path
from typing import Annotated

from typer import Option

from grover.runtime.cli import READ, WRITTEN, Input, Inputs, Output, Sources, main
from grover.runtime.errors import InputError


def command(
    table: Input,
    output: Output,
    more: Inputs = [],
    source: Sources = [],
    extra: Annotated[Path | None, READ, Option(help="no word of a file")] = None,
    picture: Annotated[Path | None, WRITTEN, Option(help="nor here")] = None,
    place: Annotated[Path | None, Option(help="file to read, says the help, but the type does not")] = None,
):
    """Copy."""
    if "wrong" in table.read_text():
        raise InputError(f"{table}: wrong")
    for path in (output, picture):
        if path:
            path.write_text(table.read_text())


if __name__ == "__main__":
    main(command)
'''


@pytest.fixture
def run(tmp_path):
    """Run the command with options in a folder of files, in whose names there is an equals sign."""
    for name in ("in=put", "m=1", "m2", "s=1", "extra=x", "place"):
        (tmp_path / name).write_text(name)
    (tmp_path / "command.py").write_text(SCRIPT)

    def command(*options: str) -> subprocess.CompletedProcess:
        words = [sys.executable, "command.py", *options]
        variables = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
        return subprocess.run(words, cwd=tmp_path, env=variables, capture_output=True, text=True)

    return command


def test_files_are_told_by_the_type_of_an_option_whatever_their_names(run, tmp_path):
    files = ["--more", "m=1", "--more", "m2", "--source", "key=s=1", "--extra", "extra=x", "--place", "place"]
    done = run("--table", "in=put", "--output", "out", "--picture", "p=1", *files)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out.provenance.json").read_text())
    assert set(found["inputs"]) == {"in=put", "m=1", "m2", "s=1", "extra=x"}
    assert set(found["outputs"]) == {"out", "p=1"}


def test_a_mistake_is_one_line_and_leaves_no_provenance(run, tmp_path):
    (tmp_path / "in=put").write_text("wrong")
    done = run("--table", "in=put", "--output", "out")
    assert (done.returncode, done.stderr) == (1, "error: in=put: wrong\n")
    assert not (tmp_path / "out.provenance.json").exists()


@pytest.fixture
def other(tmp_path) -> Path:
    """Root of another copy of the project."""
    (tmp_path / "grover").mkdir()
    (tmp_path / "grover/__init__.py").touch()
    (tmp_path / "workflow/scripts").mkdir(parents=True)
    return tmp_path


def test_a_script_of_another_copy_is_refused_in_one_sentence(other):
    script = other / "workflow/scripts/check.py"
    script.write_text("from grover.runtime.cli import main\n\n\ndef check():\n    print('done')\n\n\nmain(check)\n")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert done.returncode == 1 and not done.stdout
    assert done.stderr == (
        f"error: grover is imported from {ROOT}, but {script} belongs to {other}; set PYTHONPATH={other}, "
        "or use the environment of that copy\n"
    )


def test_scripts_of_this_copy_and_of_no_copy_pass(tmp_path):
    check_origin(ROOT / "workflow/scripts/embed.py")
    check_origin(tmp_path / "mine.py")


def test_the_innermost_copy_counts(other):
    inner = other / "inner"
    (inner / "grover").mkdir(parents=True)
    (inner / "grover/__init__.py").touch()
    with pytest.raises(InputError, match=f"belongs to {inner};"):
        check_origin(inner / "script.py")
