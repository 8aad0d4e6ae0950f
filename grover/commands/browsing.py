"""Options of the subcommands for pictures and genome browsers. What is heavy is imported when a subcommand runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from grover.commands import options
from grover.commands.options import RESULT, STANDARD, Computation, Result
from grover.config.sections.interpretation import DependencyMaps, TrackHub

MAPS, HUB = DependencyMaps(), TrackHub()


def map_(
    model: options.Model,
    fasta: options.Fasta,
    computation: Computation,
    output: Annotated[Path, typer.Option("--output", "-o", help="file to write: .npz", show_default=False)],
    locus: Annotated[
        str | None,
        typer.Option(
            help="place, such as chr1:1001-1120; without it the FASTA has one sequence, which is the locus",
            show_default=False,
        ),
    ] = None,
    picture: Annotated[
        str | None, typer.Option(help="file for a picture: .svg, .png or .pdf", show_default=False)
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(help="file for a table of the pairs: .parquet or .tsv", show_default=False),
    ] = None,
    shuffles: Annotated[
        int, typer.Option(help="dinucleotide shuffles of the locus, for the null", min=1)
    ] = MAPS.map_shuffles,
    passes: Annotated[
        int, typer.Option(help="passes that a sequence is read in: every so many-th token is masked at once", min=2)
    ] = MAPS.map_passes,
    seed: options.Seed = 0,
    force: Annotated[bool, typer.Option("--force", help="replace the files")] = False,
) -> None:
    """Write the dependency map of one locus: how much a substitution at one base changes what a pretrained model predicts of another.

    Arrays: model, random (a randomly initialised model), null (dinucleotide shuffles), sequence, chrom, start and end.

    Example: grover map -m results/demo/models/chosen -f genome.fa --locus chr1:1001-1120 -o map.npz --picture map.svg
    """
    from grover.commands.locus_map import Asked, Written, run
    from grover.commands.models import open_model

    asked = Asked(locus, shuffles, passes, seed)
    run(open_model(model), fasta, asked, computation, Written(output, picture, pairs, force))


@dataclass(frozen=True)
class TrackResult(Result):
    """What is written of tracks."""

    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            help="folder to write, with a bigWig per track; or a row per base as .parquet, .tsv or .tsv.gz; - is standard output, as TSV",
            rich_help_panel=RESULT,
        ),
    ] = STANDARD


def tracks(
    model: options.Model,
    fasta: options.Fasta,
    computation: Computation,
    result: TrackResult,
    bed: Annotated[
        str | None,
        typer.Option(
            "--bed", "-b", help="intervals of these sequences as BED; - is standard input", show_default=False
        ),
    ] = None,
    contigs: Annotated[str, typer.Option(help="without --bed, contigs such as chr21 or 'chr*'")] = "*",
    rename: options.Rename = "",
    strands: Annotated[Literal["plus", "both"], typer.Option(help="strands whose probabilities are averaged")] = "both",
    absolute: Annotated[
        bool, typer.Option("--absolute", help="also write the values without those of token frequencies subtracted")
    ] = False,
    mask_ratio: Annotated[
        float | None,
        typer.Option(
            help="share of the tokens that are masked at a time; without it as in the training", min=0.001, max=0.5
        ),
    ] = None,
    context: Annotated[
        int | None,
        typer.Option(help="tokens at either end of a window that are not read; without it as in the workflow", min=0),
    ] = None,
    tokens: Annotated[
        str | None,
        typer.Option(help="tokens.npy of a run, for its token frequencies; without it those of the sequences"),
    ] = None,
    windows: Annotated[
        str | None, typer.Option(help="windows.parquet of the same run, whose windows of training are counted")
    ] = None,
) -> None:
    """Write base probabilities of a pretrained model along the sequences: logo heights, entropy and log-probability of the reference base.

    Each value is in bits, minus that of token frequencies. Bases without a value are absent.

    Example: grover tracks -m results/demo/models/chosen -f genome.fa -b loci.bed -o tracks
    """
    from grover.commands.models import open_model
    from grover.commands.tracks import Asked, run

    both = strands == "both"
    asked = Asked(bed, contigs, rename, tokens, windows, mask_ratio, context, both, absolute)
    run(open_model(model), fasta, asked, computation, result)


def export(
    tracks: Annotated[Path, typer.Argument(help="folder with bigWigs, as grover tracks writes it", show_default=False)],
    fasta: options.Fasta,
    output: Annotated[Path, typer.Option("--output", "-o", help="folder to write", show_default=False)],
    name: Annotated[str, typer.Option(help="name of the hub and of its assembly")] = "grover",
    model: Annotated[str, typer.Option(help="name of the model, as the browsers show it")] = "a model of GROVER",
    email: Annotated[
        str, typer.Option(help="address that a track hub must name; replace it before you publish the hub")
    ] = HUB.hub_email,
    locus: Annotated[
        str | None,
        typer.Option(
            help="place that is shown at first, such as chr1:1001-1120; without it the first value", show_default=False
        ),
    ] = None,
    importance: Annotated[
        list[str] | None,
        typer.Option(
            help="table of grover importance as NAME=FILE, for a track of its own; repeat", show_default=False
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="replace the folder")] = False,
) -> None:
    """Write a UCSC track hub and IGV sessions, with bigWigs and the sequences as an assembly.

    Example: grover export tracks -f genome.fa -o hub --name demo --locus chr1:1001-1120
    """
    from grover.commands.export import Asked, run

    run(tracks, fasta, output, force, Asked(name, model, email, locus, importance or []))
