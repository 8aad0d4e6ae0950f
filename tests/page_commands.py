"""Commands of the documentation: what a reader is asked to type, and whether that could be typed, without running it.

A check raises AssertionError with what is wrong. `grover` and the scripts parse their arguments, Snakemake parses its own and reads the
configuration, make prints what it would run. Names that a page has made up stand in PLACEHOLDERS.
"""

import argparse
import functools
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from snakemake.cli import get_argument_parser

from grover.commands.application import application
from grover.config.configuration import complete
from grover.planning.dry_run import read_configuration
from grover.runtime.errors import InputError

ROOT = Path(__file__).resolve().parents[1]
# the reader's own configurations, or those that a page writes
PLACEHOLDERS = {"my.yaml", "mine.yaml", "ecoli.yaml", "ecoli-k12.yaml", "both.yaml", "large.yaml", "CONFIG"}
ELSEWHERE = re.compile(
    r"^(/software/grover(/\d[\w.]*|/VERSION)?|/opt/grover|/path/to/grover|\$GROVER_ROOT|~/grover-changed)/"
)  # installations
SHELL = {"cat", "cd", "chmod", "cp", "export", "head", "mkdir", "printf", "source"}
CONTAINERS = {"apptainer", "podman"}  # the command that they run is checked
OPERATORS = {"|", "&&", ";", ">", ">>"}


@dataclass(frozen=True)
class Command:
    """A simple command of a page; a `whole` one has all its arguments, while one in a sentence may lack some."""

    page: str
    words: tuple[str, ...]
    whole: bool = True

    def __str__(self) -> str:
        return f"{self.page}: {shlex.join(self.words)}"


def commands(name: str, text: str) -> Iterator[Command]:
    """Yield the commands of the fenced blocks of a page, and of the code in its sentences."""
    fence = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.M | re.S)
    for language, block in fence.findall(text):
        for line in block.replace("\\\n", " ").splitlines() if language == "bash" else []:
            yield from (Command(name, words) for words in simple(line))
    for span in re.findall(r"`((?:\.venv/bin/)?(?:grover|make|python|snakemake) [^`]+)`", fence.sub("", text)):
        yield from (Command(name, words, whole=False) for words in simple(span))


