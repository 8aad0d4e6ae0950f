"""Annotate regions with the tracks."""

import pandas as pd

from grover.annotation.tracks import annotate, read_tracks
from grover.config.sections import embeddings as config
from grover.genome.contig_table import read_contig_table
from grover.runtime.cli import Input, Output, Renames, Sources, main
from grover.runtime.files import key_values, source_files, write_table


def annotate_regions(
    regions: Input,
    tracks: Input,
    contigs: Input,
    output: Output,
    overlap: config.CategoryOverlap,
    source: Sources = [],  # noqa: B006
    rename: Renames = [],  # noqa: B006
) -> None:
    """Write one column per track, row by row beside the regions: the leading category or `none`, presence, the mean quantity, or the
    strand; and the share of repeats. Tracks whose source is not given are left out."""
    files, known = source_files(source), read_contig_table(contigs)
    table = annotate(
        pd.read_parquet(regions),
        read_tracks(tracks),
        files,
        known.lengths,
        known.names_of(files, dict(key_values(rename, "--rename"))),
        overlap.minimum_overlap,
    )
    write_table(output, table)


if __name__ == "__main__":
    main(annotate_regions)
