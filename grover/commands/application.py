"""The command `grover`. Each subcommand imports what it needs when it runs, so that `--version` and `--help` are quick."""

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from grover.commands import options
from grover.commands.browsing import export, map_, tracks
from grover.commands.interpreting import importance, motifs, variants
from grover.commands.new import new
from grover.commands.report import report
from grover.commands.tables import embed, predict, score
from grover.commands.usage import usage
from grover.runtime.failures import one_sentence
from grover.runtime.version import version

PIPE_CLOSED = 141  # exit code, that of a shell for a process that SIGPIPE ended


class Commands(TyperGroup):
    """All subcommands: a mistake of the user, a limit of the machine and Ctrl-C end each with one line on standard error. A closed pipe,
    such as that to `head`, ends one in silence.
    """

    def invoke(self, context: Any) -> Any:  # typer keeps the type of its contexts to itself
        """Run the subcommand inside typer, which would end silently at Ctrl-C."""
        with one_sentence():
            try:
                return super().invoke(context)
            except BrokenPipeError:
                os.dup2(
                    os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
                )  # so that nothing is flushed into the pipe
                raise SystemExit(PIPE_CLOSED) from None


application = typer.Typer(cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False)


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
    """Embed, label and score DNA with a trained language model. docs/how-to/command.md has examples."""


@application.command()
def info(
    model: Annotated[
        str,
        typer.Argument(help="folder of a model, or the name of one that comes with the package", show_default=False),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Print what a MODEL is: its kind, architecture, weights, vocabulary, longest input, training and held-out scores, and task, labels and
    pooling of a fine-tuned one.

    Example: grover info results/demo/models/chosen
    """
    from grover.commands.info import describe
    from grover.commands.info_text import print_description
    from grover.network.shipped import model_folder

    print_description(describe(model_folder(model)), as_json)


application.command()(new)
application.command()(report)
application.command()(usage)
for function in (embed, predict, score, variants, importance, motifs, map_, tracks, export):
    application.command(function.__name__.rstrip("_"))(options.command(function))
