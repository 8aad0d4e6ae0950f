"""Figures of pretraining."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from grover.report.style import BLUE, GREY, ORANGE, PALE, RED, finish, intervals, panels


def loss(training: pd.DataFrame, baselines: dict[str, float], held_out: dict[str, float]) -> Figure:
    """The training loss by step with its running mean, the baselines as lines and the loss on test windows as points at the end.

    training: step, loss, learning_rate; baselines and held_out: name -> nats per masked token.
    """
    figure, (curve, rate) = panels(1, 2, height=3.0, width_ratios=[3, 1])
    smooth = training["loss"].rolling(max(1, len(training) // 40), min_periods=1).mean()
    curve.plot(training["step"], training["loss"], color=PALE, linewidth=0.8, rasterized=len(training) > 5000)
    curve.plot(training["step"], smooth, color=BLUE, label="training, running mean")
    last = training["step"].max()
    for marker, (name, value) in zip("osD^", held_out.items(), strict=False):
        curve.plot(last, value, marker, color=RED, label=f"test windows ({name})", clip_on=False)
    for style, (name, value) in zip(("--", ":", "-.", (0, (1, 3))) * 3, baselines.items(), strict=False):
        curve.axhline(value, color=GREY, linestyle=style, linewidth=1.2, label=f"baseline: {name}")
    seen = [*smooth, *baselines.values(), *held_out.values()]
    margin = 0.06 * (np.nanmax(seen) - np.nanmin(seen) + 0.1)
    ends = (np.nanmin(seen) - margin, np.nanmax(seen) + margin)
    finish(curve, xlabel="step", ylabel="nats per masked token", title="Masked-token loss", ylim=ends, whole="x")
    figure.legend(*curve.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    rate.plot(training["step"], training["learning_rate"], color=BLUE)
    finish(rate, xlabel="step", ylabel="learning rate", title="Learning rate", whole="x")
    return figure


def strata(table: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Losses of the predictors by stratum, and the gain of the model on the counts between neighbours.

    table: track, category, predictor, loss, gain, low, high, of one split; labels: of the predictors.
    """
    names = table[["track", "category"]].drop_duplicates()
    heights = {tuple(name): -height for height, name in enumerate(names.itertuples(index=False, name=None))}
    figure, (losses, gains) = panels(1, 2, height=1.4 + 0.19 * len(heights), sharey=True)
    colours = dict(zip(labels, (BLUE, GREY, ORANGE, PALE), strict=False))
    for (name, label), marker in zip(labels.items(), "oD^v", strict=False):
        rows = table[table["predictor"] == name]
        at = [heights[pair] for pair in zip(rows["track"], rows["category"], strict=True)]
        losses.plot(rows["loss"], at, marker, color=colours[name], markersize=5, label=label)
    rows = table[table["predictor"] == "neighbours"]
    at = [heights[pair] for pair in zip(rows["track"], rows["category"], strict=True)]
    intervals(gains, at, -rows[["gain", "high", "low"]].to_numpy(float), BLUE)
    gains.axvline(0, color=GREY, linewidth=0.8)
    losses.set_yticks(list(heights.values()), [f"{track}: {category}".replace("_", " ") for track, category in heights])
    losses.set_ylim(0.7 - len(heights), 0.7)
    for axis, title in ((losses, "Loss"), (gains, "Gain on the counts between neighbours")):
        finish(axis, xlabel="nats per masked token", title=title, grid="y")
    figure.legend(*losses.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def tokens(table: pd.DataFrame) -> Figure:
    """Accuracy and area under the ROC curve of the tokens, each from the best to the worst, a line a split.

    table: split, accuracy, auc.
    """
    figure, axes = panels(1, 2, height=2.8)
    for axis, column, label in zip(axes, ("accuracy", "auc"), ("accuracy (top-1)", "AUROC"), strict=True):
        for (split, rows), colour, style in zip(
            table.groupby("split", sort=False), (BLUE, RED), ("-", "--"), strict=False
        ):
            values = np.sort(rows[column].dropna())[::-1]
            axis.plot(np.arange(1, len(values) + 1), values, style, color=colour, label=f"split {split}")
        finish(axis, xlabel="token, from the best", ylabel=label, ylim=(0, 1.02), whole="x")
    axes[1].axhline(0.5, color=GREY, linestyle=":", linewidth=1.0)
    axes[0].legend()
    return figure
