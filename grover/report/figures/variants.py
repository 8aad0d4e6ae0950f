"""Figures of the scores of variants."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from grover.report.style import PALETTE, panels


def variants(table: pd.DataFrame) -> Figure:
    """Distribution of the variants' scores by effect; table: score, effect."""
    figure, (axis,) = panels(height=2.7)
    table = table.assign(effect=table["effect"].fillna("effect not known"))
    effects = sorted(table["effect"].unique())
    edges = np.histogram_bin_edges(table["score"], bins=30)
    for colour, effect in zip(PALETTE * 3, effects, strict=False):
        scores = table.loc[table["effect"] == effect, "score"]
        axis.hist(scores, bins=edges, density=True, color=colour, alpha=0.35, histtype="stepfilled")
        axis.hist(
            scores,
            bins=edges,
            density=True,
            color=colour,
            histtype="step",
            linewidth=1.4,
            label=f"{effect} ({len(scores):,})",
        )
        axis.axvline(scores.median(), color=colour, linestyle="--", linewidth=1.1)
    axis.set(xlabel="log-likelihood ratio, alternative to reference", ylabel="density")
    axis.legend()
    return figure
