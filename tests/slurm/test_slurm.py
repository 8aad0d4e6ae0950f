"""The whole workflow as jobs of a real SLURM cluster: what they ask for, where they run, and what is found where afterwards."""

import csv
import re
from collections import Counter

import pytest

pytestmark = pytest.mark.slurm


def announced(output: str) -> list[dict[str, str]]:
    """Each job as Snakemake said it: its rule, its resources and its command."""
    blocks = re.split(r"^(?=(?:local)?rule \w+:$)", output, flags=re.M)[1:]
    jobs = []
    for block in blocks:
        resources = re.search(r"^ +resources: (.*)$", block, re.M)[1]
        kind, rule = re.match(r"((?:local)?rule) (\w+):", block).groups()
        jobs.append(dict(re.findall(r"(\w+)=([^,]*)", resources)) | {"rule": rule, "kind": kind, "block": block})
    return jobs


def test_the_whole_workflow_runs_to_its_report_and_each_of_its_jobs_is_one_that_completed(whole):
    assert (whole.folder / "results/test/report.html").stat().st_size > 100_000
    submitted = [job["rule"] for job in announced(whole.said()) if job["kind"] == "rule"]
    jobs = whole.jobs()
    assert sorted(submitted) == sorted(job["rule"] for job in jobs) and len(jobs) > 40
    assert {(job["Account"], job["Partition"], job["State"]) for job in jobs} == {("grover", "cpu", "COMPLETED")}


def test_each_job_asks_for_the_memory_and_time_of_its_rule_and_none_is_an_array_or_has_a_gpu(whole):
    asked = {
        job["rule"]: (job["mem_mb"] + "M", job["runtime"]) for job in announced(whole.said()) if job["kind"] == "rule"
    }
    for job in whole.jobs():
        assert (job["ReqMem"], job["TimelimitRaw"]) == asked[job["rule"]], job
        assert job["JobID"].isdigit() and "gpu" not in job["ReqTRES"], job
    assert asked["build_vocabulary"] == ("1000M", "10") and asked["pretrain"] == ("14100M", "2880")


def test_logs_efficiency_and_accounting_are_where_the_documentation_says(whole):
    for job in whole.jobs():
        assert list(whole.folder.glob(f"results/test/logs/{job['rule']}*.log")), job["rule"]
    # SLURM's own logs of jobs that went well are removed
    assert not list(whole.folder.glob(".snakemake/slurm_logs/**/*.log"))
    [report] = whole.folder.glob(".snakemake/slurm_efficiency/efficiency_report_*.csv")
    with open(report) as stream:
        rows = {row["RuleName"]: row for row in csv.DictReader(stream)}
    assert float(rows["rule_train_bpe"]["MaxRSS_MB"]) > 50 and "rule_pretrain_wildcards_bpe-60" in rows


def test_the_usage_agrees_with_the_jobs(whole):
    rows = list(csv.DictReader(whole.command("-m", "grover", "usage", "results").stdout.splitlines(), delimiter="\t"))
    submitted = {row["rule"]: row for row in rows if row["source"] == "sacct"}
    jobs = whole.jobs()
    assert {rule: int(row["jobs"]) for rule, row in submitted.items()} == Counter(job["rule"] for job in jobs)
    seconds = sum(float(row["wall_hours"]) for row in submitted.values()) * 3600
    assert seconds == pytest.approx(sum(float(job["ElapsedRaw"]) for job in jobs), rel=0.01)
    assert (submitted["pretrain"]["requested_mb"], submitted["pretrain"]["retries"]) == ("14100", "0")
    assert 200 < float(submitted["pretrain"]["peak_mb"]) < 14100 and float(submitted["pretrain"]["gpu_hours"]) == 0
    # downloads, links and the like run beside the driver
    assert {row["rule"] for row in rows} > submitted.keys()


def test_the_check_before_a_run_tries_a_node(new_run):
    run = new_run("checked")
    command = run.root / "workflow/scripts/doctor.py", "--configfile", run.root / "config/test.yaml"
    done = run.command(*command, "--profile", run.root / "profiles/slurm")
    assert done.returncode == 0 and "SLURM: no problem\na node of partition cpu: no problem" in done.stdout, done.stdout


def test_a_pretraining_is_a_step_of_its_own_and_says_how_it_was_started(whole):
    assert whole.log().startswith("srun --overlap --nodes=1 --ntasks-per-node=1 --cpus-per-task=1 ")


def test_under_device_cuda_the_jobs_that_run_a_model_are_gpu_jobs_and_no_others(new_run, whole):
    run = new_run("planned").configure("device: cuda\ngpus: 2\nnodes: 2\n").start("--dry-run")
    assert run.finish() == 0, run.said()
    jobs = [job for job in announced(run.said()) if job["kind"] == "rule"]
    # the run of the other tests leaves none out; a dry run does not tell rules that run beside the driver
    assert {job["rule"] for job in announced(run.said())} == {job["rule"] for job in announced(whole.said())}
    for job in jobs:
        runs_a_model = "--device cuda" in job["block"]
        assert job["slurm_partition"] == ("gpu" if runs_a_model else "cpu"), job["block"]
        gpus = "gpu:2" if job["rule"] == "pretrain" else "gpu:1"
        assert job.get("gres") == (gpus if runs_a_model else None), job["block"]
    assert {"check_device", "pretrain", "next_kmer", "finetune", "embed"} <= {
        job["rule"] for job in jobs if "gres" in job
    }
