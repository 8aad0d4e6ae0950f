"""Figure of the stability of the tokens."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grover.atlas.stability import CUT_LEFT, CUT_RIGHT, MUTATION_LEFT, MUTATION_RIGHT, REVERSE_COMPLEMENT, SHIFT
from grover.report.style import BLUE, GREY, RED, finish, intervals, panels

SHOWN = 0.005  # smaller shares of windows would read 0%
TITLES = {
    CUT_LEFT: "Cut out: from the left end",
    CUT_RIGHT: "Cut out: from the right end",
    SHIFT: "Shifted by one base",
    MUTATION_LEFT: "Base substituted: to its left",
    MUTATION_RIGHT: "Base substituted: to its right",
    REVERSE_COMPLEMENT: "Reverse complement",
}


def stability(table: pd.DataFrame) -> Figure:
    """One panel per disturbance, one line per vocabulary: quantiles of the distance, and boundaries kept on the other strand.

    table: what `grover.atlas.stability.measure` returns, of one vocabulary behind the other.
    """
    names = list(dict.fromkeys(table["vocabulary"]))
    figure, axes = panels(2, 3, height=1.9 + 0.4 * len(names), sharey=True)
    farthest = max(30.0, float(table[["q95", "largest"]].max().max()))
    for axis, disturbance in zip(axes, TITLES, strict=True):
        rows = table[table["disturbance"] == disturbance].set_index("vocabulary").reindex(names)
        if disturbance == REVERSE_COMPLEMENT:
            _kept(axis, rows)
        else:
            _distances(axis, rows, farthest)
        ticks: dict[str, Any] = {"yticks": range(len(names)), "yticklabels": names}
        finish(axis, title=TITLES[disturbance], **ticks, ylim=(len(names) - 0.5, -0.5), grid="y")
    return figure


def _distances(axis: Axes, rows: pd.DataFrame, farthest: float) -> None:
    # the share that never comes back stands beyond all distances, behind a dotted line
    border, never = farthest * 1.6, farthest * 3.5
    for height, row in enumerate(rows.itertuples()):
        # a line with an infinite end or none (NaN) is not drawn
        axis.plot([row.q05, row.q95], [height, height], color=BLUE, linewidth=1.2)
        axis.plot([row.q25, row.q75], [height, height], color=BLUE, linewidth=4.5, solid_capstyle="butt")
        axis.plot(row.median, height, "o", color=BLUE, markersize=6.5, markeredgecolor="white")
        axis.plot(row.largest, height, "|", color=BLUE, markersize=7)
        if row.never >= SHOWN:
            axis.plot(never, height, "D", color=RED, markersize=5)
            axis.annotate(
                f"{row.never:.0%}", (never, height), xytext=(6, 0), textcoords="offset points", va="center", fontsize=8
            )
    axis.axvline(border, color=GREY, linewidth=0.8, linestyle=":")
    axis.set_xscale("symlog", linthresh=1, linscale=0.5)
    decades = [value for value in (0, 1, 10, 100, 1000, 10_000) if value <= farthest]
    axis.set_xticks([*decades, never], [*map(str, decades), "never"])
    axis.set_xticks([], minor=True)
    axis.set(xlim=(-0.15, never * 3), xlabel="bases until in step")


def _kept(axis: Axes, rows: pd.DataFrame) -> None:
    heights = np.arange(len(rows))
    axis.plot(rows["chance"], heights, "D", color=GREY, markersize=5)
    intervals(axis, heights, rows[["kept", "kept_low", "kept_high"]].to_numpy(float), BLUE)
    finish(axis, xlim=(0, 1.04), xlabel="share of the boundaries kept", percent="x")
