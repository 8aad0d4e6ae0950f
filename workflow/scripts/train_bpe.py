"""Learn the byte-pair merges of the genome."""

import os
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
from typer import Option

from grover.genome.assembly import Genome
from grover.intervals.formats import read_bed
from grover.runtime.cli import READ, Input, Output, main
from grover.runtime.files import write_table
from grover.runtime.progress import Progress
from grover.tokenization import bpe
from grover.tokenization.merges import merge_table

RARE = 10


def train_bpe(
    sequence: Input,
    segments: Input,
    merges: Output,
    cycles: Annotated[int, Option(min=1, help="merges to learn")] = 600,
    strands: Annotated[
        str, Option(help="forward, or both: a vocabulary closed under reverse complement")
    ] = bpe.FORWARD,
    without: Annotated[Path | None, READ, Option(help="BED of bases to leave out", exists=True)] = None,
    sample: Annotated[
        float, Option(min=0.0, max=1.0, help="share of the bases to learn from, in whole segments")
    ] = 1.0,
    seed: Annotated[int, Option(help="seed of the sample")] = 1,
    threads: Annotated[int, Option(help="threads; 0: one a core")] = 1,
):
    """Learn byte-pair merges on all segments; each smaller vocabulary is a prefix of the table written."""
    genome = Genome(sequence, segments)
    starts, ends = genome.bounds[:-1], genome.bounds[1:]
    if without is not None:
        starts, ends = genome.outside(read_bed(without))
    if sample < 1:
        starts, ends = bpe.sample_segments(starts, ends, sample, seed)
    bases = int(np.sum(ends - starts))
    print(f"learning from {bases:,} of {len(genome.codes):,} bases in {len(starts):,} segments", file=sys.stderr)
    strand_bases = bases * (2 if strands == bpe.BOTH else 1)
    with Progress(strand_bases, "read", "bases") as reading, Progress(cycles, "byte pairs", "cycles") as bar:
        learnt = bpe.train(
            genome.codes,
            starts,
            ends,
            cycles,
            rules=bpe.Rules(strands),
            threads=threads or os.cpu_count() or 1,
            watch=bpe.Watch(
                reading.update,
                lambda made, left: bar.update(made, tokens=f"{left:,}", bases_per_token=strand_bases / left),
            ),
        )
    rare = int(np.sum(learnt.counts < RARE))
    if rare:
        print(
            f"note: {rare:,} merges are of pairs seen fewer than {RARE} times; such tokens teach a model nothing",
            file=sys.stderr,
        )
    write_table(merges, merge_table(learnt))


if __name__ == "__main__":
    main(train_bpe)
