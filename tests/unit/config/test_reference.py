"""The schema and the page are those of the classes, and agree with an independent reader of JSON schemas."""

from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from grover.config import reference
from grover.config.configuration import Configuration
from grover.config.fields import Section, ordered_fields, setting, subsection

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = yaml.safe_load((ROOT / reference.SCHEMA).read_text())
SMALLEST = {"run": "x", "sources": {"genome": {"url": "genome.fa"}}}


def test_what_is_committed_is_what_the_classes_say():
    assert (ROOT / reference.SCHEMA).read_text() == reference.schema(), "run `make reference`"
    assert (ROOT / reference.PAGE).read_text() == reference.page(), "run `make reference`"


def test_the_schema_is_a_schema_and_accepts_the_shipped_configurations():
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(SMALLEST)
    for name in ("config", "demo", "test", "hg19-local", "hg19-partial", "sweep", "sweep-local", "dnabert"):
        Draft202012Validator(SCHEMA).validate(yaml.safe_load((ROOT / f"config/{name}.yaml").read_text()))


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": "3"},
        {"device": "gpu"},
        {"vocabulery": {}},
        {"sources": {}},
        {"sources": {"Genome": {}}},
        {"folds": {"test": 0.6}},
        {"folds": {"test": []}},
        {"vocabulary": {"candidates": ["char", "char"]}},
        {"vocabulary": {"outside": {"DNABERT-2": "t.json"}}},
        {"pretraining": {"dropout": 2}},
        {"benchmarks": {"external_models": {"nt": {}}}},
        {"benchmarks": {"kmers": [2]}},
        {"benchmarks": {"limits": {"duplicate": 0}}},
    ],
)
def test_the_schema_refuses_what_the_classes_refuse(changes):
    assert not Draft202012Validator(SCHEMA).is_valid(SMALLEST | changes)


def test_every_default_satisfies_the_schema():
    defaults = Configuration.model_validate(SMALLEST).model_dump(exclude_none=True)
    Draft202012Validator(SCHEMA).validate(defaults)
    assert SCHEMA["properties"]["pretraining"]["properties"]["steps"]["default"] == defaults["pretraining"]["steps"]


def test_every_setting_has_one_sentence():
    sections = [Configuration]
    for section in sections:
        for name, field in ordered_fields(section).items():
            assert field.description and field.description.endswith("."), (section, name)
            assert len(field.description.split()) <= 25, (section, name)
            if isinstance(field.default, Section):
                sections.append(type(field.default))


def test_a_new_setting_appears_in_schema_and_page(monkeypatch):
    class Report(Section):
        """The HTML report."""

        stars: int = setting(3, "Number of stars.", unit="stars", le=5)

    class Toy(Section):
        """A toy."""

        report: Report = subsection(Report)

    monkeypatch.setattr(reference, "Configuration", Toy)
    made = yaml.safe_load(reference.schema())["properties"]["report"]["properties"]["stars"]
    assert made == {"description": "Number of stars.", "type": "integer", "default": 3, "maximum": 5, "unit": "stars"}
    assert "| `stars` | whole number ≤ 5 | `3` | stars | Number of stars. |  |" in reference.page()
