"""Section of the report: the fine-tuning benchmarks."""

import pandas as pd

from grover.figures import benchmarks as figures
from grover.sections.parts import Picture, Results, Section, Table, formatted, verdict, with_interval

TITLE = "Benchmarks"
NEEDS = ("benchmarks.parquet", "comparisons.parquet")
LABELS = {
    "chosen": "pretrained",
    "chosen-twin": "random twin",
    "tfidf-forest": "TF-IDF + forest",
    "gc": "GC content",
    "pwm": "motif matrix",
    "majority": "majority class",
}
COLUMNS = ["accuracy", "f1", "auroc", "auprc", "n_test", "seeds"]


def section(results: Results) -> Section:
    table, comparisons = (results.table(name) for name in NEEDS)
    result = Section("benchmarks", TITLE)
    for task, rows in table.groupby("task", sort=False):
        compared = comparisons[(comparisons["task"] == task) & (comparisons["model"] == "chosen")]
        twin = compared[compared["rival"] == "chosen-twin"]
        floors = (
            compared[compared["rival"].isin(rows.loc[rows["kind"] == "floor", "model"])]
            .sort_values("difference")
            .head(1)
        )
        for _, row in pd.concat([twin, floors]).iterrows():
            rival = (
                "its randomly initialised twin"
                if row["rival"].endswith("twin")
                else f"the best floor ({label(row['rival'])})"
            )
            spread = row["difference"], row["low"], row["high"]
            result.findings.append(verdict(f"{task}: the pretrained model", rival, *spread, "MCC"))
        model = rows[rows["model"] == "chosen"]
        for _, row in model.iterrows():
            note = f"95\u00a0% interval {row['mcc_low']:.3f} to {row['mcc_high']:.3f}"
            result.numbers.append((f"{row['mcc']:.3f}", f"MCC on {task}", note))
    result.parts = [
        "Every task is split by the genome's folds, never by row. The twin is the same network from random weights "
        "with the same budget, so that its distance to the pretrained model is what pretraining adds. Floors are "
        "scores without a neural network.",
        result.findings,
        Picture(
            "benchmarks_scores",
            figures.scores(table, LABELS),
            "Scores on the test fold: Matthews correlation with bootstrap intervals (left) and area under the ROC "
            "curve (right). Blue is the pretrained model, red its random twin, grey diamonds are floors, dotted "
            "lines chance.",
            NEEDS[0],
        ),
    ]
    show = table.assign(
        model=table["model"].map(label),
        mcc=[with_interval(*row) for row in table[["mcc", "mcc_low", "mcc_high"]].to_numpy(float)],
    )
    columns = ["task", "model", "kind", "mcc", *[name for name in COLUMNS if name in show]]
    result.parts.append(
        Table(formatted(show[columns], default="{:.3f}"), "All scores; MCC with its 95 % interval.", NEEDS[0])
    )
    for name in results.find("benchmarks/*/card.json"):
        result.parts += describe_data(name.split("/")[1], results.json(name), name)
    return result


def label(model: str) -> str:
    """Name of a model as readers know it."""
    return LABELS.get(model, model)


def describe_data(task: str, card: dict, source: str) -> list:
    """What the card of a dataset says: sizes by fold and label, what was dropped and why, and the check for leaks."""
    counts = pd.DataFrame(card["counts"]).T.rename_axis("fold").reset_index().rename_axis(columns=None)
    dropped = "; ".join(f"{number:,} {reason}" for reason, number in card["dropped"].items()) or "none"
    duplicates = card["duplicates"]
    text = (
        f"{task}: {card['examples']:,} sequences of {card['length']:,} bases from {card['sites']:,} sites. Sites left "
        f"out: {dropped}. Before that, {duplicates['across_folds_either_strand']:,} sequences stood in two folds on "
        f"either strand; none does now. {duplicates['within_folds']:,} are repeated within a fold."
    )
    return [text, Table(formatted(counts), f"Examples of {task} by fold and label.", source)]
