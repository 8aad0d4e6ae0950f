"""Section of the report: models in another species than that of their pretraining."""

import pandas as pd

from grover.config.names import BASELINE_LABELS
from grover.report.figures import transfer as figures
from grover.report.parts import Picture, Results, Section, Table, count, listed, verdict, with_interval
from grover.transfer.arms import BASELINE, CONTINUED, ELSEWHERE, FINE_TUNED, LABELS, PROBED, RANDOM, SCRATCH, SOURCE

TITLE = "Species transfer"
SCORES, BASES = "transfer/scores.parquet", "transfer/bases.tsv"
NEEDS = (SCORES, BASES)
PARTS = {
    "all": "all of fold test",
    "apart": "without near-duplicates of the source's sequence",
    "gc": "labels matched by GC",
}


def section(results: Results) -> Section:
    scores, bases = results.table(SCORES), results.table(BASES)
    names = {name: LABELS.get(name, name) for name in bases["model"].unique()}
    shown = _shown(bases)
    findings = _findings(scores, shown)
    parts: list = [
        f"{count(len(names), 'model')} were compared in this species: {', '.join(names.values())}. "
        "Those that were trained here did not see fold test. "
        "All methods learn from the same labels, and are stopped by as many labels of fold valid at most. "
        + _apart(scores, bases),
        Picture(
            "transfer_bases",
            figures.masked_bases({"": shown}, names),
            "Masked bits per base at loci of fold test, model minus token frequencies of the same segmentation, with 95 % intervals "
            f"over loci ({PARTS[shown['part'].iloc[0]]}).",
            BASES,
        ),
    ]
    for task in scores["task"].unique():
        own = _shown(scores[scores["task"] == task])
        parts.append(
            Picture(
                f"transfer_{task}",
                figures.curves(own, names, (FINE_TUNED, PROBED)),
                f"{task}: MCC on fold test over the number of labels, with 95 % intervals over blocks and draws of labels; dashed: "
                f"baselines on the same labels ({PARTS[own['part'].iloc[0]]}).",
                SCORES,
            )
        )
    parts += [
        findings,
        Table(
            _bases(bases, names),
            "Masked bits per base at loci of fold test, and what each vocabulary makes of this genome. Gain: bits less than by token "
            "frequencies of the same segmentation. Bits of models with other vocabularies compare by their gain alone.",
            BASES,
        ),
    ]
    if len(scores):
        table = Table(
            _labels(scores, names),
            f"All scores. `{ELSEWHERE}`: learnt from the task of the source's species, without a label of this one. "
            "The differences are of the same method and labels.",
            SCORES,
        )
        parts.append(table)
    return Section("transfer", TITLE, parts, findings)


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """Rows without near-duplicates; of all of fold test where too few examples are left without them."""
    return table[table["part"] == ("apart" if "apart" in set(table["part"]) else "all")]


def _apart(scores: pd.DataFrame, bases: pd.DataFrame) -> str:
    """Sentence on the near-duplicates."""
    sizes = {
        f"test examples of {task}": table.drop_duplicates("part").set_index("part")["n_test"]
        for task, table in scores.groupby("task", sort=False)
    }
    sizes["loci"] = bases.drop_duplicates("part").set_index("part")["loci"]
    left = [
        f"{size['all'] - size['apart']:,} of {size['all']:,} {name}" for name, size in sizes.items() if "apart" in size
    ]
    if left:
        return f"Near-duplicates of the source's sequence were set apart: {', '.join(left)}."
    return "Near-duplicates of the source's sequence were not set apart: that sequence is not known here, or nothing is left without them."


def _findings(scores: pd.DataFrame, bases: pd.DataFrame) -> list[str]:
    """Verdicts on masked bases and on the fewest labels: the models that know the source against those that do not."""
    found = _against("masked bases", bases.set_index("model"), "bits per base")
    for task in scores["task"].unique():
        table = _shown(scores[scores["task"] == task])
        tuned = table[table["method"] == FINE_TUNED]
        fewest = tuned["labels"].min()
        chosen = tuned[tuned["labels"] == fewest].set_index("model")
        found += _against(f"{task}, {fewest:,} labels", chosen, "MCC") + _elsewhere(table, task)
    return found


def _against(subject: str, table: pd.DataFrame, unit: str) -> list[str]:
    """Verdicts on the models that know the source. table: `over_random` and `over_scratch` by model."""
    found = []
    for model in (SOURCE, CONTINUED):
        for comparator in (SCRATCH, RANDOM):
            if model in table.index and pd.notna(table.loc[model, f"over_{comparator}_low"]):
                columns = [f"over_{comparator}", f"over_{comparator}_low", f"over_{comparator}_high"]
                difference, low, high = map(float, table.loc[model, columns])
                found.append(verdict(f"{subject}: {LABELS[model]}", LABELS[comparator], difference, low, high, unit))
    return found


def _elsewhere(table: pd.DataFrame, task: str) -> list[str]:
    """Verdict on the source's classifier, beside the baselines that were fitted there."""
    found = []
    fitted = table[(table["method"] == ELSEWHERE) & (table["model"] != SOURCE)]
    beside = [
        f"{BASELINE_LABELS.get(row.model, row.model)} {with_interval(row.mcc, row.mcc_low, row.mcc_high)}"
        for row in fitted.itertuples()
    ]
    baselines = f"; fitted there, too: {listed(beside)}" if beside else ""
    for row in table[(table["method"] == ELSEWHERE) & (table["model"] == SOURCE)].itertuples():
        area = "" if pd.isna(row.auroc) else f", AUROC {with_interval(row.auroc, row.auroc_low, row.auroc_high)}"
        holds = (
            "holds here"
            if row.mcc_low > 0
            else "does not hold here"
            if row.mcc_high < 0
            else "is not shown to hold here"
        )
        found.append(
            f"{task}: what was learnt of this task in the source's species {holds} "
            f"(MCC {with_interval(row.mcc, row.mcc_low, row.mcc_high)}{area}){baselines}."
        )
    return found


def _bases(bases: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "model": bases["model"].map(names),
            "loci": [f"{number:,}, {PARTS[part]}" for number, part in zip(bases["loci"], bases["part"], strict=True)],
            "bases per token": bases["bases_per_token"].map("{:.2f}".format),
            "bits per base": _column(bases, "bits"),
            "gain": _column(bases, "gain"),
            "gain minus random initialisation": _column(bases, "over_random"),
            "gain minus trained here alone": _column(bases, "over_scratch"),
        }
    )


def _labels(scores: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    baseline = scores["method"].isin([BASELINE]) | ~scores["model"].isin(names)
    shown = (
        scores["model"].map(names).where(~baseline, scores["model"].map(lambda name: BASELINE_LABELS.get(name, name)))
    )
    return pd.DataFrame(
        {
            "task": scores["task"],
            "model": shown,
            "method": scores["method"],
            "labels": scores["labels"].map("{:,}".format),
            "examples": scores["part"].map(PARTS),
            "n": scores["n_test"].map("{:,}".format),
            "MCC": _column(scores, "mcc"),
            "AUROC": _column(scores, "auroc"),
            "MCC minus random initialisation": _column(scores, "over_random"),
            "MCC minus trained here alone": _column(scores, "over_scratch"),
        }
    )


def _column(table: pd.DataFrame, name: str) -> list[str]:
    values = zip(table[name], table[f"{name}_low"], table[f"{name}_high"], strict=True)
    return ["–" if pd.isna(value) else with_interval(value, low, high) for value, low, high in values]
