"""Learn the byte-pair merges of the genome."""

from typing import Annotated

import pandas as pd
from typer import Option

from grover import bpe
from grover.cli import Input, Output, main
from grover.files import write_table
from grover.genome import Genome
from grover.progress import Progress


def train_bpe(
    sequence: Input,
    segments: Input,
    merges: Output,
    cycles: Annotated[int, Option(min=1, help="merges to learn")] = 600,
):
    """Learn byte-pair merges on all segments; each smaller vocabulary is a prefix of the table written."""
    genome = Genome(sequence, segments)
    with Progress(cycles, "byte pairs", "cycles") as bar:
        learnt = bpe.train(genome.codes, genome.bounds[:-1], genome.bounds[1:], cycles, progress=bar.update)
    pairs, counts, tokens = learnt
    texts = bpe.texts(pairs)
    table = pd.DataFrame(
        {
            "rank": range(1, len(pairs) + 1),
            "left": [texts[left] for left, _ in pairs],
            "right": [texts[right] for _, right in pairs],
            "token": texts[bpe.LETTERS :],
            "count": counts,
        }
    )
    write_table(merges, table)


if __name__ == "__main__":
    main(train_bpe)
