"""Section of the report: scores of variants."""

import pandas as pd

from grover.interpretation.variant_metrics import ALL, FEWEST, FEWEST_BLOCKS, SCORES, STRATA
from grover.report.figures import variants as figures
from grover.report.parts import (
    BETTER,
    WORSE,
    Folded,
    Picture,
    Results,
    Section,
    Table,
    between,
    count,
    formatted,
    interval,
    judge,
    listed,
    signed,
    with_interval,
)
from grover.report.sections.comparisons import judged
from grover.report.sections.points import variant_plot

TITLE = "Variants"
METRICS, SUMMARY = "interpretation/variant_metrics.parquet", "interpretation/variant_effects.json"
CONFOUNDING, SAMPLE = "interpretation/variant_confounding.parquet", "interpretation/variant_sample.parquet"
COUNTS = "interpretation/variants.json"
NEEDS = (METRICS, SUMMARY, CONFOUNDING, SAMPLE)
PICTURED = ("llr", "delta_logit")
STRATUM_LABELS = {
    "cpg": "CpG site",
    "substitution": "substitution",
    "mask": "soft mask",
    "tokens": "tokens of the alternative",
}
MOST = 0.2  # correlation given the Markov chain above which a score counts as confounded
SHOWN = ["chrom", "pos", "id", "ref", "alt", "llr", "strand_gap", "llr_centred", "llr_length_adjusted", "delta_logit"]


def section(results: Results) -> Section:
    metrics, summary = results.table(METRICS), results.json(SUMMARY)
    correlations, sample = results.table(CONFOUNDING), results.table(SAMPLE)
    substitutions, labelled = sample[sample["shown"] == "substitutions"], sample[sample["shown"] == "labelled"]
    parts: list = [_scored(summary), *_left_out(results)]
    confounded = _confounding(correlations)
    scored = set(correlations.loc[correlations["variants"] == "scored", "score"])
    drawn = [name for name in ("unigram", "llr", "llr_centred") if name in scored]
    if drawn:
        parts += [
            Picture(
                "variants_confounding",
                figures.confounding(substitutions, drawn),
                "Scores of the single-base substitutions of the file by the change in token number: median, middle half, and 5 to 95 %. "
                "Token frequencies alone move with it by construction.",
                SAMPLE,
            ),
        ]
    if confounded:
        parts.append(confounded)
    judged = metrics[metrics["stratum"] == ALL]
    findings = [sentence for sentence in (confounded,) if sentence]
    if len(judged):
        separated = _separation(judged, summary)
        findings += separated
        parts += _judged_parts(metrics, judged, [*separated, *_differences(summary)], labelled)
    else:
        parts += _not_judged(summary, labelled)
    moving = variant_plot(sample, SAMPLE)
    parts += [moving] if moving else []
    lowest = substitutions.sort_values("llr").head(10)
    parts.append(
        Table(
            formatted(lowest[[name for name in SHOWN if name in lowest]], {"pos": "{}"}),
            f"The ten of {len(substitutions):,} scored substitutions that the model finds least likely.",
            SAMPLE,
        )
    )
    return Section("variants", TITLE, parts, findings)


def _scored(summary: dict) -> str:
    scored = summary["status"].get("ok", 0)
    others = [f"{number:,} {status}" for status, number in summary["status"].items() if status != "ok"]
    text = (
        f"{count(scored, 'alternative allele')} have a score: the pseudo-log-likelihood ratio of the alternative to the reference (llr, "
        "nats; negative where the model finds the alternative less likely)."
    )
    return text + (f" Without a score: {', '.join(others)}." if others else "")


def _left_out(results: Results) -> list[str]:
    """Return the sentence on records beyond the maximum, where the file of variants has more."""
    counts = results.json(COUNTS) if COUNTS in results.names else {}
    beyond = counts.get("beyond_maximum", 0)
    if not beyond:
        return []
    return [
        f"Of {counts['records']:,} records of the file {counts['records'] - beyond:,} were scored, those of fold test first and others "
        f"at random; {beyond:,} were left out (`interpretation.maximum_variants`)."
    ]


def _confounding(correlations: pd.DataFrame) -> str:
    """What random substitutions say: those of the file may have been chosen so that an effect and a change of tokens coincide."""
    rows = correlations[correlations["variants"] == "random"].set_index("score")
    if "llr" not in rows.index:
        return ""
    row = rows.loc["llr"]
    verdict = "is" if abs(row["partial"]) > MOST else "is not"
    alone = f"; that of token frequencies is {signed(rows.loc['unigram', 'r'])}" if "unigram" in rows.index else ""
    return (
        f"llr {verdict} confounded with the tokenization at a limit of {MOST}. Given a Markov chain of order 5, it correlates with the "
        f"change in token number by r = {signed(row['partial'])} ({interval(row['partial_low'], row['partial_high'])}). Without the "
        f"chain r is {signed(row['r'])} ({between(row['r_low'], row['r_high'])}){alone} ({int(row['n']):,} random "
        "substitutions of fold train)."
    )


