"""Figures of motifs: logos of contributions, and the effect of an insertion along a sequence."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grover.report.style import BASE_COLOURS, BLUE, GREY, RED, finish, panels

ORIENTATIONS = {"+": (BLUE, "+ strand"), "-": (RED, "\u2212 strand")}


def motif_rows(motifs: pd.DataFrame, logos: pd.DataFrame, profiles: pd.DataFrame) -> Figure:
    """One row per motif: its logo, and beside it the effect of inserting it by place and strand.

    motifs: motif, sites, supported; logos: motif, position, base, contribution; profiles: motif, offset, orientation, effect, low, high.
    """
    inserted = profiles["motif"].isin(motifs["motif"]).any()
    columns = 2 if inserted else 1
    figure, axes = panels(
        len(motifs),
        columns,
        width=9.0 if inserted else 5.6,
        height=0.5 + 1.5 * len(motifs),
        width_ratios=[3, 2][:columns],
    )
    for row, motif in enumerate(motifs.itertuples()):
        left = axes[columns * row]
        _logo(left, logos[logos["motif"] == motif.motif])
        left.set_title(f"{motif.motif}, {motif.sites} windows" + ("" if motif.supported else ", not supported"))
        if inserted:
            _profile(axes[columns * row + 1], profiles[profiles["motif"] == motif.motif])
    axes[-columns].set_xlabel("position in the motif (bases)")
    if inserted:
        shown = [axis for axis in axes[1::2] if axis.get_legend_handles_labels()[0]]
        shown[-1].set_xlabel("bases from the middle of the sequence")
        figure.legend(*shown[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return figure


def _logo(axis: Axes, table: pd.DataFrame) -> None:
    import logomaker

    heights = table.pivot(index="position", columns="base", values="contribution").reindex(columns=list(BASE_COLOURS))
    logomaker.Logo(heights.fillna(0.0), ax=axis, color_scheme=BASE_COLOURS, show_spines=False, flip_below=False)
    axis.axhline(0, color=GREY, linewidth=0.6)
    finish(axis, ylabel="contribution (nats)", whole="x")


def _profile(axis: Axes, profile: pd.DataFrame) -> None:
    if profile.empty:
        axis.set_axis_off()
        return
    for strand, (colour, label) in ORIENTATIONS.items():
        line = profile[profile["orientation"] == strand].sort_values("offset")
        axis.fill_between(line["offset"], line["low"], line["high"], color=colour, alpha=0.2, linewidth=0)
        axis.plot(line["offset"], line["effect"], color=colour, marker="o", markersize=3, label=label)
    axis.axhline(0, color=GREY, linewidth=0.6)
    finish(axis, ylabel="change of the logit (nats)", grid="y")
