"""Encoding sequence with byte-pair merges, exactly as applying them in their order would, in linear time.

Bases have the ids A0 C1 G2 T3 and merge number r (from 0) makes the token 4 + r. Tokens are those of Hugging Face `tokenizers` with the
same merges.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

BASES = 4
PIECE = 1 << 20  # bases encoded at a time, and
OVERLAP = 64  # the tokens at most that the next piece encodes again
LOOKUP = 7  # bases looked up at once; the tables then stay in the fastest cache


class Tables(NamedTuple):
    """What the encoder looks up; nodes are those of the trie of all tokens, the root is node 0.

    `children`: int32 [nodes, 4], 0 for none; `node_token`: int32, the token that ends at each node, -1 for none;
    `kmer_token`: for each k-mer of `LOOKUP` bases the longest token that it begins with, uint16; `kmer_node`: the node where
    a longer token may continue, int32, 0 for none; `prefix`: int32, the longest other token that each token begins with, -1 for bases;
    `beside`: one bit for each two tokens, uint8 [tokens + 1, bytes]: can the second stand behind the first? The last row is the beginning,
    where every token can stand; `lengths`: int32, bases of each token; `first`: what is added to an id when it is written.
    """

    children: np.ndarray
    node_token: np.ndarray
    kmer_token: np.ndarray
    kmer_node: np.ndarray
    prefix: np.ndarray
    beside: np.ndarray
    lengths: np.ndarray
    first: int


class Encoder:
    """Encodes sequences with learnt merges, in linear time and exactly as applying the merges in their order would.

    Method: at each position take the longest token that matches. If it cannot follow the token before it, try the
    next shorter prefix, else step back. Two tokens can be neighbours if encoding their joined text returns them (van
    Antwerpen and Neubeck, "So many tokens, so little time", GitHub 2024). Anything but A, C, G and T is encoded as one `unknown`
    per base, and the stretches between are encoded each alone.
    """

    def __init__(self, merges: np.ndarray, first: int = 0, unknown: int = 65_535):
        """merges: int, [n, 2], ids as in this module; first: what is added to an id when it is written."""
        merges = np.asarray(merges, np.int32).reshape(-1, 2)
        self.size = BASES + len(merges)
        self.texts = token_texts(merges)
        self.lengths = np.array([len(text) for text in self.texts], np.int32)
        splits = np.vstack([np.repeat(np.arange(BASES, dtype=np.int32)[:, None], 2, axis=1), merges]).astype(np.int32)
        joined = _index_of_pairs(merges)
        # merges from outside may hold tokens that never come up, since an earlier merge always takes one of their bases
        reachable = np.flatnonzero(_reachable(splits, joined))
        children, node_token = _trie(self.texts, reachable)
        prefix = _longest_proper_prefix(self.texts, reachable)
        beside = _compatible(splits, joined)
        self._tables = Tables(children, node_token, *_kmers(children, node_token), prefix, beside, self.lengths, first)
        self._unknown = unknown

    def encode(self, codes: np.ndarray, piece: int = PIECE) -> np.ndarray:
        """Tokens, uint16, of one stretch of uint8 codes (A0 C1 G2 T3, anything else unknown); piece: bases encoded at a time."""
        return self.encode_windows(codes, np.zeros(1, np.int64), np.array([len(codes)], np.int64), piece)[0]

    def encode_windows(
        self, codes: np.ndarray, starts: np.ndarray, ends: np.ndarray, piece: int = PIECE
    ) -> tuple[np.ndarray, np.ndarray]:
        """Tokens of `codes[starts[i]:ends[i]]`, each window encoded alone, one behind the other as uint16, and the number of
        tokens of each window, int64. Several threads may call this at once."""
        codes = np.ascontiguousarray(codes, np.uint8)
        starts, ends = np.asarray(starts, np.int64), np.asarray(ends, np.int64)
        tokens = np.empty(int((ends - starts).sum()), np.uint16)
        numbers = np.empty(len(starts), np.int64)
        written = _encode_windows(codes, starts, ends, tokens, numbers, self._unknown, piece, self._tables)
        return tokens[:written].copy(), numbers


def token_texts(merges: np.ndarray) -> list[str]:
    """The bases of every token, by id."""
    written = list("ACGT")
    for left, right in merges:
        written.append(written[left] + written[right])
    return written


def _trie(texts: list[str], tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Children of each node by base (0: none) and which of `tokens` ends there (-1: none)."""
    children, ends = [[0, 0, 0, 0]], [-1]
    for token in tokens:
        node = 0
        for base in texts[token]:
            code = "ACGT".index(base)
            if not children[node][code]:
                children[node][code] = len(children)
                children.append([0, 0, 0, 0])
                ends.append(-1)
            node = children[node][code]
        ends[node] = token
    return np.array(children, np.int32), np.array(ends, np.int32)


