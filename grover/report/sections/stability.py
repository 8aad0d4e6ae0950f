"""Section of the report: how stable the tokens are."""

import pandas as pd

from grover.atlas.stability import CUT_LEFT, CUT_RIGHT, MUTATION_LEFT, MUTATION_RIGHT, NEAR, REVERSE_COMPLEMENT, SHIFT
from grover.report.figures import stability as figures
from grover.report.parts import Picture, Results, Section, Table, count, formatted, listed, with_interval
from grover.report.published import beside_published

TITLE = "Stability of the tokens"
NEEDS = ("atlas/stability.parquet",)
AUTHORS = (
    "GROVER's authors report that a stretch shorter than 50 bases changes its tokens when it is tokenised alone, and pad it with 100 bases "
    "on either side. "
)
NOTHING = (
    "Nothing was measured. Either no segment is long enough for a window with its surroundings (`atlas.stability_length` and "
    "`atlas.flank`), or all vocabularies overlap and have no boundaries."
)


def section(results: Results) -> Section:
    table = results.table(NEEDS[0])
    if table.empty:
        return Section("stability", TITLE, [NOTHING])
    names = list(dict.fromkeys(table["vocabulary"]))
    main = results.chosen if results.chosen in names else names[0]
    rows = {row["disturbance"]: row for _, row in table[table["vocabulary"] == main].iterrows()}
    windows, length = int(table["windows"].iloc[0]), int(table["length"].iloc[0])
    findings = [*back_in_step(main, rows), strands(main, rows[REVERSE_COMPLEMENT]), *compared(table)]
    cut = worse(rows[CUT_LEFT], rows[CUT_RIGHT])
    parts = [
        f"{windows:,} windows of {length:,} bases are tokenised with their surroundings, and again after one of four "
        "disturbances: cut out and tokenised alone; shifted by one base; with the base in the middle substituted; as the "
        "reverse complement. Two segmentations are back in step at their first common token: from there on they are equal. "
        "A boundary is a place where one token ends and the next begins, and it is kept if it is there after the "
        "disturbance too. Non-overlapping k-mers are read in every phase equally often. Overlapping k-mers, which have one "
        "token per base and no boundaries, are left out.",
        findings,
        f"{AUTHORS if beside_published(results, main) else ''}{padding(main, cut)}",
        Picture(
            "stability_distances",
            figures.stability(table),
            "Bases until the segmentation is back in step: median (dot), middle half (thick line), 5 to 95 % (thin "
            "line) and the farthest window (tick); diamonds at the right give the share of windows that never come back, and a line that "
            "would end there is left out. Last panel: share of the boundaries that are kept on the other strand (dots, with 95 % "
            "intervals) and what randomly strewn boundaries would share (grey diamonds). The further left, and in the "
            "last panel the further right, the more stable.",
            NEEDS[0],
        ),
        Table(
            readable(table),
            f"Boundaries kept, in the window with the 95\u00a0% interval and within {NEAR} bases of the disturbance, and "
            "bases until in step; a dash is a distance that never ends, or one that has no meaning.",
            NEEDS[0],
        ),
    ]
    return Section("stability", TITLE, parts, findings)


def worse(one: pd.Series, other: pd.Series) -> pd.Series:
    """The row of two whose 95 % quantile is larger; an infinite one is missing."""
    return max(one, other, key=lambda row: (pd.isna(row["q95"]), row["q95"]))


def back_in_step(name: str, rows: dict[str, pd.Series]) -> list[str]:
    """Sentences on the distances after a cut and a substitution."""
    cut = worse(rows[CUT_LEFT], rows[CUT_RIGHT])
    mutation = worse(rows[MUTATION_LEFT], rows[MUTATION_RIGHT])
    changed = f"one substituted base changes {mutation['tokens_changed']:.1f} tokens on average"
    if pd.notna(mutation["q95"]):
        changed += f", in 95\u00a0% of the windows none farther than {count(int(mutation['q95']), 'base')} from it on either side"
    changed = f"{changed[0].upper()}{changed[1:]}."
    return [f"Tokenised without its surroundings, {reach(name, cut)}.", changed]


def reach(name: str, row: pd.Series) -> str:
    """Clause on when a window is back in step."""
    if pd.isna(row["median"]):
        return f"a window does not return to the same {name} tokens in {row['never']:.1%} of the cases"
    clause = f"a window returns to the same {name} tokens after {count(int(row['median']), 'base')} (median"
    if pd.notna(row["q95"]):
        clause += f"; 95\u00a0% of the windows after {row['q95']:.0f}"
    last = f"the farthest after {row['largest']:.0f}"
    return f"{clause}; {last if row['never'] == 0 else f'{row.never:.2%} never'})"


def padding(name: str, cut: pd.Series) -> str:
    """Sentence on 50 and 100 bases beside a cut."""
    farther = f" and {share(cut['within_100'])} within 100" if cut["within_50"] < 1 else ""
    return f"In this run {share(cut['within_50'])} of the windows have the same {name} tokens again within 50 bases of a cut{farther}."


def share(value: float) -> str:
    """A share in percent that says 100 or 0 only where that is so."""
    if value in (0, 1):
        return f"{value:.0%}"
    return f"{value:.2%}" if value > 0.99 else f"{value:.1%}"


def strands(name: str, row: pd.Series) -> str:
    """Sentence on the reverse complement."""
    return (
        f"On the other strand {row['kept']:.1%} of the boundaries of {name} are the same (95\u00a0% interval "
        f"{row['kept_low']:.1%} to {row['kept_high']:.1%}), where randomly strewn ones would share {row['chance']:.1%}; "
        f"{row['tokens_kept']:.1%} of its tokens cover the same bases."
    )


def compared(table: pd.DataFrame) -> list[str]:
    """Sentences on the vocabularies beside each other; single bases, which nothing disturbs, are no comparator."""
    sentences = []
    mirrored = table[(table["disturbance"] == REVERSE_COMPLEMENT) & (table["chance"] < 1)].sort_values("kept")
    if len(mirrored) > 2:
        least, most = mirrored.iloc[0], mirrored.iloc[-1]
        sentences.append(
            f"{most['vocabulary']} keeps most boundaries on the other strand ({most['kept']:.1%}), {least['vocabulary']} the "
            f"fewest ({least['kept']:.1%})."
        )
    lost = table[(table["disturbance"] == SHIFT) & (table["never"] == 1)]["vocabulary"]
    if len(lost):
        sentences.append(f"Shifted by one base, windows in tokens of {listed(list(lost))} never come back in step.")
    return sentences


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The table of the report, as text."""
    return formatted(
        pd.DataFrame(
            {
                "vocabulary": table["vocabulary"],
                "disturbance": table["disturbance"].str.replace("-", " "),
                "boundaries kept": [
                    with_interval(*row) for row in table[["kept", "kept_low", "kept_high"]].to_numpy(float)
                ],
                "near it": table["near"],
                "tokens changed": table["tokens_changed"],
                "median": table["median"],
                "95 %": table["q95"],
                "99 %": table["q99"],
                "farthest": table["largest"],
                "never": table["never"],
                "within 50": table["within_50"],
            }
        ),
        {
            "near it": "{:.3f}",
            "tokens changed": "{:.1f}",
            "never": "{:.1%}",
            "within 50": "{:.2%}",
            "farthest": "{:.0f}",
        },
    )
