"""Whether a base matters more than bases of shuffled sequences do.

A substitution moves bounds of tokens, which alone changes the answer. The null therefore consists of bases of dinucleotide shuffles whose
substitutions move bounds equally often. It is pooled over positions and examples. With a null for each position
alone, the smallest p-value could not survive the correction for the number of bases.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from grover.benchmarks.shuffles import dinucleotide_shuffle
from grover.interpretation.sites import Site

FEWEST = 200  # null values of a stratum of its own


def shuffled_sites(sites: Sequence[Site], shuffles: int, seed: int) -> list[Site]:
    """Each site `shuffles` times with its bases in another order that has the same dinucleotides, between the same neighbours."""
    rows = [site.codes for site in sites for _ in range(shuffles)]
    owners = [site for site in sites for _ in range(shuffles)]
    return [
        replace(site, codes=codes, pieces=())
        for site, codes in zip(owners, dinucleotide_shuffle(rows, seed), strict=True)
    ]


def strata(position: np.ndarray, moved: np.ndarray, length: int) -> np.ndarray:
    """How many substitutions of each base move a bound of a token, int64 [length]; position and moved: of each substitution."""
    return np.bincount(position, moved, length).astype(np.int64)


def p_values(value: np.ndarray, stratum: np.ndarray, null: np.ndarray, null_stratum: np.ndarray) -> np.ndarray:
    """Share of the null of its stratum that is at least as far from 0 as each value, float64, the value itself counted in.

    A stratum with fewer than `FEWEST` null values is compared with the whole null.
    """
    p = np.empty(len(value))
    for each in np.unique(stratum):
        rows, own = stratum == each, null[null_stratum == each]
        ordered = np.sort(np.abs(own if len(own) >= FEWEST else null))
        as_far = len(ordered) - np.searchsorted(ordered, np.abs(value[rows]), "left")
        p[rows] = (1 + as_far) / (1 + len(ordered))
    return p
