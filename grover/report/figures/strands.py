"""Figure of a region and its reverse complement."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from grover.config.names import POOLING_LABELS, RANDOM_LABEL
from grover.report.style import BLUE, GREY, RED, panels

LOOKS = (("the model", BLUE, "o", -0.06), (RANDOM_LABEL, RED, "v", 0.06))


def strands(model: pd.DataFrame, random_model: pd.DataFrame | None = None) -> Figure:
    """Similarity of strands by layer, raw and from the mean of all vectors, and the share that is found again; one row per pooling.

    model, random_model: layer, pooling, similarity, low, high, baseline, centred_similarity, centred_low, centred_high, nearest, chance.
    """
    given = [(table, *look) for table, look in zip((model, random_model), LOOKS, strict=True) if table is not None]
    poolings = [name for name in POOLING_LABELS if (model["pooling"] == name).any()]
    figure, axes = panels(len(poolings), 3, height=0.5 + 1.6 * len(poolings), sharex=True)
    for row, pooling in zip(axes.reshape(-1, 3), poolings, strict=True):
        for table, label, colour, marker, aside in given:
            part = table[table["pooling"] == pooling].sort_values("layer")
            look = {"color": colour, "marker": marker, "markersize": 4.5}
            for axis, name, low, high in (
                (row[0], "similarity", "low", "high"),
                (row[1], "centred_similarity", "centred_low", "centred_high"),
            ):
                errors = [(part[name] - part[low]).clip(lower=0), (part[high] - part[name]).clip(lower=0)]
                axis.errorbar(part["layer"] + aside, part[name], yerr=errors, label=label, **look)
            row[0].plot(part["layer"], part["baseline"], color=colour, linestyle="--", label=f"{label}, two regions")
            row[2].plot(part["layer"] + aside, part["nearest"], **look)
        row[1].axhline(0, color=GREY, linewidth=0.9, linestyle="--")
        row[2].axhline(model["chance"].iloc[0], color=GREY, linewidth=0.9, linestyle="--")
        row[2].set_ylim(bottom=0)
        row[0].set_ylabel(f"cosine, {POOLING_LABELS[pooling]} embedding")
    for axis, title in zip(axes[:3], ("Cosine", "Cosine, centred", "Found again (share)"), strict=True):
        axis.set_title(title)
    for axis in axes[-3:]:
        axis.set_xlabel("layer")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[2].legend(*axes[0].get_legend_handles_labels(), loc="upper left", bbox_to_anchor=(1, 1))
    return figure
