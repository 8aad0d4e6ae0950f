"""The part of an assembly that a model was pretrained on, where this is the assembly of the training."""

import numpy as np
import pandas as pd

from grover.commands.assemblies import Assembly
from grover.commands.session import Session
from grover.intervals.contigs import RENAMES
from grover.pretraining.trained_on import with_checksums

COMPARED = 64  # intervals whose bases are compared, at most
WITHOUT = "; no column `seen`"


def seen_intervals(intervals: pd.DataFrame, assembly: Assembly, session: Session) -> pd.DataFrame | None:
    """Return the intervals that a model was pretrained on (chrom, start, end, checksum) with the assembly's names of contigs.

    Names and lengths of contigs do not tell assemblies apart, so the bases of up to 64 intervals are compared. One that the sequences do
    not have as a whole is left out, since a FASTA may hold a part of the assembly. None, and a line on standard error, where bases differ
    or nothing can be compared.
    """
    named = _with_names(intervals, assembly)
    if named is None:
        session.say(f"the model was pretrained on other contigs than those of {assembly.name}{WITHOUT}")
        return None
    present = named[(assembly.genome.wholly(named)[0] >= 0) & (named["checksum"] != "").to_numpy(bool)]
    if present.empty:
        session.say(
            f"{assembly.name} cannot be compared with the assembly of the model's pretraining: it has no whole interval of "
            f"trained_on.bed, or these have no checksums{WITHOUT}"
        )
        return None
    some = present.iloc[np.unique(np.linspace(0, len(present) - 1, COMPARED).astype(np.int64))]
    differs = (with_checksums(some, assembly.genome)["checksum"] != some["checksum"]).to_numpy(bool)
    if differs.any():
        row = some.iloc[int(differs.argmax())]
        place = f"{row['chrom']}:{row['start']}-{row['end']}"
        session.say(f"{assembly.name} is another assembly than that of the pretraining: {place} differs{WITHOUT}")
        return None
    return named


def _with_names(intervals: pd.DataFrame, assembly: Assembly) -> pd.DataFrame | None:
    """Return the intervals with names of the assembly, in the first style that gives one, or None."""
    given = intervals["chrom"].unique().tolist()
    for rename in RENAMES:
        names = assembly.names(rename).of(given)
        if any(name in assembly.contigs.lengths for name in names):
            return intervals.assign(chrom=intervals["chrom"].map(dict(zip(given, names, strict=True))))
    return None
