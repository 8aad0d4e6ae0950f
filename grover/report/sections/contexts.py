"""Section of the report: how much context changes tokens."""

from typing import Any

import numpy as np
import pandas as pd

from grover.annotation.enrichment import LEVEL
from grover.config.names import CHOSEN, random_of
from grover.embeddings.tokens.contexts import associations
from grover.report.figures import contexts as figures
from grover.report.figures.contexts import MODEL, PUBLISHED, RANDOM
from grover.report.parts import (
    Picture,
    Results,
    Section,
    Table,
    between,
    count,
    formatted,
    listed,
    signed,
    with_interval,
)
from grover.report.published import beside_published
from grover.report.sections.atlas import shorten
from grover.report.sections.points import ambiguity_plot, token_plot

TITLE = "Embeddings: contexts"
NEEDS = ("embeddings/*/token_counts.npy", "embeddings/*/contexts.parquet")
AMBIGUITY = "ambiguity.parquet"
SHOWN = 10  # tokens of either end of the ranking
AMBIGUOUS_SHOWN = 15
ALIKE = 0.95  # baseline from which states hardly differ in direction
BY_GC = 0.7  # AUROC of GC content from which groups may be composition alone
THE_MORE = {
    "repeat share": "the more of their occurrences lie in repeats",
    "accuracy": "the better they are predicted",
    "frequency": "the more frequent they are",
    "length": "the longer they are",
}
PLANES = {"by repeats": ("repeat_share", "adjusted"), "by prediction": ("accuracy", "adjusted")}
DISTINCT = 0.05  # by which a silhouette exceeds that of a cloud without structure, to count


def section(results: Results) -> Section:
    model = results.of_main_model(NEEDS[-1]).split("/")[1]
    tables, names = both_models(results, model, "contexts.parquet")
    own = tables[MODEL]
    paper = beside_published(results, results.chosen if model == CHOSEN else model)
    last = own[own["layer"] == own["layer"].max()]
    related = associations(own)
    occurring = int((results.array(f"embeddings/{model}/token_counts.npy") > 0).sum())
    findings = [
        describe_direction(own),
        describe_depth(tables, paper),
        *[describe_association(row, paper) for row in related[related["layer"] == last["layer"].iloc[0]].itertuples()],
        describe_explained(tables, paper),
    ]
    parts: list = [
        f"The context of a token changes its state from layer to layer. Self-similarity is the mean cosine of two occurrences of "
        f"a token, of up to {own['used'].max():,} that were compared: 1 where context changes nothing. States of a layer may all point "
        "the same way. The baseline is therefore the mean cosine of two occurrences of any tokens, and adjusted is the "
        f"difference (Ethayarajh 2019). Where that is little, the cosine around the mean state of the layer shows more. "
        f"{describe_left_out(last, occurring)}",
        findings,
        Picture(
            "contexts_self_similarity",
            figures.self_similarity(tables),
            "Self-similarity of the tokens by layer, layer 0 being what the first layer reads: median (dot), middle half and middle "
            "90 % of the tokens. Dotted: the baseline. Around the mean: with the mean state of the layer taken away.",
            names[MODEL],
        ),
        Picture(
            "contexts_explained",
            figures.explained(tables, paper),
            "Maximum explainable variance: the largest squared singular value of a token's contexts over the sum of all, not centred, "
            "as Ethayarajh 2019 defines it; the share that one fixed vector for the token could explain. Adjusted is what it "
            "exceeds that of as many contexts of any tokens."
            + (" Whether the value in GROVER's paper is adjusted, and whether centred, is not known." if paper else ""),
            names[MODEL],
        ),
    ]
    if last[["repeat_share", "accuracy"]].notna().any(axis=None):
        parts.append(
            Picture(
                "contexts_change",
                figures.change(last),
                "Change by context in the last layer against repeats and prediction. Each dot is a token; low ones change most.",
                names[MODEL],
            )
        )
        moving = token_plot("contexts_scatter", last, PLANES, figures.LABELS, names[MODEL])
        parts += [moving] if moving else []
    else:
        parts.append("Neither the repeat share of the tokens nor how well each is predicted is known.")
    if len(related):
        parts.append(
            Table(
                association_table(related),
                "Spearman of the change by context (low adjusted self-similarity) with properties of the tokens, by layer. "
                "Intervals take tokens as independent, which those that overlap are not, and are rather too narrow.",
                names[MODEL],
            )
        )
    parts.append(
        Table(
            rank_table(last),
            f"The tokens that context changes most and least in the last layer, of {len(last):,}. Around the mean is "
            "self-similarity with the mean state of the layer taken away; explained is the adjusted maximum explainable variance; "
            "repeats is the share of the occurrences in repeats; accuracy is that of predicting the token in held-out regions.",
            names[MODEL],
        )
    )
    ambiguous = ambiguity(results, model)
    return Section("contexts", TITLE, parts + ambiguous.parts, findings + ambiguous.findings, vocabulary=model)


