"""What a trained model has learnt of single sites: importance of bases, variants."""

from typing import Annotated

from pydantic import Field

from grover.config.fields import Section, setting

# a value of INFO, or a comparison with a number
Effect = Annotated[str, Field(pattern=r"^([^<>=\s][^<>=]*|(<|<=|>|>=) ?-?[0-9.]+([eE][+-]?[0-9]+)?)$")]


class Importance(Section):
    """Importance of single bases."""

    task: str = setting(
        "", "Task whose most confident test site is mutated base by base; empty: the first task of single sites."
    )


class VariantScoring(Section):
    """How variants are scored."""

    flank: int = setting(
        200,
        "Sequence on either side of a variant; shorter where it exceeds the model's positions.",
        unit="bases",
        ge=20,
    )
    span: int = setting(8, "Distance from a variant within which tokens are masked and scored.", unit="bases", ge=0)
    maximum_variants: int = setting(20_000, "Most variants that are scored.", ge=1)


class VariantLabels(Section):
    """Known effects of variants, with which scores are compared."""

    effect_field: str = setting(
        "CLNSIG",
        "Field of INFO that contains the known effect; where records lack it, scores are compared with nothing.",
    )
    positive: list[Effect] = setting(
        ["Pathogenic", "Likely_pathogenic"],
        "Values of variants with an effect, or one comparison such as `< 0.002` with a number.",
        min_length=1,
    )
    negative: list[Effect] = setting(
        ["Benign", "Likely_benign"],
        "Values of variants without an effect, or a comparison such as `> 0.05`.",
        min_length=1,
    )


class VariantSources(Section):
    """Sources that variants are compared with; one that `sources` lacks is left out."""

    starts: str = setting("promoters", "Source of transcription starts: BED, or GTF or GFF3.")
    exons: str = setting("genes", "Source of exons: BED of exons, or GTF or GFF3; `genes` as a BED has none.")
    motifs: str = setting("motifs", "Source of motifs in MEME format.")
    conservation: str = setting("conservation", "bigWig of conservation.")


class Interpretation(Importance, VariantScoring, VariantLabels, VariantSources):
    """What the trained models have learnt of single sites."""
