"""A setting is added in one place: one line of a group gives schema, reference page, help and command of each script that takes it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.installation import ROOT, Installation, install

pytestmark = pytest.mark.workflow

GROUP = "grover/config/sections/pretraining.py"
CLASS = "class Masking(MaskingSpan):\n"
LINE = '    toy: int = setting(7, "A setting that nobody needs.", unit="tokens", ge=3)\n'
GENERATED = {"config/schemas/config.schema.yaml", "docs/reference/configuration.md"}


@pytest.fixture(scope="module")
def extended(tmp_path_factory) -> Installation:
    """A copy of the project whose class for masking has one more setting, with what is generated from the classes."""
    copy = install(tmp_path_factory.mktemp("extended"))
    shutil.copytree(ROOT / "docs", copy.root / "docs")
    path = copy.root / GROUP
    text = path.read_text()
    start = text.index("    mask_ratio:", text.index(CLASS))
    path.write_text(text[:start] + LINE + text[start:])
    python(copy, "-m", "grover.config.reference")
    return copy


def python(copy: Installation, *words: str) -> str:
    """The output of a Python program of the copy."""
    variables = {**os.environ, "PYTHONPATH": str(copy.root), "COLUMNS": "200", "TERMINAL_WIDTH": "200"}
    done = subprocess.run([sys.executable, *words], cwd=copy.root, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def texts(root: Path) -> dict[str, bytes]:
    """The files of a copy by their path, without what Python compiled."""
    paths = [path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def test_one_line_is_all_that_is_written_by_hand(extended):
    before = {name: (ROOT / name).read_bytes() for name in texts(extended.root)}
    assert {name for name, text in texts(extended.root).items() if text != before[name]} == {GROUP, *GENERATED}


def test_schema_and_reference_page_have_it(extended):
    schema, page = [(extended.root / name).read_text() for name in sorted(GENERATED)]
    assert re.search(r"toy:\n +description: A setting that nobody needs\.\n +type: integer\n +default: 7\n", schema)
    [row] = [line for line in page.splitlines() if line.startswith("| `toy` |")]
    assert all(word in row for word in ("A setting that nobody needs.", "tokens", "`7`", "≥ 3"))


def test_the_help_of_the_script_shows_it(extended):
    shown = python(extended, "workflow/scripts/pretrain.py", "--help")
    [line] = [re.sub(r"\s+", " ", line) for line in shown.splitlines() if "--toy" in line]
    assert "A setting that nobody needs. (tokens; at least 3) [default: 7]" in line


def test_the_command_of_the_rule_has_it_and_no_other_command(extended):
    done = extended.snakemake("--dry-run", "--printshellcmds")
    assert done.returncode == 0, done.stdout
    commands = [line for line in done.stdout.splitlines() if "--toy 7" in line]
    assert commands and all("scripts/pretrain.py" in line for line in commands)
    assert "--mask-ratio 0.15" in commands[0]
