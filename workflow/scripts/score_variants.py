"""Score variants by the masked likelihood of the alternative against the reference allele."""

from typing import Annotated, Literal

from typer import Option

from grover.config.options import Device, Precision, Seed
from grover.config.sections.interpretation import VariantScoring
from grover.genome.assembly import Genome
from grover.genome.contig_table import read_contig_table
from grover.interpretation.variants import score, separation
from grover.interpretation.vcf import Variants, sample_variants
from grover.network.bert import load_language_model
from grover.network.device import choose_device
from grover.runtime.cli import Input, Output, main
from grover.runtime.files import folder, write_json, write_table
from grover.runtime.options import Threads
from grover.tokenization.vocabulary import Vocabulary


def score_variants(
    model: Input,
    variants: Input,
    sequence: Input,
    segments: Input,
    contigs: Input,
    table: Output,
    summary: Output,
    scoring: VariantScoring,
    seed: Seed,
    device: Device,
    precision: Precision,
    rename: Annotated[
        Literal["", "add-chr", "strip-chr"], Option(help="how contig names of the variants are mapped")
    ] = "",
    threads: Threads = 0,
) -> None:
    """Write TABLE (chrom, pos, id, ref, alt, score, effect) and SUMMARY (JSON: counts, and where effects are known how
    well the score separates them). REF is checked against the assembly. How alleles with different tokens are compared
    says grover/interpretation/variants.py.
    """
    place = choose_device(device, threads)
    genome, vocabulary = Genome(sequence, segments), Vocabulary.load(folder(model))
    known = read_contig_table(contigs)
    read = Variants(variants, genome, known.lengths, known.names(rename))
    rows, number = sample_variants(read, scoring.maximum_variants, seed)
    left_out = read.left_out | {"beyond the maximum": number - len(rows)}
    rows = rows.assign(
        score=score(rows, load_language_model(folder(model)), vocabulary, genome, scoring, place, precision)
    )
    left_out["longer than the model"] = int(rows["score"].isna().sum())
    rows = rows.dropna(subset=["score"])
    write_table(table, rows[["chrom", "pos", "id", "ref", "alt", "score", "effect"]])
    write_json(
        summary, {**separation(rows["score"].to_numpy(), rows["effect"].to_numpy(), seed=seed), "left_out": left_out}
    )


if __name__ == "__main__":
    main(score_variants)
