"""Figures of the scores of variants."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from grover.interpretation.variant_metrics import SCORES
from grover.report.style import BLUE, GREY, INK, ORANGE, PALE, RED, finish, intervals, panels

LABELS = {1: ("positive", RED), 0: ("negative", BLUE)}
KINDS = {"model": BLUE, "baseline": GREY}


def separation(metrics: pd.DataFrame) -> Figure:
    """AUROC of each score on fold test with its interval, models above baselines, the best of each kind on top; dashed is chance.

    metrics: score, kind, auroc, auroc_low, auroc_high of one stratum.
    """
    table = metrics.sort_values(["kind", "auroc"], ascending=[True, True], ignore_index=True)
    figure, (axis,) = panels(height=1.0 + 0.24 * len(table))
    for kind, colour in KINDS.items():
        rows = table[table["kind"] == kind]
        spans = rows[["auroc", "auroc_low", "auroc_high"]].to_numpy(float)
        intervals(
            axis,
            rows.index.to_numpy(float),
            spans,
            colour,
            label={"model": "the model", "baseline": "without a model"}[kind],
        )
    axis.axvline(0.5, color=INK, linestyle="--", linewidth=0.9)
    axis.set_yticks(range(len(table)), [SCORES[name].label for name in table["score"]])
    finish(axis, grid="x", xlabel="AUROC, fold test", ylim=(-0.7, len(table) - 0.3))
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def confounding(substitutions: pd.DataFrame, names: list[str]) -> Figure:
    """Each score by the change in token number: median, middle half, 5 to 95 %. substitutions: token_change and `names`."""
    figure, axes = panels(1, len(names), height=2.8, sharex=True)
    change = substitutions["token_change"].round().clip(-2, 2)
    places = sorted(change.dropna().unique())
    for axis, name in zip(axes, names, strict=True):
        groups = [substitutions.loc[change == place, name].dropna().to_numpy() for place in places]
        kept = [(place, group) for place, group in zip(places, groups, strict=True) if len(group)]
        boxes = axis.boxplot(
            [group for _, group in kept],
            positions=[place for place, _ in kept],
            widths=0.6,
            whis=(5, 95),
            showfliers=False,
            patch_artist=True,
        )
        for box in boxes["boxes"]:
            box.set(facecolor=PALE, edgecolor=INK, linewidth=0.8)
        for median in boxes["medians"]:
            median.set(color=ORANGE, linewidth=1.6)
        axis.set_xticks(places, [f"{int(place):+d}" if place else "0" for place in places])
        finish(
            axis, grid="y", title=SCORES[name].label, xlabel="change in token number (tokens)", ylabel="score (nats)"
        )
    return figure


def by_label(judged: pd.DataFrame, names: list[str]) -> Figure:
    """Distribution of each score by label; dashed lines are medians. judged: label and `names`."""
    figure, axes = panels(1, len(names), height=2.9)
    for axis, name in zip(axes, names, strict=True):
        values = judged[name].dropna()
        low, high = np.quantile(values, [0.005, 0.995]) if len(values) else (0.0, 1.0)
        edges = np.linspace(low, high if high > low else low + 1, 31)
        for label, (words, colour) in LABELS.items():
            scores = judged.loc[judged["label"] == label, name].dropna().clip(low, high)
            if len(scores):
                look = {"bins": edges, "density": True, "color": colour}
                axis.hist(scores, alpha=0.3, histtype="stepfilled", **look)
                axis.hist(scores, histtype="step", linewidth=1.4, label=f"{words} ({len(scores):,})", **look)
                axis.axvline(scores.median(), color=colour, linestyle="--", linewidth=1.1)
        finish(axis, xlabel=f"{SCORES[name].label} (nats)", ylabel="density (per nat)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def places(judged: pd.DataFrame) -> Figure:
    """Score llr of labelled variants along their contig, where they lie too close to be judged. judged: chrom, pos, llr, label."""
    figure, (axis,) = panels(height=2.6)
    chrom = judged["chrom"].value_counts().index[0]
    here = judged[judged["chrom"] == chrom]
    for label, (words, colour) in reversed(LABELS.items()):
        rows = here[here["label"] == label]
        axis.plot(
            rows["pos"] / 1000,
            rows["llr"],
            "o" if label else ".",
            color=colour,
            markersize=5 if label else 3,
            alpha=0.9 if label else 0.4,
            label=f"{words} ({len(rows):,})",
        )
    finish(axis, grid="y", xlabel=f"position on {chrom} (kb)", ylabel="llr (nats)")
    figure.legend(loc="outside lower center", ncols=2)
    return figure
