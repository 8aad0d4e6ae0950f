"""Figures of pretraining."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from grover.figures.style import BLUE, GREY, PALE, RED, panels


def loss(training: pd.DataFrame, floors: dict[str, float], held_out: dict[str, float]) -> Figure:
    """The training loss by step with its running mean, the floors as lines and the held-out loss as points at the end.

    training: step, loss, learning_rate; floors and held_out: name -> nats a masked token.
    """
    figure, axes = panels(1, 2, height=3.5, width_ratios=[3, 1])
    curve, rate = axes[0]
    smooth = training["loss"].rolling(max(1, len(training) // 40), min_periods=1).mean()
    curve.plot(training["step"], training["loss"], color=PALE, linewidth=0.8, rasterized=len(training) > 5000)
    curve.plot(training["step"], smooth, color=BLUE, label="training, running mean")
    last = training["step"].max()
    for marker, (name, value) in zip("osD^", held_out.items(), strict=False):
        curve.plot(last, value, marker, color=RED, label=f"held out ({name})", clip_on=False)
    for style, (name, value) in zip(("--", ":", "-.", (0, (1, 3))) * 3, floors.items(), strict=False):
        curve.axhline(value, color=GREY, linestyle=style, linewidth=1.2, label=f"floor: {name}")
    seen = [*smooth, *floors.values(), *held_out.values()]
    margin = 0.06 * (np.nanmax(seen) - np.nanmin(seen) + 0.1)
    curve.set(xlabel="step", ylabel="nats a masked token", title="Masked-token loss")
    curve.set_ylim(np.nanmin(seen) - margin, np.nanmax(seen) + margin)
    figure.legend(*curve.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    for axis in (curve, rate):
        axis.xaxis.get_major_locator().set_params(integer=True)
    rate.plot(training["step"], training["learning_rate"], color=BLUE)
    rate.set(xlabel="step", title="Learning rate")
    return figure
