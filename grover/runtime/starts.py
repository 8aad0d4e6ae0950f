"""The starts of a run that had jobs to do: when, by whom, with which version, and the name of its jobs in SLURM's accounting."""

import csv
import getpass
import platform
import time
from pathlib import Path

from grover.runtime.errors import InputError
from grover.runtime.failures import describe
from grover.runtime.version import version

STARTS = "starts.tsv"  # in the folder of the run
COLUMNS = ("started", "user", "host", "version", "executor", "name")


def note_start(path: Path, executor: str, name: str) -> dict[str, str] | None:
    """Append a start to the table at `path`; return the one before, None for the first.

    name: of the jobs of this start in SLURM's accounting, empty where there is none.
    """
    previous = read_starts(path)
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    row = (now, getpass.getuser(), platform.node(), version(), executor, name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a", encoding="utf-8") as stream:
            stream.write("".join("\t".join(each) + "\n" for each in ([] if previous else [COLUMNS]) + [row]))
    except OSError as error:
        raise InputError(describe(error, [path]) or f"{path}: {error}") from None
    return previous[-1] if previous else None


def read_starts(path: Path) -> list[dict[str, str]]:
    """Read the starts, the first one first; rows that a crash left incomplete are left out."""
    if not path.is_file():
        return []
    with open(path, encoding="utf-8", errors="replace", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    return [row for row in rows if all(row.get(column) is not None for column in COLUMNS)]
