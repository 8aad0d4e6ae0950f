"""Section of the report: where the tokens of the chosen model lie, judged by circular shifts of the annotation."""

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from grover.annotation.enrichment import LEVEL
from grover.report.figures.atlas import name_category
from grover.report.figures.enrichment import LONGEST, enrichment
from grover.report.parts import Folded, Picture, Results, Section, Table, formatted, signed, with_interval
from grover.report.sections.atlas import tied_table
from grover.report.style import cut

TITLE = "Embeddings: where tokens lie"
NEEDS = ("embeddings/*/enrichment.parquet",)
ATLAS = "atlas/observed/enrichment.parquet"
NAMES = ["track", "category"]
MOST_CATEGORIES, MOST_TOKENS = 60, 48  # in the figure
OPEN_CATEGORIES = 10  # in the figure that is not folded
TOP = 5  # tokens of a category in the folded table
FEWEST_INSIDE = 20  # occurrences of a token that is named
CLOSE = 0.5  # rank correlation with GC content that is pointed out
FEWEST_TOKENS = 10  # for a rank correlation


def section(results: Results) -> Section:
    source = results.of_main_model(NEEDS[0])
    table = results.table(source)
    tested = table[table["q"].notna()]
    parts: list = [
        "A token lies in a category of the annotation if its middle base does. How often that is by chance was found by circular shifts of "
        "the annotation along the genome, all segments end to end; the findings give their number. A shift keeps the clumps of "
        "tokens and of annotation, so that neither is taken as independent. Intervals are the spread over circular shifts, and q "
        "corrects for all tests (Benjamini and Hochberg)."
    ]
    if not len(tested):
        parts.append("This genome is too small, or its categories too rare, for a test.")
        return Section("token_places", TITLE, parts, vocabulary=source.split("/")[1])
    summary = summarise(tested)
    findings = [*count_tests(table, tested), *follow_gc(summary)]
    if ATLAS in results.names:
        findings += compare_jackknife(tested, results.table(ATLAS))
    top = strongest(tested, TOP)
    parts.append(findings)
    if len(top):
        categories, tokens = choose(summary, top, MOST_CATEGORIES)
        caption = (
            "Left: the tokens most tied to the categories, by the end of the interval that is nearer to 0; similar ones are "
            "side by side. Right: shares of all tokens frequent enough for a test. To the right are those that lie in the category more "
            "often than by chance, to the left those less often."
        )
        if len(categories) < len(summary):
            caption += f" The {len(categories)} of {len(summary)} categories with the most ties are shown."
        if len(categories) > OPEN_CATEGORIES:
            few = enrichment(table, *choose(summary, top, OPEN_CATEGORIES), LEVEL)
            said = (
                f"The {OPEN_CATEGORIES} categories with the most enriched or depleted tokens. Left: log2 enrichment of the tokens most "
                "tied to them. Right: the shares of tested tokens that are enriched and depleted. The folded figure has all."
            )
            parts.append(Picture("token_places_strongest", few, said, source))
        parts.append(Picture("token_places_enrichment", enrichment(table, categories, tokens, LEVEL), caption, source))
    parts.append(
        Table(
            summary_table(summary, top),
            "Each category: its share of the sequence; tokens frequent enough for a test; those that lie there more and less often than "
            "by chance; the rank correlation of enrichment with the GC content of the tokens; the token most tied to it with its "
            "log2 enrichment and 95\u00a0% interval.",
            source,
        )
    )
    if len(top):
        caption = f"The {TOP} tokens most tied to each category, among those with q below {LEVEL} and {FEWEST_INSIDE} occurrences inside."
        shown = tied_table(top.assign(token=[cut(token, LONGEST) for token in top["token"]]), "{:.2g}")
        parts.append(Folded("Tokens of each category", [Table(shown, caption, source)]))
    return Section("token_places", TITLE, parts, findings, source.split("/")[1])


