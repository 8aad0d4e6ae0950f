"""The four figures of the first screen, drawn in the size in which they are read."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import blended_transform_factory

from grover.config.names import RANDOM_LABEL
from grover.report.figures.importance import draw_letters, draw_marks
from grover.report.style import BLUE, GREY, INK, RED, cut, finish, intervals, panels

WIDTH, HEIGHT = 4.75, 2.5  # inches
LABEL = 7.5  # points
# predictors of a task and representations of a track: colour, marker, place beside the middle of the row
STYLES = {"model": (BLUE, "o", -0.25), "random": (RED, "v", 0.0), "baseline": (GREY, "D", 0.25)}
MARK_LABELS = {"motif": "planted motif", "partner": "planted partner"}


def learning(training: pd.DataFrame, baselines: Mapping[str, float], held_out: float) -> Figure:
    """The training loss by step, the loss on test windows at its end, and the baselines as lines with their names beside them.

    training: step, loss; baselines: name -> nats per masked token.
    """
    figure, (axis,) = panels(width=WIDTH, height=HEIGHT)
    smooth = training["loss"].rolling(max(1, len(training) // 40), min_periods=1).mean()
    last = training["step"].max()
    axis.plot(training["step"], smooth, color=BLUE)
    axis.plot(last, held_out, "o", color=BLUE, clip_on=False)
    values = np.array([*baselines.values(), held_out])
    for value in values[:-1]:
        axis.axhline(value, color=GREY, linestyle="--", linewidth=1.2)
    ends = min(values.min(), smooth.min()), max(values.max(), smooth.max())
    margin = 0.07 * (ends[1] - ends[0] + 0.1)
    limits = ends[0] - margin, ends[1] + margin
    names = [*(f"{name} {value:.2f}" for name, value in baselines.items()), f"model {held_out:.2f}"]
    at = blended_transform_factory(axis.transAxes, axis.transData)
    for place, name in zip(_apart(values, 0.085 * (limits[1] - limits[0])), names, strict=True):
        axis.text(1.03, place, name, transform=at, va="center", fontsize=LABEL)
    finish(axis, xlabel="step", ylabel="loss (nats per masked token)", ylim=limits, xlim=(0, last), whole="x")
    return figure


def tasks(table: pd.DataFrame) -> Figure:
    """MCC of the model, of random initialisation and of the best baseline, with 95 % intervals, one row per task.

    table: task, which (model, random or baseline), mcc, mcc_low, mcc_high.
    """
    figure, axis = _rows(list(dict.fromkeys(table["task"])))
    labels = {"model": "pretrained", "random": RANDOM_LABEL, "baseline": "best baseline (by fold valid)"}
    _dots(axis, table, "task", ["mcc", "mcc_low", "mcc_high"], labels)
    finish(axis, xlabel="MCC, fold test (0: chance)", grid="x")
    figure.legend(loc="outside lower center", ncols=3, fontsize=LABEL, columnspacing=1, handletextpad=0.3)
    return figure


def tracks(table: pd.DataFrame) -> Figure:
    """Held-out score of linear probes minus that of k-mers with 95 % intervals, one row per track.

    table: track, which (model or random), gain, gain_low, gain_high.
    """
    figure, axis = _rows(list(dict.fromkeys(table["track"])))
    _dots(
        axis,
        table,
        "track",
        ["gain", "gain_low", "gain_high"],
        {"model": "mean embedding", "random": RANDOM_LABEL},
    )
    finish(axis, xlabel="score minus that of k-mers (AUROC or R²)", grid="x")
    figure.legend(loc="outside lower center", ncols=2, fontsize=LABEL, columnspacing=1, handletextpad=0.3)
    return figure


def sites(examples: Mapping[str, pd.DataFrame]) -> Figure:
    """The importance of the bases of two sites on one scale; lines above the letters mark what was planted.

    examples: by title, offset, ref, height, and where truth is known motif and partner (bool).
    """
    figure, axes = panels(len(examples), 1, width=WIDTH, height=HEIGHT)
    heights = pd.concat([table["height"] for table in examples.values()])
    span = max(heights.max(), -heights.min(), 1e-9)
    low, high = min(heights.min(), 0) - 0.08 * span, max(heights.max(), 0) + 0.25 * span
    for axis, (title, table) in zip(axes, examples.items(), strict=True):
        draw_letters(axis, table)
        draw_marks(axis, table.assign(q=1.0), (low, high - 0.08 * span), MARK_LABELS)
        ends = table["offset"].min() - 0.5, table["offset"].max() + 0.5
        axis.set(xlim=ends, ylim=(low, high))
        axis.set_title(title, fontsize=8, pad=3)
    figure.supylabel("importance (nats)", fontsize=8)
    axes[-1].set_xlabel("position in the site (bases)")
    handles = {name: handle for axis in axes for handle, name in zip(*axis.get_legend_handles_labels(), strict=True)}
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2, fontsize=LABEL)
    return figure


def _rows(names: list[str]) -> tuple[Figure, Axes]:
    """A figure with one row per name, and a line at 0."""
    figure, (axis,) = panels(width=WIDTH, height=HEIGHT)
    shown = [cut(name.replace("_", " "), 22) for name in names]
    axis.set_yticks(range(len(names)), shown, fontsize=LABEL if len(names) < 13 else 6.5)
    axis.set_ylim(len(names) - 0.45, -0.55)
    axis.axvline(0, color=INK, linewidth=0.8)
    for boundary in range(1, len(names)):
        axis.axhline(boundary - 0.5, color=GREY, linewidth=0.4, alpha=0.5)
    return figure, axis


def _dots(axis: Axes, table: pd.DataFrame, key: str, columns: list[str], labels: Mapping[str, str]) -> None:
    """Draw the dots and intervals of each kind in `labels` that the table has."""
    names = list(dict.fromkeys(table[key]))
    for which, label in labels.items():
        rows = table[table["which"] == which]
        if len(rows):
            colour, marker, beside = STYLES[which]
            places = [names.index(name) + beside for name in rows[key]]
            intervals(axis, places, rows[columns].to_numpy(float), colour, marker, label, size=4)


def _apart(values: np.ndarray, least: float) -> np.ndarray:
    """Return places of labels near the values and at least `least` apart, in the order of the values."""
    order = np.argsort(values, kind="stable")
    places = values[order].astype(float)
    for _ in range(100):
        gaps = np.diff(places)
        close = np.flatnonzero(gaps < least - 1e-9)
        if not len(close):
            break
        for i in close:
            middle = (places[i] + places[i + 1]) / 2
            places[i], places[i + 1] = middle - least / 2, middle + least / 2
    result = np.empty(len(values))
    result[order] = places
    return result
