"""Lay the pretraining windows over the tokenised genome."""

import numpy as np

from grover.config.options import Seed
from grover.config.sections import genome as config
from grover.genome.assembly import Genome
from grover.genome.folds import fold_of, read_folds
from grover.genome.token_windows import places_of
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
    cutting: config.Windows,
    seed: Seed,
) -> None:
    """Write the table of windows with both splits, `random` and `region`."""
    genome = Genome(sequence, segments)
    tokenised = TokenisedGenome(tokens, index, Vocabulary.load(tokenizer.parent))
    bounds = tokenised.tokens_at(genome.bounds)
    table = corpus.lay_windows(bounds, cutting.shortest, cutting.longest, cutting.passes, seed)
    table["random"] = corpus.random_split(len(table), cutting.test_share, seed)
    places = places_of(table, genome, tokenised)
    starts, ends = (places[name].to_numpy() for name in ("start", "end"))
    table["region"] = fold_of(read_folds(folds), places["chrom"], starts, ends)
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
