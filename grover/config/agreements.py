"""Contradictions between keys of a configuration, each in one sentence that says what to change."""

import re
from collections.abc import Iterator

from grover.config.names import (
    BASELINES,
    CHOSEN,
    OVERLAP,
    REPRESENTATIONS,
    VOCABULARY,
    VOCABULARY_LABELS,
    tokens_of,
    with_random,
)
from grover.config.sections.benchmarks import Benchmarks
from grover.config.sections.embeddings import Embeddings
from grover.config.sections.genome import Atlas, Corpus, Folds, Vocabulary
from grover.config.sections.interpretation import DependencyMaps, Interpretation
from grover.config.sections.pretraining import Choice, CommonSpans, NextKmer, Pretraining, SourceModel
from grover.config.sections.run import Source
from grover.config.validation import Mistake

# names that no external model may have: those of models, baselines and representations of the run
RESERVED = {CHOSEN, "char", *BASELINES, *REPRESENTATIONS, "composition", "probes"}


def check_sources(sources: dict[str, Source], simulated: bool, data: str) -> Iterator[Mistake]:
    """The genome is there, and each source says where its file is."""
    if "genome" not in sources:
        yield Mistake(
            ("sources",), "key `sources.genome` is missing; add it (docs/reference/configuration.md lists every key)"
        )
    for name, source in sources.items():
        key = f"sources.{name}"
        if source.simulated is not None and not simulated:
            yield Mistake(
                (key, "simulate"), f"`{key}.simulated` needs a `simulate` section; give `url` or `file` instead"
            )
        if source.simulated is None and source.url is None:
            if source.file is None:
                yield Mistake((key,), f"`{key}` needs one of `url`, `file`, `simulated`")
            elif not data:
                yield Mistake(
                    (key, "data"), f"`{key}` has only `file`; say where the files are with --config data=FOLDER"
                )


def check_folds(folds: Folds) -> Iterator[Mistake]:
    """Folds of contigs need lists of contigs, folds of blocks need shares."""
    listed = folds.method == "contigs"
    for key, value in (("valid", folds.valid), ("test", folds.test)):
        if isinstance(value, list) != listed:
            expected = "a list of contigs" if listed else "a share"
            yield Mistake(
                (f"folds.{key}", "folds.method"),
                f"`folds.{key}` must be {expected} when `folds.method` is {folds.method}",
            )


def check_windows(corpus: Corpus, embeddings: Embeddings, model: Pretraining) -> Iterator[Mistake]:
    """Windows fit into the model."""
    if corpus.shortest > corpus.longest:
        yield Mistake(
            ("corpus.shortest", "corpus.longest"),
            f"`corpus.shortest` ({corpus.shortest}) is above `corpus.longest` ({corpus.longest}); lower the one or raise the other",
        )
    lengths = {"corpus.longest": corpus.longest, "embeddings.window_tokens": embeddings.window_tokens}
    for key, tokens in lengths.items():
        if tokens + 2 > model.positions:
            yield Mistake(
                (key, "pretraining.positions"),
                f"`{key}` is {tokens} tokens, which with CLS and SEP does not fit into `pretraining.positions` "
                f"({model.positions}); lower the one or raise the other",
            )


def check_contexts(
    vocabulary: Vocabulary, selection: NextKmer, evaluation: CommonSpans, model: Pretraining
) -> Iterator[Mistake]:
    """Sequence of a known number of bases fits into the model of each candidate whose number of tokens is known."""
    for key, bases in (("selection.context", selection.context), ("evaluation.span_bases", evaluation.span_bases)):
        for name in vocabulary.candidates:
            tokens = tokens_of(name, bases)
            # bits per base are not computed for overlapping k-mers
            if tokens + 2 > model.positions and not (name.startswith(OVERLAP) and key == "evaluation.span_bases"):
                yield Mistake(
                    (key, "pretraining.positions", "vocabulary.candidates"),
                    f"`{key}` is {bases} bases, which are {tokens} tokens of {name} and with CLS and SEP do not fit into "
                    f"`pretraining.positions` ({model.positions}); lower the one or raise the other",
                )
                break


def check_architecture(model: Pretraining) -> Iterator[Mistake]:
    """The heads divide the state."""
    keys = ("pretraining.hidden", "pretraining.heads", "pretraining.size")
    if model.hidden % model.heads:
        yield Mistake(
            keys,
            f"`pretraining.hidden` ({model.hidden}) must be a multiple of `pretraining.heads` ({model.heads})",
        )
    if model.start == "neighbours" and model.heads < 2:
        yield Mistake(
            ("pretraining.heads", "pretraining.start"),
            "`pretraining.heads` is 1, and under `pretraining.start: neighbours` the positions of a single head would take the whole "
            "state and leave nothing for the tokens; set 2 heads or more",
        )


