"""Annotate regions with the tracks."""

from pathlib import Path
from typing import Annotated

import pandas as pd
from typer import Option

from grover.cli import Input, Output, Sources, main
from grover.errors import InputError
from grover.files import write_table
from grover.genome import read_lengths
from grover.tracks import annotate, read_tracks


def annotate_regions(
    regions: Input,
    tracks: Input,
    contigs: Input,
    output: Output,
    source: Sources = [],  # noqa: B006
    rename: Annotated[
        list[str] | None, Option(help="KEY=add-chr or KEY=strip-chr for a source with other contig names")
    ] = None,
    threshold: Annotated[float, Option(help="share of a region that its leading category must cover")] = 0.2,
):
    """Write one column a track, row by row beside the regions: the leading category or `none`, presence, or the mean
    quantity. Tracks whose source is not given are left out."""
    files = {key: Path(value) for key, value in pairs(source, "--source")}
    for path in files.values():
        if not path.is_file():
            raise InputError(f"--source: {path} does not exist")
    table = annotate(
        pd.read_parquet(regions),
        read_tracks(tracks),
        files,
        read_lengths(contigs),
        dict(pairs(rename, "--rename")),
        threshold,
    )
    write_table(output, table)


def pairs(options: list[str] | None, name: str) -> list[tuple[str, str]]:
    """KEY=VALUE options as pairs."""
    split = [option.partition("=") for option in options or []]
    for key, sign, value in split:
        if not (key and sign and value):
            raise InputError(f"{name} {key}{sign}{value}: expected KEY=VALUE")
    return [(key, value) for key, _, value in split]


if __name__ == "__main__":
    main(annotate_regions)
