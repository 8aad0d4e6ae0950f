"""What a trained model has learnt of single sites: importance of bases, variants."""

from typing import Annotated, Literal

from pydantic import Field

from grover.config.fields import Distinct, Section, setting

# a value of INFO, or a comparison with a number
Effect = Annotated[str, Field(pattern=r"^([^<>=\s][^<>=]*|(<|<=|>|>=) ?-?[0-9.]+([eE][+-]?[0-9]+)?)$")]


class ImportanceSites(Section):
    """Sites whose bases are explained."""

    tasks: Distinct[str] = setting([], "Tasks whose sites are explained; empty: all.")
    examples: int = setting(40, "Sites of fold test that are explained per task.", ge=1)
    train_examples: int = setting(
        200, "Sites of fold train per task that are mutated base by base for the discovery of motifs.", ge=1
    )


class ImportanceMethods(Section):
    """How the importance of bases is measured."""

    methods: Annotated[Distinct[Literal["ism", "block", "ig", "attention"]], Field(min_length=1)] = setting(
        ["ism", "block", "ig", "attention"],
        "Single substitutions, redrawn blocks, integrated gradients, and DNABERT's attention, which is a reproduction and no explanation.",
        paper="attention: DNABERT",
    )
    block: int = setting(10, "Length of the blocks that are redrawn.", unit="bases", ge=1)
    block_step: int = setting(5, "Distance between blocks.", unit="bases", ge=1)
    block_draws: int = setting(8, "Draws per block.", ge=1)
    steps: int = setting(32, "Points of the integral of the gradients; doubled where the error exceeds 2 %.", ge=2)
    null_examples: int = setting(20, "Sites whose shuffles are the null of the significance; 0: no significance.", ge=0)
    shuffles: int = setting(5, "Dinucleotide shuffles of each of these sites.", ge=1)


class Faithfulness(Section):
    """How explanations are tested."""

    faithfulness_examples: int = setting(
        20, "Sites per task on which deletion, insertion, randomised weights, seeds and strands are compared.", ge=2
    )


class Importance(ImportanceSites, ImportanceMethods, Faithfulness):
    """Importance of single bases."""


class VariantWindow(Section):
    """What a model reads of a variant."""

    flank: int = setting(
        200,
        "Sequence on either side of a variant; shorter where it exceeds the model's positions.",
        unit="bases",
        ge=20,
    )


class VariantReading(Section):
    """Which variants are scored."""

    maximum_variants: int = setting(
        20_000, "Most records of the VCF that are scored: those of fold test first, the others drawn at random.", ge=1
    )


class VariantNull(Section):
    """Random variants of fold train that scores are compared with."""

    null_snvs: int = setting(5_000, "Random single-base substitutions for `llr_centred`.", ge=100)
    null_indels: int = setting(2_000, "Random insertions and deletions for `llr_length_adjusted`.", ge=100)


class VariantShards(Section):
    """Jobs that score variants."""

    variant_shards: int = setting(4, "Shards of the variants, one job each.", ge=1)


class VariantScoring(VariantWindow, VariantReading, VariantNull, VariantShards):
    """How variants are scored."""

    variant_task: str = setting(
        "", "Task whose fine-tuned model gives `delta_logit`; empty: the first task of single sites."
    )


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


class Motifs(Section):
    """Discovery of motifs from the contributions of single bases, and their tests."""

    motif_windows: int = setting(
        2, "Windows of each example, those of the largest contribution, that motifs are made of.", ge=1
    )
    motif_width: int = setting(15, "Length of such a window.", unit="bases", ge=5, le=50)
    motif_similarity: float = setting(
        0.5, "Mean similarity (cosine) of their contributions up to which windows are grouped.", gt=0, lt=1
    )
    motif_sites: int = setting(5, "Fewest windows of a motif.", ge=2)
    maximum_motif_windows: int = setting(
        4000, "Most windows that are compared, those of the largest contribution.", ge=2
    )
    motif_insertions: int = setting(
        60, "Sequences of fold test that the consensus and its shuffled bases are written into.", ge=2
    )
    motif_decoys: int = setting(
        200, "Known motifs with shuffled columns, beside which a discovered motif is compared with known ones.", ge=20
    )


class TrackRegions(Section):
    """Regions with base-resolution tracks."""

    tracks: str = setting(
        "",
        "Regions with base tracks: `test` (loci of fold test), a source with a BED file, or a contig such as `chr21` or `*`; empty: none.",
        pattern=r"^\S*$",
    )
    track_loci: int = setting(8, "Loci of fold test under `tracks: test`.", ge=1)
    track_locus: int = setting(1_000, "Length of such a locus.", unit="bases", ge=50)


class TrackReading(Section):
    """How base probabilities are read."""

    track_window: int = setting(
        510, "Longest window; no longer than the model's positions allow.", unit="tokens", ge=10
    )
    track_context: int = setting(16, "Tokens at either end of a window that are not read.", unit="tokens", ge=0)
    track_ratio: float = setting(
        0, "Share of the tokens of a window that are masked at a time; 0: as in pretraining.", ge=0, le=0.5
    )
    track_strands: Literal["both", "plus"] = setting("both", "Strands whose probabilities are averaged.")
    track_absolute: bool = setting(
        False, "Also write the values of the model alone, without those of token frequencies subtracted."
    )


class TrackShards(Section):
    """Jobs of the tracks."""

    track_shards: int = setting(8, "Jobs that share the regions.", unit="jobs", ge=1)


class TrackHub(Section):
    """The hub of the tracks."""

    hub_email: str = setting(
        "nobody@example.org", "Address that a track hub must name; replace it before you publish the hub.", min_length=3
    )


class BaseTracks(TrackRegions, TrackReading, TrackShards, TrackHub):
    """Base-resolution tracks and their hub."""


class DependencyMaps(Section):
    """Dependency maps of a few loci."""

    map_regions: str = setting(
        "",
        "Source (BED) whose intervals are the loci of dependency maps; empty: sites of the tasks on fold test, by turns.",
    )
    map_loci: int = setting(4, "Most loci with a dependency map.", ge=1)
    map_length: int = setting(120, "Sequence of a dependency map, around the middle of its locus.", unit="bases", ge=20)
    map_shuffles: int = setting(4, "Dinucleotide shuffles of each locus, for the null.", ge=1)
    map_passes: int = setting(
        5, "Passes that a sequence of a dependency map is read in: every so many-th token is masked at once.", ge=2
    )


class Interpretation(Importance, VariantScoring, VariantLabels, VariantSources, Motifs, BaseTracks, DependencyMaps):
    """What the trained models have learnt of single sites."""
