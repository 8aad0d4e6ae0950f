"""The sequence that the simulation writes on: codes, claims, and the tables of what was planted."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from grover.simulation.sequence import reverse_complement
from grover.simulation.species import SPECIES, Species

ISOCHORE_GC = np.array([0.36, 0.39, 0.43, 0.48, 0.53])  # Bernardi's families L1, L2, H1, H2, H3
ISOCHORE_NAMES = ("L1", "L2", "H1", "H2", "H3")


@dataclass
class Canvas:
    """The growing genome: `codes`, who claimed what (`taken`), what is a repeat (`masked`), and the planted tables."""

    names: list[str]
    lengths: np.ndarray
    codes: np.ndarray
    taken: np.ndarray
    masked: np.ndarray
    gc: np.ndarray  # of the isochore around each base, float32
    main: int  # contigs that carry genes and sites; the rest are extra
    species: Species = SPECIES["A"]
    families: list = field(default_factory=list)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def isochore_gc(self) -> np.ndarray:
        """GC of the isochores of the species, from poor to rich."""
        return ISOCHORE_GC + self.species.gc_shift

    @property
    def offsets(self) -> np.ndarray:
        return np.concatenate([[0], np.cumsum(self.lengths)])

    def paste(self, start: int, sequence: np.ndarray, strand: str = "+") -> None:
        """Write `sequence`, given along `strand`, from position `start` on."""
        sequence = sequence if strand == "+" else reverse_complement(sequence)
        self.codes[start : start + len(sequence)] = sequence

    def free(self, start: int, end: int) -> bool:
        return start >= 0 and end <= len(self.codes) and not self.taken[start:end].any()

    def claim(self, start: int, end: int) -> None:
        self.taken[start:end] = True

    def find(self, rng: np.random.Generator, length: int, gc_bias: float = 0.0, end: int | None = None) -> int | None:
        """Claim and return the start of a free stretch, or None after 40 draws; `gc_bias` prefers an isochore.

        `end` limits the search to the contigs before that position.
        """
        for start in rng.integers(0, (end or len(self.codes)) - length, 40):
            preference = np.exp(gc_bias * (self.gc[start] - self.isochore_gc[-1 if gc_bias > 0 else 0]))
            if rng.random() < preference and self.free(start, start + length):
                self.claim(start, start + length)
                return int(start)
        return None
