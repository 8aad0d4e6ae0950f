"""How many tokens a stretch of so many bases has: pi(m | L), counted in fold train."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from grover.genome.assembly import Genome
from grover.interpretation.training_places import draw_places
from grover.tokenization.vocabulary import Vocabulary

LONGEST = 64  # bases
PIECE, PIECES = 1_000, 2_000  # bases of a piece that is tokenised, and how many
EDGE = 3  # tokens at either end of a piece that are not counted
RAREST = 0.01  # share below which a number of tokens is left out, since each costs a forward pass


@dataclass(frozen=True)
class RunLengths:
    """Counts of runs of m neighbouring tokens that hold L bases between them, int64 [m, L], both from 0 to `LONGEST`."""

    counts: np.ndarray

    @classmethod
    def of(
        cls, genome: Genome, folds: pd.DataFrame, vocabulary: Vocabulary, seed: int, pieces: int = PIECES
    ) -> "RunLengths":
        """Count in pieces of fold train, drawn at random."""
        starts = draw_places(genome, folds, PIECE, pieces, np.random.default_rng([seed, 2]))
        counts = np.zeros((LONGEST + 1, LONGEST + 1), np.int64)
        counts[0, 0] = 1
        for ids in vocabulary.encode_each([genome.codes[start : start + PIECE] for start in starts]):
            ends = np.append(0, np.cumsum(vocabulary.strides[ids], dtype=np.int64))[EDGE:-EDGE]
            for number in range(1, min(LONGEST, len(ends) - 1) + 1):
                held = ends[number:] - ends[:-number]
                held = held[held <= LONGEST]
                if not len(held):
                    break
                counts[number] += np.bincount(held, minlength=LONGEST + 1)
        return cls(counts)

    def shares(self, length: int) -> np.ndarray:
        """Return pi(m | length) for m from 0 to `LONGEST`, float64; shares below 1 % are 0, and all are where nothing was counted."""
        counts = self.counts[:, length] if length <= LONGEST else np.zeros(LONGEST + 1)
        counts = np.where(counts < RAREST * counts.sum(), 0, counts)
        return counts / max(counts.sum(), 1)
