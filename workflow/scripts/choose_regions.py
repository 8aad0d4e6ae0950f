"""Choose the regions of the genome that models embed."""

from pathlib import Path
from typing import Annotated

from typer import Option

from grover.config.options import Seed
from grover.config.sections import embeddings as config
from grover.embeddings.region_table import (
    core_length,
    describe_regions,
    places_of_bed,
    places_of_tokens,
    sample_regions,
)
from grover.genome.assembly import Genome
from grover.genome.contig_table import read_contig_table
from grover.genome.folds import read_folds
from grover.runtime.cli import READ, Input, Output, main
from grover.runtime.files import folder, write_table
from grover.tokenization.genome_tokens import TokenisedGenome
from grover.tokenization.vocabulary import Vocabulary


def choose_regions(
    tokens: Input,
    index: Input,
    vocabulary: Input,
    sequence: Input,
    segments: Input,
    contigs: Input,
    folds: Input,
    output: Output,
    windows: config.WindowTokens,
    margins: config.WindowContext,
    number: config.Regions,
    seed: Seed,
    bed: Annotated[
        Path | None, READ, Option(help="the intervals to embed instead of windows of the genome", exists=True)
    ] = None,
    rename: Annotated[str, Option(help="map contig names of the BED file: add-chr, strip-chr or nothing")] = "",
) -> None:
    """Write the table of regions: chrom, start, end, gc, fold. They are what windows of the tokenised genome hold between their
    contexts, or all intervals of a BED file that lie in the genome. VOCABULARY is the folder of the tokens, or the tokenizer.json in it."""
    genome = Genome(sequence, segments)
    tokenised = TokenisedGenome(tokens, index, Vocabulary.load(folder(vocabulary)))
    if bed is not None:
        left, right = places_of_bed(bed, genome, read_contig_table(contigs), rename)
    else:
        size = core_length(windows.window_tokens, margins.context)
        firsts = sample_regions(tokenised.tokens_at(genome.bounds), size, number.maximum_regions, seed)
        left, right = places_of_tokens(firsts, size, tokenised)
    write_table(output, describe_regions(left, right, genome, read_folds(folds)))


if __name__ == "__main__":
    main(choose_regions)
