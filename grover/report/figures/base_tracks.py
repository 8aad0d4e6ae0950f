"""Figures of base tracks."""

import logomaker
import pandas as pd
from matplotlib.figure import Figure

from grover.report.style import BASE_COLOURS, GREY, panels

FLAT = 0.02  # bits; a lower letter cannot be seen


def logo(table: pd.DataFrame) -> Figure:
    """Heights of the four bases at neighbouring positions, above the sequence of the reference.

    table: chrom, pos, base (of the reference), A, C, G, T (heights in bits).
    """
    heights = table[list(BASE_COLOURS)].astype(float).set_index(table["pos"] + 1)
    figure, (axis,) = panels(height=2.4)
    logomaker.Logo(
        heights.where(heights.abs() >= FLAT, 0.0),
        ax=axis,
        color_scheme=BASE_COLOURS,
        show_spines=False,
        flip_below=False,
    )
    axis.axhline(0, color=GREY, linewidth=0.6)
    axis.set_xticks(heights.index, table["base"], fontsize=5)
    axis.tick_params(axis="x", length=0)
    for label in axis.get_xticklabels():
        label.set_color(BASE_COLOURS[label.get_text()])
    first, last = heights.index[0], heights.index[-1]
    axis.set_xlim(first - 0.5, last + 0.5)
    axis.set(ylabel="information (bits)", xlabel=f"reference, {table['chrom'].iloc[0]}:{first:,}\u2013{last:,}")
    return figure
