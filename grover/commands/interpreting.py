"""Options of the subcommands that write tables of single bases. What is heavy is imported when a subcommand runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from grover.commands import options
from grover.commands.options import RESULT, STANDARD, Computation, Regions, Result
from grover.config.sections.benchmarks import BlockBootstrap, DatasetBuilding
from grover.config.sections.interpretation import ImportanceMethods, ImportanceSites, Motifs, VariantWindow

DATASETS, BOOTSTRAP, METHODS = DatasetBuilding(), BlockBootstrap(), ImportanceMethods()
SITES, MOTIFS, WINDOW = ImportanceSites(), Motifs(), VariantWindow()

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
    ] = WINDOW.flank,
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
    asked = Asked(fasta, positive, negative, bed, rename, strands, context, examples, known, seed, settings, BOOTSTRAP)
    run(open_model(model), asked, computation, output, force)
