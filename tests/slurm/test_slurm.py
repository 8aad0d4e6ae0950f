"""A part of the workflow as jobs of a real SLURM cluster: what they ask for, and how a failure comes back."""

import re
import subprocess

import pytest

pytestmark = pytest.mark.slurm

# the plugin asks for the states of its jobs after so many seconds, and waits 10 more each time that none is done
SLURM = ("--profile", "slurm", "--slurm-init-seconds-before-status-checks", "5")
FIELDS = "JobID,Comment,Account,Partition,State,ReqMem,TimelimitRaw,ElapsedRaw,ReqTRES"


def accounted() -> list[dict[str, str]]:
    """What SLURM's accounting knows of each job, in the order of submission, and its rule."""
    command = ["sacct", "--allocations", "--noheader", "--parsable2", "--units=M", "--starttime=now-1hour"]
    done = subprocess.run([*command, f"--format={FIELDS}"], stdout=subprocess.PIPE, text=True, check=True)
    jobs = [dict(zip(FIELDS.split(","), line.split("|"), strict=True)) for line in done.stdout.splitlines()]
    for job in jobs:
        job["rule"] = re.match(r"rule_(\w+?)(_wildcards_|$)", job["Comment"])[1]
    return jobs


def announced(output: str) -> dict[str, tuple[str, str]]:
    """Memory and minutes of each rule, as Snakemake said them when it submitted the job."""
    return {
        block[1]: (block[2] + "M", block[3])
        for block in re.finditer(r"^rule (\w+):\n(?: .*\n)*? +resources: .*mem_mb=(\d+).*runtime=(\d+)", output, re.M)
    }


@pytest.fixture(scope="module")
def trained(typed):
    """Output of a run from the genome, made without SLURM, to a pretrained model, and its jobs."""
    done = typed("genome", "--cores", "2", "--configfile", "config/test.yaml")
    assert done.returncode == 0 and not accounted(), done.stdout
    done = typed("results/test/models/bpe-60/model.safetensors", *SLURM, "--configfile", "config/test.yaml")
    assert done.returncode == 0, done.stdout
    return done.stdout, accounted()


def test_every_job_up_to_the_model_runs_with_its_own_memory_and_time_on_the_cpu_partition(trained):
    output, jobs = trained
    ran = {job["rule"]: (job["ReqMem"], job["TimelimitRaw"]) for job in jobs}
    # what the genome was made of is not made again
    assert set(ran) == {"train_bpe", "build_vocabulary", "tokenise_genome", "make_windows", "pretrain"}
    assert len(jobs) == len(ran) and ran == announced(output)
    assert ran["build_vocabulary"] == ("1000M", "10") and ran["pretrain"] == ("16000M", "2880")
    assert {(job["Account"], job["Partition"], job["State"]) for job in jobs} == {("grover", "cpu", "COMPLETED")}


def test_a_cpu_run_asks_for_no_gpu_and_submits_no_job_arrays(trained):
    for job in trained[1]:
        assert "gpu" not in job["ReqTRES"] and job["JobID"].isdigit(), job


@pytest.fixture(scope="module")
def failed(trained, typed, root):
    """Output of a run with two mistakes, and its jobs: a GPU is asked for where none works, and contigs that there are not."""
    (root / "config/mistakes.yaml").write_text("device: cuda\ngenome: {include: [scaffold*]}\n")
    targets = ("results/test/models/device.json", "results/test/genome/sequence.npy")
    configuration = ("--configfile", "config/test.yaml", "config/mistakes.yaml")
    done = typed(*targets, *SLURM, "--retries", "0", "--keep-going", *configuration)
    assert done.returncode != 0, done.stdout
    return done.stdout, {job["rule"]: job for job in accounted()[len(trained[1]) :]}


def test_a_job_that_fails_leaves_its_sentence_and_the_place_of_its_log(failed):
    output, jobs = failed
    assert "Error in rule encode_genome" in output and "results/test/logs/encode_genome.log" in output, output
    assert re.search(r"^ *error: .* 'scaffold\*' matches none", output, re.M) and "Traceback" not in output, output
    assert (jobs["encode_genome"]["Partition"], jobs["encode_genome"]["State"]) == ("cpu", "FAILED")


def test_a_gpu_that_is_asked_for_is_a_job_of_the_gpu_partition_and_its_absence_is_known_in_seconds(failed):
    output, jobs = failed
    assert "error: device: cuda was asked for but torch finds no GPU here" in output, output
    job = jobs["check_device"]
    assert (job["Partition"], job["State"]) == ("gpu", "FAILED") and int(job["ElapsedRaw"]) < 60
    assert "gres/gpu=1," in job["ReqTRES"] and "gpu" not in jobs["encode_genome"]["ReqTRES"]
