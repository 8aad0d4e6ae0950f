"""Token frequencies of the user's sequences, with which every base probability of a model is compared."""

from itertools import pairwise
from pathlib import Path

import numpy as np

from grover.genome.assembly import Genome
from grover.genome.encoding import codes_of
from grover.genome.fasta import read_contigs
from grover.tokenization.vocabulary import Vocabulary

MOST, STRETCHES = 1 << 24, 64  # bases that are counted at most, and stretches of a larger genome


def counts_in_genome(genome: Genome, vocabulary: Vocabulary, most: int = MOST) -> np.ndarray:
    """Count the tokens of a genome, int64 [tokens]; of one with more than `most` bases in 64 stretches at equal distances."""
    number = len(genome.codes)
    if number <= most:
        edges = genome.bounds
        stretches = [genome.codes[start:end] for start, end in pairwise(edges)]
    else:
        starts = np.linspace(0, number - most // STRETCHES, STRETCHES).astype(np.int64)
        stretches = [genome.codes[start : start + most // STRETCHES] for start in starts]
    return _count(stretches, vocabulary)


def counts_in_fasta(path: Path, vocabulary: Vocabulary, most: int = MOST) -> np.ndarray:
    """Count the tokens of the sequences of a FASTA, int64 [tokens], up to the first that goes beyond `most` bases."""
    counts, bases = np.zeros(vocabulary.size, np.int64), 0
    for name, sequence in read_contigs(path):
        codes = codes_of(f"{path}: sequence {name}", sequence)[: most - bases]
        counts += _count([codes], vocabulary)
        bases += len(codes)
        if bases >= most:
            break
    return counts


def _count(stretches: list[np.ndarray], vocabulary: Vocabulary) -> np.ndarray:
    counts = np.zeros(vocabulary.size, np.int64)
    for codes in stretches:
        known = vocabulary.encode(np.asarray(codes)) if len(codes) else np.zeros(0, np.uint16)
        counts += np.bincount(known, minlength=vocabulary.size)
    return counts
