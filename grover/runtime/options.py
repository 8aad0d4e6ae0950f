"""Options that several commands share and that are no settings."""

from typing import Annotated, Literal

from typer import Option

Threads = Annotated[int, Option(help="threads of the CPU to use; 0 leaves it to torch")]
Initial = Annotated[
    Literal["pretrained", "random"], Option(help="the pretrained model, or a randomly initialised one of the same size")
]
