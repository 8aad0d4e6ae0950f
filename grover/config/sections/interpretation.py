"""What a trained model has learnt of single sites: importance of bases, variants."""

from grover.config.fields import Section, setting


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


class Interpretation(Importance, VariantScoring):
    """What the trained models have learnt of single sites."""
