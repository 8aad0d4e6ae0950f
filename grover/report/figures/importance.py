"""Figures of the importance of single bases."""

import pandas as pd
from matplotlib.figure import Figure

from grover.report.style import BLUE, GREEN, GREY, ORANGE, RED, panels

BASES = {"A": GREEN, "C": BLUE, "G": ORANGE, "T": RED}
BASES_PER_ROW = 110


def importance(mutagenesis: pd.DataFrame) -> pd.DataFrame:
    """Importance of each reference base: minus the mean score of its substitutions.

    mutagenesis: position, reference, base, score (change of the model's output when `base` replaces the reference).
    """
    changed = mutagenesis[mutagenesis["base"] != mutagenesis["reference"]]
    table = changed.groupby(["position", "reference"], as_index=False)["score"].mean()
    return table.assign(importance=-table["score"]).sort_values("position").reset_index(drop=True)


def logo(mutagenesis: pd.DataFrame) -> Figure:
    """The region's sequence as a logo, the height of a base being its importance, in lines of at most 110 bases."""
    import logomaker

    table = importance(mutagenesis)
    heights = (
        pd.get_dummies(table["reference"])
        .reindex(columns=list("ACGT"), fill_value=False)
        .mul(table["importance"], axis=0)
    )
    heights.index = table["position"]
    lines = [heights.iloc[i : i + BASES_PER_ROW] for i in range(0, len(heights), BASES_PER_ROW)]
    figure, axes = panels(len(lines), 1, height=0.5 + 1.25 * len(lines), sharey=True)
    for axis, line in zip(axes, lines, strict=True):
        logomaker.Logo(line.astype(float), ax=axis, color_scheme=BASES, show_spines=False, flip_below=False)
        axis.axhline(0, color=GREY, linewidth=0.6)
        axis.set_xlim(line.index[0] - 0.5, line.index[0] + min(BASES_PER_ROW, len(heights)) - 0.5)
        axis.ticklabel_format(axis="x", style="plain", useOffset=False)
    low, high = table["importance"].min(), table["importance"].max()
    axes[0].set_ylim(min(low, 0) * 1.08, max(high, 0) * 1.08 or 1)
    figure.supylabel("importance", fontsize=9)
    axes[-1].set_xlabel("position")
    return figure
