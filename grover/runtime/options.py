"""Command line options that the commands with a neural network share."""

from typing import Annotated, Literal

from typer import Option

Device = Annotated[str, Option(help="auto (a GPU if there is one), cpu or cuda")]
Precision = Annotated[str, Option(help="auto (bf16 on a GPU, else fp32), fp32 or bf16")]
Threads = Annotated[int, Option(help="threads of the CPU to use; 0 leaves it to torch")]
Seed = Annotated[int, Option(help="seed of every random choice")]

Initial = Annotated[
    Literal["pretrained", "random"], Option(help="the pretrained model, or a randomly initialised one of the same size")
]