def count_tests(table: pd.DataFrame, tested: pd.DataFrame) -> list[str]:
    """How many pairs are tied, what the number of circular shifts allows, and the closest tie."""
    sure = tested[tested["q"] < LEVEL]
    more = int((sure["log2"] > 0).sum())
    left_out = len(table) - len(tested)
    too_rare = f" Another {left_out:,} pairs are too rare for a test." if left_out else ""
    shifts = table.attrs.get("shifts")
    if powerless := lack_of_power(tested, shifts):
        return [powerless + too_rare]
    sentences = [
        f"Of {len(tested):,} pairs of a token and a category {len(sure):,} ({len(sure) / len(tested):.1%}) have q below {LEVEL} by "
        f"circular shifts of the annotation: {more:,} enriched, {len(sure) - more:,} depleted." + too_rare
    ]
    if shifts and len(sure):
        least, reached = lowest(tested, shifts)
        sentences.append(
            f"{shifts:,} circular shifts give no p-value below {least:.2g}, which {reached / len(tested):.0%} of the tests reach. "
            "So q shows that an association exists, not how certain it is."
        )
    best = strongest(tested, 1).sort_values("low", ascending=False).head(1)
    for row in best.itertuples():
        sentences.append(
            f"The strongest enrichment is of {cut(row.token, LONGEST)} in {name_category(row.track, row.category)}: {2**row.log2:.3g} "
            f"times as often as expected (95\u00a0%\u00a0interval {2**row.low:.3g} to {2**row.high:.3g})."
        )
    return sentences


def lowest(tested: pd.DataFrame, shifts: int) -> tuple[float, int]:
    """The lowest p-value that so many circular shifts can give, and how many tests reach it."""
    least = 1 / (shifts + 1)
    return least, int((tested["p"] < 1.5 * least).sum())


def lack_of_power(tested: pd.DataFrame, shifts: int | None) -> str:
    """Sentence where no pair is tied because the circular shifts are too few for any, given how many tests are corrected for; else empty.

    q of the k tests with the lowest p-value is that value times the number of tests over k (Benjamini and Hochberg).
    """
    if not shifts or (tested["q"] < LEVEL).any():
        return ""
    least, reached = lowest(tested, shifts)
    if least * len(tested) / max(1, reached) < LEVEL:
        return ""
    needed = int(least * len(tested) / LEVEL)
    return (
        f"{shifts:,} circular shifts are too few to establish any enrichment among {len(tested):,} pairs of a token and a category. They "
        f"give no p-value below {least:.2g}, which {reached:,} of the tests reach. For a q below {LEVEL} more than "
        f"{needed:,} would have to reach it. This is a lack of power, no evidence of absence; raise `embeddings.shifts`."
    )


def summarise(tested: pd.DataFrame) -> pd.DataFrame:
    """Return one row per category, in the order of the table: track, category, expected, tests, more, less, gc.

    gc is the rank correlation of log2 with the share of G and C in the token, NaN for fewer than ten tokens.
    """
    rows = []
    for (track, category), part in tested.groupby(NAMES, sort=False):
        sure = part["q"] < LEVEL
        gc = part["token"].str.count("[GC]") / part["length"]
        told = len(part) >= FEWEST_TOKENS and gc.nunique() > 1 and part["log2"].nunique() > 1
        more, less = int((sure & (part["log2"] > 0)).sum()), int((sure & (part["log2"] < 0)).sum())
        correlation = spearmanr(part["log2"], gc).statistic if told else np.nan
        rows.append((track, category, part["expected"].iloc[0], len(part), more, less, correlation))
    return pd.DataFrame(rows, columns=[*NAMES, "expected", "tests", "more", "less", "gc"])


