"""Section of the report: published scores beside those of this run."""

import pandas as pd

from grover.report.parts import Folded, Results, Section, Table
from grover.report.reproduction import NOT_RUN, REPRODUCED, WIDEST, certainties, explanation, readable, reasons, summary

TITLE = "Reproduction"
NEEDS = ("reproduction.parquet",)


def section(results: Results) -> Section:
    table = results.table(NEEDS[0])
    if table.attrs["inapplicable"]:
        return Section("reproduction", TITLE, summary(table))
    run = table[table["verdict"] != NOT_RUN]
    findings = summary(table)
    number = (
        f"{(run['verdict'] == REPRODUCED).sum()} of {len(run)}",
        f"published scores {REPRODUCED}",
        f"our 95\u00a0% interval holds the published value and is at most {100 * WIDEST:.0f}\u00a0% of it wide",
    )
    shown = readable(table)
    shown.insert(0, "task", table["task"].to_numpy())
    sources = "; ".join(f"{source} ({', '.join(grades)})" for source, grades in certainties(table).items())
    parts = [
        explanation(),
        findings,
        Table(
            shown,
            "Published scores and ours. Sources, with certainty (A: stated in the paper or recomputed, B: secondary notes that "
            f"agree, C: inference): {sources}.",
            NEEDS[0],
        ),
        "What differs in the whole run:",
        table.attrs["differences"],
        *[Folded(f"What differs in {task}", differences(rows)) for task, rows in table.groupby("task", sort=False)],
    ]
    return Section("reproduction", TITLE, parts, findings, [number] if len(run) else [])


def differences(rows: pd.DataFrame) -> list:
    """The published data of a task, and what ours are."""
    facts = reasons(rows)
    return [f"Published: {rows['data'].iloc[0]}.", *([facts] if facts else ["Nothing of this task was run here."])]