def _separation(judged: pd.DataFrame, summary: dict) -> list[str]:
    rows = judged.set_index("score")
    sentences = []
    for name in PICTURED:
        if name not in rows.index:
            continue
        row = rows.loc[name]
        relation = judge(row["auroc_low"] - 0.5, row["auroc_high"] - 0.5)
        words = {BETTER: "separates", WORSE: "separates in the other direction"}.get(relation, "does not separate")
        labels = [f"{row[label]:,} with {_values(summary, label)}" for label in ("positive", "negative")]
        value = with_interval(row["auroc"], row["auroc_low"], row["auroc_high"])
        sentences.append(f"{SCORES[name].label} {words} {' from '.join(labels)} in fold test: AUROC {value}.")
    return sentences


def _differences(summary: dict) -> list[str]:
    """Return a sentence per pair of scores; differences are corrected for the number of pairs."""
    table = pd.DataFrame([pair for pair in summary["differences"] if pair["auroc"] is not None])
    if table.empty:
        return []
    table = judged(table.rename(columns={"auroc": "difference"}))
    return [
        f"{SCORES[one.score].label} {one.verdict} {SCORES[one.comparator].label}: {signed(one.difference)} AUROC "
        f"({interval(one.low, one.high)}; Holm p = {one.p:.2g} over {count(len(table), 'pair')})."
        for one in table.itertuples()
    ]


def _judged_parts(metrics: pd.DataFrame, judged: pd.DataFrame, sentences: list[str], labelled: pd.DataFrame) -> list:
    test = labelled[labelled["fold"] == "test"]
    drawn = [name for name in PICTURED if name in set(judged["score"])]
    parts: list = [
        Picture(
            "variants_separation",
            figures.separation(judged),
            "AUROC of each score with its 95 % interval over blocks of the genome. The direction of each score was fixed beforehand; below "
            "0.5 it separates in the other direction. The logistic regression is predicted for blocks that it was not fitted on.",
            METRICS,
        ),
        sentences,
    ]
    if drawn:
        caption = (
            "Scores of the labelled variants of fold test; dashed lines are medians. Values beyond the 0.5 and 99.5 % quantiles are at the "
            "ends."
        )
        parts.append(Picture("variants_labels", figures.by_label(test, drawn), caption, SAMPLE))
    parts.append(Folded("All scores, and strata of the variants", _tables(metrics, judged)))
    return parts


def _tables(metrics: pd.DataFrame, judged: pd.DataFrame) -> list:
    def shown(rows: pd.DataFrame) -> pd.DataFrame:
        cells = {
            "score": [SCORES[name].label for name in rows["score"]],
            "positive": rows["positive"],
            "negative": rows["negative"],
        }
        for metric in ("auroc", "auprc"):
            spans = rows[[metric, f"{metric}_low", f"{metric}_high"]].to_numpy(float)
            cells[metric.upper()] = [with_interval(*span) for span in spans]
        return pd.DataFrame(cells)

    order = judged.sort_values(["kind", "auroc"], ascending=[False, False])
    parts: list = [
        Table(
            formatted(shown(order)),
            "AUROC and AUPRC, whose chance is the share of positives, with 95 % intervals.",
            METRICS,
        )
    ]
    for name in STRATA:
        rows = metrics[
            (metrics["stratum"] == name) & metrics["score"].isin([*PICTURED, "|llr|", "markov_5", "logistic"])
        ]
        if len(rows):
            table = shown(rows)
            table.insert(0, STRATUM_LABELS[name], rows["value"].to_numpy())
            parts.append(Table(formatted(table), f"The same by {STRATUM_LABELS[name]}.", METRICS))
    return parts


def _not_judged(summary: dict, labelled: pd.DataFrame) -> list:
    """Why nothing is judged: counts, and a picture where there are labels."""
    folds = summary["labelled"]
    total = {name: sum(each[name] for each in folds.values()) for name in ("positive", "negative")}
    field = f"INFO {summary['effect_field']}"
    if not sum(total.values()):
        return [f"The variants have no known effects ({field}), so that scores are compared with nothing."]
    judged = summary["judged"]
    counts = (
        f"{field} labels {total['positive']:,} variants with {_values(summary, 'positive')} and {total['negative']:,} with "
        f"{_values(summary, 'negative')}; fold test has {judged['positive']:,} and {judged['negative']:,} of them."
    )
    if min(judged.values()) < FEWEST:
        reason = f"AUROC is not computed with fewer than {FEWEST} variants of a label in fold test."
    else:
        width = (
            f" within {(summary['positives_to'] - summary['positives_from']) / 1000:,.0f} kb"
            if summary["positives_to"]
            else ""
        )
        reason = (
            f"The positives of fold test lie{width} in {count(summary['blocks'], 'block')} of {summary['block']:,} bases, fewer than "
            f"{FEWEST_BLOCKS}. They are no independent observations, so no AUROC and no interval is given."
        )
    picture = Picture(
        "variants_places",
        figures.places(labelled),
        "llr of the labelled variants of all folds along their contig. Neighbours share genes and annotation.",
        SAMPLE,
    )
    return [counts, reason, picture]


def _values(summary: dict, label: str) -> str:
    return f"{summary['effect_field']} {listed(summary[label])}"
