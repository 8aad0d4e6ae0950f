"""Figures of the choice of a vocabulary."""

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grover.config.names import LAST_TOKEN, NEXT_KMER_LABELS
from grover.report.style import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, finish, grid

COLUMNS = 3
# baselines that are lines: colour and dashes
LINES = {
    "tfidf-forest": (GREEN, (0, (6, 2))),
    "markov-5": (ORANGE, "-"),
    "majority": (PURPLE, (0, (3, 1, 1, 1))),
    "chance": (GREY, ":"),
}
ACCURACY, BITS = ("accuracy", "low", "high"), ("bits_per_base", "bits_low", "bits_high")
DECADE = 3.0  # width of a decade of cycles, where the places beside it are 0.5 apart
ASIDE, LEAST = 0.5, 0.33  # between the places of other vocabularies, and between the labels of cycles


def next_kmer(table: pd.DataFrame, chosen: str) -> Figure:
    """Accuracy of next-k-mer prediction by vocabulary, one panel per k, and behind them masked bits per base.

    Byte pairs stand at their cycles on a logarithmic axis, other vocabularies beside it; lines are baselines, open diamonds the
    last token alone, and `chosen` has a colour of its own. table: as `grover.selection.choice.compare` makes it.
    """
    models, baselines = table[table["kind"] != "baseline"], table[table["kind"] == "baseline"]
    places = _places(list(dict.fromkeys(models["vocabulary"])))
    bits = models.drop_duplicates("vocabulary").dropna(subset="bits_per_base")
    sizes = sorted(models["k"].unique())
    figure, axes = grid(len(sizes) + bool(len(bits)), COLUMNS, 1.95, 0.5)
    accuracy = _Scale(ACCURACY, 100, places)
    for axis, k in zip(axes, sizes, strict=False):
        _lines(axis, baselines[baselines["k"] == k])
        alone = baselines[(baselines["k"] == k) & baselines["vocabulary"].str.startswith(LAST_TOKEN)]
        alone = alone.assign(vocabulary=alone["vocabulary"].str.removeprefix(LAST_TOKEN))
        _dots(axis, alone[alone["vocabulary"].isin(places)], accuracy)
        _models(axis, models[models["k"] == k], accuracy, chosen)
        axis.set(title=f"k = {k}", ylabel="accuracy (%)", ylim=(0, None))
        _label(axis, places)
    if len(bits):
        _models(axes[-1], bits, _Scale(BITS, 1, places), chosen)
        axes[-1].set(title="masked bits per base", ylabel="bits per base")
        _label(axes[-1], places)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _places(names: list[str]) -> dict[str, float]:
    """Where each vocabulary stands: byte pairs by the logarithm of their cycles, then the others in equal steps."""
    cycles = sorted((int(name[4:]), name) for name in names if re.fullmatch("bpe-[0-9]+", name))
    first = math.log10(cycles[0][0]) if cycles else 0.0
    places = {name: DECADE * (math.log10(number) - first) for number, name in cycles}
    begin = max(places.values()) + 2 * ASIDE if places else 0.0
    others = sorted(set(names) - set(places))
    return places | {name: begin + ASIDE * i for i, name in enumerate(others)}


def _label(axis: Axes, places: dict[str, float]) -> None:
    """Cycles as numbers where there is room for them, other vocabularies by name."""
    shown: list[tuple[float, str]] = []
    for name, place in places.items():
        pairs = re.fullmatch("bpe-[0-9]+", name)
        if not pairs or not shown or place - shown[-1][0] >= LEAST:
            shown.append((place, name[4:] if pairs else name))
    axis.set_xticks([place for place, _ in shown], [text for _, text in shown], rotation=90)
    if any(name.startswith("bpe-") for name in places):
        axis.set_xlabel(
            "byte-pair cycles" + (", others" if not all(name.startswith("bpe-") for name in places) else "")
        )
    finish(axis, xlim=(min(places.values()) - ASIDE, max(places.values()) + ASIDE), grid="y")


def _lines(axis: Axes, baselines: pd.DataFrame) -> None:
    """Draw the accuracy of baselines in % as lines, with their intervals as bands."""
    for name, (colour, dashes) in LINES.items():
        for _, row in baselines[baselines["vocabulary"] == name].iterrows():
            label = NEXT_KMER_LABELS[name]
            axis.axhline(100 * row["accuracy"], color=colour, linestyle=dashes, linewidth=1.2, label=label)
            axis.axhspan(100 * row["low"], 100 * row["high"], color=colour, alpha=0.12, linewidth=0)


@dataclass(frozen=True)
class _Scale:
    """Columns of a value and its interval, the factor that they are drawn with, and the place of each vocabulary."""

    columns: tuple[str, str, str]
    factor: float
    places: dict[str, float]

    def positions(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return places, values and the lengths of their intervals down and up, 0 where none is known."""
        x = rows["vocabulary"].map(self.places).to_numpy(float)
        value, low, high = (self.factor * rows[column].to_numpy(float) for column in self.columns)
        return x, value, np.nan_to_num(np.clip(np.vstack([value - low, high - value]), 0, None))


def _dots(axis: Axes, rows: pd.DataFrame, scale: _Scale) -> None:
    x, y, errors = scale.positions(rows)
    style: dict[str, Any] = {"fmt": "D", "color": GREY, "markerfacecolor": "none", "markersize": 4, "linewidth": 1}
    if len(rows):
        axis.errorbar(x + 0.08, y, yerr=errors, label="last token alone", **style)


def _models(axis: Axes, rows: pd.DataFrame, scale: _Scale, chosen: str) -> None:
    pairs = rows[rows["vocabulary"].str.fullmatch("bpe-[0-9]+")]
    x, y, _ = scale.positions(pairs)
    order = np.argsort(x)
    axis.plot(x[order], y[order], color=BLUE, linewidth=0.8, alpha=0.6)
    for some, colour, marker, label in (
        (rows[rows["vocabulary"] != chosen], BLUE, "o", "model"),
        (rows[rows["vocabulary"] == chosen], RED, "s", f"model of {chosen}, chosen"),
    ):
        x, y, errors = scale.positions(some)
        if len(some):
            style: dict[str, Any] = {"fmt": marker, "color": colour, "markersize": 5, "linewidth": 1.4, "zorder": 3}
            axis.errorbar(x, y, yerr=errors, label=label, **style)
