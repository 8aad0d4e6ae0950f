"""What one job of base tracks computes: values and accuracy of a piece, and the token frequencies that both are compared with."""

from dataclasses import replace

import numpy as np
import pandas as pd

from grover.genome.assembly import Genome
from grover.interpretation.base_tracks import BaseReader, Reading, flank_of
from grover.interpretation.track_regions import Piece
from grover.interpretation.track_values import accuracy, track_values
from grover.intervals.overlaps import union

RUNS = (1, 2, 4, 8)  # tokens masked together whose accuracy is reported
SAMPLED, SAMPLED_PIECES = 1_000, 50  # bases of a piece, and pieces of a shard, that are read with all of these
TOKENS_AT_ONCE = 1 << 24


def train_counts(tokens: np.ndarray, windows: pd.DataFrame, size: int) -> np.ndarray:
    """Count the tokens that windows (first, length) cover, each token once, int64 [size]."""
    first = windows["first"].to_numpy(np.int64)
    counts = np.zeros(size, np.int64)
    for start, end in zip(*union(first, first + windows["length"].to_numpy(np.int64)), strict=True):
        for left in range(start, end, TOKENS_AT_ONCE):
            counts += np.bincount(tokens[left : min(left + TOKENS_AT_ONCE, end)], minlength=size)
    return counts


def score_piece(
    reader: BaseReader, genome: Genome, piece: Piece, reading: Reading, absolute: bool, number: int
) -> tuple[dict[str, np.ndarray], list[dict]]:
    """Return the tracks of a piece, float32 [bases] by name, and rows of `accuracy` for its strands and for several lengths of the runs.

    The first pieces of a shard (`number` counts them) are also read with runs of each length. These are on the plus strand, in the first
    1,000 bases.
    """
    model, frequency, codes = read_piece(reader, genome, piece, reading)
    rows = []
    for strands, rows_of in [("plus", slice(0, 1)), ("minus", slice(1, 2)), ("both", slice(0, 2))][
        : 3 if reading.both else 1
    ]:
        sums = accuracy(model[rows_of].mean(axis=0), frequency[rows_of].mean(axis=0), codes)
        rows.append({"run": reading.span, "strands": strands, "place": piece.place} | sums)
    if number < SAMPLED_PIECES and not reader.bases.k:
        part = piece._replace(end=min(piece.end, piece.start + SAMPLED))
        for run in RUNS:
            if run != reading.span and reading.window - 2 * reading.context >= run:
                other, theirs, sampled = read_piece(reader, genome, part, replace(reading, span=run, both=False))
                sums = accuracy(other[0], theirs[0], sampled)
                rows.append({"run": run, "strands": "plus", "place": piece.place} | sums)
    values = track_values(model.mean(axis=0), frequency.mean(axis=0), codes, absolute)
    return values, rows


def read_piece(
    reader: BaseReader, genome: Genome, piece: Piece, reading: Reading
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the two probabilities of the bases of a piece, as `BaseReader.read`, and their codes, uint8 [bases]."""
    size, flank = piece.end - piece.start, flank_of(reading, reader.vocabulary)
    left, right = max(piece.left, piece.place - flank), min(piece.right, piece.place + size + flank)
    codes = np.asarray(genome.codes[left:right])
    first = piece.place - left
    model, frequency = reader.read(codes, first, first + size, reading)
    return model, frequency, codes[first : first + size]
