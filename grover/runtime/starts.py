"""The starts of a run that had jobs to do: when, by whom, with which version, and the name of its jobs in SLURM's accounting."""

import csv
import getpass
import platform
import time
from collections.abc import Iterable
from pathlib import Path

from grover.runtime.errors import InputError
from grover.runtime.failures import describe
from grover.runtime.provenance import versions_below
from grover.runtime.version import version

STARTS = "starts.tsv"  # in the folder of the run
COLUMNS = ("started", "user", "host", "version", "executor", "name")


def note_start(path: Path, executor: str, name: str) -> None:
    """Append a start to the table at `path`.

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


def mixed_versions(run: Path, remade: Iterable[str]) -> str:
    """Return the sentence of a start in the folder of a run that has files of other versions; empty where there are none.

    remade: rules whose finished files this start makes anew.
    """
    # the side files are searched only where another version has worked, or one that kept no table of its starts
    others = set() if {row["version"] for row in read_starts(run / STARTS)} == {version()} else versions_below(run)
    others -= {version()}
    if not others:
        return ""
    again = ", ".join(dict.fromkeys(remade))
    last = max(others, key=lambda found: [int(part) if part.isdigit() else -1 for part in found.split(".")])
    kept = (
        f"; to keep what {last} has trained where only code changed, set freeze_release: v{last}"
        if last[0].isdigit()
        else ""
    )
    return (
        f"{run}: files there were made with grover {', '.join(sorted(others))}, and this is {version()}, "
        f"which makes {f'these anew: {again}{kept}' if again else 'none of them anew'} (docs/reference/site-installation.md)"
    )


def read_starts(path: Path) -> list[dict[str, str]]:
    """Read the starts, the first one first; rows that a crash left incomplete are left out."""
    if not path.is_file():
        return []
    with open(path, encoding="utf-8", errors="replace", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    return [row for row in rows if all(row.get(column) is not None for column in COLUMNS)]
