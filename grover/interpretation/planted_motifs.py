"""How well motifs and windows recover what the simulated genome plants (`truth.json`)."""

import numpy as np
import pandas as pd

from grover.interpretation.planted import DECIDING

IUPAC = dict(zip("ACGTRYMKSWN", ("A", "C", "G", "T", "AG", "CT", "AC", "GT", "CG", "AT", "ACGT"), strict=True))
COMPLEMENT = str.maketrans("ACGT", "TGCA")
SHARED = 0.8  # of the bases of an element, by which a motif counts as this element
WINDOW, OVERLAP = 13, 8  # bases of a window, and of an element in it, from which the window is on the element


def shared_bases(consensus: str, element: str) -> int:
    """Return the most bases of a consensus that fit an element in IUPAC codes, over all placements on both strands, without gaps."""
    fitting = np.array([[base in IUPAC[code] for base in "ACGT"] for code in element])
    most = 0
    for text in (consensus, consensus.translate(COMPLEMENT)[::-1]):
        places = np.array(["ACGT".index(base) for base in text])
        for shift in range(1 - len(element), len(text)):
            first, last = max(0, shift), min(len(text), shift + len(element))
            most = max(most, int(fitting[np.arange(first, last) - shift, places[first:last]].sum()))
    return most


def recovered(table: pd.DataFrame, element: str) -> pd.DataFrame:
    """Return the supported motifs of `motifs.tsv` that share at least 80 % of the bases of an element."""
    supported = table[table["supported"].astype(bool)]
    return supported[[shared_bases(text, element) >= SHARED * len(element) for text in supported["consensus"]]]


def windows_on_partner(marked: pd.DataFrame) -> float:
    """Return the share of `deciding` sites whose most important 13 bases overlap their partner by at least 8.

    marked: bases of one method that `grover.interpretation.planted.mark` marked: example, pos, importance, partner, kind.
    """
    hits = []
    for _, rows in marked[marked["kind"] == DECIDING].groupby("example"):
        rows = rows.sort_values("pos")
        sums, inside = (
            np.convolve(rows[name].to_numpy(np.float64), np.ones(WINDOW), "valid") for name in ("importance", "partner")
        )
        hits.append(inside[sums.argmax()] >= OVERLAP)
    return float(np.mean(hits)) if hits else float("nan")
