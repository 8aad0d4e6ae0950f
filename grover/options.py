"""Command line options that the commands with a neural network share."""

from pathlib import Path
from typing import Annotated

from typer import Option

Device = Annotated[str, Option(help="auto (a GPU if there is one), cpu or cuda")]
Precision = Annotated[str, Option(help="auto (bf16 on a GPU, else fp32), fp32 or bf16")]
Threads = Annotated[int, Option(help="threads of the CPU to use; 0 leaves it to torch")]
Seed = Annotated[int, Option(help="seed of every random choice")]


def folder(path: Path) -> Path:
    """The folder of a model or vocabulary, named by itself or by a file in it."""
    return path if path.is_dir() else path.parent
