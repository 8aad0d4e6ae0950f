"""The tokenised genome and the way between bases and tokens.

Positions of bases are offsets in the genome's code array (all segments end to end), positions of tokens are offsets in
`tokens.npy`. An anchor is the position and the base of a token. Anchors are stored for every 1,024th token, for the first one of each
segment and for the end of the genome. Other positions follow from the strides of the tokens. Bases of a segment that lie behind its
last token by these strides belong to it: overlapping k-mers begin at every base, and the last one holds k - 1 bases more.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from numba import njit

from grover.runtime.files import ArrayWriter, atomic, write_array
from grover.tokenization.vocabulary import Vocabulary

STRIDE = 1024
AHEAD = 1 << 28  # bases encoded before they are written


def tokenise(
    codes: np.ndarray,
    offsets: np.ndarray,
    vocabulary: Vocabulary,
    tokens_path: Path,
    index_path: Path,
    progress: Callable[[int], None] | None = None,
    threads: int = 1,
) -> np.ndarray:
    """Tokenise every segment and write `tokens.npy` (uint16) and `index.npy` (int64 [anchors, 2]); no token crosses a segment.

    offsets: int64, first base of each segment and the end of the last. threads: segments encoded at a time. progress: called
    with the bases of each segment done. Returns how often each id occurs, int64 [vocabulary size].
    """
    counts = np.zeros(vocabulary.size, np.int64)
    anchors = []
    with atomic(tokens_path) as temporary:
        with ArrayWriter(temporary, "<u2") as stream:
            for start, end, tokens in _encoded(codes, offsets, vocabulary, threads):
                counts += np.bincount(tokens, minlength=vocabulary.size)
                anchors.append(_anchors(tokens, vocabulary.strides, stream.length, start))
                stream.append(tokens)
                if progress is not None:
                    progress(int(end - start))
        anchors.append(np.array([[stream.length, offsets[-1]]]))
        write_array(index_path, np.concatenate(anchors).astype(np.int64))
    return counts


def _encoded(
    codes: np.ndarray, offsets: np.ndarray, vocabulary: Vocabulary, threads: int
) -> Iterator[tuple[int, int, np.ndarray]]:
    """First base, end and tokens of each segment in order; few are encoded ahead, to hold little in memory."""
    with ThreadPoolExecutor(threads) as pool:
        ahead: deque[tuple[int, int, Future[np.ndarray]]] = deque()
        for start, end in zip(offsets[:-1], offsets[1:], strict=True):
            ahead.append((start, end, pool.submit(vocabulary.encode, codes[start:end])))
            while len(ahead) > threads or (ahead and end - ahead[0][0] > AHEAD):
                first, last, tokens = ahead.popleft()
                yield first, last, tokens.result()
        for first, last, tokens in ahead:
            yield first, last, tokens.result()


def token_statistics(vocabulary: Vocabulary, counts: np.ndarray) -> pd.DataFrame:
    """The table id, token, length (bases), count and share of all tokens of the genome."""
    return pd.DataFrame(
        {
            "id": range(vocabulary.size),
            "token": vocabulary.tokens,
            "length": vocabulary.strides,
            "count": counts,
            "share": counts / max(1, counts.sum()),
        }
    )


class TokenisedGenome:
    """A tokenised genome, memory-mapped.

    `tokens`: uint16 memory map of ids; `vocabulary`: the vocabulary they belong to.
    """

    def __init__(self, tokens_path: Path | str, index_path: Path | str, vocabulary: Vocabulary):
        self.tokens = np.load(tokens_path, mmap_mode="r")
        self.anchors = np.load(index_path)
        self.vocabulary = vocabulary

    def bases_at(self, positions: np.ndarray) -> np.ndarray:
        """First base, int64, of each token position; the position behind the last token gives the genome's end."""
        positions = np.minimum(np.atleast_1d(np.asarray(positions, np.int64)), len(self.tokens))
        blocks = np.searchsorted(self.anchors[:, 0], positions, side="right") - 1
        return _bases_at(positions, blocks, self.tokens, self.anchors, self.vocabulary.strides)

    def ends_at(self, positions: np.ndarray) -> np.ndarray:
        """Base, int64, behind the last one that each token holds: where a run of tokens ends that it is the last of. The token after it
        may begin earlier, if k-mers overlap."""
        positions = np.atleast_1d(np.asarray(positions, np.int64))
        return self.bases_at(positions) + self.vocabulary.spans[self.tokens[positions]]

    def tokens_at(self, bases: np.ndarray) -> np.ndarray:
        """Position, int64, of the token that holds each base, of overlapping k-mers the one that begins there; the genome's end gives the
        number of tokens."""
        bases = np.atleast_1d(np.asarray(bases, np.int64))
        blocks = np.searchsorted(self.anchors[:, 1], bases, side="right") - 1
        return _tokens_at(bases, blocks, self.tokens, self.anchors, self.vocabulary.strides)


@njit(cache=True)
def _anchors(tokens: np.ndarray, lengths: np.ndarray, written: int, base: int) -> np.ndarray:
    """Position and base of the first token of a segment and of every 1,024th of the genome, int64 [anchors, 2]."""
    anchors = np.empty((tokens.size // STRIDE + 2, 2), np.int64)
    found = 0
    for i in range(tokens.size):
        if i == 0 or (written + i) % STRIDE == 0:
            anchors[found] = written + i, base
            found += 1
        base += lengths[tokens[i]]
    return anchors[:found].copy()


@njit(cache=True)
def _bases_at(
    positions: np.ndarray, blocks: np.ndarray, tokens: np.ndarray, anchors: np.ndarray, lengths: np.ndarray
) -> np.ndarray:
    bases = np.empty(positions.size, np.int64)
    for i in range(positions.size):
        position, base = anchors[blocks[i]]
        for j in range(position, positions[i]):
            base += lengths[tokens[j]]
        bases[i] = base
    return bases


@njit(cache=True)
def _tokens_at(
    bases: np.ndarray, blocks: np.ndarray, tokens: np.ndarray, anchors: np.ndarray, lengths: np.ndarray
) -> np.ndarray:
    positions = np.empty(bases.size, np.int64)
    for i in range(bases.size):
        position, base = anchors[blocks[i]]
        end = anchors[blocks[i] + 1, 0] if blocks[i] + 1 < len(anchors) else tokens.size
        while position + 1 < end and base + lengths[tokens[position]] <= bases[i]:
            base += lengths[tokens[position]]
            position += 1
        positions[i] = position
    return positions
