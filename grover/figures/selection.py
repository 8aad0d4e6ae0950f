"""Figures of the choice of a vocabulary."""

import pandas as pd
from matplotlib.figure import Figure

from grover.figures.style import BLUE, GREY, RED, intervals, panels


def next_kmer(table: pd.DataFrame, chosen: str) -> Figure:
    """Accuracy of next-k-mer prediction, one panel a k; floors are grey, the choice is red.

    table: vocabulary, kind (model or floor), k, accuracy, low, high.
    """
    sizes = sorted(table["k"].unique())
    order = (
        table.groupby(["kind", "vocabulary"])["accuracy"]
        .mean()
        .sort_values()
        .reset_index()
        .sort_values(["kind", "accuracy"], ascending=[False, False])
    )
    names = list(order["vocabulary"])
    figure, axes = panels(1, len(sizes), height=0.9 + 0.27 * len(names), sharey=True)
    for axis, k in zip(axes[0], sizes, strict=True):
        rows = table[table["k"] == k]
        for _, row in rows.iterrows():
            colour = GREY if row["kind"] == "floor" else RED if row["vocabulary"] == chosen else BLUE
            marker = "D" if row["kind"] == "floor" else "o"
            intervals(
                axis,
                [names.index(row["vocabulary"])],
                [row["accuracy"]],
                [row["low"]],
                [row["high"]],
                colour,
                marker=marker,
            )
        axis.axvline(4.0**-k, color=GREY, linewidth=0.8, linestyle=":")
        axis.set(title=f"k = {k}", xlabel="accuracy (%)")
        axis.set_yticks(range(len(names)), names)
        axis.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g}")
        axis.locator_params(axis="x", nbins=3)
        axis.grid(axis="y")
    axes[0, 0].invert_yaxis()
    return figure
