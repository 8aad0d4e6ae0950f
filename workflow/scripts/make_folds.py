"""Deal the assembly into folds, once for all stages."""

import csv
from pathlib import Path
from typing import Annotated

from typer import Option

from grover.config.options import Seed
from grover.config.sections import genome as config
from grover.genome.assembly import Genome, read_segments
from grover.genome.contig_table import read_contig_table
from grover.genome.copies import keep_in_one_fold
from grover.genome.folds import block_folds, close_circles, contig_folds
from grover.runtime.cli import READ, Input, Output, main
from grover.runtime.errors import InputError
from grover.runtime.files import atomic


def make_folds(
    segments: Input,
    contigs: Input,
    output: Output,
    folds: config.Folds,
    seed: Seed,
    sequence: Annotated[
        Path | None, READ, Option(help="encoded genome, in which copies are looked for", exists=True)
    ] = None,
) -> None:
    """Write BED4 with train, valid, test or gap over all contigs that have segments."""
    kept = read_segments(segments)
    known = read_contig_table(contigs)
    lengths = {chrom: known.lengths[chrom] for chrom in kept["chrom"].unique()}
    valid, test = folds.valid, folds.test
    if folds.method == "contigs" and isinstance(valid, list) and isinstance(test, list):
        table = contig_folds(lengths, known.names().of(valid), known.names().of(test))
    elif folds.method == "blocks" and isinstance(valid, float) and isinstance(test, float):
        table = block_folds(kept, lengths, folds.block, folds.gap, valid, test, seed)
    else:
        needed = "one share above 0 and at most 0.5" if folds.method == "blocks" else "names of contigs"
        given = " and ".join(" ".join(fold) if isinstance(fold, list) else str(fold) for fold in (valid, test))
        raise InputError(f"--method {folds.method}: --valid and --test need {needed}, not {given}")
    table = close_circles(table, known.names().of(folds.circular), folds.gap)
    if folds.copies:
        if sequence is None:
            raise InputError("--copies needs the sequence in which copies are looked for; give --sequence sequence.npy")
        table, removed = keep_in_one_fold(table, Genome(sequence, segments), folds.copies)
        for fold, bases in removed.items():
            print(f"fold {fold}: {bases:,} bases left it, since another fold has copies of them", flush=True)
    with atomic(output) as temporary:
        table.to_csv(temporary, sep="\t", header=False, index=False, quoting=csv.QUOTE_NONE)


if __name__ == "__main__":
    main(make_folds)
