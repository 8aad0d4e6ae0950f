"""Section of the report: the pretraining corpus."""

import pandas as pd

from grover.report.figures import corpus as figures
from grover.report.parts import Picture, Results, Section, Table, formatted

TITLE = "Corpus"
NEEDS = ("corpus/*/windows.parquet",)


def section(results: Results) -> Section:
    source = results.find(NEEDS[0])[0]
    windows = results.table(source)
    counts = pd.crosstab(windows["random"], windows["region"])
    counts.index.name, counts.columns.name = "random split", None
    full = (windows["length"] == windows["length"].max()).mean()
    finding = (
        f"{len(windows):,} windows of {windows['length'].min()} to {windows['length'].max()} tokens, {full:.0%} of "
        "them of full length."
    )
    parts = [
        f"{finding} Two splits stand side by side. The paper's deals the windows out at random, so that test windows "
        "touch or overlap training windows and its scores flatter; the region split holds whole blocks of the genome "
        "out.",
        Picture(
            "corpus_lengths",
            figures.window_lengths(windows),
            "Lengths of the windows, coloured by the region split. Half of them have full length, the others a "
            "random one; short ones also arise where a segment ends.",
            source,
        ),
        Table(
            formatted(counts.reset_index().rename_axis(columns=None)),
            "Windows by random split (rows) and region split (columns).",
            source,
        ),
    ]
    return Section("corpus", TITLE, parts, [finding])
