"""The command `grover`. Each subcommand imports what it needs when it runs, so that `--version` and `--help` are quick."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from grover.runtime.errors import InputError
from grover.runtime.version import version

application = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


def main() -> None:
    """Run the command line. An `InputError` becomes one line on standard error and exit code 1."""
    try:
        application(prog_name="grover")
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"grover {version()}")
        raise typer.Exit()


@application.callback()
def grover(
    shown: Annotated[
        bool, typer.Option("--version", help="print the version", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """DNA language models: use the models that the workflow has trained."""


@application.command()
def info(
    model: Annotated[Path, typer.Argument(help="folder of a pretrained model", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Print the architecture, weights, vocabulary, training and held-out scores of a pretrained MODEL."""
    from grover.commands.info import describe, print_description

    print_description(describe(model), as_json)
