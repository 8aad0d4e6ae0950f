"""Null genomes: random sequence that has the bases, dinucleotides or longer k-mers of a genome, and nothing else of it.

A Markov chain of order m draws each base by the m bases before it. A vocabulary that is learnt from such a genome shows what
these k-mers alone explain.
"""

import numpy as np
from numba import njit

from grover.runtime.files import release

BLOCK = 1 << 20  # bases drawn at a time


def markov_counts(codes: np.ndarray, bounds: np.ndarray, order: int) -> np.ndarray:
    """How often each k-mer of `order` + 1 bases occurs, int64 [4 ** (order + 1)], at every position; none crosses a segment.

    codes: uint8, 0..3, may be memory-mapped; bounds: int64, first base of each segment and the end of the last. A k-mer's index is
    its bases read as digits of base four, the first the most significant.
    """
    counts = np.zeros(4 ** (order + 1), np.int64)
    for start, end in zip(bounds[:-1], bounds[1:], strict=True):
        _count_kmers(codes[start:end], order + 1, counts)
        release(codes)
    return counts


def simulate(counts: np.ndarray, order: int, lengths: np.ndarray, seed: int) -> np.ndarray:
    """Codes, uint8, of segments of the given lengths, end to end, each drawn on its own from a Markov chain.

    counts: as `markov_counts` returns them. A segment begins with a k-mer of `order` bases, drawn by its frequency. Behind a k-mer
    that was never followed by anything the chain of the next lower order draws, at last all bases alike.
    """
    rng = np.random.default_rng([seed, order])
    lengths = np.asarray(lengths, np.int64)
    # a base is the number of thresholds that a random number of 32 bits reaches
    thresholds = np.rint(_chances(counts, order).cumsum(1)[:, :3] * 2**32).astype(np.int64)
    contexts = counts.reshape(-1, 4).sum(1)
    chances = contexts / contexts.sum() if contexts.sum() else np.full(contexts.size, 1 / contexts.size)
    codes = np.empty(lengths.sum(), np.uint8)
    position = 0
    for length, context in zip(lengths, rng.choice(contexts.size, lengths.size, p=chances), strict=True):
        segment = codes[position : position + length]
        first = min(order, length)
        segment[:first] = [context >> 2 * (order - 1 - i) & 3 for i in range(first)]
        for start in range(first, length, BLOCK):
            block = segment[start : start + BLOCK]
            context = _walk(block, rng.integers(0, 2**32, block.size, np.uint32), thresholds, context)
        position += length
    return codes


def _chances(counts: np.ndarray, order: int) -> np.ndarray:
    """Chance of each base behind each k-mer of `order` bases: float64 [4 ** order, 4]."""
    rows = counts.reshape(-1, 4)
    seen = rows.sum(1, keepdims=True)
    # without its first base a k-mer is one of the next lower order
    lower = np.tile(_chances(counts.reshape(4, -1).sum(0), order - 1), (4, 1)) if order else np.full((1, 4), 0.25)
    return np.where(seen > 0, rows / np.maximum(seen, 1), lower)


@njit(cache=True, nogil=True)
def _count_kmers(codes: np.ndarray, length: int, counts: np.ndarray) -> None:
    mask = np.int64(counts.size - 1)
    kmer = np.int64(0)
    for i in range(codes.size):
        kmer = (kmer << 2 | codes[i]) & mask
        if i >= length - 1:
            counts[kmer] += 1


@njit(cache=True, nogil=True)
def _walk(codes: np.ndarray, draws: np.ndarray, thresholds: np.ndarray, context: int) -> int:
    """Draw the bases of one block, behind the k-mer `context`; the k-mer at its end."""
    mask = thresholds.shape[0] - 1
    for i in range(codes.size):
        draw = np.int64(draws[i])
        base = np.int64(draw >= thresholds[context, 0])
        base += draw >= thresholds[context, 1]
        base += draw >= thresholds[context, 2]
        codes[i] = base
        context = (context << 2 | base) & mask
    return context
