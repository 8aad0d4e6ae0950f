"""The sequence that a model was pretrained on, as intervals of its assembly (`trained_on.bed` beside the model).

A score on sequence that the model was trained on is no held-out score, so results carry the share of each input that it has seen.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from grover.genome.assembly import Genome
from grover.intervals.overlaps import merge, overlap_bases
from grover.pretraining.corpus import places_of
from grover.tokenization.genome_tokens import TokenisedGenome

TRAINED_ON = "trained_on.bed"
COLUMNS = ["chrom", "start", "end"]


def training_intervals(genome: Genome, tokenised: TokenisedGenome, windows: pd.DataFrame) -> pd.DataFrame:
    """Return the union of windows of tokens (columns first, length) as sorted, disjoint rows chrom, start, end of the assembly."""
    return merge(places_of(windows, genome, tokenised))


def read_trained_on(folder: Path) -> pd.DataFrame | None:
    """Return the intervals that the model in `folder` was trained on (chrom, start, end), or None where its folder does not say."""
    path = Path(folder) / TRAINED_ON
    return read_intervals(path) if path.is_file() else None


def read_intervals(path: Path) -> pd.DataFrame:
    """Return the rows chrom, start, end of a file `trained_on.bed`."""
    types = {"chrom": str}  # a contig may be called NA or 1
    return pd.read_csv(path, sep="\t", header=None, names=COLUMNS, dtype=types, keep_default_na=False)


def share_seen(regions: pd.DataFrame, trained_on: pd.DataFrame) -> np.ndarray:
    """Return the share of the bases of each region (chrom, start, end) that was trained on, float64 in 0 to 1."""
    return overlap_bases(regions, trained_on) / (regions["end"] - regions["start"]).to_numpy(np.float64)
