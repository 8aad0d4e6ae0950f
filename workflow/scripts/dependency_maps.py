"""Measure how much each base of a few loci changes what the pretrained model predicts of each other base."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from typer import Option

from grover.config.options import Device, Precision, Seed
from grover.config.sections.interpretation import DependencyMaps
from grover.embeddings.region_table import places_of_bed
from grover.genome.assembly import Genome
from grover.genome.bases import decode
from grover.genome.contig_table import read_contig_table
from grover.interpretation.dependency_pairs import PAIRS, describe_pairs
from grover.interpretation.locus_maps import map_locus, readers_of
from grover.interpretation.map_loci import choose_loci, middles_of_sites
from grover.network.device import choose_device
from grover.runtime.cli import READ, Input, Output, main
from grover.runtime.files import atomic, folder, write_table
from grover.runtime.options import Threads
from grover.runtime.progress import track


def dependency_maps(
    model: Input,
    sequence: Input,
    segments: Input,
    contigs: Input,
    pairs: Output,
    maps: Annotated[Path, Option(help="folder that gets LOCUS.npz of each locus")],
    asked: DependencyMaps,
    seed: Seed,
    device: Device,
    precision: Precision,
    dataset: Annotated[list[Path], READ, Option(help="dataset of a task; repeat for each", exists=True)] = [],  # noqa: B006
    bed: Annotated[Path | None, READ, Option(help="loci instead of sites of the tasks", exists=True)] = None,
    rename: Annotated[str, Option(help="map contig names of the BED file: add-chr, strip-chr or nothing")] = "",
    threads: Threads = 0,
) -> None:
    """Write PAIRS, a row per pair of bases of each locus, and the arrays MAPS.

    Each locus has the arrays `model`, `random` (randomly initialised model), `null` (dinucleotide shuffles) and `sequence`. Rows of a map
    are substituted bases; NaN is a pair that is not read.
    """
    place = choose_device(device, threads)
    genome = Genome(sequence, segments)
    if bed is not None:
        left, right = places_of_bed(bed, genome, read_contig_table(contigs), rename)
        middles = [(left + right) // 2]
    else:
        middles = [middles_of_sites(pd.read_parquet(path), genome) for path in dataset]
    loci = choose_loci(middles, genome, length=asked.map_length, most=asked.map_loci, seed=seed)
    pretrained, random = readers_of(folder(model), asked.map_passes, seed, place, precision)
    maps.mkdir(parents=True, exist_ok=True)
    tables = [pd.DataFrame(columns=[*loci.columns, *PAIRS])]
    for row in track(loci.itertuples(index=False), len(loci), "dependency maps", "loci"):
        codes = genome.fetch(row.chrom, row.start, row.end)
        found = map_locus(codes, pretrained, random, asked.map_shuffles, seed + row.locus)
        with atomic(maps / f"{row.locus}.npz") as temporary, open(temporary, "wb") as stream:
            arrays: dict[str, Any] = {"sequence": np.array(decode(codes))} | found | row._asdict()
            np.savez_compressed(stream, **arrays)
        table = describe_pairs(found["model"], found["null"], found["random"])
        tables.append(table.assign(**row._asdict())[tables[0].columns])
    write_table(pairs, pd.concat(tables[1:] or tables, ignore_index=True))


if __name__ == "__main__":
    main(dependency_maps)
