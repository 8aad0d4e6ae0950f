"""Section of the report: importance of single bases."""

from grover.report.figures import importance as figures
from grover.report.parts import Picture, Results, Section

TITLE = "Importance of bases"
MUTAGENESIS = "interpretation/mutagenesis.parquet"
NEEDS = (MUTAGENESIS,)


def section(results: Results) -> Section:
    mutagenesis = results.table(MUTAGENESIS)
    table = figures.importance(mutagenesis)
    top = table.nlargest(max(1, len(table) // 20), "importance")["position"]
    site = mutagenesis.iloc[0]
    place = f"{site['chrom']}:{site['start']:,}-{site['end']:,} (strand {site['strand']})"
    parts: list = [
        f"Each of the {len(table)} bases of {place} was replaced by the three others. Tall bases are those whose "
        f"replacement lowers the model's score; the 5 % most important bases lie between {top.min():,} and "
        f"{top.max():,}.",
        Picture(
            "interpretation_mutagenesis",
            figures.logo(mutagenesis),
            "In-silico mutagenesis. The height of a base is minus the mean change of the score over the three "
            "substitutions; bases below the line raise the score when replaced.",
            MUTAGENESIS,
        ),
    ]
    return Section("importance", TITLE, parts)
