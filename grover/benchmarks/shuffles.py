"""Shuffled sequences: what keeps the dinucleotides of a sequence, or its tokens, and nothing else of it.

The dinucleotide shuffle is that of Altschul and Erickson (Mol Biol Evol 2:526, 1985) in the form of uShuffle (Jiang et al., BMC
Bioinformatics 9:192, 2008). A sequence is a walk over its bases in which each dinucleotide is an edge; every walk that uses each edge
once has the same dinucleotides. Such a walk is drawn in two steps. First, for each base, the edge by which the walk leaves it for the
last time. These edges are a tree towards the last base, drawn by Wilson's loop-erased random walk. Then an order of all its other edges.
All permutations with these dinucleotides are equally likely.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

BASES = 5  # A, C, G, T and 4 for anything else, as `grover.genome.bases` has them


def dinucleotide_shuffle(codes: np.ndarray | Sequence[np.ndarray], seed: int) -> np.ndarray | list[np.ndarray]:
    """Each row in a random order that has exactly its dinucleotides; first and last base stay where they are.

    codes: uint8 [rows, length], or a list of uint8 arrays of any lengths; bases 0..4. Returns the same form, uint8. All orders of a
    row that keep its dinucleotides are equally likely, its own among them.
    """
    rows = list(codes)
    if not rows:
        return np.array(codes, dtype=np.uint8) if isinstance(codes, np.ndarray) else []
    bounds = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    line = np.concatenate(rows).astype(np.uint8)
    if line.size and line.max() >= BASES:
        raise ValueError(f"codes are 0..{BASES - 1}, not {line.max()}")
    _shuffle_rows(line, bounds, np.random.default_rng(seed))
    if isinstance(codes, np.ndarray):
        return line.reshape(codes.shape)
    return [line[start:end].copy() for start, end in zip(bounds[:-1], bounds[1:], strict=True)]


def token_shuffle(tokens: Sequence[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Each row's tokens in a random order, another than the given one unless all its tokens are the same."""
    shuffled = []
    for row in tokens:
        row = np.asarray(row)
        order = rng.permutation(row)
        while np.array_equal(order, row) and (row != row[:1]).any():
            order = rng.permutation(row)
        shuffled.append(order)
    return shuffled


@njit(cache=True)
def _shuffle_rows(line: np.ndarray, bounds: np.ndarray, rng: np.random.Generator) -> None:
    for row in range(bounds.size - 1):
        if bounds[row + 1] - bounds[row] > 3:  # a shorter one has but one order
            _shuffle(line[bounds[row] : bounds[row + 1]], rng)


@njit(cache=True)
def _shuffle(codes: np.ndarray, rng: np.random.Generator) -> None:
    """Shuffle one row in place."""
    # the bases behind each base, base by base: those behind v are successors[first[v] : first[v + 1]]
    first = np.zeros(BASES + 1, np.int64)
    for i in range(codes.size - 1):
        first[codes[i] + 1] += 1
    for v in range(BASES):
        first[v + 1] += first[v]
    filled = first[:-1].copy()
    successors = np.empty(codes.size - 1, np.uint8)
    for i in range(codes.size - 1):
        successors[filled[codes[i]]] = codes[i + 1]
        filled[codes[i]] += 1

    # Wilson: from each base walk at random until the tree is met; the last way out of each base passed belongs to the tree
    root = codes[codes.size - 1]
    exits = np.full(BASES, -1, np.int64)
    in_tree = np.zeros(BASES, np.bool_)
    in_tree[root] = True
    for v in range(BASES):
        if first[v] == first[v + 1]:
            continue
        u = v
        while not in_tree[u]:
            exits[u] = first[u] + _below(first[u + 1] - first[u], rng)
            u = successors[exits[u]]
        u = v
        while not in_tree[u]:
            in_tree[u] = True
            u = successors[exits[u]]

    for v in range(BASES):
        last = first[v + 1]
        if exits[v] >= 0:
            last -= 1
            successors[last], successors[exits[v]] = successors[exits[v]], successors[last]
        for i in range(last - 1, first[v], -1):
            j = first[v] + _below(i - first[v] + 1, rng)
            successors[i], successors[j] = successors[j], successors[i]

    at = first[:-1].copy()
    for i in range(codes.size - 1):
        v = codes[i]
        codes[i + 1] = successors[at[v]]
        at[v] += 1


@njit(cache=True)
def _below(n: int, rng: np.random.Generator) -> int:
    """A random whole number from 0 to n - 1."""
    return int(rng.random() * n)
