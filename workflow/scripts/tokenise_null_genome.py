"""Learn a vocabulary from a null genome, drawn from a Markov chain that keeps the short k-mers of the genome."""

from pathlib import Path
from typing import Annotated

import numpy as np
from typer import Option

from grover.atlas.null_genomes import markov_counts, simulate
from grover.config.options import Seed
from grover.config.sections import genome as config
from grover.genome.assembly import Genome
from grover.runtime.cli import Input, Output, main
from grover.runtime.files import write_array, write_table
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
    order: Annotated[int, Option(min=0, max=8, help="preceding bases that a base of the Markov chain depends on")],
    described: Annotated[
        int,
        Option(min=0, help="byte pairs of the vocabulary written, the first that are learnt; 0: TOKENIZER is taken"),
    ],
    size: config.NullGenomes,
    training: config.MergeTraining,
    seed: Seed,
    threads: Annotated[int, Option(min=1, help="threads that learn")] = 1,
) -> None:
    """Write a null genome with the segments of the genome, its own merges and tokenizer, and its tokens."""
    genome = Genome(sequence, segments)
    bounds = np.unique(np.minimum(genome.bounds, size.null_bases))
    counts = markov_counts(genome.codes, genome.bounds, order)
    codes = simulate(counts, order, np.diff(bounds), seed)
    write_array(null_sequence, codes)

    learnt = bpe.Learnt(np.zeros((0, 2), np.int32), np.zeros(0, np.int64), np.zeros(0, np.int64))
    if described:
        with Progress(training.cycles, f"byte pairs, Markov chain of order {order}", "cycles") as bar:
            learnt = bpe.train(
                codes,
                bounds[:-1],
                bounds[1:],
                training.cycles,
                # without the repeats of a genome fewer pairs occur twice
                rules=bpe.Rules(training.strands, partial=True),
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
