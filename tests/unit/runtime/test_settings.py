"""Options that are settings: types, defaults, lists, choices, what is out of range, and what help shows."""

import json
import re
import sys
from inspect import signature
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator

from grover.runtime.cli import Output, main
from grover.runtime.settings import Setting, setting_options


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)


class Masking(Section):
    """Which tokens are masked."""

    mask_ratio: float = Field(
        0.022, gt=0, le=0.5, description="Share of the tokens to predict.", json_schema_extra={"unit": ""}
    )
    mask_span: int = Field(
        0, ge=0, description="Adjacent tokens masked together.", json_schema_extra={"unit": "tokens"}
    )
    start: Literal["random", "neighbours"] = Field("random", description="Initial weights.")
    compile: bool = Field(True, description="Use torch.compile.")


class Lists(Section):
    """Several values."""

    exclude: list[str] = Field(["chrM", "chrY"], description="Contigs left out.")
    k: list[Annotated[int, Field(ge=1, le=6)]] = Field([2, 3], min_length=1, description="Lengths.")
    kinds: list[Literal["gc", "pwm"]] = Field([], description="Baselines.")
    span: list[int] = Field([2, 6], description="Shortest and longest.")
    valid: Annotated[float, Field(gt=0, le=0.5)] | list[str] = Field(0.1, description="Share, or contigs.")
    most: int | None = Field(None, description="At most.")

    @model_validator(mode="after")
    def agree(self):
        if self.span[0] > self.span[1]:
            raise ValueError(f"`span` is {self.span}; give the shorter first")
        return self


class Run(Section):
    """The run."""

    seed: int = Field(1, ge=0, description="Seed of every random choice.")
    name: str = Field(description="Name of the run.")


Seed = Annotated[int, Setting(Run, "seed")]


@pytest.fixture
def command(monkeypatch, capsys):
    """Run a function as a command: its exit code, its standard error, and the arguments that it got."""

    def run(function, *words: str) -> tuple[int, str, dict]:
        got = {}

        def recording(**arguments):
            got.update(arguments)

        recording.__name__, recording.__signature__ = function.__name__, signature(function)
        recording.__annotations__ = function.__annotations__
        monkeypatch.setattr(sys, "argv", ["command.py", *words])
        with pytest.raises(SystemExit) as stop:
            main(recording)
        out, error = capsys.readouterr()
        return stop.value.code or 0, error or out, got

    return run


def pretrain(masking: Masking, seed: Seed, other: int = 3):
    """Pretrain."""


def select(lists: Lists):
    """Select."""


def test_a_group_and_a_single_setting_are_options_with_the_defaults_of_their_classes(command):
    assert command(pretrain) == (0, "", {"masking": Masking(), "seed": 1, "other": 3})
    words = ["--mask-ratio", "5e-02", "--no-compile", "--start", "neighbours", "--seed", "7", "--mask-span", "3"]
    masking = Masking(mask_ratio=0.05, compile=False, start="neighbours", mask_span=3)
    assert command(pretrain, *words)[2] == {"masking": masking, "seed": 7, "other": 3}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", {}),
        ("--k 4", {"k": [4]}),
        ("--k 4 --k 5", {"k": [4, 5]}),
        ("--exclude=", {"exclude": []}),
        ("--kinds= --most 4", {"kinds": [], "most": 4}),
        ("--kinds pwm --kinds gc", {"kinds": ["pwm", "gc"]}),
        ("--span 3 --span 4", {"span": [3, 4]}),
        ("--valid 0.25", {"valid": 0.25}),
        ("--valid chr1", {"valid": ["chr1"]}),
        ("--valid 21", {"valid": ["21"]}),
        ("--valid 1 --valid 2", {"valid": ["1", "2"]}),
    ],
)
def test_lists_are_repeated_options_and_one_empty_value_is_an_empty_list(command, words, expected):
    assert command(select, *words.split())[2] == {"lists": Lists(**expected)}


