"""Figures of the scores of variants."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from grover.report.style import PALETTE, panels

LABELS = {1: "positive", 0: "negative", -1: "no label"}


def variants(table: pd.DataFrame) -> Figure:
    """Distribution of the variants' ratios by label; table: llr, label."""
    figure, (axis,) = panels(height=2.7)
    edges = np.histogram_bin_edges(table["llr"], bins=30)
    for colour, (label, name) in zip(PALETTE, LABELS.items(), strict=False):
        scores = table.loc[table["label"] == label, "llr"]
        if not len(scores):
            continue
        axis.hist(scores, bins=edges, density=True, color=colour, alpha=0.35, histtype="stepfilled")
        axis.hist(
            scores,
            bins=edges,
            density=True,
            color=colour,
            histtype="step",
            linewidth=1.4,
            label=f"{name} ({len(scores):,})",
        )
        axis.axvline(scores.median(), color=colour, linestyle="--", linewidth=1.1)
    axis.set(xlabel="pseudo-log-likelihood ratio, alternative to reference (nats)", ylabel="density")
    axis.legend()
    return figure
