"""What a run is checked for before its first job, and the tiny jobs that check nodes."""

import os
from pathlib import Path

import pytest

from grover.planning import doctor
from grover.planning.plan import Job, new_job
from grover.runtime.errors import InputError
from grover.runtime.slurm import Request
from tests.fakes.slurm import program, site
from tests.unit.planning.test_costs import run_of


def test_the_disk_of_the_plan_and_downloads_only_where_any_are_left():
    settings = run_of().settings
    jobs = [Job("pretrain", disk=2e9), Job("embed", disk=3e9)]
    results, temporary = doctor.needs(settings, jobs, 3_000_000_000)
    assert (results.folder, results.size) == (Path(settings.results), 5e9)
    assert temporary.name == "TMPDIR"
    _, downloads, _ = doctor.needs(settings, [Job("download_source")], 3_000_000_000)
    assert (downloads.folder, downloads.size) == (Path(settings.downloads), 1.5e9)


def test_jobs_that_are_not_submitted_ask_slurm_for_nothing():
    jobs = [
        new_job("a", None, {"slurm_partition": "cpu", "runtime": 5}),
        new_job("b", None, {"runtime": 9}, local=True),
    ]
    assert doctor.requests([*jobs, *jobs]) == [Request("cpu", minutes=5)]


def test_all_problems_refuse_a_start_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{site(tmp_path / 'bin')}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/grover")
    monkeypatch.chdir(tmp_path)
    jobs = [Job("pretrain", disk=1e18, request=Request("nowhere"))]
    with pytest.raises(InputError) as refused:
        doctor.refuse(run_of().settings, jobs, 1000)
    disk, cache, slurm = str(refused.value).splitlines()
    assert "but the plan needs 1e+06 TB" in disk and cache.startswith("XDG_CACHE_HOME (/proc/grover)")
    assert slurm.startswith("SLURM has no partition nowhere")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    doctor.refuse(run_of().settings, [Job("pretrain", request=Request("cpu"))], 1000)


def test_a_tiny_job_in_each_partition(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SLURM_JOB_ID", "5")
    asked = [
        Request("cpu", "lab"),
        Request("cpu", "lab", minutes=90),
        Request("cpu", gpus=1),
        Request("a100", gpus=4, gpu="a100"),
    ]
    program(tmp_path, "srun", 'echo "$@"; echo "job=$SLURM_JOB_ID"')
    found = doctor.check_nodes(asked, ["check"])
    assert found == {
        "cpu": ["--immediate=60 --ntasks=1 --time=5 --mem=2000M --partition=cpu --account=lab check cpu", "job="],
        "cpu, GPU": ["--immediate=60 --ntasks=1 --time=5 --mem=2000M --partition=cpu --gres=gpu:1 check cuda", "job="],
        "a100, GPU": [
            "--immediate=60 --ntasks=1 --time=5 --mem=2000M --partition=a100 --gres=gpu:a100:1 check cuda",
            "job=",
        ],
    }
    monkeypatch.setenv("GROVER_GPU_OPTION", "gpus")
    assert "--gpus=a100:1 check cuda" in doctor.check_nodes(asked[3:], ["check"])["a100, GPU"][0]
    program(tmp_path, "srun", "echo 'srun: error: Unable to allocate resources: Requested nodes are busy' >&2; exit 1")
    assert doctor.check_nodes(asked[:1], ["check"]) == {"cpu": None}
    program(tmp_path, "srun", "echo 'slurmstepd: error: no such program' >&2; exit 2")
    (said,) = doctor.check_nodes(asked[:1], ["check"])["cpu"]
    assert said.startswith("a tiny job failed there (slurmstepd: error: no such program)")


def test_a_tiny_job_reads_nothing_of_what_was_typed_behind_the_check(tmp_path, monkeypatch):
    program(tmp_path, "srun", "/bin/cat")
    monkeypatch.setenv("PATH", str(tmp_path))
    reads, writes = os.pipe()
    os.write(writes, b"the next command\n")
    os.close(writes)
    before = os.dup(0)
    os.dup2(reads, 0)
    try:
        assert doctor.check_nodes([Request("cpu")], ["check"]) == {"cpu": []}
    finally:
        os.dup2(before, 0)
        os.close(before)
    assert os.read(reads, 100) == b"the next command\n"
    os.close(reads)
