"""Figures of how much context changes tokens."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grover.config.names import RANDOM_LABEL
from grover.report.style import BLUE, GREY, RED, colour_scale, finish, panels

MODEL, RANDOM = "model", RANDOM_LABEL
LABELS = {
    "repeat_share": "share of the occurrences in repeats",
    "accuracy": "accuracy of predicting the token",
    "adjusted": "adjusted self-similarity",
}
LOOKS = {MODEL: (BLUE, "o", -0.12), RANDOM: (RED, "s", 0.12)}  # colour, marker, shift along the axis of layers
SPREAD = (0.05, 0.25, 0.5, 0.75, 0.95)
MOST_CATEGORIES = 12
PUBLISHED = 0.035  # maximum explainable variance (Sanabria et al. 2024)


def self_similarity(tables: dict[str, pd.DataFrame]) -> Figure:
    """Self-similarity of the tokens by layer: as it is beside its baseline, less it, and with the mean state taken away.

    tables: by MODEL and perhaps RANDOM, with columns layer, self_similarity, baseline, adjusted, centred_similarity.
    """
    figure, axes = panels(1, 3, height=3.0)
    _layers(axes, tables, ("self_similarity", "adjusted", "centred_similarity"), "baseline")
    for axis, title in zip(axes, ("With the baseline", "Less the baseline", "Around the mean"), strict=True):
        axis.set(title=title, ylabel="mean cosine")
    axes[2].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def explained(tables: dict[str, pd.DataFrame], paper: bool) -> Figure:
    """Maximum explainable variance of the tokens by layer, likewise; with `paper` a dashed line is the published value."""
    figure, axes = panels(1, 2, height=3.2)
    _layers(axes, tables, ("explained", "explained_adjusted"), "explained_baseline")
    if paper:
        axes[1].axhline(PUBLISHED, color=GREY, linestyle="--", linewidth=1.2, label="GROVER's paper (3.5 %)")
    axes[0].set(ylabel="share of the variance", title="Explained by one vector, and baseline")
    axes[1].set(ylabel="share less baseline", title="Adjusted")
    axes[1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _layers(axes: np.ndarray, tables: dict[str, pd.DataFrame], columns: tuple[str, ...], baseline: str) -> None:
    """Spread of the columns over the tokens by layer, one per axis; the first axis has the baseline too, the others a line at 0."""
    for name, table in tables.items():
        for axis, column in zip(axes, columns, strict=True):
            _spread(axis, table, column, name)
        colour, _, shift = LOOKS[name]
        middle = table.groupby("layer")[baseline].median()
        axes[0].plot(middle.index + shift, middle, color=colour, linestyle=":", linewidth=1.2)
        axes[-1].plot([], [], color=colour, linestyle=":", linewidth=1.2, label=f"baseline, {name}")
    layers = sorted(set().union(*(table["layer"] for table in tables.values())))
    for axis in axes:
        finish(axis, xlabel="layer", xticks=layers, grid="y")
    for axis in axes[1:]:
        axis.axhline(0, color=GREY, linewidth=0.8)


def _spread(axis: Axes, table: pd.DataFrame, column: str, name: str) -> None:
    """Median over the tokens as a dot, the middle half as a thick line and the middle 90 % as a thin one, by layer."""
    colour, marker, shift = LOOKS[name]
    at = table.groupby("layer")[column].quantile(SPREAD).unstack()
    places = at.index + shift
    axis.vlines(places, at[SPREAD[0]], at[SPREAD[4]], color=colour, linewidth=1)
    axis.vlines(places, at[SPREAD[1]], at[SPREAD[3]], color=colour, linewidth=3.5, alpha=0.6)
    axis.plot(places, at[SPREAD[2]], color=colour, marker=marker, markersize=5, linestyle="", label=name)


def change(table: pd.DataFrame) -> Figure:
    """Adjusted self-similarity of the tokens of one layer against repeat share and accuracy, those of the two that are known.

    table: adjusted, count, repeat_share, accuracy.
    """
    titles = {"repeat_share": "Repeats", "accuracy": "Prediction"}
    known = [name for name in titles if table[name].notna().any()]
    figure, axes = panels(1, len(known), width=9.0 if len(known) > 1 else 5.4, height=3.4)
    for axis, name in zip(axes, known, strict=True):
        points = axis.scatter(
            table[name],
            table["adjusted"],
            c=np.log10(table["count"]),
            cmap="viridis",
            s=13,
            linewidths=0,
            alpha=0.85,
            rasterized=True,
        )
        axis.set(title=titles[name], xlabel=LABELS[name], ylabel=LABELS["adjusted"])
    colour_scale(figure, points, list(axes), "log10 of the occurrences", shrink=0.85)
    return figure


def ambiguity(tables: dict[str, pd.DataFrame]) -> Figure:
    """Tokens whose two groups each category tells apart best (left), and how far GC content alone does so (right).

    tables: by MODEL and perhaps RANDOM, one row per token that is told apart, with track, category, difference, gc_auroc.
    """
    figure, (categories, content) = panels(1, 2, height=3.6, width_ratios=[1, 1.1])
    counts = {name: (table["track"] + ": " + table["category"]).value_counts() for name, table in tables.items()}
    shown = counts[MODEL].index[:MOST_CATEGORIES]
    width = 0.8 / len(tables)
    for i, (name, table) in enumerate(tables.items()):
        colour, marker, _ = LOOKS[name]
        places = np.arange(len(shown)) + (i - (len(tables) - 1) / 2) * width
        categories.barh(places, counts[name].reindex(shown).fillna(0), width, color=colour)
        content.scatter(
            np.maximum(table["gc_auroc"], 1 - table["gc_auroc"]),
            table["difference"].abs(),
            color=colour,
            marker=marker,
            s=13,
            linewidths=0,
            alpha=0.7,
            rasterized=True,
            label=name,
        )
    categories.set(
        xlabel="number of tokens",
        title="Best category",
        yticks=range(len(shown)),
        yticklabels=[text.replace("_", " ") for text in shown],
    )
    categories.invert_yaxis()
    content.set(
        xlabel="AUROC of GC content around them",
        ylabel="difference of the shares",
        title="Beside GC content",
        xlim=(0.48, 1.02),
        ylim=(0, 1.05),
    )
    content.legend(loc="center left", bbox_to_anchor=(1, 0.5), handletextpad=0.2)
    return figure
