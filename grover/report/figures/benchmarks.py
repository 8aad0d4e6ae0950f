"""Figures of the benchmarks."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from grover.config.names import CHOSEN, KIND_LABELS, random_of
from grover.report.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    YELLOW,
    bare,
    cell,
    finish,
    frame,
    grid,
    intervals,
    panels,
)

COLUMNS = 3
BETWEEN = 0.3  # widths of a cell between groups of predictors


def heat(wide: pd.DataFrame, kinds: dict[str, str], names: dict[str, str], best: dict[str, str]) -> Figure:
    """MCC as a table of coloured cells: tasks in rows, predictors in columns, in groups by kind.

    Blue is above 0, red below, the thicker the farther from it. A frame marks the best baseline of a task, bold the highest of all.

    wide: float [tasks, predictors], NaN where there is none; kinds: predictor -> model, random, external or baseline; names: predictor ->
    label; best: task -> its best baseline.
    """
    order = [name for kind in KIND_LABELS for name in wide.columns if kinds[name] == kind]
    places = in_groups(order, [kinds[name] for name in order])
    figure, (axis,) = panels(height=1.35 + 0.29 * len(wide))
    for row, (task, values) in enumerate(wide[order].iterrows()):
        for name, value in values.items():
            cell(axis, (places[name], row), value, value, value == values.max())
        if task in best:
            frame(axis, (places[best[task]], row), facecolor="none", edgecolor=INK, linewidth=1.2)
    for kind, label in KIND_LABELS.items():
        here = [places[name] for name in order if kinds[name] == kind]
        # one column has no room for its kind, and says it in its own name
        if len(here) > 1:
            axis.text(np.mean(here), len(wide) - 0.3, label, ha="center", va="top", fontsize=8)
    axis.set(xlim=(-0.6, max(places.values()) + 0.6), ylim=(len(wide) + 0.1, -0.6))
    axis.set_xticks(
        list(places.values()), [names.get(name, name) for name in order], rotation=40, ha="left", rotation_mode="anchor"
    )
    axis.set_yticks(range(len(wide)), wide.index)
    axis.xaxis.tick_top()
    bare(axis)
    return figure


def in_groups(order: list[str], groups: list[str]) -> dict[str, float]:
    """Return the places of columns, with a gap where the next one is of another group."""
    shift = np.cumsum([0] + [BETWEEN * (a != b) for a, b in zip(groups, groups[1:], strict=False)])
    return dict(zip(order, np.arange(len(order)) + shift, strict=True))


SCORES = {"mcc": ("MCC, fold test", 0.0), "auroc": ("AUROC, fold test", 0.5)}  # the axis and what chance reaches


def dots(table: pd.DataFrame, names: dict[str, str], panel: str = "task", score: str = "mcc") -> Figure:
    """A score with its interval, one panel per task: pretrained blue, randomly initialised red, external models orange, baselines grey.

    table: `panel`, model, kind, `score`, its low and high of what is to be shown, in the order of the panels; names: predictor -> label;
    score: mcc or auroc.
    """
    titles = list(dict.fromkeys(table[panel]))
    most = max((table[panel] == title).sum() for title in titles)
    figure, axes = grid(len(titles), COLUMNS, 0.7 + 0.2 * most, 0.3, sharex=True)
    figure.set_layout_engine("constrained", h_pad=0.09)
    colours = {"model": BLUE, "random": RED, "external": ORANGE, "baseline": GREY}
    quantity, chance = SCORES[score]
    for axis, title in zip(axes, titles, strict=True):
        part = table[table[panel] == title].sort_values(score, ascending=False).reset_index(drop=True)
        for row, one in part.iterrows():
            marker = {"baseline": "D", "external": "s"}.get(one["kind"], "o")
            spans = one[[score, f"{score}_low", f"{score}_high"]].to_numpy(float)[None]
            intervals(axis, [row], spans, colours[one["kind"]], marker)
        axis.axvline(chance, color=GREY, linewidth=0.9, linestyle=":")
        axis.set_title(title, fontsize=9)
        axis.set_yticks(range(len(part)), [names.get(model, model) for model in part["model"]])
        axis.tick_params(labelbottom=True)
        finish(axis, ylim=(most - 0.4, -0.6), grid="x")
    figure.supxlabel(quantity, fontsize=9)
    return figure


def precision_recall(curves: dict[str, pd.DataFrame], shares: dict[str, float], names: dict[str, str]) -> Figure:
    """Precision by recall, one panel per task; the dotted line is the share of label 1, which a coin reaches.

    curves: task -> model, recall, precision of what is to be shown; shares: task -> share of label 1.
    """
    figure, axes = grid(len(curves), COLUMNS, 2.7, 0.5, sharex=True, sharey=True)
    models = list(dict.fromkeys(name for table in curves.values() for name in table["model"]))
    cycle = iter([ORANGE, GREEN, PURPLE, SKY, YELLOW, GREY] * len(models))
    fixed = {CHOSEN: BLUE, random_of(CHOSEN): RED}
    colours = {name: fixed.get(name) or next(cycle) for name in models}
    for axis, (task, table) in zip(axes, curves.items(), strict=True):
        for name, points in table.groupby("model", sort=False):
            # the last example of the highest probability decides the left end alone
            points = points.sort_values(["recall", "precision"], ascending=[True, False])
            axis.plot(
                points["recall"], points["precision"], color=colours[name], linewidth=1.3, label=names.get(name, name)
            )
        axis.axhline(shares[task], color=GREY, linewidth=1, linestyle=":")
        axis.text(0.02, shares[task], f"{shares[task]:.1%}", va="bottom", fontsize=7.5)
        axis.set_title(task, fontsize=9)
        ticks: dict[str, Any] = {"xticks": [0, 0.25, 0.5, 0.75, 1], "xticklabels": ["0", "0.25", "0.5", "0.75", "1"]}
        finish(axis, **ticks, xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", grid="both")
        axis.tick_params(labelbottom=True)
    for axis in axes[::COLUMNS]:
        axis.set_ylabel("precision")
    handles = {label: handle for axis in axes for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=5)
    return figure