def follow_gc(summary: pd.DataFrame) -> list[str]:
    """Return in how many categories enrichment goes with the composition of the tokens."""
    known = summary[summary["gc"].notna()]
    close = known[known["gc"].abs() >= CLOSE]
    if not len(close):
        return []
    most = known.loc[known["gc"].abs().idxmax()]
    return [
        f"In {len(close)} of {len(known)} categories enrichment goes with the GC content of the token (rank correlation of at least "
        f"{CLOSE} either way). It does so most of all in {name_category(most['track'], most['category'])} ({signed(most['gc'])}); "
        "composition explains much of it there."
    ]


def compare_jackknife(tested: pd.DataFrame, atlas: pd.DataFrame) -> list[str]:
    """How circular shifts judge the same counts beside the jackknife of the atlas; nothing where these are of another vocabulary."""
    keys = [*NAMES, "token", "count", "inside"]
    both = tested.merge(atlas.dropna(subset=["q"]), on=keys, suffixes=("", "_atlas"))
    if not len(both):
        return []
    agree = ((both["q"] < LEVEL) == (both["q_atlas"] < LEVEL)).mean()
    width = (both["high"] - both["low"]) / (both["high_atlas"] - both["low_atlas"])
    by_track = width.groupby(both["track"], sort=False).median().sort_values()
    least, most = (f"{by_track.iloc[i]:.2f} in {by_track.index[i].replace('_', ' ')}" for i in (0, -1))
    ends = f", from {least} to {most}" if len(by_track) > 1 else ""
    return [
        f"The jackknife over blocks of the vocabulary atlas and circular shifts agree on {agree:.1%} of the {len(both):,} tests that both "
        f"made; intervals of circular shifts are {width.median():.2f} times as wide (median){ends}."
    ]


def strongest(tested: pd.DataFrame, number: int) -> pd.DataFrame:
    """Of each category the tokens that lie there most surely more often: q below 0.05, at least 20 inside, the highest `low` first."""
    tied = tested[(tested["q"] < LEVEL) & (tested["low"] > 0) & (tested["inside"] >= FEWEST_INSIDE)]
    order = dict.fromkeys(tested[NAMES].itertuples(index=False, name=None))
    best = tied.sort_values("low", ascending=False, kind="stable").groupby(NAMES, sort=False).head(number)
    place = [list(order).index(name) for name in best[NAMES].itertuples(index=False, name=None)]
    return best.iloc[np.argsort(place, kind="stable")]


def choose(summary: pd.DataFrame, top: pd.DataFrame, number: int) -> tuple[list[tuple[str, str]], list[str]]:
    """Categories and tokens for the figure: the categories with the most ties, and in turn the first, second, ... token of each."""
    most = (summary["more"] + summary["less"]).sort_values(ascending=False, kind="stable").index[:number]
    categories = list(summary.loc[sorted(most), NAMES].itertuples(index=False, name=None))
    place = top.groupby(NAMES, sort=False).cumcount()
    kept = [name in categories for name in top[NAMES].itertuples(index=False, name=None)]
    tokens = top.loc[place[kept].sort_values(kind="stable").index, "token"]
    return categories, list(dict.fromkeys(tokens))[:MOST_TOKENS]


def summary_table(summary: pd.DataFrame, top: pd.DataFrame) -> pd.DataFrame:
    """The rows of `summarise` as text, with the token most tied to each category."""
    first = top.groupby(NAMES, sort=False).head(1).set_index(NAMES)
    named = {
        row.Index: f"{cut(row.token, LONGEST)} {with_interval(row.log2, row.low, row.high, digits=2)}"
        for row in first.itertuples()
    }
    rows = list(summary[NAMES].itertuples(index=False, name=None))
    return formatted(
        pd.DataFrame(
            {
                "category": [name_category(*name) for name in rows],
                "of the sequence": summary["expected"],
                "tokens": summary["tests"],
                "more often": summary["more"],
                "less often": summary["less"],
                "with GC": summary["gc"],
                "most tied": [named.get(name, "–") for name in rows],
            }
        ),
        {"of the sequence": "{:.2%}", "with GC": "{:+.2f}"},
    )
