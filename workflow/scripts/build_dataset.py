"""Build the labelled sequences of one benchmark."""

from pathlib import Path
from typing import Annotated

import pandas as pd
from typer import Option

from grover.cli import READ, Input, Output, main
from grover.datasets import assemble, choose_builder
from grover.errors import InputError
from grover.files import checksum, write_json, write_table
from grover.folds import read_folds
from grover.genome import Genome, read_lengths
from grover.intervals import check, read_bed, read_narrowpeak

READERS = {"peaks": read_narrowpeak, "accessible": read_bed}


def source(content: str):
    return Annotated[Path | None, Option(help=f"{READ}: {content}", exists=True, show_default=False)]


def build_dataset(
    sequence: Input,
    segments: Input,
    contigs: Input,
    folds: Input,
    dataset: Output,
    card: Output,
    builder: Annotated[str, Option(help="kind of benchmark")] = "motif-bound",
    hits: source("matches of the motif, from scan_motif") = None,
    peaks: source("narrowPeak that tells bound from unbound") = None,
    accessible: source("BED of open chromatin, to which unbound sites are limited") = None,
    rename: Annotated[str, Option(help="map contig names of the annotation: add-chr, strip-chr or nothing")] = "",
    length: Annotated[int, Option(help="bases of a window")] = 200,
    summit: Annotated[int, Option(help="bound means within so many bases of a summit; 0: anywhere in a peak")] = 0,
    maximum: Annotated[int, Option(help="largest number of examples a fold and label; 0: all")] = 0,
    balance: Annotated[bool, Option(help="as many examples of one label as of the other")] = False,
    minimum: Annotated[int, Option(help="smallest number of examples a fold and label")] = 10,
    seed: Annotated[int, Option(help="seed of every random choice")] = 0,
):
    """Write the table of sequences with label and fold, and its card: counts, what was dropped and why, leaks."""
    genome, lengths = Genome(sequence, segments), read_lengths(contigs)
    paths = {name: path for name, path in [("hits", hits), ("peaks", peaks), ("accessible", accessible)] if path}
    chosen = choose_builder(builder, list(paths))
    sources = {
        name: check(READERS[name](path, rename=rename), lengths, path, regions=genome.segments)
        for name, path in paths.items()
        if name in READERS
    }
    for name, table in sources.items():
        if len(table) < minimum:
            found = f"{len(table)} intervals of it lie in the genome but at least {minimum} are needed"
            raise InputError(f"{paths[name]}: {found}; give an annotation that covers these regions")
    if hits:
        sources["hits"] = pd.read_parquet(hits)
    settings = {name: value or None for name, value in [("summit", summit)] if name in chosen.settings}
    table, summary = assemble(
        chosen.sites(**sources, **settings),
        genome,
        read_folds(folds),
        length,
        labels=chosen.labels,
        maximum=maximum or None,
        balance=balance,
        minimum=minimum,
        seed=seed,
    )
    scan = sources["hits"].attrs if hits else {}
    inputs = {"sequence": sequence, "segments": segments, "folds": folds, **paths}
    inputs = {name: {"file": path.name, "sha256": checksum(path)} for name, path in inputs.items()}
    write_table(dataset, table)
    write_json(card, {"builder": builder, **scan, **settings, **summary, "inputs": inputs})


if __name__ == "__main__":
    main(build_dataset)
