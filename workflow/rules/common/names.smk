"""Wildcards, and what belongs to the model, baseline or external model that a wildcard names."""

import re

from grover.config.names import is_random, original
from grover.finetuning.predictors import baseline_settings


wildcard_constraints:
    name="[A-Za-z0-9-]+",
    task="[A-Za-z0-9._-]+",
    model="[A-Za-z0-9._-]+",
    key="[^/]+",
    file="[^/]+",


def one_of(names):
    """A wildcard that is one of these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


def of_model(file):
    """An artefact of the model that a wildcard names, which a randomly initialised model shares with its model."""
    return lambda wildcards: f"{RUN}/{file}".format(name=original(wildcards.model))


def initial(wildcards):
    """What the model of a job starts from."""
    return "random" if is_random(wildcards.model) else "pretrained"


def of_baseline(name):
    """A setting for a baseline that reads it."""
    return lambda wildcards: baseline_settings(wildcards.baseline, configuration)[name]


def of_external(key):
    """A setting of the external model that a wildcard names."""
    return lambda wildcards: getattr(EXTERNAL_MODELS[wildcards.external], key)


def external_python(wildcards):
    """Interpreter of an external model, for a default of the shell: empty for that of the other jobs, whose place is no parameter."""
    return "" if DEPLOYED else EXTERNAL_MODELS[wildcards.external].python


def weight_options(models):
    """`--weights NAME=FILE` for each of these models, whose embeddings must come from there.

    A randomly initialised model has the file of its original. External models have weights of many forms and are not checked.
    """
    return repeated("--weights", [f"{model}={RUN}/models/{original(model)}/model.safetensors" for model in models])


def shards_of(models):
    """All shards of the embeddings of these models."""
    return expand(f"{RUN}/embeddings/{{model}}/shards/{{shard}}.parquet", model=models, shard=SHARDS)
