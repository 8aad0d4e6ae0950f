"""A variant as a change of the assembly: trimmed, moved to the left, and with all places at which it would give the same sequence.

VCF allows one insertion or deletion in a repeat to be written at several places. Here it is moved as far to the left as it goes (Tan,
Abecasis and Kang 2015). `reach` is how far it could be moved to the right from there.
"""

from os.path import commonprefix
from typing import NamedTuple

import numpy as np
from numba import njit

from grover.genome.assembly import Genome
from grover.genome.bases import decode, encode


class Change(NamedTuple):
    """Bases `codes[start : start + len(ref)]` that become `alt`, both uint8 codes without a common first or last base.

    `start` is the leftmost of all equivalent places; the rightmost one lies `reach` bases behind it, 0 but for insertions and deletions.
    `low` and `high` are the ends of the segment. All are places in `Genome.codes`.
    """

    start: int
    ref: np.ndarray
    alt: np.ndarray
    reach: int
    low: int
    high: int

    @property
    def end(self) -> int:
        """Return the place behind the last base that an equivalent change replaces."""
        return self.start + len(self.ref) + self.reach

    @property
    def room(self) -> int:
        """Return the fewest bases of the segment on either side of all equivalent changes."""
        return min(self.start - self.low, self.high - self.end)

    def alleles(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the bases from `start` to `end` of the reference, and what they are in the alternative."""
        reference = np.asarray(codes[self.start : self.end])
        return reference, np.concatenate([self.alt, reference[len(self.ref) :]])


def change(genome: Genome, chrom: str, pos: int, ref: str, alt: str) -> Change:
    """Return the change that a record makes. pos: 1-based; ref, alt: upper-case A, C, G, T, and REF is that of the assembly."""
    return change_at(genome, int(genome.position(chrom, np.array([pos - 1]))[0]), ref, alt)


def change_at(genome: Genome, place: int, ref: str, alt: str) -> Change:
    """Return the change that replaces `ref` at a place in `codes` by `alt`."""
    segment = int(np.searchsorted(genome.bounds, place, side="right")) - 1
    low, high = int(genome.bounds[segment]), int(genome.bounds[segment + 1])
    behind = len(commonprefix([ref[::-1], alt[::-1]]))
    ref, alt = ref[: len(ref) - behind], alt[: len(alt) - behind]
    before = len(commonprefix([ref, alt]))
    old, new = encode(ref[before:]), encode(alt[before:])
    start = place + before
    if len(old) and len(new) or not (len(old) or len(new)):
        return Change(start, old, new, 0, low, high)
    moved = new if len(new) else old
    left, right = _moves(genome.codes, low, high, start, start + len(old), moved)
    moved = np.roll(moved, left)
    none = np.zeros(0, np.uint8)
    return Change(start - left, none if len(new) else moved, moved if len(new) else none, left + right, low, high)


def as_record(genome: Genome, found: Change) -> tuple[int, str, str]:
    """Return POS (1-based), REF and ALT of a change as VCF writes it: with the base before it where one allele has no base.

    At the first base of a segment, which has none before it, that is the base behind.
    """
    start, ref, alt = found.start, decode(found.ref), decode(found.alt)
    if not ref or not alt:
        if start > found.low:
            start -= 1
            base = decode(genome.codes[start : start + 1])
            ref, alt = base + ref, base + alt
        else:
            base = decode(genome.codes[start + len(ref) : start + len(ref) + 1])
            ref, alt = ref + base, alt + base
    _, coordinate = genome.locate(np.array([start]))
    return int(coordinate[0]) + 1, ref, alt


@njit(cache=True, nogil=True)
def _moves(codes: np.ndarray, low: int, high: int, start: int, end: int, moved: np.ndarray) -> tuple[int, int]:
    """How many bases an insertion at `start`, or a deletion from `start` to `end`, of the bases `moved` can be moved to left and right."""
    number = moved.size
    left, right = 0, 0
    while start - left > low and codes[start - left - 1] == moved[(number - 1 - left) % number]:
        left += 1
    while end + right < high and codes[end + right] == moved[right % number]:
        right += 1
    return left, right
