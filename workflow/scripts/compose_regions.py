"""Composition of regions: means of word2vec vectors, and k-mers."""

import numpy as np
import pandas as pd

from grover.config.sections.embeddings import Composition
from grover.embeddings.composition import compose
from grover.embeddings.region_table import Places, places_of_table
from grover.embeddings.vectors import Writer
from grover.genome.assembly import Genome
from grover.runtime.cli import Input, Output, main
from grover.runtime.files import checksum, folder
from grover.tokenization.genome_tokens import TokenisedGenome
from grover.tokenization.vocabulary import Vocabulary


def compose_regions(
    regions: Input,
    word2vec: Input,
    tokens: Input,
    index: Input,
    vocabulary: Input,
    sequence: Input,
    segments: Input,
    output: Output,
    composition: Composition,
) -> None:
    """Write two columns of a file of embeddings.

    `word2vec` is the mean of the word2vec vectors of each region's tokens; `kmers` are the frequencies of its k-mers. VOCABULARY is a
    folder with a tokenizer.json, or a file in it."""
    genome, table = Genome(sequence, segments), pd.read_parquet(regions)
    tokenised = TokenisedGenome(tokens, index, Vocabulary.load(folder(vocabulary)))
    vectors = np.load(word2vec)
    places = Places.of(*places_of_table(table, genome, regions), tokenised, genome)
    numbered = table.reset_index(names="region")[["region", "chrom", "start", "end"]]
    numbered["tokens"] = (places.last - places.first).astype(np.int32)
    metadata = {
        "name": "composition",
        "model": checksum(word2vec),
        "initial": "counted",
        "layers": [],
        "hidden": vectors.shape[1],
        "shard": 0,
        "shards": 1,
        "regions": checksum(regions),
    }
    written = 0
    with Writer(output, metadata) as writer:
        for block in compose(places, genome.codes, tokenised.tokens, vectors, composition.kmers):
            rows = numbered.iloc[written : written + len(block["kmers"])]
            writer.write({name: rows[name].to_numpy() for name in rows} | block)
            written += len(rows)


if __name__ == "__main__":
    main(compose_regions)
