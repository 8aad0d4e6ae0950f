"""Figures of the probes: what each representation tells of each track."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from grover.config.names import POOLING_LABELS, RANDOM_LABEL, REPRESENTATION_LABELS
from grover.embeddings.regions.probe_scores import CHANCE
from grover.report.figures.benchmarks import in_groups
from grover.report.style import BLUE, GREEN, GREY, ORANGE, RED, bare, cell, cut, finish, grid, intervals, panels

ABOVE, BELOW = "\u25b2", "\u25bd"
UNITS = {"auroc": "AUROC", "r2": "R²"}
COLUMNS = 5
GAIN = ["gain", "gain_low", "gain_high"]
LINES = {
    ("own", "mean"): (POOLING_LABELS["mean"], BLUE, "o"),
    ("own", "cls"): (POOLING_LABELS["cls"], GREEN, "s"),
    ("random", "mean"): (f"{RANDOM_LABEL}, {POOLING_LABELS['mean']}", RED, "v"),
}


def heat(table: pd.DataFrame, order: list[str], groups: list[str]) -> Figure:
    """Held-out scores as a table of coloured cells: tracks in rows, representations in columns, AUROC above R².

    Blue is above chance, red below, the thicker the farther from it. Bold with a filled triangle: the gain over k-mers is above 0 and
    the score above chance by their intervals; an open triangle: the gain is below 0.

    table: track, metric, representation, value, low, gain_low, gain_high; order: representations; groups: of the same length, columns of
    one group stand together.
    """
    places = in_groups(order, groups)
    metrics = [metric for metric in UNITS if (table["metric"] == metric).any()]
    tracks = [list(dict.fromkeys(table.loc[table["metric"] == metric, "track"])) for metric in metrics]
    figure, axes = panels(
        len(metrics),
        1,
        height=1.2 + 0.23 * sum(map(len, tracks)) + 0.35 * len(metrics),
        height_ratios=[len(names) + 0.8 for names in tracks],
    )
    for axis, metric, names in zip(axes, metrics, tracks, strict=True):
        for one in table[table["metric"] == metric].itertuples():
            if one.representation in places:
                _cell(axis, places[one.representation], names.index(one.track), one, CHANCE[metric])
        axis.set(xlim=(-0.6, max(places.values()) + 0.6), ylim=(len(names) - 0.4, -0.6), xticks=[])
        axis.set_title(UNITS[metric], fontsize=9)
        axis.set_yticks(range(len(names)), [label(name) for name in names])
        bare(axis)
    axes[0].set_xticks(list(places.values()), order, rotation=40, ha="left", rotation_mode="anchor")
    axes[0].xaxis.tick_top()
    return figure


def gains(table: pd.DataFrame, order: dict[str, tuple[str, str]]) -> Figure:
    """Gains over k-mers with their intervals, one row per track, one panel per metric; the dotted line is no gain.

    table: as for `heat` with `gain`; order: representation -> colour and marker.
    """
    metrics = [metric for metric in UNITS if (table["metric"] == metric).any()]
    counts = [table.loc[table["metric"] == metric, "track"].nunique() for metric in metrics]
    figure, axes = panels(
        len(metrics), 1, height=0.9 + 0.42 * sum(counts), height_ratios=[count + 0.4 for count in counts]
    )
    for axis, metric in zip(axes, metrics, strict=True):
        part = table[table["metric"] == metric]
        names = list(dict.fromkeys(part["track"]))
        shown = [name for name in order if (part["representation"] == name).any()]
        for i, name in enumerate(shown):
            rows = part[part["representation"] == name]
            height = [names.index(track) + (i - (len(shown) - 1) / 2) * 0.2 for track in rows["track"]]
            colour, marker = order[name]
            intervals(axis, height, rows[GAIN].to_numpy(float), colour, marker, name)
        axis.axvline(0, color=GREY, linewidth=0.9, linestyle=":")
        axis.set_yticks(range(len(names)), [label(name) for name in names])
        gain = f"{UNITS[metric]} minus that of {REPRESENTATION_LABELS['kmers']}"
        axis.set(ylim=(len(names) - 0.45, -0.55), xlabel=gain)
        for boundary in range(1, len(names)):
            axis.axhline(boundary - 0.5, color=GREY, linewidth=0.5, alpha=0.4)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=5)
    return figure


def layers(table: pd.DataFrame, baselines: pd.DataFrame) -> Figure:
    """Held-out score by layer, one panel per track, with intervals; the dashed line is that of k-mers, the dotted one chance.

    table: track, metric, which (own or random), pooling, layer, value, low, high; baselines: track, value of k-mers.
    """
    tracks = list(dict.fromkeys(table["track"]))
    figure, axes = grid(len(tracks), COLUMNS, 1.75, 0.7, sharex=True)
    baseline = baselines.set_index("track")["value"]
    for axis, track in zip(axes, tracks, strict=True):
        part = table[table["track"] == track]
        for (which, pooling), (_, colour, marker) in LINES.items():
            line = part[(part["which"] == which) & (part["pooling"] == pooling)].sort_values("layer")
            at = line["layer"].to_numpy(float)
            axis.plot(at, line["value"], color=colour, marker=marker, markersize=3, linewidth=1.2)
            axis.fill_between(at, line["low"], line["high"], color=colour, alpha=0.15, linewidth=0)
        if track in baseline.index:
            axis.axhline(baseline[track], color=ORANGE, linewidth=1.2, linestyle="--")
        metric = part["metric"].iloc[0]
        axis.axhline(CHANCE[metric], color=GREY, linewidth=0.9, linestyle=":")
        axis.set_title(label(track, 24), fontsize=7.5)
        axis.set_ylabel(UNITS[metric], fontsize=7.5)
        axis.tick_params(labelsize=7, labelbottom=True)
        finish(axis, whole="x", grid="y")
    handles = [
        *(
            Line2D([], [], color=colour, marker=marker, markersize=4, label=name)
            for name, colour, marker in LINES.values()
        ),
        Line2D([], [], color=ORANGE, linestyle="--", label=REPRESENTATION_LABELS["kmers"]),
        Line2D([], [], color=GREY, linestyle=":", label="chance"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=5)
    figure.supxlabel("layer", fontsize=9)
    return figure


def label(track: str, most: int = 34) -> str:
    """The name of a track as readers see it, cut where it is long."""
    return cut(track.replace("_", " "), most)


def _cell(axis: Axes, x: float, row: int, one: Any, chance: float) -> None:
    """Draw a score as a coloured cell. one: a row of the table, by attributes."""
    above, below = one.gain_low > 0 and one.low > chance, one.gain_high < 0
    cell(axis, (x, row), one.value, (one.value - chance) / (1 - chance), above)
    if above or below:
        axis.text(x + 0.43, row, ABOVE if above else BELOW, ha="right", va="center", fontsize=5.5)
