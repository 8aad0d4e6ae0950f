"""The plan of the test configuration, its comparison with finished jobs, and a budget that keeps the run from starting."""

import os
import subprocess
import sys

import pytest
import yaml

pytestmark = pytest.mark.workflow


def planned(copy, *arguments: str) -> subprocess.CompletedProcess:
    script, configfile = copy.root / "workflow/scripts/plan.py", copy.root / "config/test.yaml"
    return subprocess.run(
        [sys.executable, str(script), "--configfile", str(configfile), *arguments],
        cwd=copy.work,
        env=os.environ | {"PYTHONPATH": str(copy.root)},
        capture_output=True,
        text=True,
    )


def rows_of(done: subprocess.CompletedProcess) -> dict[str, list[str]]:
    """The table by stage: jobs, jobs without an estimate, job time, wall time, GPU hours, CPU hours, disk, memory."""
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    return {words[0]: words[1:] for words in lines if len(words) == 9 and words[1].isdigit()}


def test_the_plan_names_every_stage_and_what_has_no_estimate_and_runs_nothing(installation):
    done = planned(installation, "--cores", "2", "--hours", "0.001")
    rows = rows_of(done)
    assert " of 0.001 h, most of it " in done.stdout.splitlines()[-1]
    assert {"genome", "pretraining", "selection", "finetuning", "report", "all"} <= rows.keys()
    assert "no GPU" in done.stdout
    jobs, unknown = map(int, rows["all"][:2])
    assert sum(int(row[0]) for row in rows.values()) == 2 * jobs
    # two pretrainings, two vocabularies of next-k-mer prediction, two tasks by two models, and ten jobs of interpretation
    assert jobs - unknown == 8 + 10
    assert not (installation.work / "results").exists()


def test_only_trainings_cost_gpu_hours(installation):
    rows = rows_of(planned(installation, "--config", "device=cuda", "--gpu", "A100", "--cores", "8"))
    hours = {stage: float(row[4]) for stage, row in rows.items()}
    assert hours["pretraining"] > 0 and hours["finetuning"] > 0
    assert hours["tokenization"] == hours["corpus"] == hours["report"] == 0


def test_a_budget_refuses_to_plan_and_to_start(installation):
    done = planned(installation, "--budget", "cpu_hours=0.001")
    assert done.returncode == 1 and "`budget.cpu_hours` is 0.001, but the jobs to run" in done.stderr
    config = yaml.safe_load((installation.root / "config/test.yaml").read_text())
    (installation.root / "config/own.yaml").write_text(yaml.safe_dump(config | {"budget": {"cpu_hours": 0.001}}))
    started = installation.snakemake(config="config/own.yaml")
    assert started.returncode == 1
    assert "config/own.yaml: `budget.cpu_hours` is 0.001, but the jobs to run" in started.stdout
    assert not (installation.work / "results").exists()
    # and what fits starts
    (installation.root / "config/own.yaml").write_text(yaml.safe_dump(config | {"budget": {"cpu_hours": 100}}))
    started = installation.snakemake("encode_genome", "write_configuration", config="config/own.yaml")
    assert started.returncode == 0, started.stdout

    # finished jobs are compared with what other runs took, of which there is none
    compared = planned(installation, "--compare")
    assert compared.returncode == 0, compared.stderr
    assert [line.split()[:2] for line in compared.stdout.splitlines()][1:3] == [
        ["simulate_genome", "1"],
        ["encode_genome", "1"],
    ]
    # they are the estimate of the next run
    rows = rows_of(planned(installation, "--all"))
    assert rows["genome"][:2] == ["4", "2"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("- seed\n", "error: {path}: Config file must be given as JSON or YAML with keys at top level"),
        ("seed: [\n", "error: {path}: Config file is not valid JSON or YAML"),
        ("seed: 1\nseed: 2\n", "error: {path}: `seed` stands there twice"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused_in_one_sentence(installation, text, sentence):
    path = installation.work / "own.yaml"
    path.write_text(text)
    done = planned(installation, "--configfile", str(path))
    assert done.returncode == 1 and done.stderr.startswith(sentence.format(path=path)), done.stderr
    assert done.stderr.count("\n") == 1


def test_options_are_read_as_snakemake_reads_them(installation):
    done = planned(installation, "--config", "pretraining={steps: 3}")
    assert done.returncode == 1 and "`pretraining.steps` is '3', but a whole number" in done.stderr
    assert planned(installation, "--cores", "-1").returncode == 2
