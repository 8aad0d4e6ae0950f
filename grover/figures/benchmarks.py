"""Figures of the benchmarks."""

import pandas as pd
from matplotlib.figure import Figure

from grover.figures.style import BLUE, GREY, RED, intervals, panels

MEASURES = {"mcc": ("Matthews correlation", 0.0), "auroc": ("area under the ROC curve", 0.5)}


def scores(table: pd.DataFrame, names: dict[str, str]) -> Figure:
    """MCC with its interval and AUROC of every model, one row of panels a task; the dotted line is chance.

    table: task, model, kind, mcc, mcc_low, mcc_high, auroc and, where known, auroc_low and auroc_high; names: model ->
    label.
    """
    tasks = list(dict.fromkeys(table["task"]))
    rows = max((table["task"] == task).sum() for task in tasks)
    figure, axes = panels(len(tasks), len(MEASURES), height=len(tasks) * (0.9 + 0.27 * rows), sharey="row")
    for i, task in enumerate(tasks):
        part = table[table["task"] == task].sort_values("mcc", ascending=False).reset_index(drop=True)
        for axis, (measure, (label, chance)) in zip(axes[i], MEASURES.items(), strict=True):
            value = part[measure]
            low, high = part.get(f"{measure}_low", value), part.get(f"{measure}_high", value)
            for row, kind in enumerate(part["kind"]):
                colour = GREY if kind == "floor" else RED if part["model"][row].endswith("twin") else BLUE
                intervals(
                    axis, [row], [value[row]], [low[row]], [high[row]], colour, marker="D" if kind == "floor" else "o"
                )
            axis.axvline(chance, color=GREY, linewidth=0.9, linestyle=":")
            axis.set(xlabel=label, title=task if axis is axes[i, 0] else "")
            axis.margins(x=0.06)
            axis.set_yticks(range(len(part)), [names.get(model, model) for model in part["model"]])
            axis.grid(axis="y")
        axes[i, 0].invert_yaxis()
    return figure
