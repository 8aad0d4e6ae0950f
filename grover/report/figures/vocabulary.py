"""Figure of the vocabularies: frequencies and lengths."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from grover.report.style import PALETTE, finish, panels


def frequencies(vocabularies: dict[str, pd.DataFrame]) -> Figure:
    """Occurrences against rank, and the lengths of the tokens weighted by occurrence, one line per vocabulary.

    vocabularies: statistics by name, columns token, count.
    """
    figure, (ranks, lengths) = panels(1, 2, height=3.0)
    for colour, (name, table) in zip(PALETTE * 3, vocabularies.items(), strict=False):
        used = table[table["count"] > 0].sort_values("count", ascending=False)
        ranks.plot(np.arange(1, len(used) + 1), used["count"], color=colour, label=name)
        share = used["count"].groupby(used["token"].str.len()).sum() / used["count"].sum()
        lengths.plot(share.index, share, "o-", color=colour, markersize=4, label=name)
    ranks.set(
        xscale="log", yscale="log", xlabel="rank of the token", ylabel="occurrences", title="Frequency against rank"
    )
    names = {"xlabel": "token length (bases)", "ylabel": "share of the tokens in the genome", "title": "Token lengths"}
    finish(lengths, **names, whole="x", percent="y")
    lengths.legend()
    return figure
