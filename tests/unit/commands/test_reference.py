"""The reference of the command line says what the command itself says."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from grover.commands import reference
from grover.commands.application import application

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / reference.PAGE).read_text()
SECTIONS = dict(re.findall(r"^## grover (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))


def test_the_page_in_docs_is_the_generated_one():
    assert reference.page() == PAGE, "run `make reference`"


def test_it_has_every_subcommand():
    listed = CliRunner().invoke(application, ["--help"], terminal_width=200).output.split("Commands")[1]
    assert set(SECTIONS) == set(re.findall(r"^│ (\w+) ", listed, re.M))


@pytest.mark.parametrize("name", SECTIONS)
def test_its_options_are_those_of_the_help(name):
    printed = CliRunner().invoke(application, [name, "--help"], terminal_width=200).output
    named = set(re.findall(r"^│[ *]+(--[a-z-]+)", printed, re.M)) - {"--help"}
    short = set(re.findall(r" (-[a-z]) ", printed.split("─ ", 1)[1]))
    rows = re.findall(r"^\| (`-.*?) \| ", SECTIONS[name], re.M)
    shown = set(re.findall(r"`(-[\w-]+)`", " ".join(rows)))
    assert named and named <= shown and {option for option in shown if option[1] != "-"} == short
    assert shown - named - short <= set(re.findall(r"--no-[a-z-]+", printed))


def test_a_default_of_zero_is_written_and_an_empty_one_is_not():
    assert "| `--threads` | whole number ≥ 0 | `0` |" in SECTIONS["embed"]
    assert "| `--resume` |  |  |" in SECTIONS["embed"]
