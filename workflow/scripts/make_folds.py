"""Deal the assembly into folds, once for all stages."""

from typing import Annotated

from typer import Option

from grover.genome.assembly import read_lengths, read_segments
from grover.genome.folds import block_folds, contig_folds
from grover.runtime.cli import Input, Output, main
from grover.runtime.errors import InputError
from grover.runtime.files import atomic


def make_folds(
    segments: Input,
    contigs: Input,
    output: Output,
    valid: Annotated[list[str], Option(help="share of the bases, or (method contigs) a contig; repeat for each")],
    test: Annotated[list[str], Option(help="share of the bases, or (method contigs) a contig; repeat for each")],
    method: Annotated[str, Option(help="blocks: hold out blocks of every contig; contigs: whole contigs")] = "blocks",
    block: Annotated[int, Option(help="length of a block, bases")] = 1_000_000,
    gap: Annotated[int, Option(help="bases left out between blocks of different folds")] = 10_000,
    seed: Annotated[int, Option(help="seed of the dealing")] = 1,
):
    """Write BED4 with train, valid, test or gap over all contigs that have segments."""
    kept = read_segments(segments)
    known = read_lengths(contigs)
    lengths = {chrom: known[chrom] for chrom in kept["chrom"].unique()}
    if method == "contigs":
        folds = contig_folds(lengths, valid, test)
    elif method == "blocks":
        folds = block_folds(kept, lengths, block, gap, _share("valid", valid), _share("test", test), seed)
    else:
        raise InputError(f"method {method!r} is unknown; use blocks or contigs")
    with atomic(output) as temporary:
        folds.to_csv(temporary, sep="\t", header=False, index=False)


def _share(fold: str, values: list[str]) -> float:
    try:
        (value,) = values
        return float(value)
    except ValueError:
        raise InputError(f"{fold} is {', '.join(values)!r}; method blocks needs one share such as 0.1") from None


if __name__ == "__main__":
    main(make_folds)
