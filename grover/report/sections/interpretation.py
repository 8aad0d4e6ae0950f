"""Section of the report: a first look inside the model."""

from grover.report.figures import interpretation as figures
from grover.report.parts import Picture, Results, Section, Table, formatted

TITLE = "Inside the model"
MUTAGENESIS, VARIANTS = "interpretation/mutagenesis.parquet", "interpretation/variants.tsv"
SUMMARY = "interpretation/variants.json"
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
    if VARIANTS not in results.names:
        return Section("interpretation", TITLE, [*parts, "No variants were given, so none were scored."])
    variants, summary = results.table(VARIANTS), results.json(SUMMARY)
    left_out = ", ".join(f"{count:,} {reason}" for reason, count in summary["left_out"].items() if count)
    parts += [
        f"{len(variants):,} variants were scored by the masked likelihood of the alternative against the reference "
        f"allele. {summary['sentence']}" + (f" Left out: {left_out}." if left_out else ""),
        Picture(
            "interpretation_variants",
            figures.variants(variants),
            "Scores of the variants by their known effect; dashed lines are medians. Left is what the model finds "
            "unlikely.",
            VARIANTS,
        ),
        Table(
            formatted(variants.sort_values("score").head(10), {"pos": "{}"}),
            "The ten variants that the model finds least likely.",
            VARIANTS,
        ),
    ]
    return Section("interpretation", TITLE, parts, [summary["sentence"]])
