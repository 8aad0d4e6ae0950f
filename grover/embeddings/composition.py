"""Baselines of embeddings: for each region, the mean of the word2vec vectors of its tokens and the frequencies of its k-mers.

Neither depends on the order of tokens or k-mers, so that what a model adds to them is context.
"""

from collections.abc import Iterator

import numpy as np
from numba import njit

from grover.embeddings.region_table import Places
from grover.runtime.errors import InputError

REGIONS_AT_ONCE = 2048
BASES = 4


def compose(
    places: Places, codes: np.ndarray, tokens: np.ndarray, word2vec: np.ndarray, k: int
) -> Iterator[dict[str, np.ndarray]]:
    """Yield the composition of blocks of regions: `word2vec`, float32 [regions, dimension], and `kmers`, float32 [regions, 4^k].

    codes, tokens: of the genome, may be memory-mapped; word2vec: float32 [ids, dimension].
    """
    for begin in range(0, len(places.left), REGIONS_AT_ONCE):
        rows = slice(begin, begin + REGIONS_AT_ONCE)
        yield {
            "word2vec": mean_vectors(tokens, places.first[rows], places.last[rows], word2vec),
            "kmers": kmer_frequencies(codes, places.left[rows], places.right[rows], k),
        }


def mean_vectors(tokens: np.ndarray, first: np.ndarray, last: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Average the vectors of the tokens of each region, float32 [regions, dimension].

    A token without a vector has a row of zeros and does not count. Without any vector the mean is 0.
    Raises InputError where `vectors` has no row for a token.
    """
    counts = np.zeros((len(first), len(vectors)), np.float32)
    highest = _count_tokens(tokens, first, last, counts)
    if highest >= len(vectors):
        raise InputError(
            f"the word2vec vectors are of {len(vectors):,} tokens, but the genome contains token {highest:,}; train them on the tokens "
            "of the same vocabulary"
        )
    counts *= vectors.any(1)
    counts /= np.maximum(counts.sum(1, keepdims=True), 1)
    return counts @ np.asarray(vectors, np.float32)


def kmer_frequencies(codes: np.ndarray, left: np.ndarray, right: np.ndarray, k: int) -> np.ndarray:
    """Compute the frequencies of all k-mers within each region, float32 [regions, 4^k], in alphabetical order.

    codes: of a genome (0 to 3); left, right: places of the regions in it. A region shorter than k has zeros.
    """
    counts = np.zeros((len(left), BASES**k), np.float32)
    _count_kmers(codes, left, right, k, counts)
    return counts / np.maximum(counts.sum(1, keepdims=True), 1)


@njit(cache=True)
def _count_tokens(tokens: np.ndarray, first: np.ndarray, last: np.ndarray, counts: np.ndarray) -> np.int64:
    """Add the tokens of each region to `counts` [regions, ids]; return the highest id."""
    highest = np.int64(0)
    for region in range(first.size):
        for i in range(first[region], last[region]):
            token = np.int64(tokens[i])
            highest = max(highest, token)
            if token < counts.shape[1]:
                counts[region, token] += 1
    return highest


@njit(cache=True)
def _count_kmers(codes: np.ndarray, left: np.ndarray, right: np.ndarray, k: int, counts: np.ndarray) -> None:
    last_bases = counts.shape[1] - 1
    for region in range(left.size):
        kmer = 0
        for i in range(left[region], right[region]):
            kmer = (kmer << 2 | np.int64(codes[i])) & last_bases
            if i >= left[region] + k - 1:
                counts[region, kmer] += 1