@pytest.mark.parametrize(
    ("function", "words", "sentence"),
    [
        (pretrain, "--mask-ratio 0.7", "--mask-ratio is 0.7, but a number at most 0.5 was expected"),
        (
            pretrain,
            "--mask-ratio 0 --seed -1",
            "--mask-ratio is 0.0, but a number above 0 was expected; --seed is -1, but a number at least 0 was expected",
        ),
        (select, "--k 7", "--k is 7, but a number at most 6 was expected"),
        (select, "--k=", "--k has 0 entries, but at least 1 were expected"),
        (select, "--valid 0.7", "--valid is 0.7, but a number at most 0.5 was expected"),
        (select, "--span 6 --span 2", "`span` is [6, 2]; give the shorter first"),
    ],
)
def test_a_value_out_of_range_is_one_sentence_that_names_the_option(command, function, words, sentence):
    code, error, got = command(function, *words.split())
    assert (code, got) == (1, {})
    assert error == f"error: {sentence}\n"


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (pretrain, "--mask-span 1.5"),
        (pretrain, "--start here"),
        (select, "--k two"),
        (select, "--kinds gc --kinds ox"),
        (pretrain, "--mask-share 0.1"),
    ],
)
def test_a_value_of_another_type_is_an_error_of_usage(command, function, words):
    code, error, got = command(function, *words.split())
    assert (code, got) == (2, {}) and words.split()[0] in error and "Usage" in error


def test_help_shows_description_unit_range_choices_and_default(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERMINAL_WIDTH", "200")
    shown = [re.sub(r"\s+", " ", line) for line in command(pretrain, "--help")[1].splitlines()]
    rows = {line.split()[1]: line for line in shown if line.startswith("│ --")}
    assert "Share of the tokens to predict. (above 0, at most 0.5) [default: 0.022]" in rows["--mask-ratio"]
    assert "Adjacent tokens masked together. (tokens; at least 0)" in rows["--mask-span"]
    assert "random|neighbours" in rows["--start"] and "--no-compile" in rows["--compile"]
    assert any("Masking" in line for line in shown)
    shown = re.sub(r"\s+", " ", command(select, "--help")[1])
    assert "Contigs left out. (repeat the option for each value) [default: (chrM, chrY)]" in shown
    assert "gc|pwm" in shown and "[default: (none)]" in shown


def named(run: Annotated[str, Setting(Run, "name")]):
    """Need a name."""


def test_a_setting_without_default_must_be_given(command):
    code, error, _ = command(named)
    assert code == 2 and "--run" in error
    assert command(named, "--run", "a")[2] == {"run": "a"}


def twice(masking: Masking, mask_span: int):
    """Take one option twice."""


def two_groups(masking: Masking, other: Masking):
    """Take one group twice."""


def defaulted(seed: Seed = 1):
    """State a default again."""


def unknown(seed: Annotated[int, Setting(Run, "seeds")]):
    """Take what is not there."""


class Nested(Section):
    inner: dict[str, int] = Field({}, description="By name.")


def nested(group: Nested):
    """Take a mapping."""


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (twice, "two options are called --mask-span"),
        (two_groups, "two options are called --mask-ratio"),
        (defaulted, "seed has a default; leave it to the configuration"),
        (unknown, "Run has no field seeds"),
        (nested, "--inner: an option cannot be dict"),
    ],
)
def test_a_signature_that_cannot_become_options_is_an_error_at_the_start(command, function, words, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["command.py"])
    with pytest.raises(TypeError, match=re.escape(words)):
        main(function)


def test_options_stand_in_the_order_of_the_signature():
    names = [option.name for option in setting_options(pretrain)]
    assert names == ["mask_ratio", "mask_span", "start", "compile", "seed"]


def test_provenance_records_each_option(monkeypatch, tmp_path):
    script = tmp_path / "write.py"
    script.write_text("")

    def write(output: Output, lists: Lists, seed: Seed):
        output.write_text("text")

    write.__annotations__ = {"output": Output, "lists": Lists, "seed": Seed}
    monkeypatch.setattr(
        sys, "argv", [str(script), "--output", str(tmp_path / "out"), "--exclude", "", "--valid", "0.2"]
    )
    with pytest.raises(SystemExit):
        main(write)
    recorded = json.loads(Path(tmp_path / "out.provenance.json").read_text())["arguments"]
    expected = {"exclude": [], "k": [2, 3], "kinds": [], "span": [2, 6], "valid": 0.2, "most": None, "seed": 1}
    assert recorded == {"output": str(tmp_path / "out"), **expected}
