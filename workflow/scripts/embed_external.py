"""Embed regions of the genome with a model from elsewhere, as embed.py does with ours.

It also runs in the environment of envs/external.txt, whose transformers is older: import nothing here that is not listed there.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from typer import Option

from grover.config.options import Device, Precision, Seed
from grover.config.sections.benchmarks import ExternalReading
from grover.config.sections.embeddings import Shards
from grover.embeddings.region_table import places_of_table
from grover.embeddings.vectors import Writer, half
from grover.external_models import adapters
from grover.external_models.embedding import embed
from grover.external_models.folder import CONFIG
from grover.genome.assembly import Genome
from grover.genome.bases import decode
from grover.network.device import choose_device
from grover.runtime.cli import READ, Input, Output, main
from grover.runtime.errors import InputError
from grover.runtime.files import checksum
from grover.runtime.options import Initial, Threads
from grover.runtime.progress import Progress


def embed_external(
    regions: Input,
    sequence: Input,
    segments: Input,
    folder: Annotated[Path, READ, Option(help="config.json of the model's folder", show_default=False)],
    output: Output,
    name: Annotated[str, Option(help="name of the model in the tables")],
    shard: Annotated[int, Option(help="which of the shards to embed, from 0", min=0)],
    reading: ExternalReading,
    jobs: Shards,
    seed: Seed,
    device: Device,
    precision: Precision,
    initial: Initial = "pretrained",
    threads: Threads = 0,
) -> None:
    """Write the vectors of the last layer for each region: the mean over its tokens, and [CLS] where the model has one in front.

    REGIONS is the table that choose_regions.py writes. A region is read alone, without the sequence beside it; one too long for the
    model in pieces, whose vectors are averaged. Nothing is downloaded.
    """
    shards = jobs.shards
    if shard >= shards:
        raise InputError(f"shard {shard}: the {shards} shards have the numbers 0 to {shards - 1}")
    source = folder.parent if folder.name == CONFIG else folder
    external = adapters.load(source, reading.adapter, reading.remote_code, initial)
    genome = Genome(sequence, segments)
    table = pd.read_parquet(regions, columns=["chrom", "start", "end"])
    first, last = (len(table) * edge // shards for edge in (shard, shard + 1))
    table = table.iloc[first:last]
    stretches = Stretches(genome, *places_of_table(table, genome, regions))
    said = {
        "name": name,
        "model": external.sha256,
        "initial": initial,
        "layers": [external.layers],
        "hidden": external.hidden,
        "shard": shard,
        "shards": shards,
        "regions": checksum(regions),
    }
    processor, done = choose_device(device, threads), 0
    with Progress(len(table), "embed", "regions") as bar, Writer(output, said) as file:
        for vectors, tokens in embed(external, stretches, processor, precision, seed):
            rows = table.iloc[done : done + len(tokens)]
            file.write(
                {
                    "region": rows.index.to_numpy(),
                    **{column: rows[column].to_numpy() for column in rows},
                    "tokens": tokens,
                }
                | {f"{pooling}_{external.layers}": half(found, name) for pooling, found in vectors.items()}
            )
            done += len(tokens)
            bar.update(len(tokens))


class Stretches:
    """Sequences, as text, between places in a genome's codes, read as they are asked for."""

    def __init__(self, genome: Genome, left: np.ndarray, right: np.ndarray):
        self.genome, self.left, self.right = genome, left, right

    def __len__(self) -> int:
        return len(self.left)

    def __getitem__(self, rows: slice) -> list[str]:
        return [
            decode(self.genome.codes[left:right]) for left, right in zip(self.left[rows], self.right[rows], strict=True)
        ]


if __name__ == "__main__":
    main(embed_external)
