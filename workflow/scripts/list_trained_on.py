"""List the sequence that a model is pretrained on."""

from typing import Annotated

import pandas as pd

from grover.benchmarks.leakage import training_intervals
from grover.config.sections.genome import Corpus
from grover.genome.assembly import Genome
from grover.pretraining.trained_on import with_checksums
from grover.runtime.cli import Input, Output, main
from grover.runtime.files import atomic
from grover.runtime.settings import Setting
from grover.tokenization.genome_tokens import TokenisedGenome
from grover.tokenization.vocabulary import Vocabulary


def list_trained_on(
    windows: Input,
    sequence: Input,
    segments: Input,
    tokenizer: Input,
    tokens: Input,
    index: Input,
    output: Output,
    split: Annotated[str, Setting(Corpus, "split")],
) -> None:
    """Write the union of the training windows as BED, in coordinates of the assembly.

    Training windows are those whose fold in column `split` is train. Each interval has a checksum of its bases.
    """
    tokenised, genome = TokenisedGenome(tokens, index, Vocabulary.load(tokenizer.parent)), Genome(sequence, segments)
    laid = pd.read_parquet(windows, columns=["first", "length", split])
    found = with_checksums(training_intervals(laid, split, tokenised, genome), genome)
    with atomic(output) as temporary:
        found.to_csv(temporary, sep="\t", header=False, index=False)


if __name__ == "__main__":
    main(list_trained_on)
