"""The configuration: all sections, checked and completed; every mistake is reported at once."""

from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from grover.config import agreements
from grover.config.fields import Schema, Section, ordered_fields, setting, subsection
from grover.config.sections.benchmarks import Benchmarks, Finetuning
from grover.config.sections.embeddings import Embeddings
from grover.config.sections.genome import Atlas, Corpus, Folds, Genome, Simulation, Vocabulary
from grover.config.sections.interpretation import Interpretation
from grover.config.sections.pretraining import SIZES, Evaluation, Pretraining, Selection
from grover.config.sections.run import Budget, Device, Folders, Notification, Processes, Randomness, Report, Source
from grover.config.sections.transfer import Transfer
from grover.config.validation import Mistake, sections_of, validate
from grover.runtime.errors import InputError

# stand-ins for keys without a default, so that the other keys are checked where one of these is missing or wrong
REQUIRED: dict[str, Any] = {"run": "run", "sources": {"genome": {"url": "genome.fa"}}}


class Configuration(Folders, Notification, Randomness, Device, Processes):
    """A run: what is read, made and written."""

    threads: int = setting(
        8,
        "CPU cores of a job that trains or runs a model; without a GPU, jobs of fine-tunings share them.",
        ge=1,
    )
    defaults: Literal["fitted", "paper"] = setting(
        "fitted",
        "Values of keys that are not given: `fitted` to genome and device, or this page's, which are for the human genome on GPUs.",
    )
    simulate: Simulation | None = setting(None, "A simulated genome with known truth instead of an assembly.")
    sources: Annotated[
        dict[Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")], Source], Schema((("required", ["genome"]),))
    ] = setting(..., "Input files by key; `genome` is required, and an absent annotation leaves out what needs it.")
    genome: Genome = subsection(Genome)
    folds: Folds = subsection(Folds)
    vocabulary: Vocabulary = subsection(Vocabulary)
    atlas: Atlas = subsection(Atlas)
    corpus: Corpus = subsection(Corpus)
    pretraining: Pretraining = subsection(Pretraining)
    evaluation: Evaluation = subsection(Evaluation)
    selection: Selection = subsection(Selection)
    benchmarks: Benchmarks = subsection(Benchmarks)
    finetuning: Finetuning = subsection(Finetuning)
    embeddings: Embeddings = subsection(Embeddings)
    interpretation: Interpretation = subsection(Interpretation)
    transfer: Transfer = subsection(Transfer)
    report: Report = subsection(Report)
    budget: Budget = subsection(Budget)


@cache
def section_of(group: type[BaseModel]) -> str:
    """Return the dotted path of the section that has the keys of a group, empty for the top level.

    Raises LookupError where no section or more than one has them.
    """
    found = [path for path, section in sections(Configuration) if issubclass(section, group)]
    if len(found) != 1:
        raise LookupError(f"{group.__name__} belongs to {len(found)} sections of the configuration, not to one")
    return found[0]


def sections(section: type[Section], path: str = "") -> Iterator[tuple[str, type[Section]]]:
    """Yield a section and all in it with their dotted paths; the path of a mapping stands for the sections in it."""
    yield path, section
    for name, field in ordered_fields(section).items():
        if inner := sections_of(field.annotation):
            yield from sections(inner, f"{path}.{name}".lstrip("."))


def complete(raw: dict[str, Any], origin: str) -> Configuration:
    """Check a configuration and fill in its defaults.

    raw: as read from YAML. origin: what the mistakes are attributed to, such as `config/demo.yaml`.
    Raises one InputError for all mistakes: unknown keys (with the nearest known one), wrong types and values, and keys that
    contradict one another. Contradictions are sought among the keys that are valid by themselves.
    """
    configuration, mistakes = validate(Configuration, _sized(raw), REQUIRED)
    mistaken = {key for mistake in mistakes for key in mistake.keys}
    mistakes += [
        mistake
        for mistake in _contradictions(configuration)
        if not any(_same(key, other) for key in mistake.keys for other in mistaken)
    ]
    sentences = [mistake.sentence for mistake in mistakes]
    if len(sentences) == 1:
        raise InputError(f"{origin}: {sentences[0]}")
    if sentences:
        raise InputError("\n".join([f"{origin}: {len(sentences)} mistakes", *(f"  {line}" for line in sentences)]))
    return _resolved(configuration)


def _sized(raw: dict[str, Any]) -> dict[str, Any]:
    """Fill in the numbers of `pretraining.size`."""
    model = raw.get("pretraining")
    if not isinstance(model, dict) or not isinstance(model.get("size"), str):
        return raw
    return raw | {"pretraining": SIZES.get(model["size"], {}) | model}


def _same(key: str, other: str) -> bool:
    """Whether two keys are the same or one contains the other."""
    return f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}.")


def _contradictions(c: Configuration) -> Iterator[Mistake]:
    return chain(
        agreements.check_sources(c.sources, c.simulate is not None, c.data),
        agreements.check_folds(c.folds),
        agreements.check_vocabularies(c.vocabulary, c.pretraining),
        agreements.check_windows(c.corpus, c.embeddings, c.pretraining),
        agreements.check_contexts(c.vocabulary, c.selection, c.evaluation, c.pretraining),
        agreements.check_architecture(c.pretraining),
        agreements.check_overlapping(c.vocabulary, c.pretraining),
        agreements.check_choice(c.vocabulary, c.selection),
        agreements.check_atlas(c.vocabulary, c.atlas),
        agreements.check_comparison(c.vocabulary, c.benchmarks),
        agreements.check_base_tracks(c.interpretation, c.pretraining),
        agreements.check_embeddings(c.vocabulary, c.benchmarks, c.embeddings, c.pretraining, c.sources),
        agreements.check_maps(c.interpretation, c.sources),
    )


def _resolved(c: Configuration) -> Configuration:
    """Replace 0 and empty where they stand for the value of another key."""
    # 2 bases per token fill the longest window of 2-mers; single bases need half as many
    per_token = 1 if {"char", "kmer-1"} & set(c.vocabulary.candidates) else 2
    evaluation = {
        "mask_ratio": c.evaluation.mask_ratio or c.pretraining.mask_ratio,
        "span_bases": c.evaluation.span_bases or per_token * c.corpus.longest,
    }
    taken = (c.selection.vocabulary or c.vocabulary.candidates[0]) if c.selection.method == "fixed" else ""
    return c.model_copy(
        update={
            "evaluation": c.evaluation.model_copy(update=evaluation),
            "selection": c.selection.model_copy(update={"vocabulary": taken}),
            "embeddings": c.embeddings.model_copy(update={"layers": sorted(c.embeddings.layers)}),
        }
    )
