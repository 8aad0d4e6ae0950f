"""Read the variants of a VCF, one row per alternative allele, against the assembly."""

from typing import Annotated, Literal

from typer import Option

from grover.config.options import Seed
from grover.config.sections.interpretation import VariantLabels, VariantReading
from grover.genome.assembly import Genome
from grover.genome.contig_table import read_contig_table
from grover.genome.folds import read_folds
from grover.interpretation.variant_samples import sample_records
from grover.interpretation.variant_tables import write_blocks
from grover.interpretation.vcf import Variants
from grover.runtime.cli import Input, Output, main
from grover.runtime.files import write_json
from grover.runtime.settings import Setting


def read_variants(
    variants: Input,
    sequence: Input,
    segments: Input,
    contigs: Input,
    folds: Input,
    table: Output,
    counts: Output,
    reading: VariantReading,
    effect_field: Annotated[str, Setting(VariantLabels, "effect_field")],
    seed: Seed,
    rename: Annotated[
        Literal["", "add-chr", "strip-chr"], Option(help="how contig names of the variants are mapped")
    ] = "",
) -> None:
    """Write TABLE, the alleles trimmed and moved to the left, each with a status that says why it has no score, and COUNTS (JSON).

    REF is checked against the assembly. Of a file with more records than the maximum those of fold test are taken first, then
    others, drawn at random. A table whose header has
    chrom, pos, ref and alt is read as well.
    """
    genome, known = Genome(sequence, segments), read_contig_table(contigs)
    read = Variants(variants, genome, known.lengths, known.names(rename), effect_field)
    write_blocks(table, sample_records(read, reading.maximum_variants, seed, read_folds(folds)))
    write_json(
        counts,
        {
            "records": read.records,
            "beyond_maximum": max(0, read.records - reading.maximum_variants),
            "alleles": dict(read.counts),
        },
    )


if __name__ == "__main__":
    main(read_variants)
