"""Every script of the workflow: its help shows the defaults of the schema, and its options of files are marked as such."""

import ast
import importlib
import re
import sys
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
import typer
import yaml

from grover.config.declared import declared
from grover.runtime import cli
from grover.runtime.cli import Files

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(path.stem for path in (ROOT / "workflow/scripts").glob("*.py") if path.stem != "launch")
SCHEMA = yaml.safe_load((ROOT / "config/schemas/config.schema.yaml").read_text())
# folders, and the configuration of a command without outputs
UNMARKED = {
    ("bundle", "configfile"),
    ("bundle", "output"),
    ("dependency_maps", "maps"),
    ("doctor", "configfile"),
    ("export_hub", "hub"),
    ("pretrain", "checkpoints"),
    ("plan", "configfile"),
    ("why", "configfile"),
    ("write_report", "results"),
    ("write_report", "figures"),
}


def function_of(script: str):
    return getattr(importlib.import_module(f"workflow.scripts.{script}"), script)


def resolved(node: dict) -> dict:
    """A part of the schema, without a reference or a null beside it."""
    for one in node.get("anyOf", node.get("allOf", [])):
        if one.get("type") != "null":
            return resolved(one) | {key: node[key] for key in ("default",) if key in node}
    if "$ref" in node:
        return resolved(SCHEMA["$defs"][node["$ref"].rsplit("/", 1)[-1]])
    return node


def default_of(key: str):
    """The default of a dotted key in the schema, which the project keeps as a file; `...` where it has none."""
    node = SCHEMA
    for name in key.split("."):
        node = resolved(node)
        if "properties" not in node:  # a mapping by name, such as that of external models
            node = resolved(node["additionalProperties"])
        node = node["properties"][name]
    return node.get("default", ...)


@pytest.fixture
def shown(monkeypatch, capsys):
    """The default that the help of a script shows for each option, as text."""

    def read(script: str) -> dict[str, str]:
        monkeypatch.setenv("TERMINAL_WIDTH", "1000")
        monkeypatch.setenv("COLUMNS", "1000")
        monkeypatch.setattr(sys, "argv", [str(ROOT / f"workflow/scripts/{script}.py"), "--help"])
        with pytest.raises(SystemExit):
            cli.main(function_of(script))
        lines = [re.sub(r"\s+", " ", line) for line in capsys.readouterr().out.splitlines()]
        rows = {found[1]: line for line in lines if (found := re.match(r"│ (?:\* )?--([\w-]+)", line))}
        return {
            name.replace("-", "_"): (re.findall(r"\[default: (.*)\]", row) or [""])[0] for name, row in rows.items()
        }

    return read


def same(text: str, default) -> bool:
    """Whether a help text such as `0.001`, `(a, b)` or `no-compile` is that default."""
    if default is ... or default is None or default == "":
        return text == ""
    if isinstance(default, bool):
        return text.startswith("no-") != default
    if isinstance(default, list):
        words = [word for word in text.strip("()").split(", ") if word != "none"]
        return len(words) == len(default) and all(same(word, item) for word, item in zip(words, default, strict=True))
    if isinstance(default, int | float):
        return text != "" and float(text.strip("()")) == default
    return text.strip("()") == default


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_shows_the_default_of_the_schema(script, shown):
    keys = declared(ROOT / f"workflow/scripts/{script}.py")
    texts = shown(script)
    assert keys.keys() <= texts.keys()
    wrong = {key: texts[name] for name, key in keys.items() if not same(texts[name], default_of(key))}
    assert not wrong


def test_the_comparison_of_defaults_sees_a_difference():
    assert default_of("seed") is not ... and isinstance(default_of("pretraining.learning_rate"), float)
    assert same("0.0004", 4e-4) and not same("0.0005", 4e-4) and not same("", 4e-4)
    assert same("(a, b)", ["a", "b"]) and not same("(a)", ["a", "b"]) and same("(none)", [])
    assert same("no-compile", False) and same("compile", True) and not same("compile", False)


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_option_that_names_files_is_marked_so_that_the_provenance_has_them(script):
    function = function_of(script)
    for name, kind in get_type_hints(function, include_extras=True).items():
        inner = [item for item in (kind, *get_args(kind)) if not isinstance(item, Files | typer.models.OptionInfo)]
        names_files = any("Path" in str(item) for item in inner)
        marked = any(isinstance(item, Files) for item in get_args(kind))
        assert not names_files or marked or (script, name) in UNMARKED, f"{script} --{name}"


def test_every_script_runs_under_the_wrapper():
    """The one handler of mistakes and of limits of the machine."""
    for script in [*SCRIPTS, "launch"]:
        tree = ast.parse((ROOT / f"workflow/scripts/{script}.py").read_text())
        called = {
            node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert {"main", "one_sentence"} & called, script


def test_check_sources_names_files_whatever_stands_in_their_paths():
    mark = next(
        item
        for item in get_args(get_type_hints(function_of("check_sources"), include_extras=True)["source"])
        if isinstance(item, Files)
    )
    for text, path in {
        "genes=/d/a=b/genes.gtf": "/d/a=b/genes.gtf",
        "peaks=x=y=z.bed": "x=y=z.bed",
        "peaks=/d/add-chr=1.bed": "/d/add-chr=1.bed",
    }.items():
        assert mark.path(text) == Path(path)
