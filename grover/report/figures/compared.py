"""Figures of the comparison of runs: one row per task, track or predictor, one colour and marker per run."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from grover.report.parts import SAME
from grover.report.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, cut, finish, intervals, panels

LOOKS = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (PURPLE, "D"), (SKY, "v"))  # of the runs, in their order
SMALL = (4.75, 2.5)  # inches, of the first screen
WIDTH, ROW, REST = 9.0, 0.34, 1.15  # inches of a figure of a section, of its rows, and around them
LABEL = 7.5  # points


def by_run(table: pd.DataFrame, runs: list[str], label: str, zero: float, small: bool = False) -> Figure:
    """Values with 95 % intervals: a row per `name`, a panel per `kind`, a colour per `run`.

    table: name, kind, run, value, low, high; NaN where an interval is not known. runs: all, in their order. label: of the x axis. zero:
    the value of chance, or NaN.
    """
    kinds = list(dict.fromkeys(table["kind"]))
    figure, axes = _rows(list(dict.fromkeys(table["name"])), len(kinds), small)
    for axis, kind in zip(axes, kinds, strict=True):
        part = table[table["kind"] == kind]
        _dots(axis, table, part, runs, small)
        if not np.isnan(zero):
            axis.axvline(zero, color=INK, linewidth=0.8)
        finish(axis, xlabel=_plain(label), grid="x")
        if len(kinds) > 1:
            axis.set_title(kind, fontsize=9)
    _legend(figure, [run for run in runs if (table["run"] == run).any()], runs, [])
    return figure


def differences(table: pd.DataFrame, runs: list[str], label: str, small: bool = False) -> Figure:
    """Differences between the first run and each other one: filled where established, hollow where not.

    table: name, run (the other one), difference, low, high, verdict. label: of the x axis.
    """
    table = table.rename(columns={"difference": "value"})
    figure, (axis,) = _rows(list(dict.fromkeys(table["name"])), 1, small)
    others = runs[1:]
    _dots(axis, table, table, others, small, runs)
    axis.axvline(0, color=INK, linewidth=0.8)
    finish(axis, xlabel=_plain(label), grid="x")
    shapes = [
        Line2D([], [], color=GREY, marker="o", linestyle="", label="established"),
        Line2D([], [], color=GREY, marker="o", linestyle="", markerfacecolor="none", label="not established"),
    ]
    shown = [run for run in others if (table["run"] == run).any()]
    _legend(figure, shown if len(others) > 1 else [], runs, shapes)
    return figure


def _rows(names: list[str], columns: int, small: bool) -> tuple[Figure, np.ndarray]:
    """Return a figure with a row per name and its axes side by side."""
    width, height = SMALL if small else (WIDTH, REST + ROW * len(names))
    figure, axes = panels(1, columns, width=width, height=height, sharey=True)
    size = 6.5 if small and len(names) > 12 else LABEL if small else 8.5
    axes[0].set_yticks(range(len(names)), [cut(name.replace("_", " "), 26) for name in names], fontsize=size)
    axes[0].set_ylim(len(names) - 0.45, -0.55)
    for axis in axes:
        for boundary in range(1, len(names)):
            axis.axhline(boundary - 0.5, color=GREY, linewidth=0.4, alpha=0.5)
    return figure, axes


def _dots(
    axis: Axes, table: pd.DataFrame, part: pd.DataFrame, shown: list[str], small: bool, runs: list[str] | None = None
) -> None:
    """Draw the rows of a panel. table: all of the figure; shown: runs beside each other; runs: those that colours count from."""
    names = list(dict.fromkeys(table["name"]))
    for place, run in enumerate(shown):
        rows = part[part["run"] == run]
        colour, marker = LOOKS[(runs or shown).index(run)]
        beside = (place - (len(shown) - 1) / 2) * min(0.25, 0.7 / len(shown))
        sure = (rows["verdict"] != SAME).to_numpy() if "verdict" in rows else np.ones(len(rows), bool)
        for filled in (True, False):
            some = rows[sure == filled]
            if len(some):
                heights = [names.index(name) + beside for name in some["name"]]
                spans = some[["value", "low", "high"]].to_numpy(float)
                drawn = intervals(axis, heights, spans, colour, marker, size=4 if small else 5)
                if not filled:
                    drawn.lines[0].set_markerfacecolor("none")


def _plain(text: str) -> str:
    """Return a text in which a dollar sign, as the name of a run may have, begins no formula."""
    return text.replace("$", r"\$")


def _legend(figure: Figure, shown: list[str], runs: list[str], others: list[Line2D]) -> None:
    """Add a legend of runs and of other marks below the figure."""
    looks = {run: LOOKS[runs.index(run)] for run in shown}
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="", markersize=5, label=_plain(run))
        for run, (colour, marker) in looks.items()
    ]
    if handles or others:
        place: dict[str, Any] = {"loc": "outside lower center", "ncols": 5, "columnspacing": 1, "handletextpad": 0.2}
        figure.legend(handles=[*handles, *others], fontsize=LABEL, **place)
