"""Figures of the comparison in another species."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from grover.config.names import BASELINE_LABELS
from grover.report.style import BLUE, GREY, colours, finish, intervals, panels

BESIDE = 1.04  # factor between the places of two models with the same number of labels


def masked_bases(panel: dict[str, pd.DataFrame], labels: dict[str, str]) -> Figure:
    """Masked bits per base that each model gains on token frequencies, a panel per table.

    panel: model, gain, gain_low, gain_high by title of the panel. labels: of the models, in their order.
    """
    heights = {model: height for height, model in enumerate(labels)}
    figure, axes = panels(columns=len(panel), height=0.7 + 0.32 * len(labels), sharex=True, sharey=True)
    for axis, (title, bases) in zip(axes, panel.items(), strict=True):
        for row in bases.itertuples():
            intervals(axis, [heights[row.model]], np.array([[row.gain, row.gain_low, row.gain_high]]), BLUE)
        axis.axvline(0, color=GREY, linewidth=0.8)
        finish(axis, grid="x", title=title)
    axes[0].set_yticks(range(len(labels)), [*labels.values()])
    axes[0].invert_yaxis()
    figure.supxlabel("bits per masked base less than by token frequencies", fontsize="medium")
    return figure


def curves(scores: pd.DataFrame, labels: dict[str, str], methods: Sequence[str]) -> Figure:
    """MCC over the number of labels, a panel per method.

    scores: model, method, labels, mcc, mcc_low, mcc_high of one task and part; baselines have the method `baseline`. labels: of the
    models, in their order.
    """
    figure, axes = panels(columns=len(methods), height=3.4, sharey=True)
    baselines = sorted(set(scores.loc[scores["method"] == "baseline", "model"]))
    looks = colours([*labels, *baselines])
    for axis, method in zip(axes, methods, strict=True):
        for number, name in enumerate(looks):
            own = "baseline" if name in baselines else method
            rows = scores[(scores["model"] == name) & (scores["method"] == own)].sort_values("labels")
            errors = np.clip([rows["mcc"] - rows["mcc_low"], rows["mcc_high"] - rows["mcc"]], 0, None)
            axis.errorbar(
                rows["labels"] * BESIDE ** (number - len(looks) / 2),
                rows["mcc"],
                np.nan_to_num(errors),
                color=looks[name],
                label=labels.get(name) or BASELINE_LABELS[name],
                linestyle="--" if name in baselines else "-",
                marker="o",
                markersize=4,
            )
        axis.axhline(0, color=GREY, linewidth=0.8)
        finish(axis, grid="y", title=method, xlabel="labels", ylabel="MCC, fold test", xscale="log")
        axis.set_xticks(sorted(set(scores.loc[scores["labels"] > 0, "labels"])))
        axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axis.minorticks_off()
    handles, texts = axes[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=4, frameon=False)
    return figure
