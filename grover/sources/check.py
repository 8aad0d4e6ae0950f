"""All sources against the encoded genome, before any long work.

Each is opened by the function that a later stage reads it with, with the same options. So what passes here does not fail for its
format afterwards. All mistakes are reported together.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from grover.annotation.meme import read_matrix, read_meme
from grover.annotation.tracks import annotate_from, by_source, read_source
from grover.benchmarks.builders import Surroundings, make_windows, of_states
from grover.benchmarks.datasets import check_counts, count
from grover.benchmarks.leakage import ENDS, check_positions
from grover.benchmarks.ready_sets import count_labelled, read_labelled
from grover.benchmarks.site_sources import BLACKLIST, REPEATS, SiteSources
from grover.config.benchmark_table import BUILDERS, DERIVED, Task
from grover.config.names import tokens_of
from grover.config.sections.interpretation import VariantSources
from grover.embeddings.region_table import places_of_bed
from grover.genome.assembly import Genome
from grover.interpretation.variant_annotation import read_exons, read_matrices
from grover.interpretation.vcf import OK, Variants
from grover.intervals.bigwig import read_means
from grover.intervals.contigs import ContigNames, Contigs
from grover.intervals.overlaps import overlaps
from grover.intervals.sites import read_tss
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import Vocabulary

VARIANTS = "variants"
LISTED = 30  # contigs of a source that are named
COLUMNS = ["key", "read_by", "format", "file", "rows", "rows_in_segments", "contigs"]


@dataclass(frozen=True)
class Readings:
    """What a run reads.

    files, renames: file of each source, and how its contigs are renamed. rows: how many that must lie in the segments, by source; 1
    where it is not given. tracks: rows of the table of tracks. tasks: those of the run. intervals: source whose intervals are embedded,
    if any; loci: that of the loci of dependency maps; base_tracks: what `interpretation.tracks` names. beside_variants: sources that
    variants are compared with. outside: tokenizer.json of each vocabulary from outside. overlap: share of a region
    that a category must cover. examples: fewest sites of a task. models: vocabularies of the models that are fine-tuned.
    positions: of a model.
    """

    files: Mapping[str, Path]
    renames: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    tracks: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"source": [], "format": []}))
    tasks: Mapping[str, Task] = field(default_factory=dict)
    intervals: str = ""
    loci: str = ""
    base_tracks: str = ""
    beside_variants: VariantSources = field(default_factory=VariantSources)
    outside: Mapping[str, Path] = field(default_factory=dict)
    overlap: float = 0.5
    examples: int = 1
    models: tuple[str, ...] = ()
    positions: int = 512

    def rename(self, key: str) -> str:
        """How the contigs of a source are renamed."""
        return self.renames.get(key, "")


@dataclass(frozen=True)
class Found:
    """What one reading of a source found; rows and rows_in_segments are missing where the format has none."""

    key: str
    read_by: str
    format: str
    rows: Any = pd.NA
    inside: Any = pd.NA
    contigs: str = ""
    what: str = "rows"

    @classmethod
    def of(cls, key: str, read_by: str, form: str, rows: int, inside: pd.DataFrame) -> "Found":
        """Of a table of the rows that overlap the segments."""
        return cls(key, read_by, form, rows, len(inside), _listed(inside["chrom"].astype(str).unique()))


def _listed(contigs: Iterable[str]) -> str:
    """The names of contigs, of a draft assembly the first ones."""
    names = list(contigs)
    more = len(names) - LISTED
    return ",".join(names) if more <= 0 else f"{','.join(names[:LISTED])} and {more:,} others"


Use = Callable[[], Iterator[Found]]


def check_sources(readings: Readings, genome: Genome, known: Contigs) -> pd.DataFrame:
    """Read every source as each of its stages does: a row per source and stage with the `COLUMNS`.

    `rows_in_segments` counts rows that share a base with a segment; of a bigWig the segments that have a value, of variants the alleles
    to score. For motifs and labelled sequences, which have no coordinates, it is missing. known: contigs of the assembly.
    Raises one `InputError` for all mistakes.
    """
    unknown = set(readings.rows) - set(readings.files)
    if unknown:
        raise InputError(f"a minimum is given for {', '.join(sorted(unknown))}, which is none of the sources")
    found: list[dict] = []
    mistakes: dict[str, None] = {}  # several stages may find the same one
    for use in _uses(readings, genome, known):
        try:
            for each in use():
                found.append(_row(each, readings))
        except InputError as error:
            mistakes[str(error)] = None
    if len(mistakes) == 1:
        raise InputError(next(iter(mistakes)))
    if mistakes:
        raise InputError("\n".join([f"{len(mistakes)} mistakes in the sources", *(f"  {line}" for line in mistakes)]))
    return pd.DataFrame(found, columns=COLUMNS)


def _row(found: Found, readings: Readings) -> dict:
    """The row of the table; raises `InputError` where fewer rows than the minimum lie in the segments."""
    path = readings.files.get(found.key) or readings.outside[found.key]
    least = readings.rows.get(found.key, 1)
    source = f"{path} (source {found.key!r})"
    if pd.notna(found.inside) and found.inside < max(least, 1):
        of = "" if pd.isna(found.rows) else f"of its {found.rows:,} "
        raise InputError(
            f"{source} has {found.inside:,} {of}{found.what} in the kept segments, at least {max(least, 1):,} are needed; take more of "
            "the assembly or another file"
        )
    if pd.isna(found.inside) and found.rows < least:
        raise InputError(f"{source} has {found.rows:,} {found.what}, at least {least:,} are needed; take another file")
    values = [found.key, found.read_by, found.format, str(path), found.rows, found.inside, found.contigs]
    return dict(zip(COLUMNS, values, strict=True))


def _uses(readings: Readings, genome: Genome, known: Contigs) -> Iterator[Use]:
    """All readings of sources, of which each can fail by itself."""
    yield from _of_tracks(readings, genome, known)
    sources = SiteSources(readings.files, readings.renames, known, genome.segments)
    for name, task in readings.tasks.items():
        yield from _of_task(name, task, readings, sources, genome)
    if readings.tasks and REPEATS in readings.files:
        yield partial(_placed, REPEATS, "tasks", "repeats", sources)
    if BLACKLIST in readings.files:
        yield partial(_placed, BLACKLIST, "tasks", "bed", sources)
    intervals = {
        "embeddings": readings.intervals,
        "dependency maps": readings.loci,
        "base tracks": readings.base_tracks,
    }
    for read_by, key in intervals.items():
        if key in readings.files:
            yield partial(_intervals, key, read_by, readings, genome, known)
    if VARIANTS in readings.files:
        yield partial(_variants, readings, genome, known)
        yield from _beside_variants(readings, genome, known)
    for name, path in readings.outside.items():
        yield partial(_outside, name, path)


def _of_tracks(readings: Readings, genome: Genome, known: Contigs) -> Iterator[Use]:
    segments = genome.segments

    def read(rows: list[Any], path: Path, contigs: ContigNames) -> Iterator[Found]:
        key, form = rows[0].source, rows[0].format
        read_by = ", ".join(track.track for track in rows)
        if form == "bigwig":
            inside = segments[pd.notna(read_means(path, segments, known.lengths, contigs))]
            on = _listed(inside["chrom"].unique())
            yield Found(key, read_by, form, pd.NA, len(inside), on, f"of {len(segments):,} segments with values")
            return
        table = read_source(rows, path, known.lengths, contigs)
        for track in rows:
            annotate_from(segments, table, track, path, readings.overlap)
        yield Found.of(key, read_by, form, len(table), table[overlaps(table, segments)])

    names = known.names_of(readings.files, readings.renames)
    for rows, path, contigs in by_source(readings.tracks, dict(readings.files), names):
        yield partial(read, rows, path, contigs)


def _of_task(name: str, task: Task, readings: Readings, sources: SiteSources, genome: Genome) -> Iterator[Use]:
    form = BUILDERS[task.builder].format

    def labelled() -> Iterator[Found]:
        columns = {option: task.options[option] for option in ("sequence", "label") if option in task.options}
        files = [readings.files[key] for key in task.sites]
        table, labels = read_labelled(files, **columns)
        if "transfer" not in task.options:  # which brings another fold test
            try:
                check_counts(count(table, labels), readings.examples)
            except InputError as error:
                raise InputError(f"{', '.join(map(str, files))}, task {name}: {error}") from None
        longest = int(table["sequence"].str.len().max())
        for model in readings.models:
            check_positions(name, tokens_of(model, longest) + ENDS, model, readings.positions)
        for key, rows in zip(task.sites, count_labelled(table, len(task.sites)), strict=True):
            yield Found(key, name, form, rows)

    def sites() -> Iterator[Found]:
        placed = sources.sites(task.sites[0], task.builder, task.options)
        yield Found.of(task.sites[0], name, form, placed.rows, placed.inside)
        sources.check_number(task.sites[0], placed, readings.examples)
        accessible = pd.DataFrame()
        if task.negatives == "accessible":
            read = sources.read(task.options["accessible"], "bed")
            yield Found.of(task.options["accessible"], name, "bed", read.rows, read.inside)
            accessible = read.inside
        if task.builder == "motif-bound":  # its windows need the scan of the genome
            if len(accessible) and "states" in task.options:
                of_states(accessible, task.options["states"].split("+"))
        else:
            derived = task.negatives in DERIVED
            make_windows(task.builder, placed.inside, task.length, task.options, Surroundings(genome), derived=derived)

    def motif() -> Iterator[Found]:
        path = readings.files[task.options["motifs"]]
        read_matrix(path, task.options["motif"])
        yield Found(task.options["motifs"], name, "meme", len(read_meme(path)), what="motifs")

    yield labelled if form == "csv" else sites
    if "motif" in task.options:
        yield motif


def _placed(key: str, read_by: str, form: str, sources: SiteSources) -> Iterator[Found]:
    placed = sources.read(key, form)
    yield Found.of(key, read_by, form, placed.rows, placed.inside)


def _intervals(key: str, read_by: str, readings: Readings, genome: Genome, known: Contigs) -> Iterator[Found]:
    left, _ = places_of_bed(readings.files[key], genome, known, readings.rename(key))
    yield Found(key, read_by, "bed", pd.NA, len(left))


def _variants(readings: Readings, genome: Genome, known: Contigs) -> Iterator[Found]:
    variants = Variants(readings.files[VARIANTS], genome, known.lengths, known.names(readings.rename(VARIANTS)))
    alleles, contigs = 0, dict[str, None]()
    for block in variants:
        scored = block[block["status"] == OK]
        alleles += len(scored)
        contigs |= dict.fromkeys(scored["chrom"].unique())
    yield Found(VARIANTS, "variants", "vcf", variants.records, alleles, _listed(contigs))


def _beside_variants(readings: Readings, genome: Genome, known: Contigs) -> Iterator[Use]:
    """What scores of variants are compared with, of the sources that there are."""
    asked, read_by, segments = readings.beside_variants, "variants", genome.segments
    names = known.names_of(readings.files, readings.renames)

    def placed(key: str, form: str, table: pd.DataFrame | None) -> Iterator[Found]:
        if table is not None:
            yield Found.of(key, read_by, form, len(table), table[overlaps(table, segments)])

    def starts(key: str, path: Path) -> Iterator[Found]:
        yield from placed(key, "tss", read_tss(path, names[key]))

    def exons(key: str, path: Path) -> Iterator[Found]:
        yield from placed(key, "exons", read_exons(path, names[key], key))

    def motifs(key: str, path: Path) -> Iterator[Found]:
        yield Found(key, read_by, "meme", len(read_matrices(path)), what="motifs")

    def conservation(key: str, path: Path) -> Iterator[Found]:
        inside = segments[pd.notna(read_means(path, segments, known.lengths, names[key]))]
        yield Found(key, read_by, "bigwig", pd.NA, len(inside), what=f"of {len(segments):,} segments with values")

    read = {asked.starts: starts, asked.exons: exons, asked.motifs: motifs, asked.conservation: conservation}
    for key, reading in read.items():
        if key in readings.files:
            yield partial(reading, key, readings.files[key])


def _outside(name: str, path: Path) -> Iterator[Found]:
    vocabulary = Vocabulary.from_outside(name, path)
    yield Found(name, "vocabularies", "tokenizer.json", vocabulary.size, what="tokens")
