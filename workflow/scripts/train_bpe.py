"""Learn the byte-pair merges of the genome."""

import sys
from pathlib import Path
from typing import Annotated

import numpy as np
from typer import Option

from grover.config.options import Seed
from grover.config.sections.genome import MergeTraining, Vocabulary
from grover.genome.assembly import Genome
from grover.intervals.formats import read_bed
from grover.runtime.cli import READ, Input, Output, main
from grover.runtime.files import write_table
from grover.runtime.machine import cores
from grover.runtime.progress import Progress
from grover.runtime.settings import Setting
from grover.tokenization import bpe
from grover.tokenization.merges import merge_table

RARE = 10


def train_bpe(
    sequence: Input,
    segments: Input,
    merges: Output,
    training: MergeTraining,
    sample: Annotated[float, Setting(Vocabulary, "sample")],
    seed: Seed,
    without: Annotated[Path | None, READ, Option(help="BED of bases to leave out", exists=True)] = None,
    threads: Annotated[int, Option(help="threads; 0: one per core")] = 1,
) -> None:
    """Learn byte-pair merges on all segments; each smaller vocabulary is a prefix of the table written."""
    genome = Genome(sequence, segments)
    starts, ends = genome.bounds[:-1], genome.bounds[1:]
    if without is not None:
        starts, ends = genome.outside(read_bed(without))
    if sample < 1:
        starts, ends = bpe.sample_segments(starts, ends, sample, seed)
    bases = int(np.sum(ends - starts))
    print(f"learning from {bases:,} of {len(genome.codes):,} bases in {len(starts):,} segments", file=sys.stderr)
    strand_bases = bases * (2 if training.strands == bpe.BOTH else 1)
    with Progress(strand_bases, "read", "bases") as reading, Progress(training.cycles, "byte pairs", "cycles") as bar:
        learnt = bpe.train(
            genome.codes,
            starts,
            ends,
            training.cycles,
            rules=bpe.Rules(training.strands),
            threads=threads or cores(),
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
