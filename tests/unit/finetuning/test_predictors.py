"""Which tasks a run has, what predicts each, and with which settings."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from grover.config.benchmark_table import Task, read_tasks
from grover.config.configuration import Configuration, complete
from grover.finetuning.predictors import baseline_settings, external_folders, fitting, predictors, reader
from grover.runtime.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
PROMOTERS = Task("promoters", "prom300", ("promoters",), "token-shuffle", 300, 0, {})
SITES = Task("sites", "motif-bound", ("peaks",), "unbound", 200, 0, {"motifs": "motifs", "motif": "X"})


def configured(**changes) -> Configuration:
    sources = dict.fromkeys(("genome", "promoters", "peaks", "motifs"), {"url": "x"})
    return complete({"run": "mine", "sources": sources} | deepcopy(changes), "mine.yaml")


def test_the_production_table_is_left_whole_by_the_production_configuration():
    config = complete(yaml.safe_load((ROOT / "config/config.yaml").read_text()), "config.yaml")
    tasks = read_tasks(ROOT / config.benchmarks.table)
    assert fitting(tasks, config, ROOT) == (tasks, [])


def test_a_task_without_its_sources_is_left_out_and_said():
    config = configured()
    del config.sources["motifs"]
    kept, lines = fitting({"promoters": PROMOTERS, "sites": SITES}, config, ROOT)
    assert list(kept) == ["promoters"] and lines == ["task sites is left out: `sources` has no motifs"]


@pytest.mark.parametrize(
    ("candidate", "length", "reason"),
    [
        ("overlap-6", 516, "511 tokens of overlap-6"),
        ("char", 511, "511 tokens of char"),
        ("kmer-3", 1533, "511 tokens of kmer-3"),
    ],
)
def test_a_task_that_does_not_fit_into_a_model_is_left_out(candidate, length, reason):
    config = configured(
        vocabulary={"candidates": [candidate], "studied": ["kmer-2"]}, selection={"vocabulary": candidate}
    )
    tasks = {
        name: Task(name, "tfbs", ("peaks",), "genomic-matched", size, 0, {})
        for name, size in (("long", length), ("fits", length - 3))
    }
    kept, lines = fitting(tasks, config, ROOT)
    assert list(kept) == ["fits"] and reason in lines[0]


def test_baselines_of_start_codons_are_those_of_tasks_of_start_codons():
    starts = Task("starts", "start-codon", ("genes",), "strata", 300, 0, {})
    named = ["gc", "pwm", "adjacency", "open-frame", "codon-markov", "shine-dalgarno"]
    config = configured(benchmarks={"baselines": named})
    assert predictors(starts, config) == [
        "chosen",
        "chosen-random",
        "gc",
        "open-frame",
        "codon-markov",
        "shine-dalgarno",
    ]
    assert predictors(SITES, config) == ["chosen", "chosen-random", "gc", "pwm"]


def test_shuffles_are_of_byte_pairs_whichever_candidate_is_chosen():
    swept = configured(vocabulary={"candidates": ["kmer-6", "bpe-600"]}, selection={"method": "sweep"})
    assert reader(swept) == "bpe-600"
    overlapping = {"candidates": ["overlap-6"], "studied": ["kmer-4"]}
    assert reader(configured(vocabulary=overlapping, selection={"vocabulary": "overlap-6"})) == "kmer-4"


def test_matched_negatives_without_blacklist_are_said():
    task = Task("t", "tfbs", ("peaks",), "genomic-matched", 200, 0, {})
    kept, lines = fitting({"t": task}, configured(), ROOT)
    assert kept and lines == [
        "task t: its matched negatives ignore repeats and blacklist, which `sources` does not have"
    ]


def test_a_transfer_to_itself_is_refused():
    task = Task("t", "tfbs", ("peaks",), "genomic-matched", 200, 0, {"transfer": "mine/t"})
    with pytest.raises(InputError, match="names this run itself"):
        fitting({"t": task}, configured(), ROOT)


def test_each_task_has_the_baselines_that_it_can_have():
    config = configured(benchmarks={"external_models": {"nt": {"model": "a/b", "longest": 250}}})
    assert predictors(SITES, config)[:3] == ["chosen", "chosen-random", "nt"]
    assert {"pwm", "adjacency"} & set(predictors(SITES, config)) == {"pwm"}
    assert {"pwm", "adjacency", "nt"} & set(predictors(PROMOTERS, config)) == {"adjacency"}


def test_a_baseline_sees_its_own_settings_alone():
    config = configured(benchmarks={"trees": 7}, finetuning={"seeds": 2})
    names = ("seeds", "trees", "kmers", "maximum_train")
    for baseline, values in {
        "gc": (None, None, None, None),
        "token-forest": (2, 7, None, 50_000),
        "tfidf-logistic": (None, None, [2, 6], 50_000),
    }.items():
        assert baseline_settings(baseline, config) == dict(zip(names, values, strict=True))


@pytest.mark.parametrize(
    ("external", "words"),
    [
        ({"model": "no folder"}, ["benchmarks.external_models.nt.model", "is no folder here and no id"]),
        ({"model": "a/b", "python": "nowhere/python"}, ["benchmarks.external_models.nt.python", "make external"]),
    ],
)
def test_an_external_model_that_cannot_be_is_refused(tmp_path, external, words):
    with pytest.raises(InputError) as error:
        external_folders(configured(benchmarks={"external_models": {"nt": external}}), tmp_path, "mine.yaml")
    assert all(word in str(error.value) for word in words)
