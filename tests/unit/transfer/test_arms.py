"""What a comparison finds in the run of its source, and what it refuses."""

from pathlib import Path

import pytest

from grover.config.configuration import complete
from grover.runtime.errors import InputError
from grover.transfer import arms
from tests.unit.planning.test_costs import ROOT


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A run `first` with a model, a task and a genome."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "models/chosen/model.safetensors",
        "benchmarks/ctcf/dataset.parquet",
        "finetuning/ctcf/chosen/model.safetensors",
        "genome/sequence.npy",
        "genome/segments.bed",
    ):
        path = tmp_path / "results/first" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def settings(**transfer):
    raw = {
        "run": "second",
        "sources": {"genome": {"url": "x.fa"}},
        "pretraining": {"from": "first"},
        "transfer": transfer,
    }
    return complete(raw, "my.yaml")


def test_the_run_of_the_source_has_its_tasks_and_its_genome():
    run = arms.source_run(Path("results/first/models/chosen"))
    assert run == Path("results/first") and arms.source_run(Path("package/models/small")) == Path("package")
    assert arms.source_run(Path("elsewhere")) is None
    dataset, classifier = arms.source_task(settings(), "ctcf", run)
    assert dataset.parts[-2] == "ctcf" and classifier.parts[-3:] == ("ctcf", "chosen", "model.safetensors")
    assert arms.source_task(settings(), "other", run) is None and arms.source_task(settings(), "ctcf", None) is None
    assert arms.source_task(settings(source_tasks={"mine": "first/ctcf"}), "mine", None) == (dataset, classifier)
    assert arms.source_genome(settings(), run, "my.yaml") == run / "genome"
    assert arms.source_genome(settings(), Path("nowhere"), "my.yaml") is None


def test_what_is_not_there_is_one_sentence():
    with pytest.raises(InputError, match="results/first/benchmarks/nosuch/dataset.parquet is not there; finish"):
        arms.source_task(settings(source_tasks={"mine": "first/nosuch"}), "mine", None)
    with pytest.raises(InputError, match="`transfer` names the task nosuch, but this run has ctcf"):
        arms.tasks_of_transfer(settings(tasks=["nosuch"]), ["ctcf"], "my.yaml")
    with pytest.raises(InputError, match="elsewhere has no sequence.npy with segments.bed"):
        arms.source_genome(settings(genome="elsewhere"), None, "my.yaml")
    with pytest.raises(InputError, match="the name scratch is taken"):
        arms.further_models(settings(models={"scratch": "first"}), ROOT, "my.yaml")
    with pytest.raises(InputError, match="`transfer.models.several` is nosuch, which is neither a run"):
        arms.further_models(settings(models={"several": "nosuch"}), ROOT, "my.yaml")
    assert arms.further_models(settings(models={"several": "first"}), ROOT, "my.yaml") == {
        "several": Path("results/first/models/chosen")
    }
