"""Exact byte-pair encoding of a genome: learning the merges, and encoding with them in linear time.

Inside this module letters have the ids A0 C1 G2 T3 and merge number r (from 0) makes the token 4 + r. Both functions give what
Hugging Face `tokenizers` gives on the same segments, ties included: the most frequent adjacent pair first, among equals the one
with the smaller ids.
"""

from collections.abc import Callable

import numpy as np
from numba import njit

from grover.errors import InputError

LETTERS = 4
BOUNDARY = np.uint16(65535)  # stands between two segments while merges are learnt; never part of a pair
LARGEST_VOCABULARY = 10_004  # the table of pairs then takes 0.8 GB
BATCH = 64


def train(
    codes: np.ndarray, offsets: np.ndarray, cycles: int, progress: Callable[[int], None] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Learn `cycles` merges from the segments of a genome.

    codes: uint8, 0..3; segment i is `codes[offsets[i]:offsets[i + 1]]`, offsets int64 with one entry more than segments.
    progress: called after each pass with the number of merges learnt by it.
    Returns the merges, int32 [cycles, 2], left and right id, and the number of times that each pair stood side by side when it
    was merged, int64 [cycles]. Memory: two bytes a base and a table of eight bytes a pair of tokens.

    Several merges are made in one pass where this provably gives the same as one by one: pairs are taken in the order of
    their count as long as they share no token, and behind a pair of two equal tokens with count n only pairs that count at least
    n / 2, since merging (a, a) may create (aa, a) and (aa, aa), each at most n / 2 times.
    """
    if cycles + LETTERS > LARGEST_VOCABULARY:
        raise InputError(
            f"{cycles} byte-pair cycles asked for, but at most {LARGEST_VOCABULARY - LETTERS} are supported"
        )
    tokens = _with_boundaries(codes, offsets)
    size = LETTERS + cycles
    counts = np.zeros((size, size), np.int64)
    _count_pairs(tokens, counts)
    merges = np.zeros((cycles, 2), np.int32)
    merge_counts = np.zeros(cycles, np.int64)
    done, length = 0, tokens.size
    while done < cycles:
        batch = _next_batch(counts, LETTERS + done, cycles - done)
        if len(batch) == 0:
            raise InputError(
                f"the genome supports only {done} byte-pair cycles, {cycles} were asked for: no pair of tokens occurs "
                f"twice any more; lower `vocabulary.cycles`, or give more sequence"
            )
        partner = np.full(size, -1, np.int32)
        result = np.zeros(size, np.uint16)
        for left, right in batch:
            partner[left], result[left] = right, LETTERS + done
            merges[done] = left, right
            merge_counts[done] = counts[left, right]
            done += 1
        length = _merge_pass(tokens, length, partner, result, counts)
        if progress is not None:
            progress(len(batch))
    return merges, merge_counts


def _with_boundaries(codes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The segments as uint16 with a boundary behind each."""
    segments = len(offsets) - 1
    tokens = np.empty(int(offsets[-1] - offsets[0]) + segments, np.uint16)
    for i in range(segments):
        start, end = int(offsets[i] - offsets[0]) + i, int(offsets[i + 1] - offsets[0]) + i
        tokens[start:end] = codes[offsets[i] : offsets[i + 1]]
        tokens[end] = BOUNDARY
    return tokens


def _next_batch(counts: np.ndarray, used: int, most: int) -> list[tuple[int, int]]:
    """The next merges that may share one pass, in their exact order."""
    flat = counts[:used, :used].ravel()
    share = min(BATCH, flat.size)
    least = max(2, int(np.partition(flat, flat.size - share)[flat.size - share]))
    candidates = np.flatnonzero(flat >= least)
    candidates = candidates[np.lexsort((candidates, -flat[candidates]))]
    batch: list[tuple[int, int]] = []
    taken: set[int] = set()
    floor = 0
    for cell in candidates[:most]:
        left, right = divmod(int(cell), used)
        count = int(flat[cell])
        if left in taken or right in taken or 2 * count < floor:
            break
        batch.append((left, right))
        taken |= {left, right}
        if left == right:
            floor = max(floor, count)
    return batch


@njit(cache=True)
def _count_pairs(tokens, counts):
    for i in range(tokens.size - 1):
        if tokens[i] != BOUNDARY and tokens[i + 1] != BOUNDARY:
            counts[tokens[i], tokens[i + 1]] += 1


@njit(cache=True)
def _merge_pass(tokens, length, partner, result, counts):
    """Replace every pair (t, partner[t]) by result[t], compacting in place; keep the pair counts exact.

    Each emitted token knows the old tokens at its two ends. Between two neighbours of which one is new, the old pair goes and the
    new pair comes; elsewhere nothing changes. Returns the new length.
    """
    read = 0
    written = 0
    previous = BOUNDARY  # the token emitted last
    previous_end = BOUNDARY  # its last old token
    previous_new = False
    while read < length:
        first = tokens[read]
        last = first
        token = first
        new = False
        read += 1
        if first != BOUNDARY and read < length and partner[first] == tokens[read]:
            last = tokens[read]
            token = result[first]
            new = True
            read += 1
            counts[first, last] -= 1
        if (new or previous_new) and previous != BOUNDARY and first != BOUNDARY:
            counts[previous_end, first] -= 1
            counts[previous, token] += 1
        tokens[written] = token
        written += 1
        previous = token
        previous_end = last
        previous_new = new
    return written


class Encoder:
    """Encodes sequences with learnt merges, in linear time and exactly as applying the merges in their order would.

    Method: at each position take the longest token that matches; if it cannot stand beside the token before it, try the
    next shorter prefix, else step back. Two tokens can stand side by side if encoding their joined text gives them back (van
    Antwerpen and Neubeck, "So many tokens, so little time", GitHub 2024).
    """

    def __init__(self, merges: np.ndarray):
        """merges: int, [n, 2], ids as in this module."""
        merges = np.asarray(merges, np.int32).reshape(-1, 2)
        self.size = LETTERS + len(merges)
        self.texts = texts(merges)
        self.lengths = np.array([len(text) for text in self.texts], np.int32)
        self._children, self._node_token = _trie(self.texts)
        self._prefix = _longest_proper_prefix(self.texts)
        splits = np.vstack([np.repeat(np.arange(LETTERS, dtype=np.int32)[:, None], 2, axis=1), merges]).astype(np.int32)
        joined = np.full((self.size, self.size), self.size, np.int32)
        joined[merges[:, 0], merges[:, 1]] = np.arange(LETTERS, self.size, dtype=np.int32)
        self._beside = _compatible(splits, joined)

    def encode(self, codes: np.ndarray) -> np.ndarray:
        """Tokens of one stretch of uint8 codes 0..3, as uint16 ids of this module."""
        if len(codes) == 0:
            return np.zeros(0, np.uint16)
        return _encode(np.asarray(codes), self._children, self._node_token, self._prefix, self._beside, self.lengths)


def texts(merges: np.ndarray) -> list[str]:
    """The letters of every token, by id."""
    written = list("ACGT")
    for left, right in merges:
        written.append(written[left] + written[right])
    return written


def _trie(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Children of each node by letter (0: none) and the token that ends there (-1: none)."""
    children, ends = [[0, 0, 0, 0]], [-1]
    for token, text in enumerate(texts):
        node = 0
        for letter in text:
            code = "ACGT".index(letter)
            if not children[node][code]:
                children[node][code] = len(children)
                children.append([0, 0, 0, 0])
                ends.append(-1)
            node = children[node][code]
        ends[node] = token
    return np.array(children, np.int32), np.array(ends, np.int32)


def _longest_proper_prefix(texts: list[str]) -> np.ndarray:
    """For each token the longest other token that it starts with, -1 for single letters."""
    ids = {text: token for token, text in enumerate(texts)}
    prefix = np.full(len(texts), -1, np.int32)
    for token, text in enumerate(texts):
        for end in range(len(text) - 1, 0, -1):
            if text[:end] in ids:
                prefix[token] = ids[text[:end]]
                break
    return prefix


@njit(cache=True)
def _compatible(splits, joined):
    """For each pair of tokens: does encoding their joined text give the two back?

    Undo the merges at the seam from the last to the first; if at some moment the two tokens at the seam would have been
    merged with each other before one of them was made, the pair cannot stand. A single letter splits into itself.
    """
    size = splits.shape[0]
    beside = np.zeros((size, size), np.bool_)
    for i in range(size):
        for j in range(size):
            left, right, limit = i, j, size
            while True:
                if joined[left, right] < limit:
                    break
                if left > right:
                    limit = left
                    left = splits[left, 1]
                    if left == limit:
                        limit = right + 1
                        right = splits[right, 0]
                        if right + 1 == limit:
                            beside[i, j] = True
                            break
                else:
                    limit = right + 1
                    right = splits[right, 0]
                    if right + 1 == limit:
                        limit = left
                        left = splits[left, 1]
                        if left == limit:
                            beside[i, j] = True
                            break
    return beside


@njit(cache=True, nogil=True)
def _encode(codes, children, node_token, prefix, beside, lengths):
    size = codes.size
    reachable = np.ones(size + 1, np.bool_)  # False: no valid tokenisation continues from here
    tokens = np.empty(size, np.uint16)
    count = 0
    position = 0
    token = _longest_match(codes, 0, children, node_token)
    while True:
        end = position + lengths[token]
        if reachable[end] and (count == 0 or beside[tokens[count - 1], token]):
            tokens[count] = token
            count += 1
            position = end
            if position == size:
                return tokens[:count].copy()
            token = _longest_match(codes, position, children, node_token)
        elif prefix[token] >= 0:
            token = prefix[token]
        else:
            reachable[position] = False
            count -= 1
            token = np.int32(tokens[count])
            position -= lengths[token]


@njit(cache=True, nogil=True)
def _longest_match(codes, start, children, node_token):
    node = np.int32(0)
    best = np.int32(-1)
    for i in range(start, codes.size):
        node = children[node, codes[i]]
        if node == 0:
            break
        if node_token[node] >= 0:
            best = node_token[node]
    return best
