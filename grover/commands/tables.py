"""Options of the subcommands that write a table with one row per input. What is heavy is imported when a subcommand runs."""

from typing import Annotated

import typer

from grover.commands import options
from grover.commands.options import Computation, Regions, Result


def embed(
    model: options.Model,
    asked: Regions,
    computation: Computation,
    result: Result,
    layers: Annotated[
        str, typer.Option(help="layers to keep, such as 0,6,-1 (0 is the input of the first, -1 the last), or all")
    ] = "-1",
    context: Annotated[
        int | None,
        typer.Option(
            help="tokens on either side of an interval that the model reads too; as many as the workflow takes, where it is not given",
            min=0,
            show_default=False,
        ),
    ] = None,
    long: options.Long = "tile",
    remote_code: options.RemoteCode = False,
) -> None:
    """Write the embedding of each input: the mean over its tokens, and the state of [CLS].

    Example: grover embed -m results/demo/models/chosen -f genome.fa -b peaks.bed -o embeddings.parquet
    """
    from grover.commands.embed import run
    from grover.commands.models import open_model

    run(open_model(model, remote_code), layers, context, long, asked, computation, result)


def predict(
    model: options.Model,
    asked: Regions,
    computation: Computation,
    result: Result,
    context: Annotated[
        int | None,
        typer.Option(
            help="bases on either side of an interval with which it is cut into tokens; as many as data sets have, where it is not given",
            min=0,
            show_default=False,
        ),
    ] = None,
    long: options.Long = "refuse",
) -> None:
    """Write the label that a fine-tuned model gives each input, with probabilities and logits.

    Example: grover predict -m results/demo/finetuning/ctcf/chosen -f genome.fa -b sites.bed --strands feature -o labels.tsv
    """
    from grover.commands.models import open_model
    from grover.commands.predict import run

    run(open_model(model), context, long, asked, computation, result)


def score(
    model: options.Model,
    asked: Regions,
    computation: Computation,
    result: Result,
    mask_ratio: Annotated[
        float | None,
        typer.Option(
            help="share of the tokens that are masked at a time; that of the training, where it is not given",
            min=0.001,
            max=0.5,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write how well a pretrained model predicts the bases of each input, in bits per base, beside token frequencies.

    Every token is masked once. Fewer bits are better, and 2 bits are no prediction. Input of any length is read in windows.

    Example: cat regions.bed | grover score -m results/demo/models/chosen -f genome.fa -b - -o scores.tsv
    """
    from grover.commands.models import open_model
    from grover.commands.score import run

    run(open_model(model), mask_ratio, asked, computation, result)
