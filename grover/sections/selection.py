"""Section of the report: the choice of a vocabulary by next-k-mer prediction."""

from grover.figures import selection as figures
from grover.sections.parts import Picture, Results, Section, Table, count, formatted

TITLE = "Selection of the vocabulary"
NEEDS = ("selection/next_kmer.parquet", "selection/chosen.txt")


def section(results: Results) -> Section:
    table = results.table(NEEDS[0])
    chosen, *reason = results.path(NEEDS[1]).read_text().splitlines()
    models, floors = table[table["kind"] != "floor"], table[table["kind"] == "floor"]
    best = {row["k"]: row for _, row in models[models["vocabulary"] == chosen].iterrows()}
    above = [k for k, row in best.items() if row["low"] > floors.loc[floors["k"] == k, "accuracy"].max()]
    sizes = sorted(best)
    finding = (
        f"{chosen} was chosen among "
        f"{count(models['vocabulary'].nunique(), 'candidate')}; "
        "its model is clearly above every floor "
        f"for {len(above)} of {len(sizes)} word lengths" + (f" (k = {', '.join(map(str, above))})." if above else ".")
    )
    order = table.sort_values(["kind", "vocabulary"], ascending=[False, True])
    wide = order.pivot_table(index=["vocabulary", "kind"], columns="k", values="accuracy", sort=False).reset_index()
    wide.columns = [str(name) if name in ("vocabulary", "kind") else f"k = {name}" for name in wide.columns]
    result = Section("selection", TITLE, findings=[finding])
    result.numbers = [(chosen, "vocabulary chosen", "the reason stands in its section")]
    result.parts = [
        f"{finding} Each pretrained model is fine-tuned to name the next k bases after 50 bases of context. The "
        "context is cut out first and tokenised alone, since its last token would otherwise tell what cannot follow. "
        "Floors learn from the contexts of fold train alone, without pretraining: the majority class, Markov models, "
        "a classifier that sees nothing but the last token, and a random forest on TF-IDF, which learns from a part of the "
        "contexts (`selection.forest_examples`).",
        *reason,
        Picture(
            "selection_next_kmer",
            figures.next_kmer(table, chosen),
            "Accuracy with 95 % intervals for each k. Circles are models (red: the vocabulary chosen), grey diamonds "
            "are floors, the dotted line is the share of guesses that are right by chance. A model left of a diamond "
            "has learnt nothing beyond it.",
            NEEDS[0],
        ),
        Table(formatted(wide, default="{:.4f}"), "Accuracy of next-k-mer prediction.", NEEDS[0]),
    ]
    return result
