"""Figures of base tracks."""

import logomaker
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from grover.report.style import BASE_COLOURS, GREY, panels


def logo(table: pd.DataFrame) -> Figure:
    """Heights of the four bases at neighbouring positions, and below them the sequence of the reference.

    table: pos, base (of the reference), A, C, G, T (heights in bits).
    """
    heights = table[list(BASE_COLOURS)].astype(float).set_index(table["pos"] + 1)
    figure, (upper, lower) = panels(2, 1, height=2.6, height_ratios=(5, 1))
    logomaker.Logo(heights, ax=upper, color_scheme=BASE_COLOURS, show_spines=False, flip_below=False)
    upper.axhline(0, color=GREY, linewidth=0.6)
    upper.set_ylabel("bits")
    upper.tick_params(labelbottom=False)
    reference = pd.get_dummies(table["base"]).reindex(columns=list(BASE_COLOURS), fill_value=False).astype(float)
    logomaker.Logo(reference.set_index(heights.index), ax=lower, color_scheme=BASE_COLOURS, show_spines=False)
    lower.set(yticks=[], ylim=(0, 1), xlabel=f"position on {table['chrom'].iloc[0]}")
    lower.ticklabel_format(axis="x", style="plain", useOffset=False)
    limits = np.array([heights.index[0] - 0.5, heights.index[-1] + 0.5])
    for axis in (upper, lower):
        axis.set_xlim(*limits)
    return figure
