"""The choice of the vocabulary, by a rule that was fixed beforehand."""

import pandas as pd


def choose(table: pd.DataFrame, sizes: dict[str, int]) -> tuple[str, str]:
    """The vocabulary with the best mean rank of accuracy on fold valid over all k, among equals the smaller one; and why, in a
    sentence.

    table: rows of kind model with vocabulary, k, accuracy_valid; sizes: number of tokens of each vocabulary.
    """
    models = table[table["kind"] == "model"]
    wide = models.pivot(index="vocabulary", columns="k", values="accuracy_valid")
    ranks = wide.rank(ascending=False).mean(axis=1)
    order = sorted(ranks.index, key=lambda name: (round(ranks[name], 9), sizes[name]))
    listing = ", ".join(f"{name} {ranks[name]:.2f} (mean accuracy {wide.loc[name].mean():.4f})" for name in order)
    k = ", ".join(map(str, wide.columns))
    return (
        order[0],
        f"It has the best mean rank of next-k-mer accuracy on fold valid over k = {k} (ties go to the smaller vocabulary): {listing}.",
    )
