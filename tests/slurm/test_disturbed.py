"""Mistakes end a run with a sentence, and disturbed trainings go on to the very weights of one left alone.

Each scenario is a driver of its own; all are started together, beside that of the whole workflow, since most of the time is waiting.
"""

import os
import re
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from tests.slurm.runs import CLUSTER, MODEL, TRAINING, control, slowed, start_again, wait_for

pytestmark = pytest.mark.slurm


def too_little_memory(run):
    """The first attempt may not even load torch; the second is left alone, and what the others are compared with."""
    run.configure(TRAINING).start(MODEL, "--set-resources", "pretrain:mem_mb=350 if attempt == 1 else 16000")
    return run.finish()


def cancelled(run):
    """Somebody cancels the job."""
    run.configure(TRAINING).start(MODEL)
    job, _ = run.halt()
    subprocess.run(["scancel", job], check=True)
    return run.finish()


def put_back(run):
    """An administrator puts the job back into the queue."""
    run.configure(TRAINING).start(MODEL)
    job, _ = run.halt()
    control("requeue", job)
    start_again(job)
    return run.finish()


def node_lost(run):
    """The node's daemon dies, SLURM starts the training again on the other node of this run, and then the lost one comes to itself."""
    run.configure(TRAINING).start(MODEL)
    job, process = run.halt()
    daemon = CLUSTER / "run/slurmd-c3.pid"
    os.kill(int(daemon.read_text()), signal.SIGKILL)
    control("update", "nodename=c3", "state=down", "reason=test")
    start_again(job)
    wait_for("the training on the other node", lambda: run.trainer() != process)
    os.kill(process, signal.SIGCONT)
    returned = run.finish()
    subprocess.run(["slurmd", "-N", "c3"], env=os.environ | {"PATH": f"{os.environ['PATH']}:/usr/sbin"}, check=True)
    return returned


def driver_killed(run):
    """The driver dies, the job goes on, and a new driver submits the same training again."""
    run.configure(TRAINING).start(MODEL)
    with slowed(run.trainer()):
        run.kill()
        assert run.start("--unlock", slurm=False).finish() == 0
        run.start(MODEL, "--retries", "5")
        wait_for("a second training that is refused", lambda: "trains this model and is alive" in run.said())
    return run.finish()


def two_nodes(run):
    """One process on each of two nodes."""
    return run.configure("nodes: 2\n" + TRAINING).start(MODEL).finish()


def no_gpus(run):
    """GPUs are asked for where none work."""
    run.configure("device: cuda\ngpus: 2\nnodes: 2\n")
    return run.start("results/test/models/device.json", MODEL, "--retries", "0", "--keep-going").finish()


def wrong_contigs(run):
    """The genome has no contigs of that name."""
    run.configure("genome: {include: [scaffold*]}\n")
    return run.start("results/test/genome/sequence.npy", "--retries", "0").finish()


MISTAKES = (no_gpus, wrong_contigs)
SCENARIOS = (*MISTAKES, too_little_memory, cancelled, put_back, node_lost, driver_killed, two_nodes)


@pytest.fixture(scope="module")
def scenarios(prepared, begun, new_run):
    """A function that returns the run of a scenario once that has ended as it should."""
    with ThreadPoolExecutor(len(SCENARIOS)) as threads:
        runs = {
            scenario: new_run(scenario.__name__, **({"GROVER_CPU_PARTITION": "low"} if scenario is node_lost else {}))
            for scenario in SCENARIOS
        }
        for run in runs.values():
            run.continue_from(prepared)
        ended = {scenario: threads.submit(scenario, run) for scenario, run in runs.items()}

        def result(scenario):
            assert (ended[scenario].result() == 0) == (scenario not in MISTAKES), runs[scenario].said()
            return runs[scenario]

        yield result


def states(run) -> list[str]:
    return [job["State"].split()[0] for job in run.jobs("pretrain")]


def reported(run, state: str) -> None:
    """The driver named the state that SLURM gave the first job, and the places of both logs."""
    job, said = run.jobs("pretrain")[0]["JobID"], run.said()
    assert f"SLURM-job '{job}' failed, SLURM status is: '{state}'" in said, said
    slurm_log = run.folder / f".snakemake/slurm_logs/rule_pretrain/bpe-60/{job}.log"
    assert f"log: results/test/logs/pretrain.bpe-60.log, {slurm_log}" in said and slurm_log.is_file(), said
    assert "Trying to restart job" in said


def resumed(run) -> None:
    assert "resumed at step" in run.log(), run.log()


