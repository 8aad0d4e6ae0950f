"""Options of the subcommands that interpret a model. What is heavy is imported when a subcommand runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from grover.commands import options
from grover.commands.options import RESULT, STANDARD, Computation, Regions, Result
from grover.config.sections.benchmarks import BlockBootstrap, DatasetBuilding
from grover.config.sections.interpretation import DependencyMaps, ImportanceMethods, ImportanceSites, Motifs, TrackHub

DATASETS, BOOTSTRAP, MAPS, METHODS = DatasetBuilding(), BlockBootstrap(), DependencyMaps(), ImportanceMethods()
SITES, MOTIFS, HUB = ImportanceSites(), Motifs(), TrackHub()

Class = Annotated[
    str | None,
    typer.Option("--class", help="class of a fine-tuned model with several, which is scored against the others"),
]
Context = Annotated[
    int, typer.Option(help="bases on either side with which an interval is cut into tokens, as in data sets", min=0)
]
Dataset = Annotated[
    str | None,
    typer.Option(
        help="data set that the model was fine-tuned on (dataset.parquet); without it that of its run, where it is there"
    ),
]


@dataclass(frozen=True)
class VariantResult(Result):
    """What is written of variants."""

    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            help="file to write: .vcf.gz (with its index .tbi), .parquet, .tsv or .tsv.gz; - is standard output, as TSV",
            rich_help_panel=RESULT,
        ),
    ] = STANDARD


def variants(
    model: options.Model,
    fasta: options.Fasta,
    variants: Annotated[
        str,
        typer.Argument(
            help="VCF, BCF, or a table with the columns chrom, pos, ref and alt; - is standard input",
            show_default=False,
        ),
    ],
    computation: Computation,
    result: VariantResult,
    rename: options.Rename = "",
    classifier: Annotated[
        str | None, typer.Option(help="fine-tuned model that scores beside a pretrained --model", show_default=False)
    ] = None,
    dataset: Dataset = None,
    window: Annotated[
        int | None,
        typer.Option(help="bases that a fine-tuned model reads around a variant, without a data set", min=10),
    ] = None,
    null: Annotated[
        str | None,
        typer.Option(
            help="folder interpretation/variants of a run, for llr_joint, llr_centred and llr_length_adjusted"
        ),
    ] = None,
    target: Class = None,
    flank: Annotated[
        int, typer.Option(help="bases on either side of a variant that a pretrained model reads", min=20)
    ] = 200,
) -> None:
    """Score variants: the pseudo-log-likelihood ratio of a pretrained model, the change of the logit of a fine-tuned one, or both.

    Every alternative allele has a row, or a value in its record; its status says why one has no score.

    Example: grover variants -m results/demo/models/chosen -f genome.fa variants.vcf.gz -o scored.vcf.gz
    """
    from grover.commands.models import open_model
    from grover.commands.variants import Asked, run

    beside = open_model(classifier) if classifier is not None else None
    asked = Asked(null, beside, dataset, window, target, flank)
    run(open_model(model), fasta, variants, rename, asked, computation, result)


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


def importance(
    model: options.Model,
    asked: Regions,
    computation: Computation,
    result: Result,
    method: Annotated[
        Literal["ism", "block", "ig", "attention"],
        typer.Option(
            help="single substitutions, redrawn blocks, integrated gradients, or DNABERT's attention, which is no explanation"
        ),
    ] = "ism",
    target: Class = None,
    rows: Annotated[
        Literal["base", "substitution"], typer.Option(help="what a row is; substitutions are those of ism")
    ] = "base",
    context: Context = DATASETS.context,
    null_examples: Annotated[
        int,
        typer.Option(
            help="inputs whose shuffles are the null of the significance, those of ism; 0: no significance", min=0
        ),
    ] = METHODS.null_examples,
    picture: Annotated[
        str | None,
        typer.Option(help="file for the logos of the first four inputs: .svg, .png or .pdf", show_default=False),
    ] = None,
    seed: options.Seed = 0,
) -> None:
    """Write how much each base of each input matters to a fine-tuned model: how far its answer moves when the base is replaced.

    With --strands both the answer is the mean of both strands, as for tasks without strands.

    Example: grover importance -m results/demo/finetuning/ctcf/chosen -f genome.fa -b sites.bed -o bases.parquet --picture logos.svg
    """
    from grover.commands.importance import Asked, run
    from grover.commands.models import open_model

    methods = ImportanceMethods(methods=[method], null_examples=null_examples)
    explained = Asked(target, context, methods, rows == "substitution", picture, seed)
    run(open_model(model), explained, asked, computation, result)


def motifs(
    model: options.Model,
    computation: Computation,
    output: Annotated[Path, typer.Option("--output", "-o", help="folder to write", show_default=False)],
    fasta: Annotated[
        str | None,
        typer.Option(
            "--fasta", "-f", help="sequences that intervals refer to; without it the sets are FASTA", show_default=False
        ),
    ] = None,
    positive: Annotated[
        str | None, typer.Option(help="examples of the second class, FASTA, or BED with --fasta", show_default=False)
    ] = None,
    negative: Annotated[str | None, typer.Option(help="examples of the first class", show_default=False)] = None,
    bed: Annotated[
        str | None,
        typer.Option("--bed", "-b", help="instead of both sets, a BED whose names are the classes", show_default=False),
    ] = None,
    rename: options.Rename = "",
    strands: Annotated[
        Literal["both", "plus", "feature"],
        typer.Option(help="the mean of both strands, the plus strand, or that of each interval"),
    ] = "both",
    context: Context = DATASETS.context,
    examples: Annotated[
        int, typer.Option(help="examples of the half for discovery that are mutated base by base", min=1)
    ] = SITES.train_examples,
    motif_sites: Annotated[int, typer.Option(help="fewest windows of a motif", min=2)] = MOTIFS.motif_sites,
    known: Annotated[
        str | None, typer.Option(help="MEME file of motifs that the found ones are compared with", show_default=False)
    ] = None,
    seed: options.Seed = 0,
    force: Annotated[bool, typer.Option("--force", help="replace the folder")] = False,
) -> None:
    """Write the motifs of the bases that matter to a fine-tuned model: MEME, a table of their tests, their places, and logos.

    One half of the examples gives the motifs, the other half tests them.

    Example: grover motifs -m results/demo/finetuning/ctcf/chosen -f genome.fa --positive bound.bed --negative unbound.bed -o motifs
    """
    from grover.commands.models import open_model
    from grover.commands.motifs import Asked, run

    settings = MOTIFS.model_copy(update={"motif_sites": motif_sites})
    sets = fasta, positive, negative, bed, rename, strands
    run(
        open_model(model), Asked(*sets, context, examples, known, seed, settings, BOOTSTRAP), computation, output, force
    )


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