def check_vocabularies(vocabulary: Vocabulary, model: SourceModel) -> Iterator[Mistake]:
    """The names of vocabularies exist, and enough cycles are learnt; the candidate of a model that is trained on is learnt elsewhere."""
    for name in sorted({"char", CHOSEN, *VOCABULARY_LABELS} & set(vocabulary.outside)):
        yield Mistake(
            (f"vocabulary.outside.{name}",),
            f"`vocabulary.outside.{name}`: the name {name} is reserved; choose another",
        )
    # on both strands one more merge may be learnt, so that none stays without its reverse complement
    most = vocabulary.cycles + (vocabulary.strands == "both")
    for key, names in (("candidates", vocabulary.candidates), ("studied", vocabulary.studied)):
        for name in names:
            if name not in vocabulary.outside and not re.fullmatch(VOCABULARY, name):
                yield Mistake(
                    (f"vocabulary.{key}", "vocabulary.outside"),
                    f"`vocabulary.{key}`: {name} is none of bpe-CYCLES, kmer-1 to kmer-7, overlap-3 to overlap-6, char and "
                    f"the names in `vocabulary.outside` ({', '.join(vocabulary.outside) or 'none'})",
                )
            elif model.source and key == "candidates":
                continue
            elif name not in vocabulary.outside and name.startswith("bpe-") and int(name[4:]) > most:
                yield Mistake(
                    (f"vocabulary.{key}", "vocabulary.cycles", "vocabulary.strands"),
                    f"`vocabulary.{key}`: {name} needs `vocabulary.cycles` of at least {name[4:]}, not {vocabulary.cycles}",
                )


def check_overlapping(vocabulary: Vocabulary, model: Pretraining) -> Iterator[Mistake]:
    """Overlapping k-mers are masked k at a time, since their neighbours contain the same bases."""
    candidates = [name for name in vocabulary.candidates if re.fullmatch(rf"{OVERLAP}[0-9]+", name)]
    for name in candidates:
        k = int(name.removeprefix(OVERLAP))
        if 0 < model.mask_span < k:
            yield Mistake(
                ("vocabulary.candidates", "pretraining.mask_span"),
                f"`pretraining.mask_span` is {model.mask_span}, but the neighbours of a masked k-mer of {name} contain its bases unless "
                f"{k} neighbours are masked together; set it to 0, which is k of each such vocabulary, or to {k} at least",
            )
    if model.mask_keep and (candidates or model.mask_span > 1):
        reason = f"{candidates[0]} needs" if candidates else "`pretraining.mask_span` asks"
        yield Mistake(
            ("vocabulary.candidates", "pretraining.mask_keep", "pretraining.mask_span"),
            f"`pretraining.mask_keep` is {model.mask_keep}, but neighbours are masked together, as {reason}, and a visible one "
            "contains bases of the others; set it to 0",
        )


def check_choice(vocabulary: Vocabulary, selection: Choice) -> Iterator[Mistake]:
    """The vocabulary of the later stages is a candidate, and the rule can compare the candidates."""
    keys = ("vocabulary.candidates", "selection.method")
    candidates = vocabulary.candidates
    if selection.method == "sweep" and selection.vocabulary:
        yield Mistake(
            ("selection.method", "selection.vocabulary"),
            f"`selection.vocabulary` is {selection.vocabulary}, but `selection.method: sweep` takes the candidate with the best scores; "
            "remove it (or set it to an empty text), or set the method to fixed",
        )
    if selection.method == "fixed" and selection.vocabulary and selection.vocabulary not in candidates:
        yield Mistake(
            (*keys, "selection.vocabulary"),
            f"`selection.vocabulary` {selection.vocabulary} is none of `vocabulary.candidates` ({', '.join(candidates)})",
        )
    compared = any(not name.startswith(OVERLAP) for name in candidates)
    if selection.method == "sweep" and selection.rule == "bits-per-base" and not compared:
        yield Mistake(
            (*keys, "selection.rule"),
            "`selection.rule` bits-per-base compares none of the candidates, since overlapping k-mers have no bits per base; set it to "
            "mean-rank",
        )