def both_models(results: Results, model: str, file: str) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """Return the tables of the model and of the randomly initialised one, those that are there, and their names."""
    names = {MODEL: f"embeddings/{model}/{file}", RANDOM: f"embeddings/{random_of(model)}/{file}"}
    return {name: results.table(path) for name, path in names.items() if path in results.names}, names


def describe_left_out(last: pd.DataFrame, occurring: int) -> str:
    """How many tokens the numbers are of."""
    left = occurring - len(last)
    if left <= 0:
        return f"All {occurring:,} tokens of the embedded regions were compared."
    return f"{count(len(last), 'token')} were compared; {left:,} more occur in the embedded regions, but too seldom, and are left out."


def describe_direction(own: pd.DataFrame) -> str:
    """How far the states of a layer all point the same way."""
    first, last = own["layer"].min(), own["layer"].max()
    baseline = own.groupby("layer")["baseline"].first()
    before = "" if first == last else f" and {baseline[first]:.3f} in layer {first}"
    said = f"Two occurrences of any two tokens have a mean cosine of {baseline[last]:.3f} in layer {last}{before}"
    if baseline[last] < ALIKE:
        return f"{said}."
    return f"{said}. States of layer {last} nearly all point in one direction, so that differences between tokens in that layer are small."


def describe_depth(tables: dict[str, pd.DataFrame], paper: bool) -> str:
    """Return how self-similarity changes from the first layer that sees context to the last, trained and randomly initialised.

    In layer 0 occurrences of a token differ by their position alone, so that a fall from there to the first layer says nothing.
    """
    tables = {
        name: table[table["layer"] > 0] if (table["layer"] > 0).any() else table for name, table in tables.items()
    }
    wide = tables[MODEL].pivot(index="id", columns="layer", values="adjusted")
    deep = wide.shape[1] > 1
    said = []
    for table in tables.values():
        spread = table.groupby("layer")["adjusted"].quantile([0.25, 0.5, 0.75]).unstack()
        around = table.groupby("layer")["centred_similarity"].median()
        first, final = spread.iloc[0], spread.iloc[-1]
        said.append(
            f"{short(final[0.5])} (middle half of the tokens {short(final[0.25])} to {short(final[0.75])}) in layer {spread.index[-1]}"
            + (f" after {short(first[0.5])} in layer {spread.index[0]}" if deep else "")
            + f"; around the mean state {short(around.iloc[-1])}"
            + (f" after {short(around.iloc[0])}" if deep else "")
        )
    sentences = [f"The median adjusted self-similarity is {said[0]}."]
    if deep:
        first, final = wide.iloc[:, 0], wide.iloc[:, -1]
        reports = "the paper too reports" if final.median() < first.median() else "the paper reports"
        remark = f"; {reports} a fall with depth" if paper else ""
        sentences.append(f"It falls for {(final < first).mean():.0%} of the tokens{remark}.")
    if said[1:]:
        sentences.append(f"With random initialisation it is {said[1]}.")
    return " ".join(sentences)


def short(value: float) -> str:
    """Two decimals, or two figures of a number that these would hide."""
    return f"{value:.2f}" if abs(value) >= 0.01 or value == 0 else f"{value:.1e}"


