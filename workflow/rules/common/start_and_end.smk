"""What the driver checks before the first job, and says when the run has ended."""

import atexit
import os
import sys
import time
from itertools import chain
from pathlib import Path

from snakemake.logging import logger

from grover.runtime import slurm
from grover.runtime.outcome import JobMessages, Run, end, failures
from grover.runtime.starts import STARTS, mixed_versions, note_start
from grover.sources.contents import refuse_future


def estimated():
    """The jobs to run, with what they are expected to take, and the bases of the genome."""
    from grover.planning import plan
    from grover.planning.runs import read_run

    machine = plan.choose_machine(configuration, workflow.cores or 1, 0, configuration.budget.gpu, ROOT)
    run, _ = read_run(configuration, ROOT)
    jobs = [
        plan.new_job(
            job.rule.name, job.benchmark, {**dict(job.resources.items()), "threads": job.threads}, local=job.is_local
        )
        for job in workflow.dag.needrun_jobs()
    ]
    return plan.estimate(jobs, run, machine, ROOT), run.bases


def check_jobs():
    """Before the first job: end the workflow where the jobs would take more than `budget` allows, or where SLURM or a disk refuses them."""
    from grover.planning import doctor, plan

    jobs, bases = estimated()
    plan.hold_to_budget(jobs, configuration, ORIGIN)
    # a site whose SLURM answers otherwise than the check expects can leave it out
    if executor() == "slurm" and os.environ.get("GROVER_SITE_CHECK") != "0":
        doctor.refuse(configuration, jobs, bases)


STARTED_AT = time.time()
MESSAGES = JobMessages()
if workflow.is_main_process:
    logger.addHandler(MESSAGES)


def announce_versions():
    """Say which versions made the finished files, and which rules this one runs again for them."""
    # a dry run counts its jobs as finished
    jobs = workflow.dag.needrun_jobs(exclude_finished=False)
    remade = [job.rule.name for job in jobs if any(Path(path).exists() for path in job.output)]
    if said := mixed_versions(Path(RUN), remade):
        print(said, file=sys.stderr)


@atexit.register
def announce_in_dry_run():
    """A dry run, which has no `onstart`, says it last."""
    if workflow.is_main_process and executor() == "dryrun" and workflow.dag:
        announce_versions()


def submission_name():
    """The name that SLURM's accounting keeps of all jobs of this start, empty where nothing is submitted there."""
    return getattr(getattr(workflow.scheduler, "_executor", None), "run_uuid", "")  # no public part of Snakemake


def ended(failed):
    """Tell the command `notify` how the run ended; say it last on the screen, below what Snakemake says."""
    lines = end(Run(configuration.run, Path(RUN, "report.html"), STARTED_AT), failed, configuration.notify)
    atexit.register(print, *lines, sep="\n", file=sys.stderr, flush=True)


onstart:
    # jobs parse this file too, but only the driver starts any
    if workflow.is_main_process:
        if executor() == "slurm":
            checked(slurm.check_slurm)
        jobs = list(workflow.dag.needrun_jobs())
        checked(refuse_future, {*chain(*(job.input for job in jobs))} - {*chain(*(job.output for job in jobs))})
        limits = configuration.budget.gpu_hours, configuration.budget.cpu_hours, configuration.budget.disk_gb
        if any(limits) or executor() == "slurm":
            checked(check_jobs)
        announce_versions()
        checked(note_start, Path(RUN, STARTS), executor() or "local", submission_name())


onsuccess:
    if workflow.is_main_process:
        ended([])


onerror:
    if workflow.is_main_process:
        ended(failures(workflow.scheduler.failed, MESSAGES, STARTED_AT))
