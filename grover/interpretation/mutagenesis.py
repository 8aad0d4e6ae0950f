"""In-silico mutagenesis: how an answer changes when single bases are replaced (Zhou and Troyanskaya 2015), or short blocks are redrawn.

Every changed sequence is cut into tokens anew, so that a base can act through the tokens that it makes. Replacing one base may move the
bounds of tokens far from it; a block redrawn several times averages over many cuts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from grover.genome.bases import N
from grover.interpretation.answers import Answer
from grover.interpretation.sites import Site

BASES = 4
AT_ONCE = 1 << 27  # bases of changed sequences that are in memory at a time


@dataclass(frozen=True)
class Substitutions:
    """All single substitutions of a site: `position` (int64), `base` (code, uint8) and `delta` (float64) of each."""

    position: np.ndarray
    base: np.ndarray
    delta: np.ndarray

    def sums(self, length: int) -> np.ndarray:
        """The signed sum over the substitutions of each base."""
        return np.bincount(self.position, self.delta, length)

    def importance(self, length: int) -> np.ndarray:
        """The mean |delta| over the substitutions of each base, 0 where a base has none: signed means cancel."""
        number = np.bincount(self.position, minlength=length)
        return np.bincount(self.position, np.abs(self.delta), length) / np.maximum(number, 1)


def substitutions(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return all single substitutions of uint8 codes [length]: sequences [n, length], and the position and the base (code) of each.

    Bases other than A, C, G, T are not substituted.
    """
    position = np.repeat(np.arange(len(codes)), BASES)
    base = np.tile(np.arange(BASES, dtype=np.uint8), len(codes))
    changed = (codes[position] != base) & (codes[position] != N)
    position, base = position[changed], base[changed]
    sequences = np.tile(codes, (len(position), 1))
    sequences[np.arange(len(position)), position] = base
    return sequences, position, base


def mutate(sites: Sequence[Site], answer: Answer) -> tuple[list[Substitutions], np.ndarray]:
    """The change of the answer for every substitution of every site, and the answer to the sites as they are (float64 [sites])."""
    found, unchanged = [], []
    for group in in_groups(sites):
        changed = [substitutions(site.codes) for site in group]
        versions = [np.vstack([site.codes[None], each[0]]) for site, each in zip(group, changed, strict=True)]
        for (_, position, base), value in zip(changed, answer(group, versions), strict=True):
            found.append(Substitutions(position, base, value[1:] - value[0]))
            unchanged.append(value[0])
    return found, np.array(unchanged)


def in_groups(sites: Sequence[Site]) -> Iterator[Sequence[Site]]:
    """Yield neighbouring sites whose single substitutions have about `AT_ONCE` bases, so that memory does not grow with the sites."""
    total = np.cumsum([(BASES - 1) * len(site.codes) ** 2 for site in sites])
    bounds = [0, *(np.flatnonzero(np.diff(total // AT_ONCE)) + 1).tolist(), len(sites)]
    return (sites[start:end] for start, end in pairwise(bounds) if end > start)


def redraw_blocks(site: Site, size: int, step: int, draws: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Versions of a site in which one block of `size` bases is drawn anew, `draws` times for each block, the blocks `step` bases apart.

    New bases follow the dinucleotides of the site and join the bases on both sides of the block. They are drawn from the
    first-order Markov chain of the site, given both neighbours. Returns the sequences, uint8 [blocks * draws, length], and the first base
    of the block of each, int64. The last block ends with the site.
    """
    codes = np.minimum(site.codes, N)
    length, size = len(codes), min(size, len(codes))
    firsts = np.unique(np.append(np.arange(0, length - size + 1, step), length - size))
    first = np.repeat(firsts, draws)
    versions = np.tile(codes, (len(first), 1))
    rng = np.random.default_rng([seed, site.example])
    chain = _chain(codes)  # behind[k][a, b] is the chance that b follows a in k + 1 steps
    behind = [chain]
    for _ in range(size):
        behind.append(behind[-1] @ chain)
    rows = np.arange(len(first))
    previous = np.where(first > 0, codes[first - 1], N)
    last = np.where(first + size < length, codes[np.minimum(first + size, length - 1)], N)
    for place in range(size):
        joining = behind[size - 1 - place][:, last].T
        chance = chain[previous] * np.where((last == N)[:, None], 1.0, joining)
        chance = np.cumsum(chance / chance.sum(axis=1, keepdims=True), axis=1)
        previous = np.minimum((rng.random(len(first))[:, None] > chance).sum(axis=1), BASES - 1)
        versions[rows, first + place] = previous
    return versions.astype(np.uint8), first


def _chain(codes: np.ndarray) -> np.ndarray:
    """Chance that each base follows each base of a sequence, float64 [5, 5]; the fifth stands for an unknown one, and none is drawn."""
    pairs = codes[:-1].astype(np.int64) * (N + 1) + codes[1:]
    counts = np.bincount(pairs, minlength=(N + 1) ** 2).reshape(N + 1, N + 1).astype(np.float64)
    counts[:N, :N] += 0.25  # so that every base can follow every base
    counts[N, :N] = np.bincount(codes[codes < N], minlength=N) + 1.0
    counts[:, N] = 0.0
    chain: np.ndarray = counts / counts.sum(axis=1, keepdims=True)
    return chain


def mutate_blocks(
    sites: Sequence[Site], answer: Answer, size: int, step: int, draws: int, seed: int
) -> list[np.ndarray]:
    """The change of the answer when a block that holds a base is redrawn, float64 [length] per site: the mean over draws and blocks."""
    found = []
    for group in in_groups(sites):
        drawn = [redraw_blocks(site, size, step, draws, seed) for site in group]
        versions = [np.vstack([site.codes[None], each[0]]) for site, each in zip(group, drawn, strict=True)]
        for site, (_, first), value in zip(group, drawn, answer(group, versions), strict=True):
            covered = np.arange(len(site.codes)) - first[:, None]
            inside = (covered >= 0) & (covered < min(size, len(site.codes)))
            found.append(((value[1:] - value[0]) @ inside) / np.maximum(inside.sum(axis=0), 1))
    return found
