"""Masked bits per base of a model at loci of a genome, whatever its vocabulary, beside those of token frequencies."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from grover.genome.assembly import Genome, gc_shares
from grover.genome.bases import decode
from grover.interpretation.base_tracks import BaseReader, Reading
from grover.interpretation.track_regions import pieces, stretches
from grover.interpretation.track_shards import read_piece
from grover.interpretation.track_values import accuracy
from grover.tokenization.vocabulary import Vocabulary

MOST_COUNTED = 20_000_000  # bases of fold train whose tokens are counted


def count_tokens(genome: Genome, folds: pd.DataFrame, vocabulary: Vocabulary, threads: int = 1) -> np.ndarray:
    """Count the tokens of fold train, of at most 20 Mb of it, int64 [tokens]."""
    table = stretches(folds[folds["fold"] == "train"], genome, "fold train")
    begins = table["place"].to_numpy(np.int64)
    lengths = (table["end"] - table["start"]).to_numpy(np.int64)
    kept = np.cumsum(lengths) - lengths < MOST_COUNTED
    tokens, _ = vocabulary.encode_windows(genome.codes, begins[kept], (begins + lengths)[kept], threads)
    return np.bincount(tokens, minlength=vocabulary.size)


def masked_bases(
    reader: BaseReader,
    genome: Genome,
    loci: pd.DataFrame,
    reading: Reading,
    progress: Callable[[int], object] = lambda bases: None,
) -> pd.DataFrame:
    """Tabulate each locus: chrom, start, end, sequence, gc, tokens (of the reader's vocabulary), and the sums of `accuracy`.

    loci: chrom, start, end, without overlaps. The caller sets the model's device and mode.
    """
    rows = []
    for piece in pieces(stretches(loci, genome), 0, 1):
        model, frequency, codes = read_piece(reader, genome, piece, reading)
        gc = gc_shares(codes, np.array([0]), np.array([len(codes)]))[0]
        where = {"chrom": piece.chrom, "start": piece.start, "end": piece.end}
        sequence = {"sequence": decode(codes), "gc": gc, "tokens": len(reader.vocabulary.encode(codes))}
        rows.append(where | sequence | accuracy(model.mean(axis=0), frequency.mean(axis=0), codes))
        progress(len(codes))
    return pd.DataFrame(rows)
