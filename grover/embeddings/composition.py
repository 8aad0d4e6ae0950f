"""What embeddings have to be better than: of each region the mean of its tokens' word2vec vectors and the frequencies of its k-mers.

Neither knows the order of tokens, nor of k-mers, so that what a model knows beyond them is knowledge of context.
"""

from collections.abc import Iterator

import numpy as np
from numba import njit

from grover.runtime.errors import InputError

REGIONS_AT_ONCE = 2048
LETTERS = 4
LONGEST = 6  # letters of a k-mer, 4,096 columns


def compose(
    left: np.ndarray,
    right: np.ndarray,
    first: np.ndarray,
    last: np.ndarray,
    codes: np.ndarray,
    tokens: np.ndarray,
    word2vec: np.ndarray,
    k: int = 4,
) -> Iterator[dict[str, np.ndarray]]:
    """Composition of regions, a block of them at a time: `word2vec`, float32 [regions, width], and `kmers`, float32 [regions, 4^k].

    left, right: places of the regions in `codes`; first, last: their tokens, as `grover.embeddings.region_table.token_ranges`
    gives them; codes, tokens: of the genome, may be memory-mapped; word2vec: float32 [ids, width].
    """
    for begin in range(0, len(left), REGIONS_AT_ONCE):
        rows = slice(begin, begin + REGIONS_AT_ONCE)
        yield {
            "word2vec": mean_vectors(tokens, first[rows], last[rows], word2vec),
            "kmers": kmer_frequencies(codes, left[rows], right[rows], k),
        }


def mean_vectors(tokens: np.ndarray, first: np.ndarray, last: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Mean of the vectors of each region's tokens, float32 [regions, width].

    A token without a vector, which has a row of zeros, does not count; where none has one the mean is 0.
    Raises InputError where `vectors` has no row for a token.
    """
    counts = np.zeros((len(first), len(vectors)), np.float32)
    highest = _count_tokens(tokens, first, last, counts)
    if highest >= len(vectors):
        raise InputError(
            f"the word2vec vectors are of {len(vectors):,} tokens, but the genome holds token {highest:,}; train them on the tokens of "
            "the same vocabulary"
        )
    counts *= vectors.any(1)
    counts /= np.maximum(counts.sum(1, keepdims=True), 1)
    return counts @ np.asarray(vectors, np.float32)


def kmer_frequencies(codes: np.ndarray, left: np.ndarray, right: np.ndarray, k: int = 4) -> np.ndarray:
    """Frequencies of all words of k letters within each region, float32 [regions, 4^k], words in alphabetical order.

    codes: of a genome (0 to 3); left, right: places of the regions in it. A region shorter than k has zeros.
    """
    if not 1 <= k <= LONGEST:
        raise InputError(f"k-mers of {k} letters: give 1 to {LONGEST}")
    counts = np.zeros((len(left), LETTERS**k), np.float32)
    _count_words(codes, left, right, k, counts)
    return counts / np.maximum(counts.sum(1, keepdims=True), 1)


@njit(cache=True)
def _count_tokens(tokens, first, last, counts):
    highest = 0
    for region in range(first.size):
        for i in range(first[region], last[region]):
            token = np.int64(tokens[i])
            highest = max(highest, token)
            if token < counts.shape[1]:
                counts[region, token] += 1
    return highest


@njit(cache=True)
def _count_words(codes, left, right, k, counts):
    last_letters = counts.shape[1] - 1
    for region in range(left.size):
        word = 0
        for i in range(left[region], right[region]):
            word = (word << 2 | np.int64(codes[i])) & last_letters
            if i >= left[region] + k - 1:
                counts[region, word] += 1
