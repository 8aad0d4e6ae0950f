"""Encode the assembly: N-free segments end to end, and what was kept of each contig."""

from pathlib import Path
from typing import Annotated

from typer import Option

from grover.config.sections.genome import Extraction
from grover.genome import encoding
from grover.genome.fasta import read_contigs
from grover.runtime.cli import READ, Input, Output, main
from grover.runtime.progress import Progress


def encode_genome(
    fasta: Input,
    sequence: Output,
    segments: Output,
    softmask: Output,
    contigs: Output,
    extraction: Extraction,
    regions: Annotated[Path | None, READ, Option(help="BED of the bases to keep", exists=True)] = None,
    regions_rename: Annotated[str, Option(help="map contig names of the BED: add-chr, strip-chr or nothing")] = "",
    sizes: Annotated[
        Path | None, READ, Option(help="contig and length, where the FASTA holds only the start of contigs")
    ] = None,
    aliases: Annotated[
        Path | None, READ, Option(help="other names of contigs: chromAlias table of UCSC, assembly report of NCBI")
    ] = None,
) -> None:
    """Split FASTA (plain, gzip, bgzip) or 2bit at every run of non-ACGT, one contig at a time."""
    with Progress(fasta.stat().st_size, "encode genome", "bytes") as bar:
        table = encoding.encode_genome(
            read_contigs(fasta, bar.update),
            encoding.GenomeFiles(sequence, segments, softmask, contigs),
            extraction,
            side=encoding.SideFiles(regions, regions_rename, sizes, aliases, fasta),
        )
    chosen = table[table["segments"] > 0]
    print(f"{chosen['kept'].sum():,} bases in {chosen['segments'].sum():,} segments of {len(chosen):,} contigs")


if __name__ == "__main__":
    main(encode_genome)
