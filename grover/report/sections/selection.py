"""Section of the report: the choice of a vocabulary by next-k-mer prediction."""

import pandas as pd

from grover.report.figures import selection as figures
from grover.report.parts import Picture, Results, Section, Table, with_interval

TITLE = "Selection of the vocabulary"
NEEDS = ("selection/next_kmer.parquet", "selection/chosen.txt")
BITS = "masked bits per base"
FIXED = "It was fixed beforehand"  # how `grover.selection.choice` begins the reason of a vocabulary that the configuration names


def section(results: Results) -> Section:
    table = results.table(NEEDS[0])
    chosen, *reason = results.path(NEEDS[1]).read_text().splitlines()
    models, baselines = table[table["kind"] != "baseline"], table[table["kind"] == "baseline"]
    best = {row["k"]: row for _, row in models[models["vocabulary"] == chosen].iterrows()}
    above = [k for k, row in best.items() if row["low"] > baselines.loc[baselines["k"] == k, "high"].max()]
    sizes, seeds = sorted(best), int(models["seeds"].max())
    compared = models["vocabulary"].nunique()
    fixed = compared == 1 or any(line.startswith(FIXED) for line in reason)
    choice = "was fixed beforehand" if fixed else f"was chosen among {compared} candidates"
    finding = (
        f"Vocabulary {chosen} {choice}; its model outperforms every baseline at next-k-mer prediction "
        f"for {len(above)} of {len(sizes)} values of k" + (f" (k = {', '.join(map(str, above))})." if above else ".")
    )
    cover = (
        f"other test contexts and other seeds of the fine-tuning ({seeds} were used)"
        if seeds > 1
        else "other test contexts"
    )
    bits = models["bits_per_base"].notna().any()
    parts = [
        f"{finding} Each pretrained model is fine-tuned to predict the next k bases after a context that is cut out first and "
        "tokenised alone. Its last token would otherwise exclude what cannot follow. Baselines are fitted on the contexts "
        "of fold train alone, without pretraining. They are the majority class, Markov models, a classifier of "
        "the last token, and a random forest on TF-IDF of some contexts "
        "(`selection.forest_examples`).",
        *reason,
        *_seen(models["seen"].max()),
        Picture(
            "selection_next_kmer",
            figures.next_kmer(table, chosen),
            f"Accuracy on fold test for each k. Dots are models, with 95 % intervals that allow for {cover}, not for another "
            "pretraining; neighbouring contexts are alike, so that all errors are those between blocks of the genome. Lines are baselines, "
            "and bands their intervals; an open diamond is a classifier that sees only the last token of that "
            "vocabulary. A model below a line or its diamond has learnt nothing beyond it."
            + (
                " Bits per base are of the same spans of the genome for all; they still depend on the borders of the visible tokens."
                if bits
                else ""
            ),
            NEEDS[0],
        ),
        Table(
            wide(table),
            "Accuracy of next-k-mer prediction in % with 95 % intervals"
            + (f", and {BITS} on common spans." if bits else "."),
            NEEDS[0],
        ),
    ]
    return Section("selection", TITLE, parts, [finding])


def _seen(share: float) -> list[str]:
    """A warning where the models were pretrained on what they are scored on."""
    if not share > 0:
        return []
    return [
        f"Up to {100 * share:.3g} % of the bases of the test contexts lie in windows that a model was pretrained on (`corpus.split`). "
        "Baselines are fitted on fold train alone, so the distance to the baselines is too favourable."
    ]


def wide(table: pd.DataFrame) -> pd.DataFrame:
    """Return models and then baselines in rows, values of k in columns, as text with intervals."""
    order = table.sort_values(["kind", "vocabulary"], ascending=[False, True], kind="stable")
    rows = []
    for (name, _), group in order.groupby(["vocabulary", "kind"], sort=False):
        row = {"vocabulary or baseline": name} | {
            f"k = {score.k}": with_interval(100 * score.accuracy, 100 * score.low, 100 * score.high, digits=2)
            for score in group.sort_values("k").itertuples()
        }
        values = group[["bits_per_base", "bits_low", "bits_high"]].astype(float).iloc[0]
        rows.append(row | {BITS: "–" if values.isna()["bits_per_base"] else with_interval(*values)})
    frame = pd.DataFrame(rows).fillna("–")
    return frame if (frame[BITS] != "–").any() else frame.drop(columns=BITS)
