"""Describe the tokens of a genome, observed or null: frequency, composition, balance, and where they lie."""

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from typer import Option

from grover.annotation.enrichment import enrich, read_categories
from grover.annotation.tracks import read_tracks
from grover.atlas import token_statistics
from grover.atlas.null_genomes import markov_counts
from grover.config.sections.genome import Promoters
from grover.genome.assembly import Genome
from grover.genome.contig_table import read_contig_table
from grover.runtime.cli import READ, Input, Output, Renames, Sources, main
from grover.runtime.files import key_values, source_files, write_json, write_table
from grover.runtime.settings import Setting


def describe_tokens(
    sequence: Input,
    segments: Input,
    contigs: Input,
    tokens: Input,
    statistics: Input,
    tracks: Input,
    published: Input,
    descriptions: Output,
    kmers: Output,
    enrichment: Output,
    summary: Output,
    promoter_flank: Annotated[int, Setting(Promoters, "promoter_flank")],
    vocabulary: Annotated[str, Option(help="name of the vocabulary, for the summary")],
    source: Sources = [],  # noqa: B006
    null_sequence: Annotated[
        Path | None, READ, Option(help="the null genome that the tokens are of, if not the genome", exists=True)
    ] = None,
    rename: Renames = [],  # noqa: B006
) -> None:
    """Write the tokens with their properties, k-mer counts, enrichment in tracks, and the summary beside PUBLISHED values.

    K-mers have 4 to 6 bases. Each token has its enrichment in each category of the tracks. The same annotation is also laid over a null
    genome, whose tokens cannot follow it."""
    genome = Genome(sequence, segments)
    codes = genome.codes if null_sequence is None else np.load(null_sequence, mmap_mode="r")
    bounds = np.unique(np.minimum(genome.bounds, len(codes)))
    table = pd.read_parquet(statistics)
    described = token_statistics.describe_tokens(table, markov_counts(codes, bounds, 1))
    counted = token_statistics.count_kmers(codes, bounds)
    write_table(descriptions, described)
    write_table(kmers, counted)
    paper = pd.read_csv(published, sep="\t", dtype=str).set_index("quantity")["published"].to_dict()
    values = token_statistics.summarise(described, counted, len(codes))
    write_json(summary, {"vocabulary": vocabulary, "segments": len(bounds) - 1, **values, "published": paper})

    files, known = source_files(source), read_contig_table(contigs)
    names = known.names_of(files, dict(key_values(rename, "--rename")))
    categories = read_categories(genome, read_tracks(tracks), files, known.lengths, names, promoter_flank)
    ids = np.load(tokens, mmap_mode="r")
    write_table(enrichment, enrich(ids, described, table["length"].to_numpy(), categories, len(codes)))


if __name__ == "__main__":
    main(describe_tokens)
