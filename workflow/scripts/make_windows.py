"""Lay the pretraining windows over the tokenised genome."""

from typing import Annotated

import numpy as np
import pandas as pd
from typer import Option

from grover.genome.assembly import Genome
from grover.genome.folds import fold_of, read_folds
from grover.pretraining import corpus
from grover.runtime.cli import Input, Output, main
from grover.runtime.errors import InputError
from grover.runtime.files import write_table
from grover.tokenization.genome_tokens import TokenisedGenome
from grover.tokenization.vocabulary import Vocabulary


def make_windows(
    segments: Input,
    sequence: Input,
    tokenizer: Input,
    tokens: Input,
    index: Input,
    folds: Input,
    windows: Output,
    shortest: Annotated[int, Option(help="tokens in the shortest window")] = 20,
    longest: Annotated[int, Option(help="tokens in the longest window")] = 510,
    passes: Annotated[int, Option(help="times that windows are laid over the genome")] = 1,
    test_share: Annotated[float, Option(help="share of test windows in the random split")] = 0.2,
    seed: Annotated[int, Option(help="seed of lengths and split")] = 1,
):
    """Write the table of windows with both splits, `random` and `region`."""
    genome = Genome(sequence, segments)
    tokenised = TokenisedGenome(tokens, index, Vocabulary.load(tokenizer.parent))
    table = corpus.lay_windows(tokenised.tokens_at(genome.bounds), shortest, longest, passes, seed)
    table["random"] = corpus.random_split(len(table), test_share, seed)
    first = table["first"].to_numpy()
    begins, stops = tokenised.bases_at(first), tokenised.ends_at(first + table["length"].to_numpy() - 1)
    contigs, starts = genome.locate(begins)
    ends = starts + stops - begins
    table["region"] = fold_of(read_folds(folds), pd.Categorical.from_codes(contigs, genome.chroms), starts, ends)
    for split in ("random", "region"):
        counts = {fold: int(np.sum(table[split] == fold)) for fold in (corpus.TRAIN, corpus.TEST)}
        if min(counts.values()) == 0:
            raise InputError(
                f"split {split} has {counts['train']} training and {counts['test']} test windows; make `folds.block` and "
                f"`folds.gap` smaller against the genome, or `corpus.longest` shorter"
            )
    write_table(windows, table)


if __name__ == "__main__":
    main(make_windows)
