"""`grover tracks`: base probabilities of a pretrained model along regions, as bigWigs or as a table with a row per base."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pandas as pd

from grover.commands.assemblies import Assembly, open_assembly
from grover.commands.files import called
from grover.commands.frequencies import counts_in_genome
from grover.commands.models import Model
from grover.commands.options import STANDARD, Computation, Result
from grover.commands.outputs import TableWriter, check_result
from grover.commands.session import Session, session
from grover.config.sections.interpretation import TrackReading
from grover.config.sections.pretraining import Masking
from grover.interpretation.base_tracks import BaseReader, Reading, longest_window, reading_of
from grover.interpretation.bases import log_frequencies
from grover.interpretation.hub import REGIONS
from grover.interpretation.track_files import write_bigwigs
from grover.interpretation.track_regions import Piece, pieces, stretches
from grover.interpretation.track_shards import read_piece, train_counts
from grover.interpretation.track_values import track_values
from grover.interpretation.track_views import scored_regions
from grover.intervals.bigwig_writer import write_bigbed
from grover.intervals.contigs import check, some_of
from grover.intervals.formats import bed_blocks, read_bed
from grover.network.batching import SPECIALS
from grover.network.inference import evaluating
from grover.runtime.errors import InputError
from grover.runtime.failures import PARTIAL

BASES_AT_ONCE = 100_000  # of a chunk, unless one piece has more
FOLDER = ""  # suffix of a folder of bigWigs


@dataclass(frozen=True)
class Asked:
    """Where tracks are made and how: intervals of a `bed` or contigs that match a pattern; how the model reads; and where token frequencies
    come from: `tokens` and `windows` of the run, or else the sequences themselves. mask_ratio, context: None for as in the training and
    the workflow.
    """

    bed: str | None
    contigs: str
    rename: str
    tokens: str | None
    windows: str | None
    mask_ratio: float | None
    context: int | None
    both: bool
    absolute: bool


@dataclass(frozen=True)
class Opened:
    """What is read and how: `regions` (stretches without N), the assembly that they lie in, and the model as a reader of bases."""

    regions: pd.DataFrame
    assembly: Assembly
    reader: BaseReader
    reading: Reading
    absolute: bool

    def read(self, chunk: list[Piece]) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
        """Return contig and coordinate of each base of a chunk, and the tracks there."""
        places, values = [], []
        for piece in chunk:
            model, frequency, codes = read_piece(self.reader, self.assembly.genome, piece, self.reading)
            values.append(track_values(model.mean(axis=0), frequency.mean(axis=0), codes, self.absolute))
            places.append(pd.DataFrame({"chrom": piece.chrom, "pos": np.arange(piece.start, piece.end)}))
        return pd.concat(places, ignore_index=True), {
            name: np.concatenate([each[name] for each in values]) for name in values[0]
        }


def run(model: Model, fasta: str, asked: Asked, computation: Computation, result: Result) -> None:
    """Run the subcommand."""
    if result.output != STANDARD and Path(result.output).suffix.lower() in (".bw", ".bigwig"):
        raise InputError(f"{result.output}: tracks are several bigWigs; give the name of a folder")
    check_result(result, (FOLDER,))
    with session(computation) as here:
        opened = open_tracks(model, fasta, asked, here)
        reading, assembly = opened.reading, opened.assembly
        about = {
            "command": "tracks",
            "model": model.name,
            "precision": here.precision,
            "mask_ratio": reading.share,
            "context": reading.context,
            "window": reading.window,
            "both": reading.both,
            "absolute": asked.absolute,
        }
        identity = {
            "about": about,
            "weights": model.identity(),
            "fasta": here.stamp(fasta),
            "regions": here.stamp(asked.bed) if asked.bed else asked.contigs,
            "rename": asked.rename,
            "frequencies": [asked.tokens, asked.windows],
        }
        lengths = {contig: assembly.contigs.lengths[contig] for contig in sorted(assembly.genome.chroms)}

        def join(parts: list[Path], path: Path) -> None:
            write_folder(parts, path, lengths)

        bases = int((opened.regions["end"] - opened.regions["start"]).sum())
        with (
            TableWriter(result, identity, {FOLDER: join}) as writer,
            here.progress(bases, "tracks", "bases") as bar,
            evaluating(opened.reader.model, here.device),
        ):
            bar.update(writer.skipped.inputs)
            for chunk in writer.missing(chunks(opened.regions)):
                rows, values = opened.read(chunk)
                writer.write(rows, values, rows.assign(status="ok"))
                bar.update(len(rows))


def open_tracks(model: Model, fasta: str, asked: Asked, here: Session) -> Opened:
    """Load the model, open the sequences and find the stretches that are read."""
    network = model.language_model()  # of another kind of model, the error comes before the genome is read
    assembly = open_assembly(fasta, here)
    table = stretches(_regions(asked, assembly, here), assembly.genome, asked.bed or asked.contigs)
    frequencies = log_frequencies(_counts(asked, assembly, model))
    reader = BaseReader(network, model.vocabulary, frequencies, here.device, here.precision)
    return Opened(table, assembly, reader, _reading(model, asked), asked.absolute)


def chunks(table: pd.DataFrame) -> Iterator[list[Piece]]:
    """Gather the pieces of stretches into chunks of about `BASES_AT_ONCE` bases."""
    waiting: list[Piece] = []
    bases = 0
    for piece in pieces(table, 0, 1):
        if waiting and bases + piece.end - piece.start > BASES_AT_ONCE:
            yield waiting
            waiting, bases = [], 0
        waiting.append(piece)
        bases += piece.end - piece.start
    yield waiting


def write_folder(parts: list[Path], folder: Path, lengths: dict[str, int]) -> None:
    """Write a bigWig of each track, and the regions that have values as a bigBed, into a folder that appears when all are there."""
    temporary = folder.with_name(f"{PARTIAL}{folder.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    write_bigwigs(temporary, lengths, parts)
    write_bigbed(temporary / REGIONS, lengths, scored_regions(parts).itertuples(index=False))
    shutil.rmtree(folder, ignore_errors=True)
    temporary.replace(folder)


def _regions(asked: Asked, assembly: Assembly, here: Session) -> pd.DataFrame:
    """Return the regions: chrom, start, end."""
    lengths = assembly.contigs.lengths
    if asked.bed is None:
        found = {name: length for name, length in lengths.items() if length and fnmatchcase(name, asked.contigs)}
        if not found:
            raise InputError(
                f"--contigs {asked.contigs} matches none of the contigs of {assembly.name} ({some_of(lengths)})"
            )
        return pd.DataFrame({"chrom": list(found), "start": 0, "end": list(found.values())})
    path = here.local(asked.bed, "--bed")
    name = "standard input" if asked.bed == STANDARD else asked.bed
    with called(path, name):
        first = next(bed_blocks(path), None)
        if first is not None:
            assembly.check_names(first["chrom"].unique().tolist(), asked.rename, name)
        rows = read_bed(path, contigs=assembly.names(asked.rename))
        known = check(rows, lengths, path)
    if len(known) < len(rows):
        here.say(
            f"{name}: {len(rows) - len(known):,} of {len(rows):,} intervals are on contigs that {assembly.name} does not have"
        )
    return known


def _counts(asked: Asked, assembly: Assembly, model: Model) -> np.ndarray:
    """Count the tokens of the run's training windows, or else those of the sequences."""
    if (asked.tokens is None) != (asked.windows is None):
        raise InputError(
            "--tokens and --windows belong together: tokens/NAME/tokens.npy and corpus/NAME/windows.parquet of a run"
        )
    if asked.tokens is None:
        return counts_in_genome(assembly.genome, model.vocabulary)
    training = pd.read_parquet(str(asked.windows), columns=["first", "length", "region"])
    tokens = np.load(asked.tokens, mmap_mode="r")
    return train_counts(tokens, training[training["region"] == "train"], model.vocabulary.size)


def _reading(model: Model, asked: Asked) -> Reading:
    """Return how the model reads: with the ratio and the span of its training, where its folder says them."""
    made, defaults = model.settings(), TrackReading()
    window = longest_window(defaults.track_window, model.longest + SPECIALS)
    context = min(defaults.track_context, 3 * window // 8) if asked.context is None else asked.context
    model.check_context(context, window)
    reading = TrackReading(track_context=context, track_strands="both" if asked.both else "plus")
    ratio = asked.mask_ratio or made.get("mask_ratio") or Masking().mask_ratio
    return reading_of(reading, model.longest + SPECIALS, model.vocabulary, ratio, made.get("mask_span") or 0)
