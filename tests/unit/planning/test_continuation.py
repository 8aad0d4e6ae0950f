"""A configuration takes vocabulary and encoder of the model that pretraining starts from, and may not contradict them."""

from pathlib import Path

import pytest

from grover.network import shipped
from grover.planning.continuation import source_folder
from grover.planning.costs import Run, weights
from grover.planning.defaults import complete_for_genome
from grover.runtime.errors import InputError
from tests.fakes.source_models import SIZES, write_source
from tests.unit.planning.test_costs import ROOT


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working directory with a finished run `first`, whose model reads two byte pairs."""
    monkeypatch.chdir(tmp_path)
    write_source(tmp_path / "results/first/models/chosen")
    (tmp_path / "results/first/config.json").write_text("{}")
    return tmp_path


def completed(defaults="fitted", vocabulary=None, **pretraining):
    raw = {"run": "second", "defaults": defaults, "sources": {"genome": {"url": "https://x.org/new.fa.gz"}}}
    raw |= {"pretraining": {"from": "first"} | pretraining, "genome": {"bases": 5_000_000}}
    return complete_for_genome(raw | ({"vocabulary": vocabulary} if vocabulary else {}), "my.yaml", ROOT)


@pytest.mark.parametrize("defaults", ["fitted", "paper"])
def test_vocabulary_and_encoder_are_those_of_the_model(place, defaults):
    if defaults == "paper":  # whose windows would not fit into 40 positions
        with pytest.raises(InputError, match="does not fit into `pretraining.positions` .40."):
            completed(defaults)
        return
    found, lines = completed(defaults)
    assert found.vocabulary.candidates == ["bpe-2"] and found.selection.vocabulary == "bpe-2"
    assert {name: getattr(found.pretraining, name) for name in SIZES} == SIZES
    assert found.corpus.longest <= 38
    assert lines[0].startswith("pretraining starts from results/first/models/chosen") and "layers 1" in lines[0]
    # the cost is that of this model
    assert weights(Run(found, 5_000_000), "bpe-2") < 10_000
    dumped = found.model_dump()["pretraining"]
    assert dumped["from"] == "first" and "source" not in dumped


def test_what_says_the_same_is_no_contradiction_and_dropout_is_free(place):
    found, _ = completed(vocabulary={"candidates": ["bpe-2"], "studied": ["kmer-3"]}, layers=1, dropout=0.4)
    assert found.pretraining.dropout == 0.4 and found.pretraining.layers == 1


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"layers": 2}, "`pretraining.layers` (2)"),
        ({"start": "neighbours"}, "`pretraining.start` (neighbours)"),
        ({"size": "tiny"}, "`pretraining.size` (tiny)"),
        ({"vocabulary": {"candidates": ["bpe-600"]}}, "`vocabulary.candidates` (bpe-600)"),
        ({"vocabulary": {"studied": ["bpe-2"]}}, "`vocabulary.studied` (bpe-2)"),
        ({"hidden": 32, "heads": 4}, "`pretraining.hidden` (32) and `pretraining.heads` (4)"),
    ],
)
def test_a_contradiction_is_one_sentence(place, changes, key):
    with pytest.raises(InputError) as error:
        completed(**changes)
    said = str(error.value)
    assert said.startswith("my.yaml: `pretraining.from` is first, a model with layers 1") and "\n" not in said
    assert f"which {key} contradicts" in said


def test_without_the_key_nothing_changes(place):
    found, lines = completed(**{"from": ""})
    assert found.vocabulary.candidates == ["bpe-600"] and not any("starts from" in line for line in lines)


def folder_for(asked, run="second"):
    raw = {"run": run, "sources": {"genome": {"url": "x.fa"}}, "pretraining": {"from": asked}}
    from grover.config.configuration import complete

    return source_folder(complete(raw, "my.yaml"), ROOT, "my.yaml")


def test_a_run_a_folder_or_a_model_of_the_package(place, monkeypatch):
    assert folder_for("first") == Path("results/first/models/chosen")
    assert folder_for("results/first") == Path("results/first/models/chosen")
    assert folder_for("results/first/models/chosen") == Path("results/first/models/chosen")
    write_source(place / "elsewhere")
    assert folder_for(str(place / "elsewhere")) == place / "elsewhere"
    write_source(place / "package/models/small")
    monkeypatch.setattr(shipped, "files", lambda package: place / "package")
    assert folder_for("small") == place / "package/models/small"
    assert folder_for("") is None


def test_what_is_no_model_is_one_sentence(place):
    with pytest.raises(InputError, match="which this run itself makes"):
        folder_for("results/first/models/chosen", run="first")
    (place / "results/begun/models").mkdir(parents=True)
    with pytest.raises(InputError, match="results/begun/models/chosen has no model; finish the pretraining"):
        folder_for("begun")
    with pytest.raises(InputError, match=r"my.yaml: `pretraining.from` is nosuch, which is neither a run in results"):
        folder_for("nosuch")
