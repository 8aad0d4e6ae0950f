"""Score the predictions of masked tokens in each category of annotation."""

from typing import Annotated

import pandas as pd

from grover.annotation.enrichment import read_categories
from grover.annotation.tracks import read_tracks
from grover.config.options import Seed
from grover.config.sections.genome import Promoters
from grover.genome.assembly import Genome
from grover.genome.contig_table import read_contig_table
from grover.pretraining.scores import SPLITS, soft_mask, strata
from grover.runtime.cli import Input, Output, Renames, Sources, main
from grover.runtime.files import key_values, source_files, write_table
from grover.runtime.settings import Setting


def stratify_predictions(
    masked_tokens: Input,
    sequence: Input,
    segments: Input,
    softmask: Input,
    contigs: Input,
    tracks: Input,
    output: Output,
    promoter_flank: Annotated[int, Setting(Promoters, "promoter_flank")],
    seed: Seed,
    source: Sources = [],  # noqa: B006
    rename: Renames = [],  # noqa: B006
) -> None:
    """Write a row for each split, stratum and predictor. Strata are the categories of the tracks whose source is given, and
    the soft mask of the assembly."""
    genome = Genome(sequence, segments)
    files, known = source_files(source), read_contig_table(contigs)
    categories = read_categories(
        genome,
        read_tracks(tracks),
        files,
        known.lengths,
        known.names_of(files, dict(key_values(rename, "--rename"))),
        promoter_flank,
    )
    categories |= soft_mask(genome, softmask)
    table = pd.read_parquet(masked_tokens)
    write_table(
        output,
        pd.concat([strata(table[table["split"] == name], categories, seed).assign(split=name) for name in SPLITS]),
    )


if __name__ == "__main__":
    main(stratify_predictions)
