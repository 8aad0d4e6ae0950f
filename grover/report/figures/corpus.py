"""Figures of the corpus."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from grover.report.style import FOLDS, panels


def window_lengths(windows: pd.DataFrame) -> Figure:
    """Histogram of window lengths in tokens, stacked by the held-out split; windows: length, region."""
    figure, (axis,) = panels(height=2.5)
    names = [name for name in FOLDS if (windows["region"] == name).any()]
    lengths = [windows.loc[windows["region"] == name, "length"] for name in names]
    edges = np.histogram_bin_edges(windows["length"], bins=40)
    axis.hist(lengths, bins=edges, stacked=True, color=[FOLDS[name] for name in names], label=names)
    axis.set(xlabel="window length (tokens, CLS and SEP not counted)", ylabel="windows")
    axis.legend(loc="upper left", title="region split")
    return figure
