"""Make one vocabulary: the first byte-pair merges, all words of k letters, or single letters."""

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from typer import Option

from grover.cli import Input, Output, main
from grover.files import write_table
from grover.vocabulary import Vocabulary


def build_vocabulary(
    merges: Input,
    tokenizer: Output,
    ranks: Annotated[Path, Option(help="file to write: the merges of this vocabulary, none for words")],
    name: Annotated[str, Option(help="bpe-CYCLES, kmer-K or char")] = "bpe-600",
):
    """Write `tokenizer.json` and `tokenizer_config.json` into the folder of --tokenizer, and the merges to --ranks."""
    table = pd.read_csv(merges, sep="\t", keep_default_na=False)
    kind, _, number = name.partition("-")
    if kind == "bpe":
        table = table.head(int(number))
        ids = {text: token for token, text in enumerate([*"ACGT", *table.token])}
        pairs = np.array([[ids[left], ids[right]] for left, right in zip(table.left, table.right, strict=True)])
        vocabulary = Vocabulary.from_merges(name, pairs)
    else:
        table = table.head(0)
        vocabulary = Vocabulary.from_kmers(name, int(number) if kind == "kmer" else 1)
    vocabulary.save(tokenizer.parent)
    write_table(ranks, table)


if __name__ == "__main__":
    main(build_vocabulary)
