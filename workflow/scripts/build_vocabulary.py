"""Make one vocabulary: the first byte-pair merges, all k-mers, single bases, or byte pairs from outside."""

import re
from pathlib import Path
from typing import Annotated

import pandas as pd
from typer import Option

from grover.config.names import VOCABULARY
from grover.config.sections.genome import MergeTraining
from grover.runtime.cli import READ, WRITTEN, Output, main
from grover.runtime.errors import InputError
from grover.runtime.files import write_table
from grover.runtime.settings import Setting
from grover.tokenization.bpe import BOTH
from grover.tokenization.merges import COLUMNS, check_closed, read_merges
from grover.tokenization.vocabulary import Vocabulary


def build_vocabulary(
    tokenizer: Output,
    name: Annotated[str, Option(help="bpe-CYCLES, kmer-K, overlap-K, char, or any name with --outside")],
    strands: Annotated[str, Setting(MergeTraining, "strands")],
    ranks: Annotated[Path, WRITTEN, Option(help="the rows of --merges that the vocabulary is made of, if any")],
    merges: Annotated[
        Path | None, READ, Option(help="the byte-pair merges that bpe-CYCLES is made of", exists=True)
    ] = None,
    outside: Annotated[
        Path | None,
        READ,
        Option(help="byte-pair tokenizer.json that cuts sequence in the same way", exists=True),
    ] = None,
) -> None:
    """Write `tokenizer.json` and `tokenizer_config.json` into the folder of --tokenizer, and the merges to --ranks.

    With strands `both` byte pairs must be closed under reverse complement.
    """
    if outside is None and not re.fullmatch(VOCABULARY, name):
        raise InputError(f"--name {name}: bpe-CYCLES, kmer-1 to kmer-7, overlap-3 to overlap-6 or char was expected")
    kind, _, number = name.partition("-")
    table = pd.DataFrame(columns=COLUMNS)
    if outside is not None:
        vocabulary = Vocabulary.from_outside(name, outside)
    elif kind == "bpe":
        if merges is None:
            raise InputError(f"--name {name}: its merges are lacking; name their file with --merges")
        table, pairs = read_merges(merges, int(number))
        if strands == BOTH:
            check_closed(name, list(table["token"]))
        vocabulary = Vocabulary.from_merges(name, pairs)
    elif kind == "overlap":
        vocabulary = Vocabulary.from_overlapping_kmers(name, int(number))
    else:
        vocabulary = Vocabulary.from_kmers(name, int(number) if kind == "kmer" else 1)
    vocabulary.save(tokenizer.parent)
    write_table(ranks, table)


if __name__ == "__main__":
    main(build_vocabulary)
