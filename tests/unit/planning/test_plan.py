"""Seconds by measured speed, least wall time, totals, and a budget that refuses more."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from grover.planning.costs import WORK, training_threads
from grover.planning.plan import (
    CPU_RATE,
    CPU_START,
    CPU_STEP,
    Job,
    Machine,
    choose_machine,
    estimate,
    hold_to_budget,
    network_seconds,
    new_job,
    read_jobs,
    totals,
    wall_seconds,
)
from grover.runtime.errors import InputError
from grover.runtime.slurm import Request
from tests.unit.planning.test_costs import ROOT, run_of

PRETRAINING = Job("pretrain", "bpe-600", "pretraining", threads=1)
H200 = Machine(8, 4, "H200", 989e12)


def test_seconds_on_a_cpu_by_hand():
    run = run_of()
    flops, steps = WORK["pretraining"](run, "bpe-600")
    work = flops / CPU_RATE + CPU_STEP * steps * 12
    assert network_seconds(PRETRAINING, run, Machine(8)) == pytest.approx(CPU_START + work)
    # threads that the machine does not have do not help
    two, eight = (replace(PRETRAINING, threads=threads) for threads in (2, 8))
    assert network_seconds(two, run, Machine(8)) == pytest.approx(CPU_START + work / 1.6, rel=0.01)
    assert network_seconds(eight, run, Machine(8)) < CPU_START + work / 4
    assert network_seconds(eight, run, Machine(1)) == network_seconds(PRETRAINING, run, Machine(8))


def test_trainings_on_cpus_share_the_cores_that_are_asked_for():
    settings = run_of(threads=8, finetuning={"seeds": 3}, selection={"k": [2, 3], "seeds": 2}).settings
    assert [training_threads(settings, "finetuning", jobs) for jobs in (0, 1, 3, 4, 20)] == [3, 3, 2, 2, 1]
    assert training_threads(settings, "next-kmer", 1) == 4 and training_threads(settings, "pretraining", 1) == 8
    assert training_threads(run_of(device="cuda", threads=8).settings, "finetuning", 20) == 8


def test_bf16_is_faster_the_larger_the_network():
    gains = []
    for size in ("nano", "tiny", "small"):
        plain, half = (run_of(precision=name, pretraining={"size": size}) for name in ("auto", "bf16"))
        rest = CPU_START + CPU_STEP * WORK["pretraining"](plain, "bpe-600")[1] * plain.settings.pretraining.layers
        slow, fast = (network_seconds(PRETRAINING, run, Machine(1)) - rest for run in (plain, half))
        gains.append(slow / fast)
    assert gains == pytest.approx([1.1, 1.7, 2.6])


def test_seconds_on_gpus_by_their_peak():
    run = run_of(device="cuda", pretraining={"batch": 1024})
    flops, steps = WORK["pretraining"](run, "bpe-600")
    one, four = (network_seconds(replace(PRETRAINING, gpus=number), run, H200) for number in (1, 4))
    assert one == pytest.approx(20 + flops / (0.35 * 989e12))
    assert one / 4 < four < one / 3
    # however fast the GPU, a step launches its kernels
    endless = replace(H200, peak=1e30)
    assert network_seconds(PRETRAINING, run, endless) == pytest.approx(20 + steps * 12 * 0.002)


def test_a_convolutional_network_is_priced_by_its_own_size():
    job = Job("train_cnn", "ctcf", "cnn", threads=8, gpus=1)
    run = run_of(bases=3_100_000_000, device="cuda")
    flops, steps = WORK["cnn"](run, "ctcf")
    # three convolutions of 64 channels over 4, 64 and 64 channels, on all, half and a quarter of 201 bases
    forward = 2 * 64 * (201 * 15 * 4 + 201 / 2 * 7 * 64 + 201 / 4 * 5 * 64)
    # training passes and fold valid in each epoch, both held-out folds once
    seeds, epochs = run.settings.finetuning.seeds, run.settings.benchmarks.cnn_epochs
    assert flops == pytest.approx(forward * seeds * 3.1e9 * 3.3e-5 * (epochs * (3 * 0.8 + 0.1) + 0.2))
    assert network_seconds(job, run, replace(H200, peak=1e30)) == pytest.approx(20 + steps * 3 * 0.002)
    # minutes on a GPU, and far less than the network that it is compared with
    assert network_seconds(job, run, H200) < 3600
    assert network_seconds(replace(job, gpus=0), run, Machine(8)) > network_seconds(job, run, H200)


def finished(results: Path, name: str, seconds: dict[str, float], bases: int = 26_000_000, device: str = "CPU") -> None:
    """Write what a finished run leaves for the plan."""
    folder = results / name
    for part in ("genome", "benchmark", "models"):
        (folder / part).mkdir(parents=True)
    (folder / "config.json").write_text(run_of().settings.model_dump_json(exclude={"data", "budget"}))
    (folder / "models/device.json").write_text(json.dumps({"name": device}))
    (folder / "genome/segments.bed").write_text(f"chr1\t0\t{bases}\ts0\n")
    for job, took in seconds.items():
        (folder / f"benchmark/{job}.tsv").write_text(f"s\tmax_rss\n{took}\tNA\n")


def test_finished_trainings_correct_the_estimate(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run, machine = run_of(), Machine(2)
    expected = network_seconds(PRETRAINING, run, machine)
    finished(tmp_path / "results", "other", {"pretrain.bpe-600": 3 * expected, "finetune.ctcf.chosen": 1.0})
    (job,) = estimate([PRETRAINING], run, machine, ROOT)
    assert job.seconds == pytest.approx(3 * expected)
    (job,) = estimate([PRETRAINING], run, machine, ROOT, apart="other")
    assert job.seconds == pytest.approx(expected)
    # a GPU is not corrected by what a CPU took
    (job,) = estimate([PRETRAINING], run, H200, ROOT)
    assert job.seconds == network_seconds(PRETRAINING, run, H200)


def test_a_rule_without_a_formula_takes_what_it_took_in_the_last_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    jobs = [Job("scan", "a"), Job("scan", "b"), Job("other", "a")]
    assert [job.seconds for job in estimate(jobs, run_of(), Machine(2), ROOT)] == [None, None, None]
    finished(tmp_path / "results", "larger", {"scan.a": 99.0}, bases=100_000_000)
    assert estimate(jobs, run_of(), Machine(2), ROOT)[0].seconds is None  # a genome of another size says nothing
    finished(tmp_path / "results", "similar", {"scan.a": 5.0, "scan.c": 7.0, "scan.d": "NA"}, bases=20_000_000)
    # another key takes the mean of the rule
    assert [job.seconds for job in estimate(jobs, run_of(), Machine(2), ROOT)] == [5.0, 6.0, None]


def test_runs_of_another_version_are_left_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    finished(tmp_path / "results", "old", {"scan.a": 5.0})
    described = tmp_path / "results/old/config.json"
    described.write_text(json.dumps(json.loads(described.read_text()) | {"an_old_key": 1}))
    assert estimate([Job("scan", "a")], run_of(), Machine(2), ROOT)[0].seconds is None


DRY_RUN = """Building DAG of jobs...
Job stats:
job      count
-----  -------
all          1
total        3

