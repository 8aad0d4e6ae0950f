"""What is known of a run before it starts, and of the finished runs beside it. Nothing heavy is imported."""

from dataclasses import dataclass
from pathlib import Path

from grover.config.benchmark_table import read_tasks
from grover.config.configuration import Configuration, complete
from grover.config.files import file_name, installed
from grover.config.tables import read_table
from grover.planning.costs import Run
from grover.planning.defaults import UNKNOWN, bed_bases, file_bases, source_bases
from grover.runtime.errors import InputError
from grover.runtime.json_files import read_record


@dataclass(frozen=True)
class Finished:
    """Seconds of the finished jobs of a run, by rule and key, and the device of its networks."""

    run: Run
    device: str
    seconds: dict[tuple[str, str], float]


def read_run(settings: Configuration, installation: Path) -> tuple[Run, str]:
    """Read what the formulas need to know of a run, and how the size of its genome is known."""
    bases, origin = genome_bases(settings, installation)
    table = installed(settings.benchmarks.table, installation)
    cards = Path(settings.results, settings.run).glob("benchmarks/*/card.json")
    examples = {
        path.parent.name: card["examples"] for path in cards if (card := read_record(path)) and "examples" in card
    }
    return Run(settings, bases, read_tasks(table), examples), origin


def genome_bases(settings: Configuration, installation: Path) -> tuple[int, str]:
    """Return the bases of the kept sequence, and how they are known."""
    segments = Path(settings.results, settings.run, "genome/segments.bed")
    if segments.is_file():
        return bed_bases(segments), "the encoded genome"
    bases, known = source_bases(settings, installation)
    name = file_name(settings.sources["genome"], None)
    if bases == UNKNOWN and (path := Path(settings.downloads, "genome", name)).is_file():
        return file_bases(path), f"the size of the file {name}"
    return bases, known


def read_finished(results: Path, installation: Path) -> list[Finished]:
    """Read the runs in a folder that have finished jobs, the last one first."""
    folders = sorted(results.glob("*/benchmark"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [run for folder in folders if (run := finished_run(folder.parent, installation))]


def finished_run(folder: Path, installation: Path) -> Finished | None:
    """Read the finished jobs of a run; None where it lacks a genome or a configuration of this version."""
    described, device = folder / "config.json", folder / "models/device.json"
    if not (described.is_file() and (folder / "genome/segments.bed").is_file()):
        return None
    try:
        raw = (read_record(described) or {}) | {"results": str(folder.parent), "run": folder.name}
        raw["data"] = str(folder / "sources")  # the record does not name the folder; a finished run needs it no more
        run, _ = read_run(complete(raw, str(described)), installation)
    except (InputError, OSError):
        return None
    name = (read_record(device) or {}).get("name", "CPU")
    seconds: dict[tuple[str, str], float] = {}
    for path in folder.glob("benchmark/*.tsv"):  # written by Snakemake
        rule, _, key = path.stem.partition(".")
        seconds.update(((rule, key), float(row["s"])) for row in read_table(path)[:1] if row["s"] != "NA")
    return Finished(run, name, seconds)
