"""Embeddings of regions and tokens, and what is read from them."""

from typing import Annotated

from pydantic import Field

from grover.config.fields import Distinct, Place, Section, setting


class Embedded(Section):
    """What is embedded, and with which annotation it is compared."""

    tracks: Place = setting("config/tracks.tsv", "Table of annotation tracks, one per row.")
    models: Distinct[str] = setting(
        ["chosen"],
        "Models whose embeddings are computed, each beside its randomly initialised one: `chosen`, or names of candidates.",
        min_length=1,
    )
    external_models: Distinct[str] = setting(
        [], "Names in `benchmarks.external_models` whose embeddings are probed too."
    )
    intervals: str = setting("", "Source with a BED file whose intervals are embedded; empty: windows of the genome.")
    states: bool = setting(False, "Also store the state of every token.")


class WindowTokens(Section):
    """Length of the windows."""

    window_tokens: int = setting(510, "Length of a window.", unit="tokens", paper="GROVER", ge=4)


class WindowContext(Section):
    """Margins of the windows."""

    context: int = setting(
        16, "Tokens at either end of a window that the model reads and that are not averaged.", unit="tokens", ge=0
    )


class Regions(Section):
    """Number of regions."""

    maximum_regions: int = setting(100_000, "Most regions, spread over the genome; 0: all.", ge=0)


class Shards(Section):
    """How the regions are shared among jobs."""

    shards: int = setting(8, "Number of jobs that the regions are shared among.", ge=1)


class Layers(Section):
    """Layers whose states are read."""

    layers: Distinct[Annotated[int, Field(ge=0)]] = setting([], "Layers that are kept; 0 is the input; empty: all.")


class Contexts(Section):
    """Occurrences of a token."""

    contexts: int = setting(
        5000, "Most occurrences of a token that are compared with one another.", paper="GROVER", ge=2
    )
    stored_contexts: int = setting(400, "Occurrences of a token whose states are stored.", ge=2)


class Neighbourhood(Section):
    """Nearest neighbours."""

    neighbours: int = setting(15, "Nearest neighbours in UMAP and in the measure of cluster purity.", ge=2)


class Projection(Section):
    """The map of the regions."""

    projected: int = setting(20_000, "Most regions in the map, spread over the genome.", ge=20)
    assembly: str = setting(
        "",
        "Assembly at the UCSC Genome Browser, such as hg19, that regions link to; empty: no links.",
        pattern="^[A-Za-z0-9_.]*$",
    )


class TokenOccurrences(Section):
    """Tokens that are analysed."""

    minimum_occurrences: int = setting(5, "Tokens with fewer occurrences in the regions are left out.", ge=2)


class CategoryOverlap(Section):
    """When a region belongs to a category."""

    minimum_overlap: float = setting(0.3, "Share of a region that a category must cover.", gt=0, le=1)


class CircularShifts(Section):
    """The null distribution of the enrichment of tokens."""

    shifts: int = setting(200, "Circular shifts of the annotation that enrichment is tested against.", ge=20)


class Probes(Section):
    """Probes of the tracks."""

    trees: int = setting(100, "Trees of the random forest beside the linear probe.", ge=1)
    maximum_train: int = setting(20_000, "Most regions of fold train that a probe learns from.", ge=20)
    bootstrap: int = setting(300, "Block-bootstrap resamples per interval.", ge=20)


class StrandComparison(Section):
    """Regions embedded on both strands."""

    strands: int = setting(2000, "Most regions whose reverse complement is embedded too.", ge=10)


class Word2vec(Section):
    """word2vec vectors of the tokens."""

    word2vec_window: int = setting(
        5, "Tokens on either side from which word2vec predicts a token.", unit="tokens", ge=1
    )
    word2vec_epochs: int = setting(5, "Passes of word2vec over its tokens.", ge=1)
    word2vec_tokens: int = setting(20_000_000, "Most tokens that word2vec learns from.", unit="tokens", ge=1000)


class Composition(Section):
    """Composition that the embeddings are compared with."""

    kmers: int = setting(
        4, "Length of the k-mers whose frequencies the embeddings are compared with.", unit="bases", ge=1, le=6
    )


class Embeddings(
    Embedded,
    WindowTokens,
    WindowContext,
    Regions,
    Shards,
    Layers,
    Contexts,
    Neighbourhood,
    Projection,
    TokenOccurrences,
    CategoryOverlap,
    CircularShifts,
    Probes,
    StrandComparison,
    Word2vec,
    Composition,
):
    """Embeddings of regions and tokens by each model and layer, and what they predict."""
