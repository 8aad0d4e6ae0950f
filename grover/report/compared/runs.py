"""Finished runs to compare: artefacts, configuration and provenance, and whether their scores can be compared."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from grover.genome.contig_table import read_rows
from grover.report.parts import CONTIGS, Results
from grover.report.sections.provenance import records_of
from grover.runtime.errors import InputError
from grover.runtime.files import checksum
from grover.runtime.json_files import read_json

CONFIGURATION, PAGE = "config.json", "report.html"
SEQUENCE, FOLDS = "genome/sequence.npy", "genome/folds.bed"
# folders of a run without artefacts that the report reads; walking them takes long
SKIPPED = {"checkpoints", "logs", "benchmark", "tokens"}
MOST_RUNS = 5  # colours and markers that can be told apart
REMEDY = "name the folder of a run whose report is written, such as results/RUN"


@dataclass(frozen=True)
class Run:
    """A finished run. `name` is unique among the runs compared."""

    name: str
    results: Results

    @cached_property
    def configuration(self) -> dict:
        """The resolved configuration."""
        return read_json(self.results.path(CONFIGURATION), REMEDY)

    @cached_property
    def records(self) -> dict[str, dict]:
        """Provenance by artefact."""
        return records_of(self.results.folder)

    def checksum(self, name: str) -> str:
        """Return SHA-256 of an artefact, from provenance if the size agrees; empty where the run lacks the artefact."""
        if name not in self.results.names:
            return ""
        path = self.results.path(name)
        for record in self.records.values():
            for output, stamp in record["outputs"].items():
                if output.endswith(f"/{name}") and stamp["size"] == path.stat().st_size:
                    return str(stamp["sha256"])
        return checksum(path)

    def contigs(self) -> pd.DataFrame | None:
        """Return the table of contigs, or None where the run lacks it."""
        return read_rows(self.results.path(CONTIGS)) if CONTIGS in self.results.names else None


def open_runs(folders: list[Path]) -> list[Run]:
    """Open the runs in these folders. Raises InputError for a folder without a finished run, for one given twice, and for too many."""
    if len(folders) > MOST_RUNS:
        raise InputError(f"{len(folders)} runs are named, but a page compares at most {MOST_RUNS}; leave some out")
    places = [folder.resolve() for folder in folders]
    for folder, place in zip(folders, places, strict=True):
        if places.count(place) > 1:
            raise InputError(f"{folder} is named twice; name each run once")
        check_finished(folder)
    return [Run(name, Results(place, _files(place))) for name, place in zip(names_of(places), places, strict=True)]


def check_finished(folder: Path) -> None:
    """Raise InputError where a folder contains no finished run."""
    missing = [name for name in (CONFIGURATION, PAGE) if not (folder / name).is_file()]
    if missing:
        raise InputError(f"{folder} is no finished run: it has no {' and no '.join(missing)}; {REMEDY}")


def names_of(places: list[Path]) -> list[str]:
    """Return the last parts of paths, as few as tell them apart."""
    for parts in range(1, max(len(place.parts) for place in places)):
        names = ["/".join(place.parts[-parts:]) for place in places]
        if len(set(names)) == len(names):
            return names
    return [str(place) for place in places]


def _files(folder: Path) -> list[Path]:
    return [
        path
        for top in folder.iterdir()
        if top.name not in SKIPPED
        for path in (top.rglob("*") if top.is_dir() else [top])
        if path.is_file()
    ]


def apart(first: Run, other: Run) -> str:
    """Return why scores of two runs on held-out sequence cannot be compared, as a clause; empty where they can."""
    if first.checksum(SEQUENCE) != other.checksum(SEQUENCE):
        return "their genomes differ"
    if first.checksum(FOLDS) != other.checksum(FOLDS):
        return "their held-out regions differ"
    return ""
