"""Section of the report: scores of variants."""

from grover.report.figures import variants as figures
from grover.report.parts import Picture, Results, Section, Table, formatted

TITLE = "Variants"
VARIANTS, SUMMARY = "interpretation/variants.tsv", "interpretation/variants.json"
NEEDS = (VARIANTS, SUMMARY)


def section(results: Results) -> Section:
    variants, summary = results.table(VARIANTS), results.json(SUMMARY)
    left_out = ", ".join(f"{count:,} {reason}" for reason, count in summary["left_out"].items() if count)
    parts: list = [
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
    return Section("variants", TITLE, parts, [summary["sentence"]])
