"""Section of the report: published scores beside those of this run."""

import pandas as pd

from grover.report.parts import Folded, Results, Section, Table
from grover.report.reproduction import NOT_RUN, certainties, explanation, readable, reasons, summary

TITLE = "Reproduction"
NEEDS = ("reproduction.parquet",)


def section(results: Results) -> Section:
    table = results.table(NEEDS[0])
    if table.attrs["inapplicable"]:
        return Section("reproduction", TITLE, summary(table))
    run = table[table["verdict"] != NOT_RUN]
    findings = summary(table)
    if run.empty:
        return Section("reproduction", TITLE, summary(table))
    shown = readable(run)
    shown.insert(0, "task", run["task"].to_numpy())
    sources = "; ".join(f"{source} ({', '.join(grades)})" for source, grades in certainties(run).items())
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
        *[Folded(f"What differs in {task}", differences(rows)) for task, rows in run.groupby("task", sort=False)],
    ]
    return Section("reproduction", TITLE, parts, findings)


def differences(rows: pd.DataFrame) -> list:
    """The published data of a task, and what ours are."""
    return [f"Published: {rows['data'].iloc[0]}.", reasons(rows)]
