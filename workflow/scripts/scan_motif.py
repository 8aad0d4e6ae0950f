"""Find the matches of a motif on both strands of the genome."""

from typing import Annotated

from typer import Option

from grover.annotation.meme import read_matrix
from grover.annotation.motifs import scan
from grover.genome.assembly import Genome
from grover.runtime.cli import Input, Output, main
from grover.runtime.files import write_table


def scan_motif(
    sequence: Input,
    segments: Input,
    motifs: Input,
    output: Output,
    motif: Annotated[str, Option(help="identifier or name of the motif in --motifs, such as MA0139.1 or CTCF")],
    threshold: Annotated[float, Option(help="matches have a p-value below this")],
) -> None:
    """Write the table of matches: chrom, start, end, strand, score (bits), pvalue; one a place."""
    matrix = read_matrix(motifs, motif)
    hits = scan(Genome(sequence, segments), matrix, threshold)
    # Parquet carries the two into the card of the dataset.
    hits.attrs = {"motif": motif, "threshold": threshold}
    write_table(output, hits)


if __name__ == "__main__":
    main(scan_motif)
