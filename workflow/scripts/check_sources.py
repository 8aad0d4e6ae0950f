"""Read every annotation as the later stages do, against the encoded genome, before any long work."""

from pathlib import Path
from typing import Annotated

from typer import Option

from grover.annotation.tracks import read_tracks
from grover.config.benchmark_table import read_tasks
from grover.config.sections.benchmarks import DatasetBuilding
from grover.config.sections.embeddings import CategoryOverlap, Embedded
from grover.config.sections.interpretation import DependencyMaps, TrackRegions, VariantSources
from grover.config.sections.pretraining import Architecture
from grover.genome.assembly import Genome
from grover.genome.contig_table import read_contig_table
from grover.runtime.cli import READ_BY_KEY, Input, Output, Renames, Sources, main
from grover.runtime.errors import InputError
from grover.runtime.files import key_values, source_files, write_table
from grover.runtime.settings import Setting
from grover.sources.check import Readings
from grover.sources.check import check_sources as check


def check_sources(
    sequence: Input,
    segments: Input,
    contigs: Input,
    tracks: Input,
    tasks: Input,
    output: Output,
    minimum_overlap: Annotated[float, Setting(CategoryOverlap, "minimum_overlap")],
    minimum: Annotated[int, Setting(DatasetBuilding, "minimum")],
    intervals: Annotated[str, Setting(Embedded, "intervals")],
    map_regions: Annotated[str, Setting(DependencyMaps, "map_regions")],
    base_tracks: Annotated[str, Setting(TrackRegions, "tracks")],
    beside_variants: VariantSources,
    positions: Annotated[int, Setting(Architecture, "positions")],
    source: Sources = [],  # noqa: B006
    rename: Renames = [],  # noqa: B006
    rows: Annotated[list[str], Option(help="KEY=ROWS that must lie in the segments; repeat for each")] = [],  # noqa: B006
    task: Annotated[list[str], Option(help="a task of --tasks that the run has; repeat for each")] = [],  # noqa: B006
    model: Annotated[list[str], Option(help="vocabulary of a model that is fine-tuned; repeat for each")] = [],  # noqa: B006
    outside: Annotated[
        list[str], READ_BY_KEY, Option(help="vocabulary from outside, as NAME=tokenizer.json; repeat for each")
    ] = [],  # noqa: B006
) -> None:
    """Write what each source has in it; end with one sentence for each mistake.

    Every source (--source KEY=FILE) is opened by the functions that read it later. These serve the rows of --tracks, the tasks, embedded
    intervals and the loci of dependency maps. Sources named `repeats`, `blacklist` and `variants` are read as such.
    """
    known = read_tasks(tasks)
    readings = Readings(
        files=source_files(source),
        renames=dict(key_values(rename, "--rename")),
        rows=dict(map(_rows, rows)),
        tracks=read_tracks(tracks),
        tasks={name: known[name] for name in task},
        intervals=intervals,
        loci=map_regions,
        base_tracks=base_tracks,
        beside_variants=beside_variants,
        outside={name: Path(path) for name, path in source_files(outside, "--outside").items()},
        overlap=minimum_overlap,
        examples=minimum,
        models=tuple(model),
        positions=positions,
    )
    write_table(output, check(readings, Genome(sequence, segments), read_contig_table(contigs)))


def _rows(text: str) -> tuple[str, int]:
    key, _, rows = text.partition("=")
    if not rows.isdigit():
        raise InputError(f"--rows {text!r} is not of the form KEY=ROWS")
    return key, int(rows)


if __name__ == "__main__":
    main(check_sources)