def simple(line: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of each simple command of a line of the shell, without variables before it and files behind `>`."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    words: list[str] = []
    skipped = False
    for word in [*lexer, ";"]:
        if word in OPERATORS:
            if words:
                yield tuple(words)
            words, skipped = [], ">" in word
        elif not skipped and (words or not re.match(r"[A-Z_]+=", word)) and word != "...":
            words.append(word)


def check(command: Command) -> None:
    """Raise an AssertionError that says why a command cannot be typed."""
    program = Path(command.words[0]).name
    if program in SHELL:
        return
    inside = [place for place, word in enumerate(command.words) if word in CHECKS]
    if program in CONTAINERS and inside:
        check(Command(command.page, command.words[inside[0] :]))
        return
    if program not in CHECKS:
        raise AssertionError(f"{command}: no check for {program}")
    try:
        CHECKS[program](command)
    except (AssertionError, argparse.ArgumentError) as error:
        raise AssertionError(f"{command}: {error}") from None


def _make(command: Command) -> None:
    """What make would run is checked too, as far as it is a script of the project."""
    if "..." in " ".join(command.words):
        command = Command(command.page, command.words[:2])
    for line in printed_by_make(command.words[1:]):
        for words in simple(line) if re.search(r"/python workflow/scripts/", line) else []:
            check(Command(command.page, words))


@functools.cache
def printed_by_make(words: tuple[str, ...]) -> list[str]:
    """Return the lines that make would run."""
    done = subprocess.run(["make", "-n", *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr.strip()
    return done.stdout.replace("\\\n", " ").splitlines()


def _snakemake(command: Command) -> None:
    options = snakemake_options(command)
    files = [Path(ELSEWHERE.sub("", str(file))) for file in options.configfile or []]
    if not any(str(file) in PLACEHOLDERS for file in files):
        missing = [str(file) for file in files if not (ROOT / file).is_file()]
        assert not missing, f"no such configuration: {missing}"
        files = [ROOT / file for file in files or ["config/config.yaml"]]
        try:
            complete(read_configuration(files, options.config or []), str(files))
        except InputError as error:
            raise AssertionError(error) from None


def snakemake_options(command: Command) -> argparse.Namespace:
    """Return what Snakemake reads from a command."""

    def refuse(text: str) -> None:
        raise AssertionError(text)

    parser = _snakemake_parser()
    parser.error, parser.allow_abbrev = refuse, False
    return parser.parse_args(list(command.words[1:]))


@functools.cache
def _snakemake_parser() -> Any:
    return get_argument_parser()


def _grover(command: Command) -> None:
    group: Any = typer.main.get_command(application)
    name, *rest = command.words[1:]
    if name.isupper() or name in [option for parameter in group.params for option in parameter.opts]:
        return  # `grover COMMAND --help`, `grover --version`
    assert name in group.commands, f"no subcommand {name}"
    parse(group.commands[name], ["results" if "*" in word else word for word in rest], command.whole)


def parse(command: Any, arguments: list[str], whole: bool) -> None:
    """Let a command of typer read its arguments, without running it."""
    if "--help" in arguments:
        return
    try:
        command.make_context("command", list(arguments))
    except Exception as error:  # typer keeps the type of its errors to itself
        lacking = type(error).__name__ in {"MissingParameter", "NoArgsIsHelpError"}
        assert lacking and not whole, getattr(error, "format_message", error.__repr__)()


class Parsed(BaseException):
    """A script has read its arguments."""


def _python(command: Command) -> None:
    words = list(command.words[1:])
    if words[:2] == ["-m", "pytest"]:
        missing = [word for word in words[2:] if "/" in word and not (ROOT / word).exists()]
        assert not missing, f"no such tests: {missing}"
        return
    if words[0] == "-m":
        run = functools.partial(runpy.run_module, words[1], run_name="__main__", alter_sys=False)
        script, arguments = ROOT / words[1].replace(".", "/") / "__main__.py", words[2:]
        if not script.is_file():
            return  # a module of Python
    else:
        script, arguments = ROOT / ELSEWHERE.sub("", words[0]), words[1:]
        run = functools.partial(runpy.run_path, str(script), run_name="__main__")
    assert script.is_file(), f"no script {script.relative_to(ROOT)}"
    assert re.search(r"parse_args\(|arguments\(|import .*\bmain\b", script.read_text()), (
        "not a command that can be parsed"
    )
    with pytest.MonkeyPatch.context() as patch:
        read_only(patch, command.whole)
        patch.setattr(sys, "argv", [str(script), *arguments])
        patch.setattr(sys, "path", [str(script.parent), *sys.path])
        with pytest.raises(Parsed):
            run()


def read_only(patch: pytest.MonkeyPatch, whole: bool) -> None:
    """Let scripts stop where they have read their arguments."""
    original = argparse.ArgumentParser.parse_args

    def refuse(parser: argparse.ArgumentParser, text: str) -> None:
        assert not whole and "arguments are required" in text, text
        raise Parsed

    def read(parser: argparse.ArgumentParser, *given: Any) -> None:
        parser.allow_abbrev = False
        original(parser, *given)
        raise Parsed

    def called(app: typer.Typer, *given: Any) -> None:
        parse(typer.main.get_command(app), sys.argv[1:], whole)
        raise Parsed

    patch.setattr(argparse.ArgumentParser, "error", refuse)
    patch.setattr(argparse.ArgumentParser, "parse_args", read)
    patch.setattr(typer.Typer, "__call__", called)


CHECKS = {"grover": _grover, "make": _make, "python": _python, "snakemake": _snakemake}
