"""Section of the report: the vocabularies."""

import numpy as np
import pandas as pd

from grover.report.figures import vocabulary as figures
from grover.report.parts import Picture, Results, Section, Table, formatted

TITLE = "Vocabulary"
NEEDS = ("vocabulary/*/statistics.parquet",)
MOST_TOKENS = 15


def section(results: Results) -> Section:
    names = {name.split("/")[1]: name for name in results.find(NEEDS[0])}
    tables = {
        key: results.table(name).query("length > 0 and token.str.fullmatch('[ACGT]+')", engine="python")
        for key, name in names.items()
    }
    main = next(iter(tables))
    table, source = tables[main], names[main]
    count = table["count"].to_numpy()
    mean = float(np.average(table["length"], weights=count))
    finding = f"Tokens of {main} ({len(table):,} in the vocabulary) span {mean:.2f} bases on average over the genome."
    parts: list = [
        f"{finding} Byte-pair vocabularies merge the most frequent pair of neighbours, again and again, over the whole "
        "genome and without crossing a segment; k-mers are read end to end, or where they overlap, one at every base."
    ]
    if len(tables) > 1:
        rows = [
            {
                "vocabulary": key,
                "tokens": len(statistics),
                "in use": int((statistics["count"] > 0).sum()),
                "tokens in the genome": int(statistics["count"].sum()),
                "bases per token": f"{np.average(statistics['length'], weights=statistics['count']):.2f}",
                "longest in use": int(statistics.loc[statistics["count"] > 0, "token"].str.len().max()),
            }
            for key, statistics in tables.items()
        ]
        caption = (
            "How often the tokens of each vocabulary occur, by rank (left), and how long they are, weighted by occurrence "
            "(right). A flat line means that the vocabulary spends its rows evenly."
        )
        parts += [
            Picture("vocabulary_frequencies", figures.frequencies(tables), caption, source),
            Table(formatted(pd.DataFrame(rows)), "The vocabularies compared.", source),
        ]
    top = table.sort_values("count", ascending=False).head(MOST_TOKENS)[["token", "length", "count"]]
    # of overlapping k-mers the length in the table is their stride
    top = top.assign(length=top["token"].str.len(), share=top["count"] / count.sum())
    parts.append(Table(formatted(top, {"share": "{:.2%}"}), f"The {len(top)} most frequent tokens of {main}.", source))
    return Section("vocabulary", TITLE, parts, [finding])
