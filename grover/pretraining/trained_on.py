"""The sequence that a model was pretrained on, as intervals of its assembly: `trained_on.bed` beside the model.

A score on sequence that the model was trained on is no held-out score, so results say how much of each input it has seen.
"""

from pathlib import Path

import pandas as pd

TRAINED_ON = "trained_on.bed"


def read_trained_on(path: Path) -> pd.DataFrame:
    """Return the rows chrom, start, end of a file `trained_on.bed`."""
    types = {"chrom": str}  # a contig may be called NA or 1
    return pd.read_csv(path, sep="\t", header=None, names=["chrom", "start", "end"], dtype=types, keep_default_na=False)