def _kmers(children: np.ndarray, node_token: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For every k-mer of `LOOKUP` bases the longest token that it starts with, and the node where a longer one may go on (0: none)."""
    nodes, tokens = children[0], node_token[children[0]]
    for _ in range(LOOKUP - 1):
        deeper = np.where(nodes[:, None] > 0, children[nodes], 0)
        found = np.where(deeper > 0, node_token[deeper], -1)
        tokens = np.where(found >= 0, found, tokens[:, None]).ravel()
        nodes = deeper.ravel()
    return tokens.astype(np.uint16), nodes


def _longest_proper_prefix(texts: list[str], tokens: np.ndarray) -> np.ndarray:
    """For each of `tokens` the longest other one that it starts with, -1 for single bases."""
    ids = {texts[token]: token for token in tokens}
    prefix = np.full(len(texts), -1, np.int32)
    for text, token in ids.items():
        for end in range(len(text) - 1, 0, -1):
            if text[:end] in ids:
                prefix[token] = ids[text[:end]]
                break
    return prefix


# `type: ignore` in the kernels: numba makes one type of `int` and `np.int64`, which mypy keeps apart


@njit(cache=True)
def _index_of_pairs(merges: np.ndarray) -> np.ndarray:
    """An open hash table, int64 [slots, 3], of left, right and the token that they make; a left below zero is an empty slot."""
    slots = 16
    while slots < 4 * merges.shape[0]:
        slots *= 2
    index = np.full((slots, 3), -1, np.int64)
    for i in range(merges.shape[0]):
        left, right = np.int64(merges[i, 0]), np.int64(merges[i, 1])
        slot = _first_slot(left, right, slots)
        while index[slot, 0] >= 0:
            slot = (slot + 1) & (slots - 1)
        index[slot] = np.array([left, right, BASES + i])
    return index


@njit(cache=True)
def _first_slot(left: int | np.int64, right: int | np.int64, slots: int) -> int | np.int64:
    # Fibonacci hashing: the high bits of a product with 2^64 over the golden ratio (as a signed number)
    return ((left << 16 | right) * -7046029254386353131 >> 40) & (slots - 1)


@njit(cache=True)
def _compatible(splits: np.ndarray, joined: np.ndarray) -> np.ndarray:
    """For each pair of tokens: does encoding their joined text give the two back? As `Tables.beside`: one bit per pair, so that
    the table stays in the cache."""
    size = splits.shape[0]
    beside = np.full((size + 1, (size + 7) // 8), 255, np.uint8)
    for i in range(size):
        for j in range(size):
            if not _stands(i, j, size, splits, joined):
                beside[i, j >> 3] &= 255 - (1 << (j & 7))
    return beside


@njit(cache=True)
def _reachable(splits: np.ndarray, joined: np.ndarray) -> np.ndarray:
    """For each token: does encoding its text give it back? It does if its parts do and can stand side by side until they are merged."""
    reachable = np.ones(splits.shape[0], np.bool_)
    for token in range(BASES, splits.shape[0]):
        left, right = splits[token]
        reachable[token] = reachable[left] and reachable[right] and _stands(left, right, token, splits, joined)
    return reachable


@njit(cache=True)
def _stands(left: int, right: int, limit: int, splits: np.ndarray, joined: np.ndarray) -> bool:
    """Does encoding the joined text of two tokens with the merges before `limit` give the two back?

    Undo the merges at the seam from the last to the first. The pair is impossible if BPE would have merged the two tokens at the
    seam before it made one of them. A single base splits into itself.
    """
    slots = joined.shape[0]
    while True:
        slot = _first_slot(left, right, slots)
        while joined[slot, 0] >= 0:
            if joined[slot, 0] == left and joined[slot, 1] == right:
                if joined[slot, 2] < limit:
                    return False
                break
            slot = (slot + 1) & (slots - 1)
        if left > right:
            limit = left
            left = splits[left, 1]
            if left == limit:
                limit = right + 1
                right = splits[right, 0]
                if right + 1 == limit:
                    return True
        else:
            limit = right + 1
            right = splits[right, 0]
            if right + 1 == limit:
                limit = left
                left = splits[left, 1]
                if left == limit:
                    return True


@njit(cache=True, nogil=True)
def _encode_windows(  # noqa: PLR0913 - a numba kernel takes arrays and numbers
    codes: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    tokens: np.ndarray,
    numbers: np.ndarray,
    unknown: int,
    piece: int,
    tables: Tables,
) -> np.int64:
    written = np.int64(0)
    for i in range(starts.size):
        before = written
        start = starts[i]
        while start < ends[i]:
            if codes[start] >= BASES:
                tokens[written] = unknown
                written += 1
                start += 1
                continue
            end = start + 1
            while end < ends[i] and codes[end] < BASES:
                end += 1
            written += _encode_stretch(codes[start:end], tokens[written:], piece, tables)
            start = end
        numbers[i] = written - before
    return written


@njit(cache=True, nogil=True)
def _encode_stretch(codes: np.ndarray, tokens: np.ndarray, piece: int, tables: Tables) -> np.int64:
    """Encode a stretch of A, C, G and T piece by piece, which needs little memory, into the front of `tokens`; their number.

    The tokenisation of a text is the only one in which all neighbours can stand side by side. So the next piece may begin at any
    boundary of the piece before, as long as its first token can follow there.
    """
    beside, lengths, first = tables.beside, tables.lengths, tables.first
    kept = np.int64(0)
    start = np.int64(0)
    length = np.int64(piece)
    while True:
        count = _encode(codes[start : start + length], tokens[kept:], tables)
        last, token = np.int64(tokens[kept - 1]) - first, np.int64(tokens[kept]) - first
        if kept == 0 or (beside[last, token >> 3] >> (token & 7)) & 1:
            kept += count
            start += length
            if start >= codes.size:
                return kept
            back = min(OVERLAP, count // 2)  # the last tokens may be others once the bases behind them are seen
        else:
            length *= 2  # for good, so that the end is reached whatever the sequence
            back = min(OVERLAP, kept)  # type: ignore[assignment]
        for _ in range(back):
            kept -= 1
            start -= lengths[tokens[kept] - first]


@njit(cache=True, nogil=True)
def _encode(codes: np.ndarray, tokens: np.ndarray, tables: Tables) -> int:
    """Encode one piece of A, C, G and T into the front of `tokens`; their number."""
    children, node_token, kmer_token, kmer_node, prefix, beside, lengths, first = tables
    size = codes.size
    reachable = np.ones(size + 1, np.bool_)  # False: no valid tokenisation continues from here
    kmers = _kmers_of(codes)
    count = 0
    position = 0
    last = lengths.size  # the row of the beginning
    while position < size:
        if position + LOOKUP <= size:
            longest = np.int64(kmer_token[kmers[position]])
            node = kmer_node[kmers[position]]
            i = position + LOOKUP
        else:
            node = children[0, codes[position]]
            longest = np.int64(node_token[node])
            i = position + 1
        while node != 0 and i < size:
            node = children[node, codes[i]]
            if node_token[node] >= 0:
                longest = np.int64(node_token[node])
            i += 1
        token = longest
        while not (beside[last, token >> 3] >> (token & 7)) & 1 or not reachable[position + lengths[token]]:
            while prefix[token] < 0:
                # nothing can follow here: take the token before back and look for a shorter one in its place
                reachable[position] = False
                count -= 1
                position -= lengths[last]
                token = last  # type: ignore[assignment]
                last = np.int64(tokens[count - 1]) - first if count else lengths.size  # type: ignore[assignment]
            token = np.int64(prefix[token])
        tokens[count] = token + first
        count += 1
        position += lengths[token]
        last = token  # type: ignore[assignment]
    return count


@njit(cache=True, nogil=True)
def _kmers_of(codes: np.ndarray) -> np.ndarray:
    """For each position the next `LOOKUP` bases as a number; computed at once, so that no lookup waits for it."""
    kmers = np.zeros(codes.size, np.uint16)
    for i in range(codes.size - LOOKUP + 1):
        kmer = np.uint16(0)
        for j in range(LOOKUP):
            kmer = np.uint16(kmer << 2) | np.uint16(codes[i + j])
        kmers[i] = kmer
    return kmers
