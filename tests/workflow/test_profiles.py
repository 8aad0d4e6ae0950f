"""What the profiles submit, seen by a dry run; and the production workflow plans fast."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.workflow
ROOT = Path(__file__).resolve().parents[2]
GPU_RULES = {
    "check_device",
    "pretrain",
    "evaluate_pretraining",
    "next_kmer",
    "finetune",
    "train_cnn",
    "probe_linear",
    "embed",
    "compare_strands",
    "interpret_importance",
    "mutate_train_sites",
    "check_faithfulness",
    "discover_motifs",
    "score_null_variants",
    "score_variants",
    "dependency_maps",
}


def dry_run(*arguments: str, **variables: str) -> dict[str, dict[str, str]]:
    """Resources of each rule of a dry run at the root, as `snakemake` typed there gives them."""
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--forceall", *arguments]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GROVER_")} | variables
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout
    jobs = {}
    for block in re.split(r"\n(?=(?:local)?rule )", done.stdout):
        name = re.match(r"(?:local)?rule (\w+):", block)
        resources = re.search(r"^    resources: (.*)$", block, re.MULTILINE)
        if name:
            found = dict(re.findall(r"(\w+)=(\S+?)(?:,|$)", resources[1])) if resources else {}
            threads = re.search(r"^    threads: (\d+)", block, re.MULTILINE)
            jobs[name[1]] = found | {"threads": threads[1] if threads else "1"}
    return jobs


def test_the_slurm_profile_as_typed_at_the_root():
    variables = {"GROVER_SLURM_ACCOUNT": "mylab", "GROVER_CPU_PARTITION": "short", "GROVER_GPU_PARTITION": "a100"}
    jobs = dry_run("--profile", "slurm", **variables)
    assert {name for name, resources in jobs.items() if "gres" in resources} == GPU_RULES
    for name, resources in jobs.items():
        if name != "all":
            assert resources["slurm_partition"] == ("a100" if name in GPU_RULES else "short"), name
            assert resources["slurm_account"] == "mylab"
            assert int(resources["mem_mb"]) > 0 and int(resources["runtime"]) > 0
    pretrain = jobs["pretrain"]
    assert (pretrain["gres"], pretrain["mem_mb"], pretrain["runtime"], pretrain["threads"]) == (
        "gpu:1",
        "16800",
        "2880",
        "8",
    )
    # `gpu` beside `tasks` would become tasks per GPU
    assert pretrain["gpu"] == "0" and not {"gpus", "tasks", "nvidia_gpu"} & set(pretrain)


@pytest.mark.parametrize(("account", "cpu", "gpu"), [("12-34", "all", "max"), ("007", "=input", "1e3")])
def test_names_that_are_python_too_stay_the_texts_that_they_are(account, cpu, gpu):
    names = {"GROVER_SLURM_ACCOUNT": account, "GROVER_CPU_PARTITION": cpu, "GROVER_GPU_PARTITION": gpu}
    targets = ["results/test/models/device.json", "results/test/simulated/genome.fa.gz"]
    small = ["--configfile", "config/test.yaml", "--config", "device=cuda", "--"]
    jobs = dry_run(
        "--profile", "slurm", *small, *targets, **names, GROVER_MAX_MINUTES="0:05:00", GROVER_GPU_TYPE="h100"
    )
    assert jobs["check_device"]["gres"] == "gpu:h100:1"
    assert {name: each["slurm_partition"] for name, each in jobs.items()} == {
        "check_device": gpu,
        "simulate_genome": cpu,
    }
    assert {each["slurm_account"] for each in jobs.values()} == {account}
    assert {each["runtime"] for each in jobs.values()} == {"5"}


def test_a_machine_without_slurm_is_named_in_one_sentence(tmp_path):
    (tmp_path / "sbatch").symlink_to("/bin/true")
    (tmp_path / "sinfo").symlink_to("/bin/false")
    command = [sys.executable, "-m", "snakemake", "--profile", str(ROOT / "profiles/slurm"), "--snakefile", "Snakefile"]
    command += ["--configfile", "config/test.yaml", "--directory", str(tmp_path / "work"), "--"]
    done = subprocess.run(
        [*command, "results/test/simulated/genome.fa.gz"],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 1 and "SLURM does not answer on this machine (no message); start where" in done.stdout
    assert "Traceback" not in done.stdout and "Error in rule" not in done.stdout, done.stdout


def test_without_the_variables_nothing_is_forced_on_the_site_and_no_gpu_is_asked_for_on_a_cpu_run():
    jobs = dry_run("--profile", "slurm", "--configfile", "config/test.yaml")
    for resources in jobs.values():
        assert not {"gres", "slurm_account"} & set(resources)


def test_gpus_are_the_portable_resource_where_the_executor_is_not_slurm(tmp_path):
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(tmp_path)]
    command += ["--configfile", str(ROOT / "config/test.yaml"), "--config", "device=cuda", "--cores", "1"]
    done = subprocess.run(
        [*command, "--", "results/test/models/device.json"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert re.search(r"^    resources: .*\bgpu=1\b", done.stdout, re.MULTILINE), done.stdout
    assert "gres=gpu" not in done.stdout and "cuda" in (tmp_path / "results/test/logs/check_device.log").read_text()


QSUB = """#!/bin/sh
# Grid Engine where each job starts at once; the file `submitted` has what it was asked
echo "$@" >> "$(dirname "$0")/submitted"
for script; do :; done
sh "$script" > /dev/null 2>&1 &
echo $!
"""


@pytest.mark.slow
def test_jobs_of_another_scheduler_get_threads_memory_time_and_gpus_in_its_own_terms(tmp_path):
    (tmp_path / "qsub").write_text(QSUB)
    (tmp_path / "qsub").chmod(0o755)
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(tmp_path)]
    command += ["--profile", str(ROOT / "profiles/cluster-generic"), "--configfile", str(ROOT / "config/test.yaml")]
    command += ["--config", "device=cuda", "--retries", "0", "--keep-going", "--latency-wait", "5"]
    command += ["--set-threads", "encode_genome=2", "--"]
    done = subprocess.run(
        [*command, "results/test/genome/sequence.npy", "results/test/models/device.json"],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "CUDA_VISIBLE_DEVICES": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    submitted = (tmp_path / "submitted").read_text()
    asked = re.findall(r"-pe smp (\d+) -l (\S+) \S*snakejob\.(\w+)\.", submitted)
    expected = []
    for rule, threads, gpus in ("simulate_genome", 1, 0), ("encode_genome", 2, 0), ("check_device", 1, 1):
        block = re.search(rf"^rule {rule}:\n(?:  .*\n)*", done.stdout, re.M)[0]
        memory, minutes = (int(re.search(rf"\b{name}=(\d+)", block)[1]) for name in ("mem_mb", "runtime"))
        expected.append((str(threads), f"h_vmem={memory // threads}M,h_rt={60 * minutes},gpu={gpus}", rule))
    assert sorted(asked) == sorted(expected), submitted
    # no GPU works here, which the job says; the others went well
    assert done.returncode == 1 and "Error in rule check_device" in done.stdout, done.stdout
    assert (tmp_path / "results/test/genome/sequence.npy").is_file(), done.stdout
    assert "device: cuda was asked for" in (tmp_path / "results/test/logs/check_device.log").read_text()


def test_the_default_profile_plans_the_production_workflow():
    jobs = dry_run("--cores", "8")
    assert {"download_source", "train_bpe", "pretrain", "finetune", "write_report"} <= set(jobs)
    assert "simulate_genome" not in jobs


def test_every_rule_declares_log_and_resources_and_is_short():
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        for rule in re.split(r"\nrule ", path.read_text())[1:]:
            rule = re.split(r"\n\n\n", rule)[0]
            assert "log:\n" in rule and re.search(r"\*\*[cg]pu\(", rule), f"{path.name}, rule {rule}"
            assert rule.count("\n") < 60, f"{path.name}, rule {rule}"
