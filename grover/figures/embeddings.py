"""Figures of token and region embeddings."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from grover.figures.style import BLUE, GREEN, GREY, ORANGE, RED, colours, intervals, panels

MOST_CATEGORIES = 7
PROPERTIES = {
    "frequency": "frequency",
    "gc": "share of G, C",
    "ag": "share of A, G",
    "ac": "share of A, C",
    "length": "length",
}
REPRESENTATIONS = {
    "mean": ("mean embedding", BLUE, "o"),
    "cls": ("CLS embedding", GREEN, "s"),
    "twin-mean": ("random twin, mean", RED, "v"),
    "kmers": ("4-mer counts (floor)", ORANGE, "D"),
    "gc": ("GC content (floor)", GREY, "D"),
}


def tokens(components: pd.DataFrame) -> Figure:
    """The first components of the token averages, coloured by GC content and by length; components: token, PC1..PC3."""
    figure, axes = panels(1, 2, height=3.6)
    gc = components["token"].str.count("[GC]") / components["token"].str.len()
    shades = (
        (axes[0, 0], gc, "GC content", "PC2"),
        (axes[0, 1], components["token"].str.len(), "length (bases)", "PC3"),
    )
    for axis, values, label, second in shades:
        points = axis.scatter(
            components["PC1"],
            components[second],
            c=values,
            cmap="viridis",
            s=13,
            linewidths=0,
            alpha=0.85,
            rasterized=True,
        )
        axis.set(xlabel="PC1", ylabel=second, title=f"Tokens coloured by {label.split(' (')[0]}")
        bar = figure.colorbar(points, ax=axis, label=label, shrink=0.85)
        bar.outline.set_visible(False)
    return figure


def correlations(table: pd.DataFrame) -> Figure:
    """Spearman correlation of each component with each property; the paper's value stands below ours where it gives
    one.

    table: component, property, spearman, published.
    """
    ours = table.pivot(index="property", columns="component", values="spearman").reindex(
        [name for name in PROPERTIES if name in set(table["property"])]
    )
    paper = table.pivot(index="property", columns="component", values="published").reindex_like(ours)
    figure, axes = panels(height=0.8 + 0.5 * len(ours))
    axis = axes[0, 0]
    picture = axis.imshow(ours.to_numpy(float), cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(ours.to_numpy(float)):
        other = paper.iloc[row, column]
        text = f"{value:.2f}" + ("" if np.isnan(other) else f"\npaper {other:.2f}")
        # written on the map and not on the page, so black or white whatever the page's colours
        axis.text(
            column,
            row,
            text,
            ha="center",
            va="center",
            fontsize=7.5,
            color="#ffffff" if abs(value) > 0.6 else "#000000",
        )
    axis.set_xticks(range(ours.shape[1]), ours.columns)
    axis.set_yticks(range(len(ours)), [PROPERTIES.get(name, name) for name in ours.index])
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    figure.colorbar(picture, ax=axis, label="Spearman", shrink=0.9).outline.set_visible(False)
    return figure


def regions(umap: pd.DataFrame, categories: pd.Series) -> Figure:
    """UMAP of the regions from the CLS and from the mean embedding, coloured by one categorical track."""
    figure, axes = panels(1, 2, height=3.4)
    names = leading_categories(categories)
    palette = colours([*names[names != "none"].value_counts().index, "none"])
    # the grey majority goes below the colours
    order = np.argsort(names.to_numpy() != "none", kind="stable")
    for axis, which in zip(axes[0], ("cls", "mean"), strict=True):
        axis.scatter(
            umap[f"x_{which}"].iloc[order],
            umap[f"y_{which}"].iloc[order],
            s=7,
            linewidths=0,
            alpha=0.8,
            c=list(names.iloc[order].map(palette)),
            rasterized=True,
        )
        axis.set(title=f"{'CLS' if which == 'cls' else 'Mean'} embedding", xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    used = [name for name in palette if (names == name).any()]
    handles = [Line2D([], [], marker="o", linestyle="", color=palette[name], label=name) for name in used]
    axes[0, 1].legend(handles=handles, loc="center left", bbox_to_anchor=(1, 0.5), handletextpad=0.2)
    return figure


def leading_categories(values: pd.Series) -> pd.Series:
    """The values with all but the seven most frequent categories called `other`; `none` stays."""
    values = values.astype(str)
    leading = values[values != "none"].value_counts().index[:MOST_CATEGORIES]
    return values.where(values.isin(leading) | (values == "none"), "other")


def probes(table: pd.DataFrame) -> Figure:
    """Held-out score of the linear probes, one block of dots a track; the dotted line is chance.

    table: track, representation, metric (auroc or r2), value, low, high.
    """
    metrics = [metric for metric in ("auroc", "r2") if (table["metric"] == metric).any()]
    counts = [table.loc[table["metric"] == metric, "track"].nunique() for metric in metrics]
    figure, axes = panels(
        len(metrics), 1, height=1.0 + 0.72 * sum(counts), height_ratios=[count + 0.4 for count in counts]
    )
    for axis, metric in zip(axes[:, 0], metrics, strict=True):
        part = table[table["metric"] == metric]
        names = list(dict.fromkeys(part["track"]))
        known = [name for name in REPRESENTATIONS if (part["representation"] == name).any()]
        for i, representation in enumerate(known):
            rows = part[part["representation"] == representation]
            height = [names.index(name) + (i - (len(known) - 1) / 2) * 0.15 for name in rows["track"]]
            label, colour, marker = REPRESENTATIONS[representation]
            intervals(axis, height, rows["value"], rows["low"], rows["high"], colour, label, marker)
        axis.axvline(0.5 if metric == "auroc" else 0.0, color=GREY, linewidth=0.9, linestyle=":")
        axis.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
        axis.set_xlabel("AUROC on held-out regions" if metric == "auroc" else "R² on held-out regions")
        axis.set_ylim(len(names) - 0.45, -0.55)
        for boundary in range(1, len(names)):
            axis.axhline(boundary - 0.5, color=GREY, linewidth=0.5, alpha=0.4)
    axes[0, 0].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
