"""The command `grover`. Each subcommand imports what it needs when it runs, so that `--version` and `--help` are quick."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from grover.runtime.failures import one_sentence
from grover.runtime.version import version


class Commands(TyperGroup):
    """All subcommands: a mistake of the user, a limit of the machine and Ctrl-C end each with one line on standard error."""

    def invoke(self, context: Any) -> Any:  # typer keeps the type of its contexts to itself
        """Run the subcommand inside typer, which would end without a word at Ctrl-C."""
        with one_sentence():
            return super().invoke(context)


application = typer.Typer(cls=Commands, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


def main() -> None:
    """Run the command line."""
    application(prog_name="grover")


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
    model: Annotated[
        str,
        typer.Argument(help="folder of a model, or the name of one that comes with the package", show_default=False),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Print what a MODEL is: its kind, architecture, weights, vocabulary, training and held-out scores, and task, labels and pooling of a
    fine-tuned one."""
    from grover.commands.info import describe, print_description
    from grover.network.shipped import model_folder

    print_description(describe(model_folder(model)), as_json)
