"""Enrichment of the tokens of a genome in annotation, by circular shifts of it."""

from typing import Annotated

import numpy as np
import pandas as pd
from typer import Option

from grover.annotation.circular_shifts import all_repeats, draw_shifts, enrich_by_shifts
from grover.annotation.enrichment import read_categories
from grover.annotation.tracks import read_tracks
from grover.config.options import Seed
from grover.config.sections.embeddings import CircularShifts
from grover.config.sections.genome import Promoters
from grover.genome.assembly import Genome
from grover.genome.contig_table import read_contig_table
from grover.runtime.cli import Input, Output, Renames, Sources, main
from grover.runtime.files import key_values, source_files, write_table
from grover.runtime.settings import Setting


def enrich_tokens(
    sequence: Input,
    segments: Input,
    contigs: Input,
    tokens: Input,
    index: Input,
    statistics: Input,
    tracks: Input,
    output: Output,
    shifting: CircularShifts,
    promoter_flank: Annotated[int, Setting(Promoters, "promoter_flank")],
    seed: Seed,
    source: Sources = [],  # noqa: B006
    rename: Renames = [],  # noqa: B006
    threads: Annotated[int, Option(min=1, help="circular shifts counted at a time")] = 1,
) -> None:
    """Write the enrichment of each token in each category of the tracks.

    Its interval and its test are from circular shifts of the annotation. The category `any` of `repeats` is all repeats of the first
    track of the format rmsk."""
    genome = Genome(sequence, segments)
    rows, files, known = read_tracks(tracks), source_files(source), read_contig_table(contigs)
    rest = files, known.lengths, known.names_of(files, dict(key_values(rename, "--rename")))
    categories = read_categories(genome, rows, *rest, promoter_flank) | all_repeats(genome, rows, *rest)
    ids, anchors, bases = np.load(tokens, mmap_mode="r"), np.load(index), len(genome.codes)
    drawn = draw_shifts(bases, shifting.shifts, seed)
    table = enrich_by_shifts(ids, anchors, pd.read_parquet(statistics), categories, bases, drawn, threads)
    write_table(output, table)


if __name__ == "__main__":
    main(enrich_tokens)
