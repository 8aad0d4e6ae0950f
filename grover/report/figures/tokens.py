"""Figures of token embeddings."""

from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from grover.report.style import GREY, PALETTE, RED, bare, colour_scale, finish, panels

# what the report calls the properties of tokens
PROPERTIES = {
    "frequency": "frequency",
    "gc": "share of G, C",
    "ag": "share of A, G",
    "ac": "share of A, C",
    "length": "length",
    "repeats": "share in repeats",
}
WORD2VEC = "word2vec"
SHADES = "viridis"
MOST_ROWS = 300  # of a matrix of tokens, so that the report stays small
LEVELS = 17  # of its colours
MARKERS = "osDv^P"


def shades(tokens: pd.DataFrame) -> dict[str, tuple[pd.Series, str]]:
    """Values to colour tokens by, and their labels. tokens: token, count."""
    text = tokens["token"]
    length = text.str.len()
    return {
        "frequency": (np.log10(tokens["count"].clip(lower=1)), "occurrences (log10)"),
        "gc": (text.str.count("[GC]") / length, "share of G, C"),
        "ag": (text.str.count("[AG]") / length, "share of A, G"),
        # a few very long tokens would leave one colour to the others
        "length": (length.clip(upper=length.quantile(0.98)), "length (bases)"),
    }


def components(tokens: pd.DataFrame) -> Figure:
    """The first components, one dot per token, coloured by the properties that the paper names for them; tokens: token, count,
    PC1..PC3."""
    figure, axes = panels(2, 2, height=5.8)
    for axis, (name, second) in zip(
        axes, (("frequency", "PC2"), ("gc", "PC2"), ("length", "PC3"), ("ag", "PC3")), strict=True
    ):
        _dots(figure, axis, tokens["PC1"], tokens[second], shades(tokens)[name])
        axis.set(xlabel="PC1", ylabel=second, title=f"Coloured by {PROPERTIES[name]}")
    return figure


