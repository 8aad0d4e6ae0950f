"""What counts of fold train say of a sequence: frequencies of tokens and of k-mers, without a model."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from grover.atlas.null_genomes import markov_counts
from grover.genome.assembly import Genome
from grover.tokenization.genome_tokens import TokenisedGenome
from grover.tokenization.vocabulary import FIRST_BASE

ORDERS = (1, 5)  # of the Markov chains
PIECE = 1 << 24  # tokens that are counted at a time


@dataclass(frozen=True)
class TrainCounts:
    """Logarithms (natural) of frequencies in fold train, each with a pseudocount of 1.

    tokens: float64 [vocabulary], of the tokens; 0 for specials. chains: by order m, float64 [4 ** (m + 1)], of the last base of each
    k-mer of m + 1 bases given the others, both strands counted. trinucleotides: float64 [64], both strands counted.
    """

    tokens: np.ndarray
    chains: dict[int, np.ndarray]
    trinucleotides: np.ndarray


def count_train(genome: Genome, tokenised: TokenisedGenome, folds: pd.DataFrame) -> TrainCounts:
    """Count the tokens and k-mers of fold train. folds: chrom, start, end, fold."""
    starts, ends = genome.places(folds[folds["fold"] == "train"])
    kmers = {size: np.zeros(4**size, np.int64) for size in (3, *(order + 1 for order in ORDERS))}
    for start, end in zip(starts, ends, strict=True):
        within = genome.bounds[(genome.bounds > start) & (genome.bounds < end)]
        edges = np.concatenate([[start], within, [end]])
        for size, counts in kmers.items():
            counts += markov_counts(genome.codes, edges, size - 1)
    both = {size: counts + counts[_opposite(size)] + 1.0 for size, counts in kmers.items()}
    chains = {order: _log_chances(both[order + 1]) for order in ORDERS}
    return TrainCounts(_log_tokens(tokenised, starts, ends), chains, np.log(both[3] / both[3].sum()))


def _log_tokens(tokenised: TokenisedGenome, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    counts = np.ones(tokenised.vocabulary.size)
    for first, last in zip(tokenised.tokens_at(starts), tokenised.tokens_at(ends), strict=True):
        for begin in range(first, last, PIECE):
            ids = tokenised.tokens[begin : min(begin + PIECE, last)]
            counts += np.bincount(ids, minlength=counts.size)
    counts[:FIRST_BASE] = 0
    frequency = np.where(counts > 0, counts / counts.sum(), 1.0)
    return np.log(frequency)


def _log_chances(counts: np.ndarray) -> np.ndarray:
    rows = counts.reshape(-1, 4)
    return np.log(rows / rows.sum(axis=1, keepdims=True)).ravel()


def _opposite(size: int) -> np.ndarray:
    """Index of the reverse complement of each k-mer, whose index is its bases as digits of base four."""
    kmers = np.arange(4**size)
    opposite = np.zeros_like(kmers)
    for place in range(size):
        opposite += (3 - (kmers >> 2 * place & 3)) << 2 * (size - 1 - place)
    return opposite
