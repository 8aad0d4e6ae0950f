"""Tokenise the whole genome with one vocabulary."""

import pandas as pd

from grover.cli import Input, Output, main
from grover.files import write_table
from grover.genome import Genome
from grover.progress import Progress
from grover.tokens import tokenise
from grover.vocabulary import Vocabulary


def tokenise_genome(
    sequence: Input, segments: Input, tokenizer: Input, tokens: Output, index: Output, statistics: Output
):
    """Write the token ids of all segments, the map between bases and tokens, and how often each token occurs."""
    genome = Genome(sequence, segments)
    vocabulary = Vocabulary.load(tokenizer.parent)
    with Progress(len(genome.codes), f"tokenise with {vocabulary.name}", "bases") as bar:
        counts = tokenise(genome.codes, genome.bounds, vocabulary, tokens, index, bar.update)
    table = pd.DataFrame(
        {
            "id": range(vocabulary.size),
            "token": vocabulary.tokens,
            "length": vocabulary.lengths,
            "count": counts,
            "share": counts / max(1, counts.sum()),
        }
    )
    write_table(statistics, table)


if __name__ == "__main__":
    main(tokenise_genome)
