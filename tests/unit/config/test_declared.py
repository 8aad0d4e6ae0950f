"""Settings that scripts declare: read from their text, with the values of a configuration, and as params of rules."""

import ast
import importlib.util
import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest

from grover.config.configuration import complete
from grover.config.declared import declared, option_text, render
from grover.config.rule_params import named_params, options
from grover.runtime.settings import setting_options

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = '''"""A command with a library that is not there."""

from typing import Annotated

import a_library_that_is_slow

import grover.config.sections.benchmarks
from grover.config.options import Seed
from grover.config.sections import pretraining as settings
from grover.config.sections.genome import Folds as Held, Corpus
from grover.runtime.cli import Output, main
from grover.runtime.settings import Setting


def command(
    output: Output,
    masking: settings.Masking,
    folds: Held,
    limits: grover.config.sections.benchmarks.Limits,
    windows: Annotated[str, Setting(Corpus, "split")],
    seed: Seed,
    threads: int = 0,
):
    """Compute."""
'''


@pytest.fixture
def configuration():
    def make(**sections):
        return complete({"run": "test", "sources": {"genome": {"url": "genome.fa"}}} | sections, "test.yaml")

    return make


@pytest.fixture
def script(tmp_path):
    """Write the script with a text replaced, each time under a path of its own."""

    def write(old: str = "", new: str = "") -> Path:
        assert old in SCRIPT
        path = tmp_path / str(len(list(tmp_path.iterdir()))) / "command.py"
        path.parent.mkdir()
        path.write_text(SCRIPT.replace(old, new, 1) if old else SCRIPT)
        return path

    return write


def test_groups_and_single_settings_are_read_without_importing_the_script(script):
    assert declared(script()) == {
        "mask_span": "pretraining.mask_span",
        "mask_ratio": "pretraining.mask_ratio",
        "mask_keep": "pretraining.mask_keep",
        **{name: f"folds.{name}" for name in ("method", "block", "gap", "valid", "test", "copies", "circular")},
        **{name: f"benchmarks.limits.{name}" for name in ("duplicates", "near_duplicates", "overlaps")},
        "windows": "corpus.split",
        "seed": "seed",
    }


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("settings.Masking", "settings.Masks", "has no attribute 'Masks'; correct the name"),
        ("options import Seed", "options import Seeds as Seed", "cannot import name 'Seeds'.*; correct the name"),
        ("settings.Masking", "settings.Masking | None", "a setting within another type"),
        ("seed: Seed", "block: Seed", "two options are called --block"),
        ("def command", "def another", "one function command was expected"),
    ],
)
def test_what_cannot_be_read_is_an_error(script, old, new, words):
    with pytest.raises(TypeError, match=words):
        declared(script(old, new))


def test_options_have_the_values_of_the_configuration_in_the_order_of_the_signature(script, configuration):
    asked = configuration(
        pretraining={"mask_ratio": 0.15, "mask_span": 3},
        folds={"valid": ["chr 1", "$2"], "test": ["3"], "method": "contigs"},
    )
    assert list(render(script(), asked).values()) == [
        "--mask-span 3",
        "--mask-ratio 0.15",
        "--mask-keep 0.0",
        "--method contigs",
        "--block 1000000",
        "--gap 10000",
        "--valid 'chr 1' --valid '$2'",
        "--test 3",
        "--copies 0",
        "--circular ''",
        "--duplicates 0.05",
        "--near-duplicates 0.2",
        "--overlaps 0.0",
        "--windows region",
        "--seed 1",
    ]


def test_given_values_replace_those_of_the_configuration_and_must_be_declared(script, configuration):
    assert render(script(), configuration(), windows="random")["windows"] == "--windows random"
    with pytest.raises(TypeError, match="command.py declares no setting split; known are mask_span, mask_ratio"):
        render(script(), configuration(), split="random")


def test_a_section_that_the_configuration_leaves_out_gives_no_options(script, configuration):
    simulating = script("Folds as Held", "Simulation as Held")
    with_simulation = configuration(simulate={"bases": 400_000}, sources={"genome": {"simulated": "genome.fa.gz"}})
    assert render(simulating, with_simulation)["bases"] == "--bases 400000"
    assert {render(simulating, configuration())[name] for name in ("bases", "contigs")} == {""}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, ["--the-key"]),
        (False, ["--no-the-key"]),
        ([], ["--the-key", ""]),
        ([2, 3], ["--the-key", "2", "--the-key", "3"]),
        ("", ["--the-key", ""]),
        ("it's {a}", ["--the-key", "it's {a}"]),
        (None, []),
    ],
)
def test_a_shell_reads_back_what_was_meant(value, words):
    assert shlex.split(option_text("the_key", value)) == words


@pytest.mark.parametrize("number", [5e-05, 0.1 + 0.2, 1e300, 3, 10_000_000, 0.022])
def test_numbers_read_back_equal(number):
    assert type(number)(option_text("key", number).split()[1]) == number


def test_params_name_each_setting_that_a_script_declares(script, configuration):
    of_wildcards = {"windows": lambda wildcards: wildcards.name}
    text = options(script(), configuration(), **of_wildcards)
    wildcards = SimpleNamespace(name="random")
    assert " --windows random --seed 1" in text(wildcards, input=[])
    params = named_params(
        [("options", text), ("code", "code 1"), (None, 3), ("run", "a"), ("size", lambda wildcards, input: 1)]
    )
    compared = {name: value(wildcards) for name, value in params.items()}
    assert compared["named_windows"] == "windows=random" and compared["named_mask_ratio"] == "mask_ratio=0.022"
    assert {*compared} == {f"named_{name}" for name in (*declared(script()), "run")}


def scripts() -> list[Path]:
    """Scripts that import the configuration."""
    return [
        path
        for path in sorted((ROOT / "workflow/scripts").glob("*.py"))
        if "grover.config.sections" in path.read_text() or "grover.config.options" in path.read_text()
    ]


@pytest.mark.parametrize("path", scripts(), ids=lambda path: path.stem)
def test_what_is_read_from_the_text_of_a_script_are_the_options_of_its_command(path):
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    assert {option.name for option in setting_options(getattr(module, path.stem))} == {*declared(path)}
    assert ast.get_docstring(ast.parse(path.read_text()))
