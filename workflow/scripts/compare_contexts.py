"""Find two groups of contexts of each token and the annotation that tells them apart."""

from typing import Annotated

import pandas as pd
from typer import Option

from grover.annotation.tracks import read_tracks
from grover.config.options import Seed
from grover.config.sections.genome import Promoters
from grover.embeddings.tokens.ambiguity import annotate, distinguish
from grover.embeddings.tokens.states import occurrences, open_contexts
from grover.embeddings.vectors import check_weights
from grover.genome.assembly import Genome
from grover.genome.contig_table import read_contig_table
from grover.runtime.cli import Input, Inputs, Output, Renames, Sources, Weights, main
from grover.runtime.files import key_values, source_files, write_table
from grover.runtime.settings import Setting


def compare_contexts(
    contexts: Inputs,
    statistics: Input,
    sequence: Input,
    segments: Input,
    tracks: Input,
    contigs: Input,
    output: Output,
    promoter_flank: Annotated[int, Setting(Promoters, "promoter_flank")],
    seed: Seed,
    source: Sources = [],  # noqa: B006
    rename: Renames = [],  # noqa: B006
    minimum: Annotated[int, Option(help="stored contexts that a token needs", min=10)] = 60,
    resamples: Annotated[int, Option(help="resamples of blocks of the genome for each interval", min=2)] = 300,
    weights: Weights = [],  # noqa: B006
) -> None:
    """CONTEXTS are the contexts.parquet of all shards of one model, as embed.py writes them, STATISTICS those of its vocabulary. Tracks of
    numbers, and those whose source is not given, are left out."""
    stored, genome = open_contexts(contexts), Genome(sequence, segments)
    check_weights({stored.name: stored}, source_files(weights, "--weights"))
    files, known = source_files(source), read_contig_table(contigs)
    annotated = annotate(
        occurrences(stored),
        read_tracks(tracks),
        files,
        known.lengths,
        known.names_of(files, dict(key_values(rename, "--rename"))),
        promoter_flank,
    )
    table = distinguish(
        stored,
        pd.read_parquet(statistics),
        genome,
        annotated,
        minimum=minimum,
        resamples=resamples,
        seed=seed,
    )
    write_table(output, table)


if __name__ == "__main__":
    main(compare_contexts)
