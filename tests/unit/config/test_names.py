"""The registry of names: it has the baselines of the configuration, every name has a label, and random models are named one way."""

from pathlib import Path
from typing import get_args

import pytest
import yaml

from grover.config import names
from grover.config.sections import benchmarks

SCHEMA = Path(__file__).resolve().parents[3] / "config/schemas/config.schema.yaml"


def test_the_configuration_takes_the_baselines_of_the_registry():
    assert get_args(benchmarks.Baseline) == tuple(names.BASELINES)
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    asked = schema["properties"]["benchmarks"]["properties"]["baselines"]
    assert asked["items"]["enum"] == asked["default"] == list(names.BASELINES)


@pytest.mark.parametrize(
    "found, labels",
    [
        (names.BASELINES, names.BASELINE_LABELS),
        (names.MASKED_BASELINES, names.MASKED_LABELS),
        (names.REPRESENTATIONS, names.REPRESENTATION_LABELS),
    ],
)
def test_every_name_has_a_label_of_its_own(found, labels):
    assert list(labels) == list(found)
    assert len(set(labels.values())) == len(labels)


def test_baselines_by_what_they_take():
    assert names.TOKEN_BASELINES == ("token-forest", "token-logistic", "adjacency")
    assert names.SEEDED_BASELINES == ("tfidf-forest", "token-forest")
    assert names.LIMITED_BASELINES == ("tfidf-forest", "tfidf-logistic", "token-forest", "token-logistic")
    assert names.NETWORK_BASELINES == ("cnn", "probe-cls", "probe-mean")
    assert names.PROBES == {"probe-cls": "cls", "probe-mean": "mean"}


def test_a_randomly_initialised_model_is_found_from_its_original_and_back():
    assert names.with_random(["chosen", "bpe-600"]) == ["chosen", "chosen-random", "bpe-600", "bpe-600-random"]
    for model in ("chosen", "bpe-600"):
        assert not names.is_random(model) and names.is_random(names.random_of(model))
        assert names.original(names.random_of(model)) == names.original(model) == model
    assert names.model_label("bpe-600-random") == "random initialisation of bpe-600"
    assert names.model_label("nt") == "nt"


@pytest.mark.parametrize(
    ("vocabulary", "bases", "tokens"),
    [
        ("char", 7, 7),
        ("kmer-3", 7, 3),
        ("kmer-1", 7, 7),
        ("overlap-3", 7, 5),
        ("overlap-6", 4, 0),
        ("bpe-600", 7, 0),
        ("mine", 7, 0),
    ],
)
def test_tokens_of_a_vocabulary_whose_number_is_known(vocabulary, bases, tokens):
    assert names.tokens_of(vocabulary, bases) == tokens
