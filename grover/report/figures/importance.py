"""Figures of the importance of single bases."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grover.report.style import BASE_COLOURS, BLUE, GREY, INK, PALE, PURPLE, RED, SKY, finish, panels

BASES_PER_ROW = 110
METHOD_COLOURS = {"ism": BLUE, "block": SKY, "ig": RED, "attention": PURPLE, "random": GREY, "rarity": PALE}
ELEMENTS = {"motif": GREY, "partner": BLUE}
SIGNIFICANT = 0.05


def logos(examples: Mapping[str, pd.DataFrame], labels: Mapping[str, str], rows: int) -> Figure:
    """The bases of some sites as logos, in at most `rows` lines of 110 bases each.

    examples: by title, of each base in the order of the site: offset, ref, height, q, and where truth is known motif and partner (bool).
    Of a longer site the stretch with the largest sum of absolute heights is shown. Lines above the letters mark what was planted, dots
    below them q < 0.05. labels: names of the marks in the legend.
    """
    lines = [
        (title, table.iloc[start : start + BASES_PER_ROW])
        for title, whole in examples.items()
        for table in [best_stretch(whole, rows * BASES_PER_ROW)]
        for start in range(0, len(table), BASES_PER_ROW)
    ]
    figure, axes = panels(len(lines), 1, height=0.6 + 1.35 * len(lines))
    titled = set()
    for axis, (title, line) in zip(axes, lines, strict=True):
        whole = examples[title]["height"]
        span = max(whole.max(), -whole.min(), 1e-9)
        low, high = min(whole.min(), 0) - 0.12 * span, max(whole.max(), 0) + 0.22 * span
        draw_letters(axis, line)
        draw_marks(axis, line, (low + 0.04 * span, high - 0.08 * span), labels)
        first = int(line["offset"].iloc[0])
        axis.set(xlim=(first - 0.5, first + min(BASES_PER_ROW, len(whole)) - 0.5), ylim=(low, high))
        if title not in titled:
            axis.set_title(title)
        titled.add(title)
    handles = {name: handle for axis in axes for handle, name in zip(*axis.get_legend_handles_labels(), strict=True)}
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside upper right", ncols=len(handles))
    figure.supylabel("importance (nats)", fontsize=9)
    axes[-1].set_xlabel("position in the site (bases)")
    return figure


def best_stretch(table: pd.DataFrame, most: int) -> pd.DataFrame:
    """The stretch of `most` rows whose heights have the largest absolute sum."""
    if len(table) <= most:
        return table
    sums = np.convolve(table["height"].abs(), np.ones(most), "valid")
    first = int(sums.argmax())
    return table.iloc[first : first + most]


def draw_letters(axis: Axes, line: pd.DataFrame) -> None:
    """Draw the bases as letters. line: offset, ref, height."""
    import logomaker

    heights = pd.get_dummies(line["ref"]).reindex(columns=list("ACGT"), fill_value=False).mul(line["height"], axis=0)
    heights.index = line["offset"]
    logomaker.Logo(heights.astype(float), ax=axis, color_scheme=BASE_COLOURS, show_spines=False, flip_below=False)
    axis.axhline(0, color=GREY, linewidth=0.6)


def draw_marks(axis: Axes, line: pd.DataFrame, heights: tuple[float, float], labels: Mapping[str, str]) -> None:
    """Draw lines over planted elements, and dots at bases of q below 0.05. heights: of the dots and of the lines."""
    below, above = heights
    for name in [name for name in ELEMENTS if name in line and line[name].any()]:
        places = line.loc[line[name], "offset"]
        ends = places.min() - 0.4, places.max() + 0.4
        axis.plot(ends, (above, above), color=ELEMENTS[name], linewidth=3, solid_capstyle="butt", label=labels[name])
    found = line.loc[line["q"] < SIGNIFICANT, "offset"]
    if len(found):
        axis.plot(found, np.full(len(found), below), ".", color=INK, markersize=2.5, label=labels["q"])


def curves(table: pd.DataFrame, names: Mapping[str, str]) -> Figure:
    """The answer while bases are deleted and inserted, by method: rows test, method, x, value, low, high; names: of the methods."""
    figure, axes = panels(1, 2, height=3.6, sharey=True)
    for axis, test in zip(axes, ("deletion", "insertion"), strict=True):
        for method, rows in table[table["test"] == test].groupby("method", sort=False):
            colour, line = METHOD_COLOURS[method], "--" if method in ("random", "rarity") else "-"
            axis.plot(rows["x"], rows["value"], line, color=colour, label=names[method])
    finish(
        axes[0],
        grid="y",
        percent="x",
        title="deletion",
        xlabel="share of the bases deleted",
        ylabel="mean answer (nats)",
    )
    finish(axes[1], grid="y", percent="x", title="insertion", xlabel="share of the bases inserted")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure
