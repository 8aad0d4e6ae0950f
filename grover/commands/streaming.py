"""The work of a subcommand that makes a table with one row per input: inputs in chunks, through a reader, into a file."""

from typing import Any, Protocol

import numpy as np

from grover.commands.models import Model
from grover.commands.options import Regions, Result
from grover.commands.outputs import TableWriter
from grover.commands.regions import Chunk, Surroundings, open_inputs
from grover.commands.session import Session


class Reader(Protocol):
    """A model that reads inputs: the `surroundings` that it wants of each, and what it makes of a chunk."""

    @property
    def surroundings(self) -> Surroundings: ...

    def read(self, chunk: Chunk) -> tuple[Chunk, dict[str, np.ndarray]]:
        """Return the chunk, in which inputs may have got another status, and columns of all its rows."""


def write_table(
    session: Session, model: Model, reader: Reader, asked: Regions, result: Result, about: dict[str, Any]
) -> None:
    """Read all inputs and write the table; exit with code 3 where too many were skipped.

    about: the name of the subcommand and its own options, which `--resume` compares and a Parquet file has in its metadata.
    """
    about = {"model": model.name, "strands": asked.strands, "precision": session.precision} | about
    inputs = open_inputs(asked, session, reader.surroundings, model.trained_on())
    identity = {"about": about, "weights": model.identity(), **inputs.identity, "rename": asked.rename}
    progress = session.progress(inputs.number, str(about["command"]), "inputs")
    with TableWriter(result, identity) as writer, progress as bar:
        bar.update(writer.skipped.inputs)
        for chunk in writer.missing(inputs.chunks):
            chunk, values = reader.read(chunk)
            writer.write(chunk.rows, values)
            bar.update(len(chunk.rows))
    session.end(writer.skipped, result.max_skipped)
