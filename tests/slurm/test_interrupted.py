"""Trainings that SLURM interrupts by its own clock, minutes long: the time limit, and jobs of another partition that go first.

All three have the same settings and are interrupted elsewhere; so their weights are equal if none of it changes what is learnt.
"""

import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.slurm.runs import MODEL, TRAINING, start_again

pytestmark = [pytest.mark.slurm, pytest.mark.slurm_slow]


def time_limit_near(run):
    """The signal before the time limit comes, the training writes a checkpoint and puts its job back into the queue."""
    run.configure(TRAINING).start(MODEL)
    start_again(run.halt()[0], 600)
    return run.finish()


def time_limit_reached(run):
    """The training hangs and gets no signal, until SLURM ends it."""
    options = "pretrain:slurm_extra=--ntasks-per-node=1", "pretrain:runtime=1 if attempt == 1 else 10"
    run.configure(TRAINING).start(MODEL, "--set-resources", *options)
    run.halt()
    return run.finish()


def pre_empted(run):
    """A job that goes first takes the nodes."""
    run.configure(TRAINING).start(MODEL)
    job, _ = run.halt()
    urgent = ["sbatch", "--account=grover", "--partition=urgent", "--nodes=2", "--exclusive", "--output=/dev/null"]
    subprocess.run([*urgent, "--wrap", "sleep 5"], check=True)
    start_again(job)
    return run.finish()


SCENARIOS = {
    time_limit_near: {"GROVER_MAX_MINUTES": "4"},
    time_limit_reached: {},
    pre_empted: {"GROVER_CPU_PARTITION": "low"},
}


@pytest.fixture(scope="module")
def scenarios(prepared, new_run):
    """A function that returns the run of a scenario once that has ended well."""
    with ThreadPoolExecutor(len(SCENARIOS)) as threads:
        runs = {
            scenario: new_run(scenario.__name__, **variables).continue_from(prepared)
            for scenario, variables in SCENARIOS.items()
        }
        ended = {scenario: threads.submit(scenario, run) for scenario, run in runs.items()}

        def result(scenario):
            assert ended[scenario].result() == 0, runs[scenario].said()
            return runs[scenario]

        yield result


def states(run) -> list[str]:
    return [job["State"] for job in run.jobs("pretrain")]


def test_before_the_time_limit_a_training_writes_a_checkpoint_goes_back_into_the_queue_and_goes_on(scenarios):
    run = scenarios(time_limit_near)
    assert states(run) == ["REQUEUED", "COMPLETED"] and len({job["JobID"] for job in run.jobs("pretrain")}) == 1
    assert "resumed at step" in run.log() and "Error in rule" not in run.said()
    assert run.model() == scenarios(pre_empted).model()


def test_a_job_that_reaches_its_time_limit_is_reported_and_tried_again_from_its_checkpoint(scenarios):
    run = scenarios(time_limit_reached)
    first, second = run.jobs("pretrain")
    assert (first["State"], second["State"]) == ("TIMEOUT", "COMPLETED")
    assert f"SLURM-job '{first['JobID']}' failed, SLURM status is: 'TIMEOUT'" in run.said(), run.said()
    slurm_log = run.folder / f".snakemake/slurm_logs/rule_pretrain/bpe-60/{first['JobID']}.log"
    assert f"log: results/test/logs/pretrain.bpe-60.log, {slurm_log}" in run.said() and slurm_log.is_file()
    assert "resumed at step" in run.log() and run.model() == scenarios(pre_empted).model()


def test_a_pre_empted_job_waits_in_the_queue_and_goes_on(scenarios):
    run = scenarios(pre_empted)
    assert states(run) == ["PREEMPTED", "COMPLETED"] and len({job["JobID"] for job in run.jobs("pretrain")}) == 1
    assert "resumed at step" in run.log() and "Error in rule" not in run.said()
