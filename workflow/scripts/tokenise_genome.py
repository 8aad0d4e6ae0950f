"""Tokenise the whole genome with one vocabulary."""

from typing import Annotated

from typer import Option

from grover.genome.assembly import Genome
from grover.runtime.cli import Input, Output, main
from grover.runtime.files import write_table
from grover.runtime.machine import cores
from grover.runtime.progress import Progress
from grover.tokenization.genome_tokens import token_statistics, tokenise
from grover.tokenization.vocabulary import Vocabulary


def tokenise_genome(
    sequence: Input,
    segments: Input,
    tokenizer: Input,
    tokens: Output,
    index: Output,
    statistics: Output,
    threads: Annotated[int, Option(help="segments encoded at a time; 0: one per core")] = 1,
) -> None:
    """Write the token ids of all segments, the map between bases and tokens, and how often each token occurs."""
    genome = Genome(sequence, segments)
    vocabulary = Vocabulary.load(tokenizer.parent)
    with Progress(len(genome.codes), f"tokenise with {vocabulary.name}", "bases") as bar:
        counts = tokenise(genome.codes, genome.bounds, vocabulary, tokens, index, bar.update, threads or cores())
    write_table(statistics, token_statistics(vocabulary, counts))


if __name__ == "__main__":
    main(tokenise_genome)
