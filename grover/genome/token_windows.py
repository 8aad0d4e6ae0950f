"""Where windows of tokens lie in the assembly."""

import numpy as np
import pandas as pd

from grover.genome.assembly import Genome
from grover.tokenization.genome_tokens import TokenisedGenome


def places_of(windows: pd.DataFrame, genome: Genome, tokenised: TokenisedGenome) -> pd.DataFrame:
    """Return chrom (categories), start, end of windows of tokens (columns first, length), with all bases of their last tokens."""
    first = windows["first"].to_numpy(np.int64)
    begins = tokenised.bases_at(first)
    ends = tokenised.ends_at(first + windows["length"].to_numpy(np.int64) - 1)
    contigs, starts = genome.locate(begins)
    chrom = pd.Categorical.from_codes(contigs, genome.chroms)
    return pd.DataFrame({"chrom": chrom, "start": starts, "end": starts + ends - begins})
