"""Figures of dependency maps."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from grover.report.style import colour_scale, panels

SHOWN = {"model": "pretrained", "shuffle": "pretrained, shuffled locus", "random": "randomly initialised"}
SHADES = "magma"
HIGHEST = 0.99  # quantile of the pairs that has the last colour, so that a few pairs leave colours to the others


def dependency(loci: dict[str, pd.DataFrame]) -> Figure:
    """Maps side by side, one row per locus; loci: pairs by name of the locus, with i, j and the columns of `SHOWN`."""
    figure, axes = panels(len(loci), len(SHOWN), height=0.4 + 2.9 * len(loci))
    for row, (name, pairs) in zip(axes.reshape(len(loci), -1), loci.items(), strict=True):
        length = int(pairs[["i", "j"]].to_numpy().max()) + 1
        highest = float(np.nanquantile(pairs[list(SHOWN)].to_numpy(float), HIGHEST))
        for axis, (column, title) in zip(row, SHOWN.items(), strict=True):
            matrix = np.full((length, length), np.nan)
            matrix[pairs["i"], pairs["j"]] = pairs[column]
            shown = axis.imshow(matrix, cmap=SHADES, vmin=0, vmax=highest or 1, interpolation="none", rasterized=True)
            axis.set(title=title, xlabel="predicted base (position in the locus)")
        row[0].set_ylabel(f"{name}\nsubstituted base")
        bar = colour_scale(figure, shown, list(row), "change of log2 odds", shrink=0.85)
        if bar.solids is not None:
            bar.solids.set_rasterized(True)
    return figure
