"""Discovered motifs as text of a MEME file, as rows of a BED file, and as tables for logos."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from grover.interpretation.contributions import Contributions
from grover.interpretation.motif_discovery import Motif
from grover.interpretation.seqlets import cut

HEAD = """MEME version 5

ALPHABET= ACGT

strands: + -

Background letter frequencies
A 0.25 C 0.25 G 0.25 T 0.25
"""
COLUMNS = ["chrom", "start", "end", "name", "score", "strand", "contribution", "example"]
BASES = "ACGT"


def motif_names(number: int) -> list[str]:
    """Return `motif-1`, `motif-2`, ..."""
    return [f"motif-{index + 1}" for index in range(number)]


def meme_text(motifs: Sequence[Motif]) -> str:
    """Return a MEME file of the motifs, which is its head alone where there are none."""
    parts = [HEAD]
    for name, motif in zip(motif_names(len(motifs)), motifs, strict=True):
        # six digits that add up to 1, since readers check it
        rows = np.round(motif.probabilities.T, 6)
        rows[np.arange(len(rows)), rows.argmax(axis=1)] += 1 - rows.sum(axis=1)
        lines = "\n".join(" ".join(f"{value:.6f}" for value in row) for row in rows)
        size = f"alength= 4 w= {motif.width} nsites= {len(motif.seqlets)} E= 0"
        parts.append(f"\nMOTIF {name} {motif.text}\nletter-probability matrix: {size}\n{lines}\n")
    return "".join(parts)


def instances(contributions: Contributions, motifs: Sequence[Motif], dataset: pd.DataFrame) -> pd.DataFrame:
    """Return the windows of all motifs as rows of a BED file, sorted by contig and start.

    Columns: chrom, start, end, name; score (0 to 1000, the contribution over the largest one of the motif); strand; contribution (of all
    its bases to the logit); example. Where an example has no coordinates, chrom is `example_ROW` and the others count in its sequence.
    A window that goes beyond its example ends with it.
    """
    tables = [
        _of_motif(contributions, motif, name, dataset)
        for name, motif in zip(motif_names(len(motifs)), motifs, strict=True)
    ]
    if not tables:
        return pd.DataFrame(columns=COLUMNS)
    return pd.concat(tables, ignore_index=True).sort_values(["chrom", "start", "end", "name"], ignore_index=True)


def bed_text(table: pd.DataFrame) -> str:
    """Return the rows of `instances` as lines of a BED file."""
    shown = table.assign(contribution=[f"{value:.5g}" for value in table["contribution"]])
    return shown.to_csv(sep="\t", header=False, index=False)


def logo_table(motifs: Sequence[Motif]) -> pd.DataFrame:
    """Return motif, position (from 0), base, probability, contribution (mean over the windows): a row per base of each column."""
    columns = ["motif", "position", "base", "probability", "contribution"]
    tables = [
        pd.DataFrame(
            {
                "motif": name,
                "position": np.repeat(np.arange(motif.width), len(BASES)),
                "base": list(BASES) * motif.width,
                "probability": motif.probabilities.T.ravel(),
                "contribution": motif.sign * motif.contributions.T.ravel(),
            }
        )
        for name, motif in zip(motif_names(len(motifs)), motifs, strict=True)
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def _of_motif(contributions: Contributions, motif: Motif, name: str, dataset: pd.DataFrame) -> pd.DataFrame:
    windows = motif.seqlets
    example = contributions.example[windows.example]
    value = motif.sign * cut(contributions, windows)[1].sum(axis=1, dtype=np.float64)
    size = np.abs(value)
    sites = dataset.iloc[example]
    placed = (sites["chrom"].astype(str) != "").to_numpy()
    length = sites["sequence"].str.len().to_numpy()
    along = (sites["strand"] == "-").to_numpy()
    first, last = windows.start, windows.start + windows.width
    begin, end = (np.where(placed, sites[name].to_numpy(), other) for name, other in (("start", 0), ("end", length)))
    left = np.where(along & placed, end - last, begin + first)
    low, high = np.maximum(left, begin), np.minimum(left + windows.width, end)
    minus = windows.minus != (along & placed)
    rows = {
        "chrom": np.where(placed, sites["chrom"].astype(str), [f"example_{row}" for row in example]),
        "start": low,
        "end": high,
        "name": name,
        "score": np.rint(1000 * size / max(size.max(), 1e-12)).astype(int),
        "strand": np.where(minus, "-", "+"),
        "contribution": value,
        "example": example,
    }
    return pd.DataFrame(rows)
