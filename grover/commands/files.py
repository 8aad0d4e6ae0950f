"""What files of the user are called in messages."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grover.intervals.contigs import RENAMES
from grover.runtime.errors import InputError


@contextmanager
def called(path: Path, name: str) -> Iterator[None]:
    """Give errors the name that the user gave a file, and the option instead of the setting of the workflow."""
    try:
        yield
    except InputError as error:
        text = str(error).replace(str(path), name)
        for other in filter(None, RENAMES):
            text = text.replace(f"set `rename: {other}` for this source to map them", f"add --rename {other}")
        head, said, _ = text.partition("; give the annotation of this assembly")
        raise InputError(f"{head}; give the sequences that it refers to" if said else text) from None
