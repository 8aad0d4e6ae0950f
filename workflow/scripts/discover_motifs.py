"""Make motifs of the contributions of single bases, and test them on fold test."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pandas as pd
import pysam
from typer import Option

from grover.annotation.meme import read_meme
from grover.config.options import Device, Precision, Seed
from grover.config.sections.benchmarks import BlockBootstrap
from grover.config.sections.interpretation import Motifs
from grover.interpretation.answers import FineTuned
from grover.interpretation.contributions import read_contributions
from grover.interpretation.motif_files import bed_text, instances, logo_table, meme_text
from grover.interpretation.motif_search import find_motifs
from grover.interpretation.sites import is_stranded
from grover.network.device import choose_device
from grover.runtime.cli import READ, Input, Output, main
from grover.runtime.errors import InputError
from grover.runtime.files import atomic, folder, write_table, write_text
from grover.runtime.options import Threads


def discover_motifs(
    importance: Input,
    dataset: Input,
    model: Input,
    table: Output,
    meme: Output,
    bed: Output,
    logos: Output,
    profiles: Output,
    task: Annotated[str, Option(help="name of the benchmark")],
    settings: Motifs,
    resampling: BlockBootstrap,
    seed: Seed,
    device: Device,
    precision: Precision,
    known: Annotated[Path | None, READ, Option(help="known motifs in MEME format", exists=True)] = None,
    threads: Threads = 0,
) -> None:
    """Discover motifs in IMPORTANCE, whose sites are of fold train, and test them on fold test of DATASET with MODEL, the classifier.

    Write TABLE (a row per motif), MEME, BED (the windows of the motifs, bgzip); LOGOS (probability and contribution of each base of each
    column); PROFILES (effect of an insertion by place and strand); docs/how-to/motifs.md describes them.
    """
    data = pd.read_parquet(dataset)
    if not (data["fold"] == "test").any():
        raise InputError(f"{dataset}: no example of fold test, on which motifs are tested; make the dataset anew")
    explained = FineTuned.load(folder(model), choose_device(device, threads), precision)
    explained = replace(explained, both=not is_stranded(data))
    contributions = read_contributions(pd.read_parquet(importance), data)
    found = find_motifs(contributions, data, explained, read_meme(known) if known else [], settings, resampling, seed)
    first = list(found.table).index("match")
    found.table.insert(first, "task", task)
    write_table(table, found.table)
    write_text(meme, meme_text(found.motifs))
    with atomic(bed) as temporary, pysam.BGZFile(str(temporary), "wb", None) as stream:
        stream.write(bed_text(instances(contributions, found.motifs, data)).encode())
    write_table(logos, logo_table(found.motifs))
    write_table(profiles, found.profiles)


if __name__ == "__main__":
    main(discover_motifs)
