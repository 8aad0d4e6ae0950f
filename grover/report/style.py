"""The look that all figures share: a palette that colour-blind readers can tell apart, calm axes, reproducible SVG."""

import io
import math
import re
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import to_rgba
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.rcsetup import cycler

# Okabe and Ito (jfly.uni-koeln.de/color) and Paul Tol (personal.sron.nl/~pault), in the order of the names below
PALETTES = {
    "okabe-ito": ("#0072b2", "#d55e00", "#009e73", "#e69f00", "#cc79a7", "#56b4e9", "#e0cf1f"),
    "tol-bright": ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#aa3377", "#66ccee", "#997700"),
}
# places in the palette, which matplotlib looks up when it draws
PALETTE = BLUE, RED, GREEN, ORANGE, PURPLE, SKY, YELLOW = tuple(f"C{i}" for i in range(7))
BASE_COLOURS = {"A": GREEN, "C": BLUE, "G": ORANGE, "T": RED}  # of logos
# baselines and `none` are grey
GREY, PALE = "#8b929c", "#c4c9d0"
FOLDS = {"train": BLUE, "valid": ORANGE, "test": RED, "gap": PALE}
# ink becomes the colour of the page's text in the report, so that figures follow a light or a dark page
INK = "#23282f"
SCATTER_DPI = 120
# a colour over the page is no thicker than this, so that ink, or light text on a dark page, can be read on it
THICKEST = 0.62

matplotlib.rcParams.update(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "grover",
        "figure.facecolor": "none",
        "savefig.facecolor": "none",
        "axes.facecolor": "none",
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "axes.titlesize": 9.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 8,
        "axes.labelsize": 9,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "legend.fontsize": 8,
        "legend.frameon": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.8,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.axisbelow": True,
        "grid.color": GREY,
        "grid.alpha": 0.25,
        "grid.linewidth": 0.6,
        "lines.linewidth": 1.6,
        "axes.formatter.limits": (-4, 6),
    }
)


def use_palette(name: str) -> None:
    """Draw with `okabe-ito` or `tol-bright`."""
    matplotlib.rcParams["axes.prop_cycle"] = cycler(color=PALETTES[name])


def panels(
    rows: int = 1, columns: int = 1, width: float = 9.0, height: float = 3.0, **options: Any
) -> tuple[Figure, np.ndarray]:
    """A figure of `width` x `height` inches and its axes, row by row."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options).ravel()


def grid(number: int, most: int, row: float, rest: float, **options: Any) -> tuple[Figure, np.ndarray]:
    """A figure of `number` panels, at most `most` in a row, and their axes; a row is `row` inches high, and `rest` is for the legend."""
    columns = min(most, number)
    rows = math.ceil(number / columns)
    figure, axes = panels(rows, columns, height=row * rows + rest, **options)
    for axis in axes[number:]:
        axis.set_axis_off()
    return figure, axes[:number]


def finish(axis: Axes, *, grid: Any = "", percent: str = "", whole: str = "", **settings: Any) -> None:
    """Set names, limits and ticks of a panel.

    grid: axis with lines; percent: axis whose shares are shown as percent; whole: axes that have ticks at whole numbers only.
    """
    axis.set(**settings)
    if grid:
        axis.grid(axis=grid)
    if percent:
        # as many decimals as the ticks need: 2.5 % is not 2 %
        getattr(axis, f"{percent}axis").set_major_formatter(lambda value, _: f"{100 * value:.4g}%")
    for name in whole:
        getattr(axis, f"{name}axis").get_major_locator().set_params(integer=True)


def upright(axis: Axes, names: Sequence[str]) -> None:
    """Name the columns of a map below it, read upwards; names end at the map whatever the font of the page is."""
    axis.set_xticks(
        range(len(names)),
        names,
        rotation=90,
        ha="right",
        va="center",
        rotation_mode="anchor",
        fontsize=6.5,
        family="monospace",
    )


def bare(axis: Axes) -> None:
    """Take away the frame and the ticks, not their labels."""
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)


def colour_scale(figure: Figure, shown: ScalarMappable, axes: list[Axes], label: str, **options: Any) -> Colorbar:
    """Add a scale of colours beside the axes."""
    bar = figure.colorbar(shown, ax=axes, label=label, **options)
    bar.outline.set_visible(False)
    return bar


def cell(axis: Axes, place: tuple[float, float], value: float, far: float, bold: bool) -> None:
    """Draw a number in a coloured cell, or a dash for NaN. far: from chance, -1 to 1; blue is above 0, red below."""
    centred: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 7.5}
    if np.isnan(value):
        axis.text(*place, "–", color=GREY, **centred)
        return
    frame(axis, place, facecolor=to_rgba(BLUE if far >= 0 else RED, THICKEST * min(1, abs(far))), edgecolor="none")
    # R² of a poor fit goes down without end
    text = (f"{value:.2f}" if value > -9.995 else "< -10").replace("-0.00", "0.00").replace("-", "\u2212")
    axis.text(*place, text, fontweight="bold" if bold else "normal", **centred)


def frame(axis: Axes, place: tuple[float, float], **style: Any) -> None:
    """Draw the rectangle of a cell."""
    axis.add_patch(Rectangle((place[0] - 0.47, place[1] - 0.45), 0.94, 0.9, **style))


def to_svg(figure: Figure) -> str:
    """The figure as SVG text, byte by byte the same for the same data; dense layers are drawn at 120 dpi."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(buffer, format="svg", dpi=SCATTER_DPI, metadata=nothing)
    return re.sub(r"\s*<metadata>.*?</metadata>", "", buffer.getvalue(), flags=re.DOTALL)


def colours(names: Sequence[str]) -> dict[str, str]:
    """A colour for each name; `none` and `other` are grey."""
    usual = [name for name in names if name not in ("none", "other")]
    chosen = {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(usual)}
    return {name: chosen.get(name, PALE if name == "none" else GREY) for name in names}


def cut(name: str, most: int) -> str:
    """A name that takes at most `most` characters."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def intervals(
    axis: Axes,
    heights: Sequence[float] | np.ndarray,
    spans: np.ndarray,
    colour: str,
    marker: str = "o",
    label: str | None = None,
    size: float = 5.5,
) -> ErrorbarContainer:
    """Draw horizontal dots of `size` points with their intervals. spans: float [dots, 3] of value, low and high."""
    values, low, high = np.asarray(spans, float).T
    errors = np.clip(np.vstack([values - low, high - values]), 0, None)
    return axis.errorbar(
        values,
        heights,
        xerr=np.nan_to_num(errors),
        fmt=marker,
        color=colour,
        markersize=size,
        linewidth=1.4,
        capsize=0,
        label=label,
    )
