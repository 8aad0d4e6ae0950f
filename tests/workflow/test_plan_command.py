"""The plan of the test configuration, and a budget that keeps it from starting."""

import os
import subprocess
import sys

import pytest
import yaml

pytestmark = pytest.mark.workflow


def planned(copy, *arguments: str) -> subprocess.CompletedProcess:
    command = [
        sys.executable,
        str(copy.root / "workflow/scripts/plan.py"),
        "--configfile",
        str(copy.root / "config/test.yaml"),
    ]
    return subprocess.run(
        [*command, *arguments],
        cwd=copy.work,
        env=os.environ | {"PYTHONPATH": str(copy.root)},
        capture_output=True,
        text=True,
    )


def test_the_plan_names_every_stage_and_the_error_and_runs_nothing(installation):
    done = planned(installation, "--cores", "2")
    assert done.returncode == 0, done.stderr
    stages = [line.split()[0] for line in done.stdout.splitlines()]
    assert {"genome", "pretraining", "selection", "finetuning", "report", "all"} <= set(stages)
    assert "error: a run estimated from the others" in done.stdout and "no GPU" in done.stdout
    assert not (installation.work / "results").exists()


def test_only_jobs_that_run_a_network_cost_gpu_hours(installation):
    done = planned(installation, "--config", "device=cuda", "--gpu", "A100", "--rules", "--cores", "8")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    rows = {words[0]: float(words[4]) for words in lines if len(words) == 8 and words[1].isdigit()}
    assert rows["pretrain"] > 0 and rows["finetune"] > 0
    assert rows["train_bpe"] == rows["make_windows"] == rows["run_baseline"] == 0


def test_a_budget_refuses_to_plan_and_to_start(installation):
    done = planned(installation, "--budget", "cpu_hours=0.001")
    assert done.returncode == 1 and "`budget.cpu_hours` allows 0.001 CPU hours, but" in done.stderr
    config = yaml.safe_load((installation.root / "config/test.yaml").read_text())
    (installation.root / "config/own.yaml").write_text(yaml.safe_dump(config | {"budget": {"cpu_hours": 0.001}}))
    started = installation.snakemake(config="config/own.yaml")
    assert started.returncode == 1
    assert "config/own.yaml: `budget.cpu_hours` allows 0.001 CPU hours, but the jobs to run" in started.stdout
    assert not (installation.work / "results").exists()
    # and what fits starts
    (installation.root / "config/own.yaml").write_text(yaml.safe_dump(config | {"budget": {"cpu_hours": 100}}))
    assert installation.snakemake("simulate_genome", config="config/own.yaml").returncode == 0
