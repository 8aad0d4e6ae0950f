"""Section of the report: scores of variants."""

from grover.report.figures import variants as figures
from grover.report.parts import Picture, Results, Section, Table, formatted

TITLE = "Variants"
VARIANTS, SUMMARY = "interpretation/variants.parquet", "interpretation/variants.json"
NEEDS = (VARIANTS, SUMMARY)
SHOWN = ["chrom", "pos", "id", "ref", "alt", "llr", "strand_gap", "llr_centred", "llr_length_adjusted", "delta_logit"]


def section(results: Results) -> Section:
    variants, summary = results.table(VARIANTS), results.json(SUMMARY)
    scored = variants[variants["status"] == "ok"]
    others = ", ".join(f"{count:,} {status}" for status, count in summary["status"].items() if status != "ok")
    beyond = summary["beyond_maximum"]
    parts: list = [
        f"{len(scored):,} alternative alleles were scored by the pseudo-log-likelihood ratio of the alternative to the reference."
        + (f" Without a score: {others}." if others else "")
        + (f" {beyond:,} records beyond `interpretation.maximum_variants` were left out." if beyond else ""),
        Picture(
            "interpretation_variants",
            figures.variants(scored),
            "Ratios of the variants by their label; dashed lines are medians. Negative values are alleles that the model finds less likely "
            "than the reference.",
            VARIANTS,
        ),
        Table(
            formatted(scored.sort_values("llr").head(10)[SHOWN], {"pos": "{}"}),
            "The ten variants that the model finds least likely.",
            VARIANTS,
        ),
    ]
    return Section("variants", TITLE, parts)
