"""Known motifs that resemble the discovered ones: Tomtom (Gupta et al. 2007), with decoys beside the known motifs.

Tomtom takes its background from the motifs that are compared, so that a file of one motif gives p-values without meaning. Decoys, known
motifs with their columns in another order, give it columns of the same kind and an error rate that is counted.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from grover.interpretation.motif_association import benjamini_hochberg


def decoys(matrices: Sequence[np.ndarray], number: int, seed: int) -> list[np.ndarray]:
    """Return `number` of the matrices [4, width], one after the other, each with its columns in a random order."""
    rng = np.random.default_rng(seed)
    return [rng.permutation(matrices[index % len(matrices)], axis=1) for index in range(number)]


def best_matches(
    found: Sequence[np.ndarray], names: Sequence[str], known: Sequence[np.ndarray], number: int, seed: int
) -> pd.DataFrame:
    """Return match, match_p and match_q of each discovered motif: the most similar known motif, against `number` decoys.

    found, known: base probabilities [4, width]; names: of the known motifs. `match_p` is the larger of two: Tomtom's p-value, corrected
    for the number of known motifs (Šidák); and the share of pairs of a discovered motif and a decoy that are as similar. `match_q`
    is that of Benjamini and Hochberg over the discovered motifs.
    """
    if not found or not known:
        return pd.DataFrame({"match": [""] * len(found), "match_p": np.nan, "match_q": np.nan})
    from memelite.tomtom import tomtom  # compiles itself at the first call

    targets = [*known, *decoys(known, number, seed)]
    pvalues = tomtom([*map(np.ascontiguousarray, found)], [*map(np.ascontiguousarray, targets)], n_jobs=1)[0]
    return calibrated(pvalues[:, : len(known)], pvalues[:, len(known) :], names)


def calibrated(known: np.ndarray, decoy: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    """Return match, match_p and match_q from Tomtom's p-values [found, known] and [found, decoys]."""
    best, place = known.min(axis=1), known.argmin(axis=1)
    corrected = -np.expm1(known.shape[1] * np.log1p(-np.minimum(best, 1 - 1e-15)))
    alike = np.searchsorted(np.sort(decoy, axis=None), best, side="right")
    p = np.maximum(corrected, (1 + alike) / (1 + decoy.size))
    return pd.DataFrame({"match": [names[each] for each in place], "match_p": p, "match_q": benjamini_hochberg(p)})
