"""Figures of the map of the regions: the plane of the embeddings, coloured by tracks that the model never saw."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from grover.report.scatter import NONE, OTHER, RAMP, categories, is_quantity, leading, limits
from grover.report.style import GREY, PALE, cut, panels

COLUMNS = 3
LONGEST_NAME = 18
# few shades: pictures of thousands of points stay small
SHADES = ListedColormap(RAMP[::4], "few").with_extremes(bad=PALE)


def tracks(points: np.ndarray, table: pd.DataFrame) -> Figure:
    """The same points [regions, 2] once per column of `table` (text, bool or float), three panels per row."""
    rows = -(-table.shape[1] // COLUMNS)
    figure, axes = panels(rows, COLUMNS, height=2.15 * rows)
    for axis, name in zip(axes, table, strict=False):
        draw(axis, points, table[name])
        axis.set_title(name.replace("_", " "))
    for axis in axes[table.shape[1] :]:
        axis.set_visible(False)
    return figure


def pair(points: dict[str, np.ndarray], values: pd.Series, labels: dict[str, tuple[str, str]]) -> Figure:
    """Two panels coloured by one track; points [regions, 2] and the labels of the axes (none where they have no meaning) by title."""
    figure, axes = panels(1, 2, height=3.5)
    for axis, (title, flat) in zip(axes, points.items(), strict=True):
        draw(axis, flat, values, legend=axis is axes[1], size=2.6)
        axis.set(title=title, **dict(zip(("xlabel", "ylabel"), labels.get(title, ("", "")), strict=True)))
    return figure


def draw(axis: Axes, points: np.ndarray, values: pd.Series, legend: bool = True, size: float = 1.6) -> None:
    """One panel with its legend, or its scale where the values are numbers; what has none is grey.

    Points lie in a random order, so that what covers what says nothing and the colours keep their shares.
    """
    order = np.random.default_rng(0).permutation(len(points))
    points, values = points[order], values.iloc[order]
    # without soft edges a picture has few colours and takes a fifth of the space
    style: dict[str, Any] = {"s": size, "linewidths": 0, "antialiaseds": False, "rasterized": True}
    x, y = points.T
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
    axis.set_aspect("equal", adjustable="datalim")
    if is_quantity(values):
        low, high = limits(values)
        shown = axis.scatter(x, y, c=values, cmap=SHADES, vmin=low, vmax=high, plotnonfinite=True, **style)
        if legend:
            bar = axis.figure.colorbar(shown, ax=axis, shrink=0.75, aspect=14, pad=0.03)
            bar.outline.set_visible(False)
            bar.ax.tick_params(labelsize=6.5, length=2)
            bar.locator.set_params(nbins=4)  # type: ignore[call-arg]
        return
    names = categories(values)
    palette = leading(names)
    axis.scatter(x, y, c=names.map(palette).tolist(), **style)
    if legend:
        # categories without a colour of their own share one line
        entries = {name if name == NONE or colour != GREY else OTHER: colour for name, colour in palette.items()}
        handles = [
            Line2D([], [], marker="o", linestyle="", color=colour, label=cut(name, LONGEST_NAME))
            for name, colour in entries.items()
        ]
        place: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1, 0.5), "handletextpad": 0, "borderpad": 0}
        axis.legend(handles=handles, **place, fontsize=6.8, markerscale=0.65, labelspacing=0.35)
