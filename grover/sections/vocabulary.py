"""Section of the report: the vocabularies."""

import numpy as np
import pandas as pd

from grover.figures import vocabulary as figures
from grover.sections.parts import Picture, Results, Section, Table, formatted

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
    with_at = float(count[table["token"].str[0].isin(["A", "T"])].sum() / count.sum())
    longest = table[table["count"] > 0].sort_values("length", ascending=False, kind="stable").iloc[0]
    finding = (
        f"{len(table):,} tokens cut the genome into pieces of {mean:.2f} bases on average; "
        f"the longest in use is {longest['token'] if longest['length'] <= 24 else longest['token'][:24] + '…'} "
        f"({longest['length']} bases), and {with_at:.1%} of the tokens begin with A or T."
    )
    caution = (
        "Mean length, the share of A and T at the front, the missing token CG and G as the lone letter are no "
        "evidence of grammar: a first-order Markov genome with human dinucleotide frequencies gives 4.04 bases, "
        "97.5\u00a0% and the same two rules. What such a genome lacks are the long tokens of repeats. GROVER reports "
        "4.07 bases and 97\u00a0% for hg19."
    )
    result = Section("vocabulary", TITLE, findings=[finding])
    result.numbers = [(f"{mean:.2f}", "bases a token", f"{len(table):,} tokens, weighted by occurrence")]
    result.parts = [
        f"These are the numbers of {main}: {finding} Byte-pair vocabularies merge the most frequent pair of "
        "neighbours, again and again, over the whole genome and without crossing a segment; words of k letters are "
        "read one behind the other.",
        caution,
        Picture(
            "vocabulary_frequencies",
            figures.frequencies(tables),
            "How often the tokens occur, by rank (left), and how long they are, weighted by occurrence (right). A "
            "flat line means that the vocabulary spends its rows evenly.",
            source,
        ),
    ]
    learnt = {key: f"vocabulary/{key}/merges.tsv" for key in tables if f"vocabulary/{key}/merges.tsv" in results.names}
    for key, merges in ((key, results.table(name)) for key, name in learnt.items()):
        if len(merges):
            growth = figures.growth(tables[key], merges)
            caption = (
                f"The vocabulary {key}: share of the tokens by their first letter (left) and mean token length as the "
                "merges are learnt (right)."
            )
            result.parts.append(Picture(f"vocabulary_growth_{key}", growth, caption, learnt[key]))
            break
    if len(tables) > 1:
        rows = [
            {
                "vocabulary": key,
                "tokens": len(words),
                "in use": int((words["count"] > 0).sum()),
                "tokens in the genome": int(words["count"].sum()),
                "bases a token": f"{np.average(words['length'], weights=words['count']):.2f}",
                "longest": int(words["length"].max()),
            }
            for key, words in tables.items()
        ]
        result.parts.append(Table(formatted(pd.DataFrame(rows)), "The vocabularies compared.", source))
    top = table.sort_values("count", ascending=False).head(MOST_TOKENS)[["token", "length", "count"]]
    top["share"] = top["count"] / count.sum()
    result.parts.append(
        Table(formatted(top, {"share": "{:.2%}"}), f"The {len(top)} most frequent tokens of {main}.", source)
    )
    return result
