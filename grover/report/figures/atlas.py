"""Figures of the vocabulary atlas: the observed genome in colour, null genomes in grey beside it.

Every function takes tables by the name of the genome, `observed` first and then `markov-1` and so on.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from grover.report.style import BLUE, GREEN, GREY, ORANGE, PALE, RED, bare, colour_scale, finish, panels, upright

OBSERVED = "observed"
NULL_STYLES = ((PALE, "-"), (GREY, (0, (2, 1.2))), (PALE, (0, (4, 1.5))), (GREY, "-"))
KMER_COLOURS = {"4-mers": GREEN, "5-mers": ORANGE, "6-mers": RED}
LONGEST = 10  # in the coverage, longer tokens count as this long
STRONGEST = 3.0  # end of the colour scale, log2
MOST_TOKENS = 45
LEAST = 1e-5  # share of the tokens at the foot of an axis
MOST_POINTS = 300
BELOW = {"location": "bottom", "shrink": 0.5, "aspect": 45, "pad": 0.02}  # a scale of colours


def label(genome: str) -> str:
    """Name of a genome as readers know it."""
    return "genome" if genome == OBSERVED else f"null, order {genome.partition('-')[2]}"


def styles(genomes: dict) -> dict[str, dict]:
    """Colour and dashes of the line of each genome."""
    nulls = [name for name in genomes if name != OBSERVED]
    found = {OBSERVED: {"color": BLUE, "linewidth": 2.0, "zorder": 3}} | {
        name: {"color": colour, "linestyle": dashes, "linewidth": 1.4, "zorder": 2}
        for name, (colour, dashes) in zip(nulls, NULL_STYLES * 3, strict=False)
    }
    return {name: found[name] | {"label": label(name)} for name in genomes}


def frequencies(tokens: dict[str, pd.DataFrame]) -> Figure:
    """Frequency against rank and against length, tokens by length, and bases that tokens of each length cover.

    tokens: length, count, share.
    """
    figure, (ranks, spread, types, covered) = panels(2, 2, height=5.8)
    looks = styles(tokens)
    rng = np.random.default_rng(0)
    for i, (name, table) in enumerate(tokens.items()):
        look = looks[name]
        used = table[table["count"] > 0]
        ranks.plot(np.arange(1, len(used) + 1), np.sort(used["share"])[::-1], **look)
        place = used["length"] + (i - (len(tokens) - 1) / 2) * 0.26 + rng.uniform(-0.09, 0.09, len(used))
        spread.scatter(place, used["share"], s=5, linewidths=0, alpha=0.7, color=look["color"], rasterized=True)
        number = table["length"].value_counts().sort_index()
        types.plot(number.index, number, marker="o", markersize=3.5, **look)
        bases = (used["length"] * used["count"]).groupby(used["length"]).sum()
        covered.plot(bases.index, bases / bases.sum(), marker="o", markersize=3.5, **look)
    ranks.set(
        xscale="log", yscale="log", xlabel="rank of the token", ylabel="share of the tokens", title="Frequency by rank"
    )
    for axis in (ranks, spread):
        axis.set_ylim(bottom=max(LEAST, axis.get_ylim()[0]))
    figure.legend(*ranks.get_legend_handles_labels(), loc="outside lower center", ncols=len(tokens))
    spread.set(yscale="log", ylabel="share of the tokens", title="Frequency by length")
    finish(types, ylabel="tokens in the vocabulary", title="Tokens by length")
    finish(covered, ylabel="share of the bases", title="Bases covered, by length", percent="y")
    for axis in (spread, types, covered):
        finish(axis, xlabel="token length (bases)", whole="x")
    return figure


def composition(tokens: dict[str, pd.DataFrame]) -> Figure:
    """Tokens by first base, each once and by occurrence, and the GC content of the tokens.

    tokens: first, gc, length, count.
    """
    figure, (*first, content) = panels(1, 3, height=3.1)
    looks = styles(tokens)
    for axis, title in zip(first, ("First base, each token once", "First base, by occurrence"), strict=True):
        width = 0.8 / len(tokens)
        for i, (name, table) in enumerate(tokens.items()):
            weight = table["count"] if title.endswith("occurrence") else pd.Series(1, table.index)
            share = weight.groupby(table["first"]).sum().reindex(list("ACGT"), fill_value=0) / weight.sum()
            place = np.arange(4) + (i - (len(tokens) - 1) / 2) * width
            axis.bar(place, share, width=width * 0.9, color=looks[name]["color"], label=label(name))
        names = {"title": title, "ylabel": "share of the tokens"}
        finish(axis, **names, xticks=range(4), xticklabels=list("ACGT"), percent="y")
    figure.legend(*first[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(tokens))
    for name, table in tokens.items():
        bases = (table["count"] * table["length"]).groupby(table["gc"]).sum()
        content.step([0, *bases.index], [0, *bases.cumsum() / bases.sum()], where="post", **looks[name])
    names = {"xlabel": "share of G and C in the token", "ylabel": "share of the bases up to there"}
    finish(content, title="GC content of the tokens", **names, percent="y")
    return figure


def balance(tokens: dict[str, pd.DataFrame], kmers: pd.DataFrame, summaries: dict[str, dict]) -> Figure:
    """How evenly the rows of the vocabulary are used, beside all 4-mers, 5-mers and 6-mers.

    tokens: count; kmers: of the observed genome, k, count; summaries: `balance` as
    `grover.atlas.token_statistics.summarise` returns it.
    """
    figure, (curves, *measures) = panels(1, 3, height=3.3, width_ratios=[5, 3, 3])
    looks = styles(tokens)
    for k, rows in kmers.groupby("k"):
        name = f"{k}-mers"
        curves.plot(*_relative(rows["count"]), color=KMER_COLOURS[name], linewidth=1.2, label=f"{name}, genome")
    for name, table in tokens.items():
        curves.plot(*_relative(table["count"]), **looks[name] | {"label": f"tokens, {label(name)}"})
    curves.axhline(1, color=GREY, linewidth=0.8, linestyle=":")
    curves.set(
        yscale="log",
        xlabel="share of the rows, most frequent first",
        ylabel="frequency over the mean",
        title="Use of the rows",
    )
    curves.set_ylim(bottom=max(1e-2, curves.get_ylim()[0]))
    figure.legend(*curves.get_legend_handles_labels(), loc="outside lower center", ncols=6, fontsize=7.5)
    names = list(summaries[OBSERVED]["balance"])
    for axis, key, title in zip(
        measures, ("evenness", "gini"), ("Evenness (1: all alike)", "Gini (0: all alike)"), strict=True
    ):
        for i, (genome, summary) in enumerate(reversed(summaries.items())):
            values = [summary["balance"][name][key] for name in names]
            height = np.arange(len(names)) + (i - (len(summaries) - 1) / 2) * -0.16
            marker = "o" if genome == OBSERVED else "D"
            axis.plot(values, height, marker, color=looks[genome]["color"], markersize=5, label=label(genome))
        ends = (len(names) - 0.5, -0.5)
        finish(axis, title=title, yticks=range(len(names)), yticklabels=names, ylim=ends, grid="x")
    return figure


def _relative(counts: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    used = np.sort(counts)[::-1]
    used = used[used > 0]
    shown = np.unique(np.linspace(0, len(used) - 1, MOST_POINTS).astype(int))
    return (shown + 1) / len(counts), used[shown] / counts.mean()


def compression(merges: dict[str, pd.DataFrame], mean_lengths: dict[str, float], cycles: int) -> Figure:
    """Bases per token after each merge, and the length of the token that it makes.

    merges: token, tokens (left after the merge); mean_lengths: bases per token of the genome after `cycles` merges.
    """
    figure, (bases, lengths) = panels(1, 2, height=2.9)
    looks = styles(merges)
    for i, (name, table) in reversed(list(enumerate(merges.items()))):
        learnt = np.arange(1, len(table) + 1)
        bases.plot(
            learnt,
            mean_lengths[name] * table["tokens"].iloc[min(cycles, len(table)) - 1] / table["tokens"],
            **looks[name],
        )
        made = table["token"].str.len() + (i - (len(merges) - 1) / 2) * 0.24
        lengths.scatter(
            learnt, made, s=5, linewidths=0, color=looks[name]["color"], rasterized=True, zorder=looks[name]["zorder"]
        )
    finish(bases, xlabel="merges learnt", ylabel="bases per token", title="Compression", grid="y")
    bases.legend(reverse=True)
    title = "Length of the token that each merge makes"
    finish(lengths, xlabel="merges learnt", ylabel="length (bases)", title=title, whole="y")
    return figure


def coverage(shares: dict[str, pd.DataFrame], overall: dict[str, pd.Series]) -> Figure:
    """Bases of each category by the length of the tokens that cover them, against the whole genome; one panel per genome.

    shares: track, category, length, share, as `grover.annotation.enrichment.coverage` returns them; overall: share of all bases
    by length.
    """
    rows = list(dict.fromkeys(zip(shares[OBSERVED]["track"], shares[OBSERVED]["category"], strict=True)))
    lengths = np.arange(1, LONGEST + 1)
    figure, axes = panels(1, len(shares), height=1.3 + 0.19 * len(rows), sharey=True)
    for axis, (name, table) in zip(axes, shares.items(), strict=True):
        wide = table.pivot(index=["track", "category"], columns="length", values="share").reindex(rows, columns=lengths)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.log2(wide.to_numpy(float) / overall[name].reindex(lengths).to_numpy(float))
        ratio[np.isneginf(ratio)] = -10.0
        picture = axis.imshow(ratio, cmap="RdBu_r", vmin=-2, vmax=2, aspect="auto", interpolation="nearest")
        ticks = {"xticks": lengths - 1, "xticklabels": [*map(str, lengths[:-1]), f"{LONGEST}+"]}
        axis.set(title=label(name), xlabel="token length (bases)", **ticks)
        bare(axis)
    axes[0].set_yticks(range(len(rows)), [name_category(*row) for row in rows])
    colour_scale(figure, picture, axes.tolist(), "log2 of the share of the bases over that in the genome", **BELOW)
    return figure


def enrichment(tables: dict[str, pd.DataFrame], tied: pd.DataFrame) -> Figure:
    """Enrichment of the tokens most tied to each category, and how many tokens of each genome stand out.

    tables: track, category, token, log2, q; tied: the tokens to show, of the observed genome, track, category, token.
    """
    observed = tables[OBSERVED]
    rows = list(dict.fromkeys(zip(observed["track"], observed["category"], strict=True)))
    first = tied.groupby(["track", "category"], sort=False).cumcount()
    tokens = list(dict.fromkeys(tied.loc[first.sort_values(kind="stable").index, "token"]))[:MOST_TOKENS]
    tokens.sort(key=list(dict.fromkeys(tied["token"])).index)
    figure, (heat, found) = panels(1, 2, height=2.3 + 0.19 * len(rows), width_ratios=[5, 2], sharey=True)
    shown = observed[observed["token"].isin(tokens)].pivot(index=["track", "category"], columns="token")
    log2 = shown["log2"].reindex(index=rows, columns=tokens).to_numpy(float)
    sure = shown["q"].reindex(index=rows, columns=tokens).to_numpy(float) < 0.05
    picture = heat.imshow(
        np.where(sure, log2, np.nan),
        cmap="RdBu_r",
        vmin=-STRONGEST,
        vmax=STRONGEST,
        aspect="auto",
        interpolation="nearest",
    )
    upright(heat, tokens)
    heat.set_yticks(range(len(rows)), [name_category(*row) for row in rows])
    heat.set_title("Tokens most tied to each category")
    bare(heat)
    looks = styles(tables)
    for i, (name, table) in reversed(list(enumerate(tables.items()))):
        tested = table.dropna(subset=["q"])
        share = (tested["q"] < 0.05).groupby([tested["track"], tested["category"]]).mean().reindex(rows)
        height = np.arange(len(rows)) + (i - (len(tables) - 1) / 2) * 0.22
        found.plot(
            share, height, "o" if name == OBSERVED else "D", color=looks[name]["color"], markersize=4, label=label(name)
        )
    names = {"title": "Tokens with q < 0.05", "xlabel": "share of the tested tokens"}
    finish(found, **names, xlim=(-0.03, 1.03), percent="x", grid="x")
    found.tick_params(axis="y", length=0)
    handles = found.get_legend_handles_labels()
    figure.legend(*handles, reverse=True, loc="outside lower right", ncols=len(tables))
    colour_scale(figure, picture, [heat], "log2 enrichment; blank: not significant (q at least 0.05)", **BELOW)
    return figure


def name_category(track: str, category: str) -> str:
    """`repeat class: SINE`, or the track alone where it has no categories."""
    track = track.replace("_", " ")
    return track if track == category.replace("_", " ") else f"{track}: {category}"
