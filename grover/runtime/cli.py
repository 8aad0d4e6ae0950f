"""Turn a typed function into a documented command that fails in one sentence and leaves its provenance.

Every parameter becomes an option, so that the commands in a log read like `--sequence F --cycles 600`. A parameter that is a group of
settings becomes an option for each of them (`grover.runtime.settings`).
"""

import inspect
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import typer

import grover
from grover.runtime.errors import InputError
from grover.runtime.failures import one_sentence
from grover.runtime.provenance import record
from grover.runtime.settings import SettingOption, as_parameter, setting_options, validated, value_of


@dataclass(frozen=True)
class Files:
    """Mark of an option that names files, read or written; `path` takes the file out of a value."""

    written: bool = False
    path: Callable[[str | Path], Path] = Path


READ, WRITTEN = Files(), Files(written=True)
READ_BY_KEY = Files(path=lambda text: Path(str(text).partition("=")[2]))

Input = Annotated[Path, READ, typer.Option(help="file to read", exists=True, show_default=False)]
Inputs = Annotated[
    list[Path],
    READ,
    typer.Option(help="file to read; repeat the option for each", exists=True, show_default=False),
]
Sources = Annotated[
    list[str],
    READ_BY_KEY,
    typer.Option(help="file to read, as KEY=FILE; repeat the option for each", show_default=False),
]
Weights = Annotated[
    list[str],
    READ_BY_KEY,
    typer.Option(
        help="file to read: the weights that the embeddings of a model must come from, as NAME=FILE; repeat",
        show_default=False,
    ),
]
Renames = Annotated[
    list[str],
    typer.Option(help="KEY=add-chr or KEY=strip-chr for a source with other contig names; repeat", show_default=False),
]
Output = Annotated[Path, WRITTEN, typer.Option(help="file to write", show_default=False)]
Outputs = Annotated[
    list[Path], WRITTEN, typer.Option(help="file to write; repeat the option for each", show_default=False)
]


def main(function: Callable[..., Any]) -> None:
    """Run `function` as the command line program of its script.

    A mistake of the user, a limit of the machine and Ctrl-C end it with one line on standard error (`grover.runtime.failures`). After
    success `OUTPUT.provenance.json` beside the first output says how the outputs came about.
    """
    application = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

    signature, settings = _signature(function)

    def command(**arguments: Any) -> None:
        started = time.time()
        # inside typer, which would end silently at Ctrl-C
        with one_sentence(lambda: _files(function, arguments, written=True)):
            arguments |= {option.name: value_of(option, arguments[option.name]) for option in settings}
            names = {option.name for option in settings}
            plain = {name: value for name, value in arguments.items() if name not in names}
            function(**plain, **validated(settings, arguments))
            read, written = (_files(function, arguments, written) for written in (False, True))
            record(written, read, arguments, started)

    command.__signature__ = signature  # type: ignore[attr-defined]
    command.__annotations__ = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    command.__doc__ = function.__doc__
    application.command(name=function.__name__)(command)
    with one_sentence():
        check_origin(Path(sys.argv[0]))
        application()


def _signature(function: Callable[..., Any]) -> tuple[inspect.Signature, list[SettingOption]]:
    """The signature that typer reads, in which settings stand as options, and those options."""
    settings = setting_options(function)
    types = get_type_hints(function, include_extras=True)
    parameters = []
    for name, parameter in inspect.signature(function).parameters.items():
        own = [as_parameter(option) for option in settings if option.parameter == name]
        parameters += own or [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=types[name])]
    return inspect.Signature(parameters), settings


def check_origin(script: Path) -> None:
    """Raise an InputError where `script` lies in a copy of the project and `grover` is imported from another one."""
    imported = Path(grover.__file__).resolve().parents[1]
    root = next((folder for folder in script.resolve().parents if (folder / "grover/__init__.py").is_file()), imported)
    if root != imported:
        raise InputError(
            f"grover is imported from {imported}, but {script} belongs to {root}; set PYTHONPATH={shlex.quote(str(root))}, "
            "or use the environment of that copy"
        )


def _files(function: Callable[..., Any], arguments: dict[str, Any], written: bool) -> list[Path]:
    """The files among `arguments` whose type is marked as read, or as written; of those read the ones that exist."""
    found = []
    for name, annotation in get_type_hints(function, include_extras=True).items():
        mark = next((item for item in get_args(annotation) if isinstance(item, Files)), None)
        value = arguments.get(name)
        if mark is not None and mark.written == written and value:
            paths = map(mark.path, value if isinstance(value, list) else [value])
            found += [path for path in paths if written or path.exists()]
    return found