def check_atlas(vocabulary: Vocabulary, atlas: Atlas) -> Iterator[Mistake]:
    """The atlas describes a vocabulary of the run whose tokens do not overlap."""
    keys = ("vocabulary.candidates", "vocabulary.studied", "atlas.vocabulary")
    built, described = [*vocabulary.candidates, *vocabulary.studied], atlas.vocabulary
    if described and described not in built:
        yield Mistake(
            keys, f"`atlas.vocabulary` {described} is none of the vocabularies of the run ({', '.join(built)})"
        )
    elif described.startswith(OVERLAP):
        yield Mistake(
            keys,
            f"`atlas.vocabulary` {described} overlaps, so that its tokens do not segment the genome; describe another",
        )
    if not described and all(name.startswith(OVERLAP) for name in built):
        yield Mistake(
            (*keys, "vocabulary.cycles"),
            "all vocabularies overlap, and the atlas describes tokens that segment the genome; add another, such as "
            f"bpe-{vocabulary.cycles}, to `vocabulary.studied`",
        )


def check_comparison(vocabulary: Vocabulary, benchmarks: Benchmarks) -> Iterator[Mistake]:
    """Models of the run are compared with external models under names that nothing else has."""
    yield from _models("benchmarks.models", benchmarks.models, vocabulary.candidates)
    taken = {*RESERVED, *with_random([CHOSEN, *vocabulary.candidates])}
    for name in sorted(taken & set(benchmarks.external_models)):
        key = f"benchmarks.external_models.{name}"
        yield Mistake((key, "vocabulary.candidates"), f"`{key}`: the name {name} is reserved; choose another")
    shortest, longest = benchmarks.kmers
    if shortest > longest:
        yield Mistake(("benchmarks.kmers",), f"`benchmarks.kmers` is [{shortest}, {longest}]; give the shortest first")


def check_base_tracks(interpretation: Interpretation, model: Pretraining) -> Iterator[Mistake]:
    """Windows of base tracks have tokens between their contexts."""
    asked = interpretation
    longest = min(asked.track_window, model.positions - 2)  # [CLS] and [SEP]
    if asked.tracks and 2 * asked.track_context >= longest:
        yield Mistake(
            ("interpretation.track_context", "interpretation.track_window", "pretraining.positions"),
            f"`interpretation.track_context` is {asked.track_context} tokens at both ends of a window of {longest}, which "
            "leaves nothing to read; lower it",
        )


def check_embeddings(
    vocabulary: Vocabulary,
    benchmarks: Benchmarks,
    embeddings: Embeddings,
    model: Pretraining,
    sources: dict[str, Source],
) -> Iterator[Mistake]:
    """Models, layers, intervals and windows of the embeddings exist."""
    yield from _models("embeddings.models", embeddings.models, vocabulary.candidates)
    for name in embeddings.external_models:
        if name not in benchmarks.external_models:
            known = ", ".join(benchmarks.external_models) or "none"
            yield Mistake(
                ("embeddings.external_models", "benchmarks.external_models"),
                f"`embeddings.external_models`: {name} is none of `benchmarks.external_models` ({known}); describe it there",
            )
    if 2 * embeddings.context >= embeddings.window_tokens:
        yield Mistake(
            ("embeddings.context", "embeddings.window_tokens"),
            f"`embeddings.context` is {embeddings.context} tokens at both ends of a window, which leaves nothing of "
            f"`embeddings.window_tokens` ({embeddings.window_tokens}); lower the one or raise the other",
        )
    for layer in embeddings.layers:
        if layer > model.layers:
            yield Mistake(
                ("embeddings.layers", "pretraining.layers", "pretraining.size"),
                f"`embeddings.layers` has {layer}, but the models have {model.layers} layers; 0 is their input",
            )
    if embeddings.intervals and embeddings.intervals not in sources:
        yield Mistake(
            ("embeddings.intervals", "sources"),
            f"`embeddings.intervals` is {embeddings.intervals}, which `sources` does not have; add it there",
        )


def check_maps(interpretation: DependencyMaps, sources: dict[str, Source]) -> Iterator[Mistake]:
    """The source of the loci exists."""
    if interpretation.map_regions and interpretation.map_regions not in sources:
        yield Mistake(
            ("interpretation.map_regions", "sources"),
            f"`interpretation.map_regions` is {interpretation.map_regions}, which `sources` does not have; add it there",
        )


def _models(key: str, names: list[str], candidates: list[str]) -> Iterator[Mistake]:
    for name in names:
        if name not in (CHOSEN, *candidates):
            yield Mistake(
                (key, "vocabulary.candidates"),
                f"`{key}`: {name} is neither chosen nor one of `vocabulary.candidates` ({', '.join(candidates)})",
            )
