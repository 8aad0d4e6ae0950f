"""Figures of the vocabularies: frequencies, lengths, first letters and growth with the merges."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from grover.figures.style import BLUE, PALETTE, panels


def frequencies(vocabularies: dict[str, pd.DataFrame]) -> Figure:
    """Occurrences against rank, and the lengths of the tokens weighted by occurrence, one line a vocabulary.

    vocabularies: statistics by name, columns length, count, share.
    """
    figure, axes = panels(1, 2, height=3.0)
    ranks, lengths = axes[0]
    for colour, (name, table) in zip(PALETTE * 3, vocabularies.items(), strict=False):
        used = table[table["count"] > 0].sort_values("count", ascending=False)
        ranks.plot(np.arange(1, len(used) + 1), used["count"], color=colour, label=name)
        share = used.groupby("length")["count"].sum() / used["count"].sum()
        lengths.plot(share.index, share, "o-", color=colour, markersize=4, label=name)
    ranks.set(
        xscale="log", yscale="log", xlabel="rank of the token", ylabel="occurrences", title="Frequency against rank"
    )
    lengths.set(xlabel="token length (bases)", ylabel="share of the tokens in the genome", title="Token lengths")
    lengths.xaxis.get_major_locator().set_params(integer=True)
    lengths.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    lengths.legend()
    return figure


def growth(statistics: pd.DataFrame, merges: pd.DataFrame) -> Figure:
    """Share of the tokens by first letter, and the mean token length after each merge.

    statistics: token, length, count; merges: count, in the order learnt.
    """
    figure, axes = panels(1, 2, height=2.7, width_ratios=[2, 3])
    letters, lengths = axes[0]
    used = statistics[statistics["count"] > 0]
    share = used["count"].groupby(used["token"].str[0]).sum().reindex(list("ACGT"), fill_value=0) / used["count"].sum()
    bars = letters.bar(share.index, share, color=BLUE, width=0.7)
    letters.bar_label(bars, [f"{value:.1%}" for value in share], fontsize=8, padding=2)
    letters.set(title="Tokens by first letter", ylabel="share of the tokens")
    letters.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    letters.margins(y=0.15)
    lengths.plot(np.arange(1, len(merges) + 1), mean_length(statistics, merges), color=BLUE)
    lengths.set(xlabel="merges learnt", ylabel="bases a token", title="Mean token length, weighted by occurrence")
    lengths.grid(axis="y")
    return figure


def mean_length(statistics: pd.DataFrame, merges: pd.DataFrame) -> np.ndarray:
    """Mean token length after each merge: every occurrence merged makes the genome one token shorter."""
    bases = (statistics["length"] * statistics["count"]).sum()
    return bases / np.maximum(bases - merges["count"].cumsum().to_numpy(), 1)
