"""From the assembly to the pretraining corpus: simulation, contigs, folds, vocabularies, atlas, windows."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from grover.config.fields import Distinct, Place, Section, setting


class Simulation(Section):
    """A simulated genome with known truth instead of an assembly."""

    bases: int = setting(..., "Size of the simulated genome.", unit="bases", ge=300_000)
    contigs: int = setting(4, "Number of simulated chromosomes.", ge=2)
    species: Literal["A", "B", "C"] = setting(
        "A",
        "Species: B has the grammar of A with other repeats and GC; C is B with the partner on the other side of the motif.",
    )


class Extraction(Section):
    """Contigs and N-free stretches that are taken from the assembly."""

    include: list[str] = setting(["*"], "Patterns of the contigs to take.", min_length=1)
    exclude: list[str] = setting(
        ["*_alt", "*_random", "*_hap*", "*_fix", "chrUn*", "chrM", "chrMT", "MT", "M", "chrEBV"],
        "Patterns of the contigs to leave out.",
    )
    minimum_segment: int = setting(20, "N-free stretches shorter than this are dropped.", unit="bases", ge=1)


class Genome(Extraction):
    """What is read from the assembly."""

    bases: int = setting(
        0, "Size of the genome, which defaults follow; 0: as its file or name shows.", unit="bases", ge=0
    )
    sizes: Place = setting("", "Table of contig lengths, for a FASTA that contains only a part of the assembly.")
    aliases: Place = setting(
        "",
        "Other names of the contigs: a chromAlias table of UCSC or an assembly report of NCBI. All sources are read with it.",
    )


def _fold(value: Any) -> Any:
    """Accept a share of the blocks or a list of contigs."""
    listed = isinstance(value, list) and value and all(isinstance(name, str) for name in value)
    number = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 0.5
    if not listed and not number:
        raise ValueError("a share above 0 and at most 0.5, or a list of contigs,")
    return float(value) if number else value


Fold = Annotated[
    Annotated[float, Field(gt=0, le=0.5)] | Annotated[list[str], Field(min_length=1)], BeforeValidator(_fold)
]


class Folds(Section):
    """Blocks or contigs that corpus, selection, benchmarks and probes hold out alike."""

    method: Literal["blocks", "contigs"] = setting("blocks", "Hold out blocks of every contig, or whole contigs.")
    block: int = setting(1_000_000, "Length of a block.", unit="bases", ge=1000)
    gap: int = setting(10_000, "Bases left out between blocks of different folds.", unit="bases", ge=0)
    valid: Fold = setting(0.1, "Share of the blocks, or list of contigs, held out for validation.")
    test: Fold = setting(0.1, "Share of the blocks, or list of contigs, held out for testing.")
    copies: int = setting(
        0,
        "Stretches of at least this length that fold train has too leave valid and test, and those that test has leave valid; 0: all stay.",
        unit="bases",
        ge=0,
    )
    circular: Distinct[str] = setting([], "Circular contigs, whose first and last block are neighbours.")


class MergeTraining(Section):
    """How BPE merges are learnt."""

    strands: Literal["forward", "both"] = setting(
        "forward",
        "Strands on which BPE counts pairs; `both` closes the vocabulary under reverse complement.",
        paper="GROVER",
    )
    cycles: int = setting(
        600, "Byte-pair cycles; every smaller BPE vocabulary is a prefix.", paper="GROVER", ge=1, le=10_000
    )


class Vocabulary(MergeTraining):
    """How tokens are learnt, and which vocabularies are compared."""

    sample: float = setting(
        1, "Share of the bases that BPE learns from, in whole segments drawn at random.", gt=0, le=1
    )
    mask: Literal["include", "exclude"] = setting(
        "include", "Whether BPE learns from soft-masked sequence too.", paper="GROVER"
    )
    candidates: Distinct[str] = setting(
        ["bpe-600"],
        "Vocabularies that a model is pretrained with: bpe-CYCLES, kmer-K, overlap-K (DNABERT's k-mers), char, names in `outside`.",
        paper="GROVER",
        min_length=1,
    )
    studied: Distinct[str] = setting(
        [], "Further vocabularies, tokenised and described without a model; same names as in `candidates`."
    )
    outside: dict[Annotated[str, Field(pattern="^[a-z][a-z0-9]*$")], Place] = setting(
        {}, "BPE vocabularies from elsewhere: a name and the path of a tokenizer.json each."
    )


class NullGenomes(Section):
    """Markov genomes that the observed genome is compared with."""

    null_bases: int = setting(100_000_000, "Largest size of a null genome.", unit="bases", ge=100_000)


class Promoters(Section):
    """Extent of a promoter in the annotation."""

    promoter_flank: int = setting(
        500, "Smallest distance that a promoter extends to either side of its centre.", unit="bases", ge=0
    )


class Stability(Section):
    """Windows in which the stability of the tokenization is measured."""

    stability_windows: int = setting(10_000, "Number of windows.", ge=10)
    stability_length: int = setting(2000, "Length of a window.", unit="bases", ge=100)
    flank: int = setting(1000, "Sequence on either side of a window.", unit="bases", ge=50)


class Described(Section):
    """What the atlas describes and compares."""

    vocabulary: str = setting(
        "", "Vocabulary that the atlas describes; empty: the first BPE vocabulary, else the first without overlap."
    )
    orders: Distinct[Annotated[int, Field(ge=0, le=8)]] = setting(
        [1, 5], "Orders of the Markov chains that null genomes are drawn from.", min_length=1
    )


class Atlas(Described, NullGenomes, Promoters, Stability):
    """Statistics of the tokens of one vocabulary, beside those of null genomes."""


class Windows(Section):
    """How windows of tokens are cut."""

    shortest: int = setting(20, "Shortest window.", unit="tokens", paper="GROVER", ge=2)
    longest: int = setting(
        510, "Longest window; half of the windows have this length.", unit="tokens", paper="GROVER", ge=4
    )
    passes: int = setting(3, "How often the genome is covered with windows.", ge=1)
    test_share: float = setting(0.2, "Share of test windows under split `random`.", paper="GROVER", gt=0, lt=1)


class Corpus(Windows):
    """The pretraining corpus."""

    split: Literal["region", "random"] = setting(
        "region",
        "Split of the windows: `region` excludes the test fold from pretraining; `random` is the paper's and lets test windows overlap"
        " training windows.",
    )
