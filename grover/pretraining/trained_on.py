"""The sequence that a model was pretrained on, as intervals of its assembly: `trained_on.bed` beside the model.

A score on sequence that the model was trained on is no held-out score, so results say how much of each input it has seen. The fourth column
is a checksum of the bases of the interval, since names and lengths of contigs do not tell assemblies apart.
"""

import hashlib
from pathlib import Path

import pandas as pd

from grover.genome.assembly import Genome
from grover.genome.bases import decode

TRAINED_ON = "trained_on.bed"
COLUMNS = ["chrom", "start", "end", "checksum"]
DIGITS = 16
AT_ONCE = 1 << 24  # bases


def with_checksums(intervals: pd.DataFrame, genome: Genome) -> pd.DataFrame:
    """Return rows chrom, start, end with the column `checksum`: the first 16 digits of the SHA-256 of the bases in upper case."""
    places = zip(intervals["chrom"], intervals["start"].tolist(), intervals["end"].tolist(), strict=True)
    return intervals[COLUMNS[:3]].assign(checksum=[_checksum(genome, *place) for place in places])


def read_trained_on(path: Path) -> pd.DataFrame:
    """Return the rows chrom, start, end, checksum of a file `trained_on.bed`; without the fourth column each checksum is empty."""
    types = {"chrom": str, "checksum": str}  # a contig may be called NA or 1
    table = pd.read_csv(path, sep="\t", header=None, names=COLUMNS, dtype=types, keep_default_na=False)
    return table.fillna({"checksum": ""})


def _checksum(genome: Genome, chrom: str, start: int, end: int) -> str:
    digest = hashlib.sha256()
    for begin in range(start, end, AT_ONCE):
        digest.update(decode(genome.fetch(chrom, begin, min(begin + AT_ONCE, end))).encode())
    return digest.hexdigest()[:DIGITS]
