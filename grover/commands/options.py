"""Options that several subcommands share, alone or as groups. Nothing heavy is imported, so that `--help` is quick.

A group is a frozen dataclass of annotated options with their defaults. A subcommand takes it as one argument, and `command` makes each of
its fields an option.
"""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Annotated, Any, Literal, get_type_hints

import typer

STANDARD = "-"  # standard input or output
INPUT, COMPUTATION, RESULT = "Input", "Computation", "Result"  # panels of the help

Model = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        help="folder of a model, or the name of one that comes with the package",
        show_default=False,
        rich_help_panel=INPUT,
    ),
]
Fasta = Annotated[
    str,
    typer.Option(
        "--fasta",
        "-f",
        help="sequences as FASTA (plain, gzip, bgzip) or 2bit, or the folder `genome` of a run; - is standard input",
        show_default=False,
        rich_help_panel=INPUT,
    ),
]
Bed = Annotated[
    str | None,
    typer.Option(
        "--bed",
        "-b",
        help="intervals of these sequences as BED; - is standard input. Without it each sequence is one input",
        show_default=False,
        rich_help_panel=INPUT,
    ),
]
Rename = Annotated[
    Literal["", "add-chr", "strip-chr"],
    typer.Option(help="how contig names of the intervals become those of the FASTA", rich_help_panel=INPUT),
]
Strands = Annotated[
    Literal["plus", "both", "feature"],
    typer.Option(
        help="strand that is read: plus, both (two rows per input), or that of each interval", rich_help_panel=INPUT
    ),
]
Long = Annotated[
    Literal["tile", "centre", "refuse"],
    typer.Option(
        help="input that is longer than the model reads: in pieces that are put together, its centre alone, or skipped",
        rich_help_panel=INPUT,
    ),
]
Seed = Annotated[int, typer.Option(help="seed of random choices", min=0, rich_help_panel=COMPUTATION)]
RemoteCode = Annotated[
    bool,
    typer.Option(
        "--remote-code",
        help="consent to run the Python files in the folder of a model from elsewhere",
        rich_help_panel=COMPUTATION,
    ),
]


@dataclass(frozen=True)
class Regions:
    """What is read: sequences, or intervals of them."""

    fasta: Fasta
    bed: Bed = None
    rename: Rename = ""
    strands: Strands = "plus"


@dataclass(frozen=True)
class Computation:
    """Where and how a network is run."""

    device: Annotated[
        Literal["auto", "cpu", "cuda"],
        typer.Option(help="auto takes a GPU where there is one; cuda fails without one", rich_help_panel=COMPUTATION),
    ] = "auto"
    precision: Annotated[
        Literal["auto", "fp32", "bf16"],
        typer.Option(help="number format; auto is bf16 on a GPU and fp32 on a CPU", rich_help_panel=COMPUTATION),
    ] = "auto"
    threads: Annotated[
        int, typer.Option(help="threads of the CPU; 0 leaves it to torch", min=0, rich_help_panel=COMPUTATION)
    ] = 0
    batch_tokens: Annotated[
        int,
        typer.Option(
            help="tokens that are computed at once; 0: as suits the device", min=0, rich_help_panel=COMPUTATION
        ),
    ] = 0
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="print errors alone", rich_help_panel=COMPUTATION)] = (
        False
    )


@dataclass(frozen=True)
class Result:
    """What is written."""

    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            help="file to write: .parquet, .tsv or .tsv.gz; - is standard output, as TSV",
            rich_help_panel=RESULT,
        ),
    ] = STANDARD
    resume: Annotated[
        bool,
        typer.Option("--resume", help="go on with what an interrupted command left", rich_help_panel=RESULT),
    ] = False
    force: Annotated[
        bool,
        typer.Option("--force", help="replace the file, and what an interrupted command left", rich_help_panel=RESULT),
    ] = False
    max_skipped: Annotated[
        float,
        typer.Option(
            help="share of inputs that may be skipped; more end with code 3", min=0, max=1, rich_help_panel=RESULT
        ),
    ] = 0.01


def command(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function with each field of its groups as an option of its own, as typer reads signatures."""
    types = get_type_hints(function, include_extras=True)
    taken = inspect.signature(function).parameters
    groups = {name: types[name] for name in taken if is_dataclass(types[name])}
    parameters = []
    for name, parameter in taken.items():
        if name not in groups:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=types[name]))
            continue
        hints = get_type_hints(groups[name], include_extras=True)
        for field in fields(groups[name]):
            default = inspect.Parameter.empty if field.default is MISSING else field.default
            parameters.append(
                inspect.Parameter(
                    field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hints[field.name]
                )
            )

    def run(**arguments: Any) -> Any:
        for name, group in groups.items():
            arguments[name] = group(**{field.name: arguments.pop(field.name) for field in fields(group)})
        return function(**arguments)

    run.__name__, run.__doc__ = function.__name__, function.__doc__
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run
