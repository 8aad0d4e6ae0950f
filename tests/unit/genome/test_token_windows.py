"""Windows of tokens in the assembly, against bases counted one by one."""

import numpy as np
import pandas as pd

from grover.genome.token_windows import places_of
from grover.intervals.overlaps import merge
from grover.tokenization.genome_tokens import TokenisedGenome, tokenise
from grover.tokenization.vocabulary import Vocabulary
from tests.fakes.assembly import assembly, random_bases


def test_the_union_of_the_windows_covers_the_bases_of_their_tokens(tmp_path):
    genome = assembly(
        tmp_path / "genome",
        [("a", 100, random_bases(1, 90)), ("a", 300, random_bases(2, 61)), ("b", 0, random_bases(3, 75))],
    )
    for vocabulary in (Vocabulary.from_kmers("kmer-4", 4), Vocabulary.from_overlapping_kmers("overlap-4", 4)):
        tokenise(genome.codes, genome.bounds, vocabulary, tmp_path / "tokens.npy", tmp_path / "index.npy")
        tokenised = TokenisedGenome(tmp_path / "tokens.npy", tmp_path / "index.npy", vocabulary)
        edges = tokenised.tokens_at(genome.bounds)
        rng = np.random.default_rng(0)
        segment = rng.integers(0, 3, 8)
        first = rng.integers(edges[segment], edges[segment + 1] - 5)
        windows = pd.DataFrame({"first": first, "length": rng.integers(1, 6, 8)})
        found = merge(places_of(windows, genome, tokenised))

        covered = set()
        for start, length in windows.itertuples(index=False):
            for token in range(start, start + length):
                base = int(tokenised.bases_at([token])[0])
                for place in range(base, base + int(vocabulary.spans[tokenised.tokens[token]])):
                    contig, coordinate = genome.locate(np.array([place]))
                    covered.add((genome.chroms[contig[0]], int(coordinate[0])))
        listed = [(row.chrom, base) for row in found.itertuples() for base in range(row.start, row.end)]
        assert set(listed) == covered and len(listed) == len(covered)
