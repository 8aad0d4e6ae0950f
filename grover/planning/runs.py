"""What is known of a run before it starts, and of the finished runs beside it. Nothing heavy is imported."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from grover.config.benchmark_table import read_tasks
from grover.config.configuration import Configuration, complete
from grover.config.files import file_name, installed, local_path
from grover.config.tables import read_table
from grover.planning.costs import Run
from grover.runtime.errors import InputError

BASES_PER_BYTE = {".gz": 3.4, ".bgz": 3.4, ".2bit": 4.0}  # of a genome's file; 0.98 of plain FASTA


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
    examples = {path.parent.name: json.loads(path.read_text(encoding="utf-8"))["examples"] for path in cards}
    return Run(settings, bases, read_tasks(table), examples), origin


def genome_bases(settings: Configuration, installation: Path) -> tuple[int, str]:
    """Return the bases of the kept sequence, and how they are known."""
    segments = Path(settings.results, settings.run, "genome/segments.bed")
    if segments.is_file():
        return _bed_bases(segments), "the encoded genome"
    if settings.simulate is not None:
        return settings.simulate.bases, "`simulate.bases`"
    entry, cut = settings.sources["genome"], settings.sources.get("regions")
    if cut and (regions := local_path("regions", cut, settings.data, installation)):
        return _bed_bases(Path(regions)), f"the regions in {Path(regions).name}"
    place = local_path("genome", entry, settings.data, installation)
    name = file_name(entry, place)
    assemblies = {row["assembly"]: int(row["bases"]) for row in read_table(installation / "resources/assemblies.tsv")}
    stem = re.sub(r"(\.fa|\.fasta|\.fna)?(\.gz|\.bgz)?$|\.2bit$", "", name)
    if stem in assemblies:
        return assemblies[stem], f"the size of {stem}"
    if (path := Path(place or Path(settings.downloads, "genome", name))).is_file():
        return int(path.stat().st_size * BASES_PER_BYTE.get(path.suffix, 0.98)), f"the size of the file {name}"
    return 3_000_000_000, f"the size of a mammal's genome, since {name} is not here yet"


def _bed_bases(path: Path) -> int:
    from grover.intervals.formats import read_bed  # only here, since it imports pandas

    return int(read_bed(path)[["start", "end"]].diff(axis=1)["end"].sum())


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
        raw = json.loads(described.read_text(encoding="utf-8")) | {"results": str(folder.parent), "run": folder.name}
        run, _ = read_run(complete(raw, str(described)), installation)
    except (InputError, OSError):
        return None
    name = json.loads(device.read_text(encoding="utf-8"))["name"] if device.is_file() else "CPU"
    seconds: dict[tuple[str, str], float] = {}
    for path in folder.glob("benchmark/*.tsv"):  # written by Snakemake
        rule, _, key = path.stem.partition(".")
        seconds.update(((rule, key), float(row["s"])) for row in read_table(path)[:1] if row["s"] != "NA")
    return Finished(run, name, seconds)
