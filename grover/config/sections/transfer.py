"""Comparison of models in another species than that of their pretraining."""

from typing import Annotated, Literal

from pydantic import Field

from grover.config.fields import Distinct, Place, Section, setting

# a run and a task of it
RUN_TASK = r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$"


class TransferModels(Section):
    """Models and tasks that are compared."""

    models: dict[Annotated[str, Field(pattern="^[a-z][a-z0-9]*$")], Place] = setting(
        {},
        "Further models that are compared as they are, each under a name: a run, a folder, or a model of the package.",
    )
    tasks: Distinct[str] = setting([], "Tasks of this run on which models are compared; empty: all.")
    source_tasks: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")], Annotated[str, Field(pattern=RUN_TASK)]] = (
        setting(
            {},
            "RUN/TASK whose fine-tuned model is tested on a task here; without it the task of this name in the source's run.",
        )
    )
    genome: Place = setting(
        "",
        "Folder `genome` of the run whose sequence the source model saw, for near-duplicates; empty: of the run of `pretraining.from`.",
    )


class Budgets(Section):
    """Numbers of labels, and how often each is drawn."""

    labels: Distinct[Annotated[int, Field(ge=10)]] = setting(
        [50, 200, 1000, 2000], "Numbers of examples of fold train that each method learns from.", min_length=1
    )
    seeds: int = setting(3, "Draws of each number of labels.", ge=1)


class FewLabels(Section):
    """How a classifier learns from few labels."""

    steps: int = setting(300, "Fewest optimiser steps of a fine-tuning.", ge=1)


class TransferBaselines(Section):
    """Baselines without a language model."""

    baselines: Distinct[Literal["majority", "gc", "dinucleotide", "tfidf-logistic", "tfidf-forest"]] = setting(
        ["gc", "tfidf-logistic"], "Baselines that learn from the same labels."
    )


class Loci(Section):
    """Loci of fold test whose masked bases are predicted."""

    loci: int = setting(100, "Number of loci.", ge=2)
    locus: int = setting(500, "Length of a locus.", unit="bases", ge=50)


class NearSource(Section):
    """What counts as a near-duplicate of sequence that the source model saw."""

    similarity: float = setting(
        0.2, "Share of 11-mers from which a test sequence is near-duplicate to the genome of the source.", gt=0, le=1
    )


class Transfer(TransferModels, Budgets, FewLabels, TransferBaselines, Loci, NearSource):
    """Comparison of models in the species of this run, for runs with `pretraining.from`."""

    compare: bool = setting(False, "Compare, and show it in the report; the target `transfer` compares without it.")