def test_a_job_without_enough_memory_is_killed_reported_with_the_reason_and_tried_again_with_more(scenarios):
    run = scenarios(too_little_memory)
    first, second = run.jobs("pretrain")
    assert (first["ReqMem"], first["State"]) == ("350M", "FAILED") and (second["ReqMem"], second["State"]) == (
        "16000M",
        "COMPLETED",
    )
    reported(run, "FAILED")
    # in the log of the rule, which the driver shows, or where Snakemake itself was the last straw in that of SLURM
    slurm_log = run.folder / f".snakemake/slurm_logs/rule_pretrain/bpe-60/{first['JobID']}.log"
    assert "exceeded memory limit" in run.said() + slurm_log.read_text()


def test_a_cancelled_job_is_reported_and_tried_again_from_its_checkpoint(scenarios):
    run = scenarios(cancelled)
    assert states(run) == ["CANCELLED", "COMPLETED"]
    reported(run, "CANCELLED")
    resumed(run)
    assert run.model() == scenarios(too_little_memory).model()


def test_a_job_that_is_put_back_into_the_queue_is_the_same_job_and_goes_on(scenarios):
    run = scenarios(put_back)
    assert states(run) == ["REQUEUED", "COMPLETED"] and len({job["JobID"] for job in run.jobs("pretrain")}) == 1
    resumed(run)
    assert "Error in rule" not in run.said() and run.model() == scenarios(too_little_memory).model()


def test_a_job_whose_node_goes_down_is_started_again_and_goes_on(scenarios):
    run = scenarios(node_lost)
    assert states(run) == ["NODE_FAIL", "COMPLETED"] and len({job["JobID"] for job in run.jobs("pretrain")}) == 1
    resumed(run)
    assert run.model() == scenarios(too_little_memory).model()


def test_a_killed_driver_leaves_a_training_that_no_second_one_disturbs(scenarios):
    run = scenarios(driver_killed)
    first, *duplicates = run.jobs("pretrain")
    assert duplicates[0]["State"] == "FAILED" and duplicates[-1]["State"] == "COMPLETED"
    # for a duplicate that is refused Snakemake deletes the outputs, perhaps those that the first has just written.
    # Then that one counts as failed, and they come back from its checkpoint
    log = run.folder / f".snakemake/slurm_logs/rule_pretrain/bpe-60/{first['JobID']}.log"
    assert (
        first["State"] == "COMPLETED"
        or "Job 0 completed successfully, but some output files are missing" in log.read_text()
    )
    assert f"SLURM job {first['JobID']} on " in run.said() and "trains this model and is alive" in run.said()
    assert run.model() == scenarios(too_little_memory).model()


def test_two_nodes_train_one_model_together(scenarios):
    run = scenarios(two_nodes)
    [job] = run.jobs("pretrain")
    assert job["NNodes"] == "2" and job["State"] == "COMPLETED"
    assert run.log().startswith("srun --overlap --nodes=2 --ntasks-per-node=1 ")
    curves = [
        pd.read_parquet(other.folder / "results/test/models/bpe-60/training.parquet")
        for other in (run, scenarios(too_little_memory))
    ]
    assert (curves[0]["tokens"] == curves[1]["tokens"]).all()
    # the same windows and masks; only what dropout hides differs
    assert (curves[0]["loss"] - curves[1]["loss"]).abs().mean() < 0.01


def test_a_job_that_fails_leaves_its_sentence_and_the_places_of_its_logs(scenarios):
    run = scenarios(wrong_contigs)
    [job] = run.jobs()
    assert (job["rule"], job["Partition"], job["State"]) == ("encode_genome", "cpu", "FAILED")
    said = run.said()
    assert "Error in rule encode_genome" in said and "SLURM status is: 'FAILED'" in said, said
    assert re.search(r"^ *error: .* 'scaffold\*' matches none", said, re.M) and "Traceback" not in said, said
    *_, place, reason = said.rstrip().splitlines()
    assert place == "encode_genome, log: results/test/logs/encode_genome.log"
    assert reason.startswith("    error: ") and "'scaffold*' matches none" in reason, said
    slurm_log = run.folder / f".snakemake/slurm_logs/rule_encode_genome/{job['JobID']}.log"
    assert f"log: results/test/logs/encode_genome.log, {slurm_log}" in said and slurm_log.is_file()


def test_gpus_that_are_asked_for_are_jobs_of_the_gpu_partition_and_their_absence_is_known_in_seconds(scenarios):
    run = scenarios(no_gpus)
    jobs = {job["rule"]: job for job in run.jobs()}
    assert "error: device: cuda was asked for but torch finds no GPU here" in run.said(), run.said()
    assert {(job["Partition"], job["State"]) for job in jobs.values()} == {("gpu", "FAILED")}
    assert all(int(job["ElapsedRaw"]) < 200 for job in jobs.values()), jobs
    assert "gres/gpu=1," in jobs["check_device"]["ReqTRES"]
    # two GPUs on each of two nodes, for two processes on each
    assert "gres/gpu=4," in jobs["pretrain"]["ReqTRES"] and jobs["pretrain"]["NNodes"] == "2"
