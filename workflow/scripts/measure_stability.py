"""Measure how stable the tokens of each vocabulary are."""

import sys
from typing import Annotated

import pandas as pd
from typer import Option

from grover.atlas.stability import measure, sample_windows
from grover.config.options import Seed
from grover.config.sections.genome import Stability
from grover.genome.assembly import Genome
from grover.runtime.cli import Input, Inputs, Output, main
from grover.runtime.errors import InputError
from grover.runtime.files import write_table
from grover.runtime.progress import Progress
from grover.tokenization.vocabulary import Vocabulary


def measure_stability(
    sequence: Input,
    segments: Input,
    tokenizer: Inputs,
    table: Output,
    windows: Stability,
    seed: Seed,
    threads: Annotated[int, Option(min=1, help="threads that encode")] = 1,
) -> None:
    """Cut, shift, mutate and reverse the same windows for each vocabulary and say what becomes of their tokens.

    Overlapping k-mers, which have no boundaries, are left out. Where no segment is long enough for a window, the table is empty.
    """
    nothing = pd.DataFrame({"vocabulary": []})
    genome = Genome(sequence, segments)
    # more windows than lie in a small genome side by side would narrow the intervals and say no more
    length = windows.stability_length
    number = min(windows.stability_windows, max(1, len(genome.codes) // length))
    try:
        drawn = sample_windows(genome, number, length, windows.flank, seed)
    except InputError as reason:
        # a side chapter must not end a run on an assembly of short segments
        print(f"left out: {reason}", file=sys.stderr)
        return write_table(table, nothing)
    tables = []
    with Progress(len(tokenizer), "stability", "vocabularies") as bar:
        for path in tokenizer:
            vocabulary = Vocabulary.load(path.parent)
            if vocabulary.kind != "overlap":
                tables.append(measure(vocabulary, drawn, threads))
            bar.update(1)
    write_table(table, pd.concat(tables, ignore_index=True) if tables else nothing)


if __name__ == "__main__":
    main(measure_stability)
