"""What would keep a run from its end, found before its first job: disks, caches, clock, programs, and what SLURM would refuse."""

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from grover.config.configuration import Configuration
from grover.planning.plan import Job, totals
from grover.runtime.errors import InputError
from grover.runtime.site import CACHES, WRITTEN, Need, cache_problems, clock_problems, disk_problems
from grover.runtime.slurm import Request, gpu_request, request_problems

# assumed: bytes per base of a compressed genome and its annotation (of hg19 1 to 2 GB), and bytes that TMPDIR should have
DOWNLOAD, TEMPORARY = 0.5, 1e8
DOWNLOADS = "download_"  # how the names of rules begin that download
# for the job that checks a node: seconds within which a node must be free, minutes and MB that it asks for
FREE_WITHIN, MINUTES, MEMORY = 60, 5, 2000
BUSY = re.compile(r"nodes are busy|[Ii]mmediate|timed out|waiting for resources")  # what srun says where none is


def needs(settings: Configuration, jobs: list[Job], bases: int) -> list[Need]:
    """Return what a run is expected to write to each folder. jobs: with the estimates of the plan, which leaves out small artefacts.

    Finished downloads may lie in a folder that only the administrator writes.
    """
    needed = [Need("results", Path(settings.results), totals(jobs)["disk_gb"] * 1e9)]
    if any(job.rule.startswith(DOWNLOADS) for job in jobs):
        needed.append(Need("downloads", Path(settings.downloads), DOWNLOAD * bases))
    return [*needed, Need("TMPDIR", Path(tempfile.gettempdir()), TEMPORARY)]


def problems_here(places: list[Need], caches: Sequence[str] = CACHES) -> dict[str, list[str]]:
    """Check the machine of this process; return the problems by what was checked.

    places: the first is the folder of the results; caches: the variables that name them.
    """
    return {
        "disks": disk_problems(places),
        "caches": cache_problems(caches),
        "clock": clock_problems(places[0].folder),
    }


def requests(jobs: list[Job]) -> list[Request]:
    """Return what the jobs ask of SLURM, each combination once."""
    return list(dict.fromkeys(job.request for job in jobs if job.request))


def refuse(settings: Configuration, jobs: list[Job], bases: int) -> None:
    """Raise an InputError with all problems that are known when a run on SLURM starts, one per line.

    No node is tried, since the queue may let that wait. Programs are not looked for, since jobs call none, nor torch, since jobs may run
    in another environment; the rule `check_device` tries their GPU.
    """
    found = problems_here(needs(settings, jobs, bases), WRITTEN)
    found["SLURM"] = request_problems(requests(jobs))
    if said := [each for problems in found.values() for each in problems]:
        raise InputError("\n".join(said))


def check_nodes(asked: Sequence[Request], command: Sequence[str]) -> dict[str, list[str] | None]:
    """Run a command that prints problems as a tiny job in each partition, with a GPU and without where jobs ask for both there.

    Returns the problems by partition, None where no node was free.

    asked: what the jobs of the run ask for, of which a tiny job has the account and a single GPU. The command gets the device, too.
    """
    found: dict[str, list[str] | None] = {}
    for each in asked:
        name = (each.partition or "of the site's choice") + (", GPU" if each.gpus else "")
        if name not in found:
            found[name] = _check_node(each, [*command, "cuda" if each.gpus else "cpu"])
    return found


def _check_node(each: Request, command: Sequence[str]) -> list[str] | None:
    options = [f"--immediate={FREE_WITHIN}", "--ntasks=1", f"--time={MINUTES}", f"--mem={MEMORY}M"]
    options += [f"--partition={each.partition}"] if each.partition else []
    options += [f"--account={each.account}"] if each.account else []
    option = "--gres=gpu:" if gpu_request(os.environ).option == "gres" else "--gpus="
    options += [f"{option}{each.gpu + ':' if each.gpu else ''}1"] if each.gpus else []
    # inside a job its variables would make this a step of that job
    outside = {
        name: value for name, value in os.environ.items() if not name.startswith("SLURM_") or name == "SLURM_CONF"
    }
    limit = FREE_WITHIN + 60 * MINUTES
    try:
        done = subprocess.run(
            ["srun", *options, *command],
            env=outside,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit,
        )
    except OSError as error:
        return [f"srun cannot be started ({error}); start where SLURM's programs are"]
    except subprocess.TimeoutExpired:
        return [f"a job of {MINUTES} minutes did not end within {limit} s; look at it with squeue --me"]
    if done.returncode and BUSY.search(done.stderr):
        return None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return [f"a tiny job failed there ({last}); look whether other jobs start in this partition"]
    return [line for line in done.stdout.splitlines() if line.strip()]