[Sat Nov 21 13:45:12 2026]
rule pretrain:
    input: results/x/tokens/bpe-600/tokens.npy, results/x/corpus/bpe-600/windows.parquet
    output: results/x/models/bpe-600/model.safetensors, results/x/models/bpe-600/config.json
    log: results/x/logs/pretrain.bpe-600.log
    jobid: 3
    benchmark: results/x/benchmark/pretrain.bpe-600.tsv
    reason: Missing output files: results/x/models/bpe-600/model.safetensors
    wildcards: name=bpe-600
    threads: 8
    resources: tmpdir=<TBD>, cost=pretraining, gres=gpu:4, nodes=2, mem_mb=16000, mem=16 GB, runtime=2880
Shell command: python pretrain.py

[Sat Nov 21 13:45:12 2026]
localrule write_configuration:
    output: results/x/config.json
    jobid: 46
    resources: tmpdir=/tmp, mem_mb=100
[Sat Nov 21 13:45:13 2026]
rule all:
    input: results/x/report.html
    jobid: 0
    resources: tmpdir=/tmp
Shell command: None
"""


def test_jobs_are_read_from_a_dry_run_without_targets():
    train, configuration = read_jobs(DRY_RUN)
    asked = Request(gpus=4, minutes=2880)  # on each node
    assert train == Job("pretrain", "bpe-600", "pretraining", threads=8, memory=16000, gpus=8, request=asked)
    assert configuration == Job("write_configuration", memory=100)
    assert read_jobs("Nothing to be done (all requested files are present and up to date).") == []


def test_a_job_of_the_driver_is_the_same_as_one_of_the_dry_run():
    resources = {"gres": "gpu:1", "mem_mb": 5, "threads": 2, "cost": "finetuning"}
    # a workflow that takes the rules by `module:` may rename them
    job = new_job("grover_finetune", "results/x/benchmark/finetune.ctcf.v2.chosen.tsv", resources)
    assert job == Job("finetune", "ctcf.v2.chosen", "finetuning", threads=2, memory=5, gpus=1, request=Request(gpus=1))
    assert new_job("all", None, {}, local=True) == Job("all")
    assert new_job("train", None, {"gres": "", "gpu": 2}).gpus == 2  # executors other than SLURM


def test_least_wall_time_by_hand():
    jobs = [Job("a", seconds=10), Job("b", seconds=20, threads=2), Job("c", seconds=6), Job("d")]
    assert wall_seconds(jobs, Machine(1)) == 36
    assert wall_seconds(jobs, Machine(2)) == 28  # (10 + 2 x 20 + 6) / 2
    assert wall_seconds(jobs, Machine(8)) == 20  # the longest job
    trainings = [Job("train", seconds=10, gpus=1), Job("train", seconds=10, gpus=1)]
    assert (wall_seconds(trainings, Machine(8, 1)), wall_seconds(trainings, Machine(8, 2))) == (20, 10)
    assert wall_seconds([], Machine(1)) == 0


def test_totals_and_the_refusal_by_a_budget():
    jobs = [
        Job("train", threads=8, gpus=4, seconds=7200, disk=5e8),
        Job("count", threads=2, seconds=3600, disk=5e8),
        Job("new"),
    ]
    assert totals(jobs) == {"gpu_hours": 8.0, "cpu_hours": 2.0, "disk_gb": 1.0}
    hold_to_budget(jobs, run_of().settings, "my.yaml")
    hold_to_budget(jobs, run_of(budget={"gpu_hours": 8, "cpu_hours": 2, "disk_gb": 1}).settings, "my.yaml")
    for key, limit, found in (("gpu_hours", 5, "8"), ("disk_gb", 0.5, "1")):
        said = rf"^my.yaml: `budget.{key}` is {limit}, but the jobs to run are estimated at {found} \(1 of 3 jobs have no estimate\)"
        with pytest.raises(InputError, match=said):
            hold_to_budget(jobs, run_of(budget={key: limit}).settings, "my.yaml")


def test_gpus_are_known_by_name():
    settings = run_of(device="cuda").settings
    assert choose_machine(settings, 8, 4, "H200", ROOT) == H200
    assert choose_machine(run_of().settings, 8, 4, "H200", ROOT) == Machine(8)
    with pytest.raises(InputError, match="GPU type 'H300' is unknown; use T4, .*resources/gpus.tsv"):
        choose_machine(settings, 8, 4, "H300", ROOT)


def test_nothing_heavy_is_imported():
    heavy = "{'torch', 'pandas', 'sklearn', 'numba', 'transformers'} & set(sys.modules)"
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import grover.planning.plan; print({heavy})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_a_budget_stands_in_the_production_configuration():
    shown = yaml.safe_load((ROOT / "config/config.yaml").read_text())["budget"]
    assert shown == run_of().settings.budget.model_dump()