def tokens_map(tables: dict[str, pd.DataFrame]) -> Figure:
    """UMAP of the tokens by source, coloured by GC content and by length; tables: token, count, x, y."""
    figure, axes = panels(2, len(tables), height=5.8)
    for column, (source, table) in zip(axes.reshape(2, -1).T, tables.items(), strict=True):
        for axis, name in zip(column, ("gc", "length"), strict=True):
            _dots(figure, axis, table["x"], table["y"], shades(table)[name])
            axis.set(title=f"{source}, by {PROPERTIES[name]}", xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
    return figure


def _dots(figure: Figure, axis: Axes, x: ArrayLike, y: ArrayLike, shade: tuple[pd.Series, str]) -> None:
    """Draw dots with their scale of colours. shade: values and their label, of `shades`."""
    values, label = shade
    # without soft edges a picture has few colours and takes a fifth of the space
    points = axis.scatter(x, y, c=values, cmap=SHADES, s=10, linewidths=0, antialiaseds=False, rasterized=True)
    _bar(figure, points, [axis], label)


def _bar(figure: Figure, shown: ScalarMappable, axes: list[Axes], label: str, **options: Any) -> None:
    """A scale of colours beside the axes; drawn as pixels, since 256 rectangles take more room than the dots."""
    bar = colour_scale(figure, shown, axes, label, **{"shrink": 0.85} | options)
    if bar.solids is not None:
        bar.solids.set_rasterized(True)


def sources(explained: pd.DataFrame, effects: pd.DataFrame) -> Figure:
    """Variance that the components of each source explain, and how strongly each property shows in its best component, by source.

    explained: source, component, share; effects: source, property, spearman.
    """
    figure, (left, right) = panels(1, 2, height=3.2)
    names = list(dict.fromkeys(explained["source"]))
    layers = [name for name in names if name != WORD2VEC]
    depths = matplotlib.colormaps[SHADES](np.linspace(0, 0.9, len(layers)))
    for name, rows in explained.groupby("source", sort=False):
        look = {"color": RED, "linestyle": "--"} if name == WORD2VEC else {"color": depths[layers.index(name)]}
        left.plot(rows["component"], rows["share"], marker="o", markersize=3.5, label=name, **look)
    finish(
        left,
        title="Variance explained",
        xlabel="component",
        ylabel="share of the variance",
        ylim=(0, None),
        percent="y",
    )
    left.legend(fontsize=7)
    known = [name for name in PROPERTIES if (effects["property"] == name).any()]
    for i, name in enumerate(known):
        rows = effects[effects["property"] == name].set_index("source").reindex(names)
        values = rows["spearman"].abs().to_numpy(float)
        look = {"color": PALETTE[i], "marker": MARKERS[i], "markersize": 5}
        right.plot(range(len(layers)), values[: len(layers)], label=PROPERTIES[name], **look)
        # word2vec is no layer, so no line leads there
        right.plot(range(len(layers), len(names)), values[len(layers) :], linestyle="", **look)
    right.set_xticks(range(len(names)), [name.removeprefix("layer ") for name in names])
    title = "Strongest correlation of any component"
    finish(right, title=title, xlabel="layer", ylabel="|Spearman|", ylim=(0, 1.02), grid="y")
    right.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def correlations(tables: dict[str, pd.DataFrame]) -> Figure:
    """Spearman correlation of each component with each property, one map per source; the paper's value stands in brackets where it
    gives one. tables: component, property, spearman, published."""
    first = next(iter(tables.values()))
    rows = [name for name in PROPERTIES if (first["property"] == name).any()]
    figure, axes = panels(1, len(tables), height=0.9 + 0.5 * len(rows))
    for axis, (source, table) in zip(axes, tables.items(), strict=True):
        ours = table.pivot(index="property", columns="component", values="spearman").reindex(rows)
        paper = table.pivot(index="property", columns="component", values="published").reindex_like(ours)
        picture = axis.imshow(ours.to_numpy(float), cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
        for (row, column), value in np.ndenumerate(ours.to_numpy(float)):
            other = paper.iloc[row, column]
            text = f"{value:.2f}" + ("" if np.isnan(other) else f"\n({other:.2f})")
            text = text.replace("-", "\u2212")
            # written on the map and not on the page, so black or white whatever the page's colours
            colour = "#ffffff" if abs(value) > 0.6 else "#000000"
            axis.text(column, row, text, ha="center", va="center", fontsize=7.5, color=colour)
        axis.set(title=source, xticks=range(ours.shape[1]), xticklabels=ours.columns)
        axis.set_yticks(range(len(ours)), [PROPERTIES[name] for name in ours.index])
        bare(axis)
    for axis in axes[1:]:
        axis.set_yticklabels([])
    _bar(figure, picture, list(axes), "Spearman")
    return figure


def clustered(matrices: dict[str, np.ndarray], tables: dict[str, pd.DataFrame]) -> Figure:
    """Cosines of the tokens in the order of their dendrogram, one map per source, with GC content and length beside each row.

    matrices: float [tokens, tokens] in that order; tables: token, count, cluster in the same order.
    """
    figure, axes = panels(1, 3 * len(matrices), height=5.0, width_ratios=[1, 1, 18] * len(matrices))
    for i, (source, matrix) in enumerate(matrices.items()):
        content, length, axis = axes[3 * i : 3 * i + 3]
        table = tables[source]
        colours = matplotlib.colormaps["RdBu_r"].resampled(LEVELS)
        picture = axis.imshow(
            _pool(_pool(matrix).T), cmap=colours, vmin=-1, vmax=1, interpolation="none", aspect="auto"
        )
        axis.set(title=source, xticks=[], yticks=[])
        strips = []
        for strip, name in ((content, "gc"), (length, "length")):
            values, label = shades(table)[name]
            column = _pool(values.to_numpy(float)[:, None])
            strips.append((strip.imshow(column, cmap=SHADES, interpolation="none", aspect="auto"), label))
            strip.set(xticks=[0], xticklabels=["GC" if name == "gc" else "length"], yticks=[])
            strip.tick_params(length=0, rotation=90)
        _number_clusters(content, table["cluster"].to_numpy(int), len(column))
        for box in (content, length, axis):
            box.spines[:].set_visible(False)
    for place, (shown, label) in zip((axes[:3], axes[-3:]), strips, strict=True):
        _bar(figure, shown, list(place), label, location="bottom", shrink=0.6, aspect=30)
    _bar(figure, picture, list(axes), "cosine")
    return figure


def _number_clusters(axis: Axes, clusters: np.ndarray, height: int) -> None:
    """Numbers of the clusters at their middle rows and lines between; clusters too thin for a number have none."""
    scale = height / len(clusters)
    numbers, begins = np.unique(clusters, return_index=True)
    ends = np.append(begins[1:], len(clusters))
    wide = (ends - begins) >= len(clusters) / 30
    axis.set_yticks(((begins + ends) / 2 * scale - 0.5)[wide], numbers[wide])
    for begin in begins[1:]:
        axis.axhline(begin * scale - 0.5, xmin=-0.6, xmax=0, color=GREY, linewidth=0.8, clip_on=False)


def _pool(values: np.ndarray) -> np.ndarray:
    """At most 300 rows, each the mean of neighbouring ones."""
    parts = np.array_split(values, min(MOST_ROWS, len(values)))
    return np.stack([part.mean(0) for part in parts])
