"""Figure of where tokens lie: how much more or less often than circular shifts of the annotation let expect."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import leaves_list, linkage

from grover.report.figures.atlas import name_category
from grover.report.style import BLUE, GREY, RED, bare, colour_scale, cut, panels, upright

STRONGEST = 3.0  # end of the colour scale, log2
LONGEST = 14  # bases of a token that is named


def enrichment(table: pd.DataFrame, categories: list[tuple[str, str]], tokens: list[str], level: float) -> Figure:
    """Enrichment of `tokens` in `categories`, and of all tokens how many lie more and less often in each.

    table: track, category, token, log2, q. Tokens that lie alike stand side by side; blank: q is not below `level`.
    """
    figure, (heat, found) = panels(1, 2, height=2.5 + 0.19 * len(categories), width_ratios=[5, 2], sharey=True)
    sure = table["q"] < level
    wide = table.assign(log2=table["log2"].where(sure, 0.0).clip(-STRONGEST, STRONGEST))
    wide = wide[wide["token"].isin(tokens)].pivot(index=["track", "category"], columns="token", values="log2")
    values = wide.reindex(index=categories, columns=tokens).fillna(0.0).to_numpy(float)
    order = leaves_list(linkage(values.T, "average")) if len(tokens) > 2 else np.arange(len(tokens))
    shown = np.where(values[:, order] == 0, np.nan, values[:, order])
    picture = heat.imshow(shown, cmap="RdBu_r", vmin=-STRONGEST, vmax=STRONGEST, aspect="auto", interpolation="nearest")
    upright(heat, [cut(tokens[i], LONGEST) for i in order])
    heat.set_yticks(range(len(categories)), [name_category(*name) for name in categories])
    heat.set_title("Where the tokens most tied to a category lie")
    bare(heat)

    tested = table[table["q"].notna()]
    reach = 0.1  # of the axis, which grows with the bars
    for sign, colour, label in ((1, RED, "more often"), (-1, BLUE, "less often")):
        told = (tested["q"] < level) & (np.sign(tested["log2"]) == sign)
        share = told.groupby([tested["track"], tested["category"]]).mean().reindex(categories)
        reach = max(reach, 1.05 * share.max())
        found.barh(range(len(categories)), sign * share, color=colour, height=0.7, label=label)
    found.axvline(0, color=GREY, linewidth=0.8)
    found.set(title=f"Tokens with q < {level}", xlabel="share of the tested tokens", xlim=(-reach, reach))
    found.xaxis.set_major_formatter(lambda value, _: f"{abs(value):.0%}")
    found.grid(axis="x")
    found.tick_params(axis="y", length=0)
    figure.legend(loc="outside lower right", ncols=2)
    label = f"log2 enrichment; blank: not significant (q at least {level})"
    colour_scale(figure, picture, [heat], label, location="bottom", shrink=0.6, aspect=45, pad=0.02)
    return figure