def describe_association(row: Any, paper: bool) -> str:
    """Return whether context changes tokens of a property more or less, as far as the interval allows.

    row: of `associations`, by attributes; paper: whether the published finding stands beside it.
    """
    told = f"Spearman {signed(row.spearman)}, 95\u00a0%\u00a0interval {between(row.low, row.high)}, {row.n:,} tokens"
    which = THE_MORE[row.property]
    if row.low <= 0 <= row.high:
        return f"No association is established between change by context and {row.property} ({told})."
    reported = ", as the paper reports" if row.spearman < 0 else ", the opposite of what the paper reports"
    remark = reported if paper and row.property == "repeat share" else ""
    return f"Context changes tokens {'more' if row.spearman > 0 else 'less'} {which}{remark} ({told})."


def describe_explained(tables: dict[str, pd.DataFrame], paper: bool) -> str:
    deepest = {name: table[table["layer"] == table["layer"].max()] for name, table in tables.items()}
    quarters = {name: table["explained_adjusted"].quantile([0.25, 0.5, 0.75]) for name, table in deepest.items()}
    said = {name: "{1} (middle half {0} to {2})".format(*map(percent, values)) for name, values in quarters.items()}
    last = deepest[MODEL]
    published = f"; the paper's value is {PUBLISHED:.1%}" if paper else ""
    beside = f"; with random initialisation it is {said[RANDOM]}" if RANDOM in said else ""
    return (
        f"In the last layer one fixed vector explains {said[MODEL]} more of a token's contexts than of those of any tokens (median)"
        f"{published}{beside}. Without that correction it explains {last['explained'].median():.1%}, and of the variance around the mean "
        f"{last['explained_centred'].median():.1%}."
    )


def percent(value: float) -> str:
    """A share with one decimal, or two figures of one that this would hide."""
    return f"{value:.1%}" if abs(value) >= 1e-3 or value == 0 else f"{100 * value:.1e}%"


def association_table(related: pd.DataFrame) -> pd.DataFrame:
    """Return one row per layer and one column per property, each with its interval."""
    cells = [with_interval(*row, digits=2) for row in related[["spearman", "low", "high"]].to_numpy(float)]
    wide = related.assign(cell=cells).pivot(index="layer", columns="property", values="cell")
    wide = wide[list(dict.fromkeys(related["property"]))].fillna("–").reset_index()
    return wide.rename_axis(columns=None).astype(str)


def rank_table(last: pd.DataFrame) -> pd.DataFrame:
    """The tokens that context changes most and least."""
    ranked = last.sort_values("rank_change")
    rows = pd.concat([ranked.head(SHOWN), ranked.tail(SHOWN)]).drop_duplicates("id")
    return formatted(
        pd.DataFrame(
            {
                "rank": rows["rank_change"],
                "token": [shorten([token], 1) for token in rows["token"]],
                "occurrences": rows["count"],
                "self-similarity": rows["self_similarity"],
                "adjusted": rows["adjusted"].map(short),
                "around the mean": rows["centred_similarity"].map(short),
                "explained": rows["explained_adjusted"].map(percent),
                "repeats": rows["repeat_share"],
                "accuracy": rows["accuracy"],
            }
        ),
        {"repeats": "{:.1%}", "accuracy": "{:.1%}", "self-similarity": "{:.3f}"},
    )


