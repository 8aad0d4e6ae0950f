"""Learn a vocabulary from a genome of which a Markov chain keeps only the short words."""

from pathlib import Path
from typing import Annotated

import numpy as np
from typer import Option

from grover.atlas.null_genomes import markov_counts, simulate
from grover.genome.assembly import Genome
from grover.runtime.cli import Input, Output, main
from grover.runtime.files import write_array, write_table
from grover.runtime.options import Seed
from grover.runtime.progress import Progress
from grover.tokenization import bpe
from grover.tokenization.genome_tokens import token_statistics, tokenise
from grover.tokenization.merges import merge_table
from grover.tokenization.vocabulary import Vocabulary


def tokenise_null_genome(
    sequence: Input,
    segments: Input,
    tokenizer: Input,
    null_sequence: Output,
    merges: Output,
    null_tokenizer: Output,
    tokens: Output,
    index: Output,
    statistics: Output,
    order: Annotated[int, Option(min=0, max=8, help="letters before each one that the Markov chain looks at")] = 1,
    most_bases: Annotated[
        int, Option(min=1, help="bases to simulate at most, from the first segment on")
    ] = 100_000_000,
    cycles: Annotated[int, Option(min=0, help="byte pairs to learn; 0: cut with TOKENIZER instead")] = 600,
    described: Annotated[int, Option(min=0, help="the first of them that make the vocabulary written")] = 600,
    strands: Annotated[str, Option(help="forward or both, as the vocabulary of the genome was learnt")] = bpe.FORWARD,
    threads: Annotated[int, Option(min=1, help="threads that learn")] = 1,
    seed: Seed = 0,
):
    """Write a null genome with the segments of the genome, its own merges and tokenizer, and its tokens."""
    genome = Genome(sequence, segments)
    bounds = np.unique(np.minimum(genome.bounds, most_bases))
    counts = markov_counts(genome.codes, genome.bounds, order)
    codes = simulate(counts, order, np.diff(bounds), seed)
    write_array(null_sequence, codes)

    learnt = bpe.Learnt(np.zeros((0, 2), np.int32), np.zeros(0, np.int64), np.zeros(0, np.int64))
    if cycles:
        with Progress(cycles, f"byte pairs, Markov chain of order {order}", "cycles") as bar:
            learnt = bpe.train(
                codes,
                bounds[:-1],
                bounds[1:],
                cycles,
                rules=bpe.Rules(strands, partial=True),  # without the repeats of a genome fewer pairs occur twice
                threads=threads,
                watch=bpe.Watch(progress=lambda made, left: bar.update(made, tokens=f"{left:,}")),
            )
        vocabulary = Vocabulary.from_merges(f"markov-{order}", learnt.merges[:described])
    else:
        vocabulary = Vocabulary.load(tokenizer.parent)
    write_table(merges, merge_table(learnt))
    vocabulary.save(Path(null_tokenizer).parent)
    write_table(statistics, token_statistics(vocabulary, tokenise(codes, bounds, vocabulary, tokens, index)))


if __name__ == "__main__":
    main(tokenise_null_genome)
