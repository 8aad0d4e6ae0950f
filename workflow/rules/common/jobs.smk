"""Where jobs run and what they ask for: interpreter, environment, container, memory, time and GPUs."""

import functools
import os
import re
import shlex
import sys

from snakemake.exceptions import WorkflowError

from grover.planning.costs import training_threads
from grover.planning.requests import read_needs, read_requests
from grover.runtime import slurm

# Jobs run with the Python of the driver, one shared environment serving a whole cluster; in a conda environment or a container it is
# the first Python of the path. Neither this nor the place of the scripts reruns a job: they are resources, which Snakemake does not
# compare. Of the small tables that the installation ships the content is compared (`by_content`).
DEPLOYED = bool(workflow.deployment_settings.deployment_method)
SCRIPTS = ROOT / "workflow/scripts"
PLACE = {"python": "python" if DEPLOYED else shlex.quote(sys.executable), "scripts": shlex.quote(str(SCRIPTS))}
ENVIRONMENT = str(ROOT / "envs/grover.yaml")

IMAGE = os.environ.get("GROVER_IMAGE", str(ROOT / "envs/grover.sif")) if DEPLOYED else ""
if re.search(r"\s", IMAGE):
    raise WorkflowError(
        f"{IMAGE}: Snakemake takes no blanks in the path of an image; set GROVER_IMAGE to a link without any"
    )


container: IMAGE


# Set in the shell of each job, since Snakemake removes PYTHONPATH from the environment of conda jobs and containers may start without one.
# The prefix is no parameter: another place of the installation reruns nothing.
shell.prefix(f"set -euo pipefail; export PYTHONPATH={shlex.quote(str(ROOT))}${{{{PYTHONPATH:+:$PYTHONPATH}}}}; ")

LONGEST = checked(slurm.minutes, os.environ.get("GROVER_MAX_MINUTES", "7-0"), "GROVER_MAX_MINUTES")


def executor():
    """The name of the executor plugin, empty where there is none."""
    return getattr(workflow.executor_plugin, "name", "")


NEEDS = read_needs(ROOT)


@functools.cache
def requests():
    """What jobs ask for, read where the first job is looked at."""
    return checked(read_requests, NEEDS, configuration, ROOT)


def cpu(rule, number=1, more=0):
    """Resources of a job of a rule, by resources/requests.tsv: memory for so many processes, time limit, and kind of cost.

    Both are doubled with each new attempt; of memory only `more` is added where that is given.
    """
    memory = lambda wildcards: requests().megabytes(rule, wildcards.get("task", "")) * number
    minutes = lambda wildcards: requests().minutes(rule, wildcards.get("task", ""), ".".join(wildcards), number)
    return {
        "mem_mb": lambda wildcards, attempt: slurm.grown(memory(wildcards), attempt, more),
        "runtime": lambda wildcards, attempt: min(minutes(wildcards) * 2 ** (attempt - 1), LONGEST),
        **({"cost": NEEDS[rule].cost} if NEEDS[rule].cost else {}),
    }


GPU_REQUEST = checked(slurm.gpu_request, os.environ)


def gpu(rule, number=1, nodes=1, more=0):
    """Resources of a job with so many GPUs on each node, with memory for each; without any where the configuration asks for none."""
    if configuration.device != "cuda":
        return cpu(rule, number, more)
    on_slurm = lambda: executor() in ("slurm", "slurm-jobstep", "dryrun")
    asked = lambda name: (lambda wildcards: GPU_REQUEST.resources(on_slurm(), number, nodes)[name])
    return {
        **{name: asked(name) for name in GPU_REQUEST.resources(True, number, nodes)},
        "slurm_partition": os.environ.get("GROVER_GPU_PARTITION", "gpu"),
        **cpu(rule, number, more),
    }