def ambiguity(results: Results, model: str) -> Section:
    """Whether an annotation tells two groups of a token's contexts apart: the second half of the section."""
    tables, names = both_models(results, model, AMBIGUITY)
    if MODEL not in tables:
        return Section("", "", ["Whether annotation tells groups of a token's contexts apart was not measured."])
    tokens = {name: table.drop_duplicates("id") for name, table in tables.items()}
    told = {name: table[table["q"] < LEVEL] for name, table in tokens.items()}
    own = tokens[MODEL]
    if not len(own):
        return Section("", "", ["No token has enough contexts for groups among them."])
    composition = [describe_composition(told[MODEL])] if len(told[MODEL]) else []
    findings = [describe_told(tokens, told), *composition, describe_groups(own)]
    parts: list = [
        "Lexical ambiguity: the contexts of each token are cut into two groups by their states in the last layer (k-means), without the "
        "annotation. An annotation separates them where it holds more of one group than of the other. Intervals and "
        "tests come from resamples of blocks of the genome, and q corrects for all tests of all tokens (Benjamini and Hochberg).",
        findings,
    ]
    if len(told[MODEL]):
        drawn = {name: table for name, table in told.items() if len(table)}
        parts.append(
            Picture(
                "contexts_ambiguity",
                figures.ambiguity(drawn),
                "Left: tokens by the category that tells their two groups apart best. Right: how far it does so, against how far GC "
                "content in the 100 bases around does (AUROC, 0.5: not at all). Groups on the right may be composition alone.",
                names[MODEL],
            )
        )
        parts += ambiguity_plot(told[MODEL], names[MODEL])
        parts.append(
            Table(
                ambiguity_table(told[MODEL]),
                "The tokens whose groups an annotation separates best: share of the larger and of the smaller group inside the category; "
                "their difference with its 95 % interval; the same among occurrences with like GC content; the silhouette of the groups "
                "and, in brackets, of those of a cloud without structure; the AUROC of GC content.",
                names[MODEL],
            )
        )
    return Section("", "", parts, findings)


def describe_told(tokens: dict[str, pd.DataFrame], told: dict[str, pd.DataFrame]) -> str:
    own, found = tokens[MODEL], told[MODEL]
    untested = int(own["q"].isna().sum())
    end = f"An annotation separates the two groups of contexts of {len(found):,} of {count(len(own), 'token')} (q below {LEVEL})"
    if RANDOM in tokens:
        end += f", and of {len(told[RANDOM]):,} of {len(tokens[RANDOM]):,} with random initialisation"
    left = (
        f" {count(untested, 'token')} could not be tested: too few places, or categories that are too rare."
        if untested
        else ""
    )
    if not len(found):
        return f"{end}.{left}"
    leading = (found["track"].str.replace("_", " ") + ": " + found["category"]).value_counts().head(3)
    most = listed([f"{name} ({number:,})" for name, number in leading.items()])
    return f"{end}. The category that separates them best is most often {most}.{left}"


def describe_composition(found: pd.DataFrame) -> str:
    """How much of it GC content may be."""
    by_gc = np.maximum(found["gc_auroc"], 1 - found["gc_auroc"]) >= BY_GC
    kept = (found["within_gc"] / found["difference"]).median()
    return (
        f"GC content alone separates the groups of {by_gc.sum():,} of these {len(found):,} tokens with an AUROC of at least {BY_GC}. Among "
        f"occurrences of like GC content {kept:.0%} of the difference remains (median)."
    )


def describe_groups(own: pd.DataFrame) -> str:
    apart = (own["silhouette"] - own["silhouette_expected"] > DISTINCT).mean()
    return (
        f"The median silhouette of the groups is {own['silhouette'].median():.2f}, that of two halves of a cloud without structure "
        f"{own['silhouette_expected'].median():.2f}. {apart:.0%} of the tokens exceed theirs by more than {DISTINCT}; the groups of the "
        "others are halves of one cloud rather than clusters."
    )


def ambiguity_table(found: pd.DataFrame) -> pd.DataFrame:
    rows = found.assign(size=found["difference"].abs()).sort_values("size", ascending=False).head(AMBIGUOUS_SHOWN)
    table = pd.DataFrame(
        {
            "token": [shorten([token], 1) for token in rows["token"]],
            "contexts": rows["n"],
            "larger group": rows["share"],
            "annotation": rows["track"].str.replace("_", " ") + ": " + rows["category"],
            "in larger": rows["share_first"],
            "in smaller": rows["share_second"],
            "difference": [f"{row.difference:.2f} ({row.low:.2f} to {row.high:.2f})" for row in rows.itertuples()],
            "like GC": rows["within_gc"],
            "q": rows["q"],
            "silhouette": [f"{row.silhouette:.2f} ({row.silhouette_expected:.2f})" for row in rows.itertuples()],
            "AUROC of GC": rows["gc_auroc"],
        }
    )
    shares = dict.fromkeys(["larger group", "in larger", "in smaller"], "{:.0%}")
    return formatted(table, shares | {"like GC": "{:.2f}", "AUROC of GC": "{:.2f}", "q": "{:.1g}"})
