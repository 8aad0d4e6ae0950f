"""Figures of the genome: what was kept of each contig, how long the segments are, where the folds lie."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter, NullFormatter

from grover.report.style import BLUE, FOLDS, GREY, ORANGE, PALE, finish, panels

DROPPED = {
    "not_acgt": ("N or ambiguous", PALE),
    "too_short": ("segment too short", ORANGE),
    "outside_regions": ("outside the regions asked for", GREY),
}
MOST_CONTIGS = 30


def contigs(table: pd.DataFrame, segments: pd.DataFrame) -> Figure:
    """Bases kept and dropped of each contig, and the lengths of the segments.

    table: contig, kept, not_acgt, too_short, outside_regions; segments: start, end.
    """
    table = table.head(MOST_CONTIGS)
    figure, (left, right) = panels(1, 2, height=max(2.7, 1.4 + 0.22 * len(table)), width_ratios=[3, 2])
    edge = np.zeros(len(table))
    for column, (label, colour) in {"kept": ("kept", BLUE), **DROPPED}.items():
        width = table[column].to_numpy() / 1e6
        left.barh(table["contig"], width, left=edge, color=colour, height=0.7, label=label)
        edge += width
    left.invert_yaxis()
    left.set(xlabel="million bases", title="Bases of each contig")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower left", ncols=4, handlelength=1)
    lengths = (segments["end"] - segments["start"]).to_numpy()
    low, high = np.log10(lengths.min()), np.log10(lengths.max())
    right.hist(lengths, bins=np.logspace(low - 0.05, high + 0.05, 26), color=BLUE)
    names = {"xlabel": "segment length (bases)", "ylabel": "segments", "title": "Segments without N"}
    finish(right, xscale="log", **names, whole="y")
    right.xaxis.set_major_formatter(EngFormatter(sep=""))
    # the ticks between powers of ten only need names where no two powers are in sight
    right.xaxis.set_minor_formatter(EngFormatter(sep="") if high - low < 1 else NullFormatter())
    return figure


def folds(table: pd.DataFrame) -> Figure:
    """The folds along the contigs; table: chrom, start, end, name."""
    names = list(dict.fromkeys(table["chrom"]))[:MOST_CONTIGS]
    figure, (axis,) = panels(height=max(1.6, 1.0 + 0.26 * len(names)))
    for row, name in enumerate(names):
        for fold, blocks in table[table["chrom"] == name].groupby("name"):
            spans = list(zip(blocks["start"] / 1e6, (blocks["end"] - blocks["start"]) / 1e6, strict=True))
            axis.broken_barh(
                spans, (row - 0.32, 0.64), facecolors=FOLDS.get(fold, GREY), linewidth=0, antialiased=False
            )
    axis.set(xlabel="position (million bases)", yticks=range(len(names)), yticklabels=names)
    axis.invert_yaxis()
    axis.spines["left"].set_visible(False)
    axis.tick_params(axis="y", length=0)
    legend = [Patch(color=colour, label=fold) for fold, colour in FOLDS.items() if fold in set(table["name"])]
    axis.legend(handles=legend, loc="lower right", bbox_to_anchor=(1, 1), ncols=4, handlelength=1)
    return figure
