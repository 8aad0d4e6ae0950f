"""What the jobs of a run are estimated to take (seconds, GPU hours, disk), and whether a budget allows it. Nothing heavy is imported."""

import re
import statistics
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grover.config.configuration import Configuration
from grover.config.tables import read_table
from grover.planning.costs import DISK, SHAPES, WORK, Run, core_weights, training_threads
from grover.planning.runs import Finished, read_finished
from grover.runtime.errors import InputError
from grover.runtime.slurm import Request, request

# measured (docs/how-to/plan.md): seconds before a network computes, and FLOP/s of one core in fp32
CPU_START, CPU_RATE = 5.0, 4.04e10
# measured (docs/how-to/plan.md): how many times as fast bf16 is on processors with AMX or AVX512-BF16, by weights of the layers
BF16_GAINS = ((4_000_000, 2.6), (700_000, 1.7), (0, 1.1))
SCALING = 0.95  # exponent of the speed over threads or GPUs
PROCESS_SCALING = (
    0.68  # over the cores of a pretraining on CPUs: two processes are 1.60 times one (docs/how-to/plan.md)
)
# seconds that a step costs per layer: on the CPU beside its FLOPs, on a GPU at least
CPU_STEP, GPU_STEP = 0.0015, 0.002
# assumed: share of the 16-bit peak at 768 hidden units, and seconds until a GPU computes
GPU_SHARE, GPU_START = 0.35, 20.0
# seconds that a finished job must be expected to take to measure the machine and not the start of Python
COMPUTING = 20.0
SIMILAR = 2.0  # largest factor between the genomes of runs whose jobs stand for each other


@dataclass(frozen=True)
class Job:
    """A job of Snakemake, with the MB of memory that it asks for, and what it is expected to take."""

    rule: str
    key: str = ""  # wildcards, as in the name of its benchmark file
    cost: str = ""  # kind of cost
    threads: int = 1
    memory: float = 0.0
    gpus: int = 0
    seconds: float | None = None  # None: not estimated
    disk: float = 0.0  # bytes
    request: Request | None = None  # what it asks of SLURM; None: it runs where Snakemake runs


@dataclass(frozen=True)
class Machine:
    """Cores and GPUs to use at once; `gpu` is the type of GPU (empty: networks run on the CPU) and `peak` its 16-bit FLOP/s."""

    cores: int
    gpus: int = 0
    gpu: str = ""
    peak: float = 0.0


def new_job(rule: str, benchmark: str | None, resources: dict[str, Any], local: bool = False) -> Job:
    """Make a job from what Snakemake says: its benchmark file, its resources with `threads` among them, and whether it is not submitted.

    The benchmark file names the rule that `module:` may have renamed.
    """
    name, _, key = Path(benchmark or rule).stem.partition(".")
    nodes, gres = int(resources.get("nodes", 1)), resources.get("gres") or ""
    # `gres` is per node; `gpu` is per job where SLURM reads it, and elsewhere there is one node
    gpus = int(str(gres).rpartition(":")[2]) * nodes if gres else int(resources.get("gpu", 0))
    threads, memory = int(resources.get("threads", 1)), float(resources.get("mem_mb", 0))
    asked = None if local else request(resources)
    return Job(name, key, resources.get("cost", ""), threads, memory, gpus, request=asked)


def read_jobs(text: str) -> list[Job]:
    """Read the jobs from the output of `snakemake --dry-run`; targets have no output and are left out."""
    jobs = []
    for block in re.split(r"\n(?=\[)|\n\n", text):
        fields = dict(re.findall(r"^    ([\w ]+): (.*)$", block, re.M))
        found = re.search(r"^(?:local)?rule (\w+):$", block, re.M)
        if found and "output" in fields:
            resources = dict(part.split("=", 1) for part in fields.get("resources", "").split(", ") if "=" in part)
            resources["threads"] = fields.get("threads", "1")
            jobs.append(new_job(found[1], fields.get("benchmark"), resources, found[0].startswith("local")))
    return jobs


def choose_machine(settings: Configuration, cores: int, gpus: int, gpu: str, installation: Path) -> Machine:
    """Describe the machine: GPUs of the type `gpu` where the configuration asks for a GPU."""
    if settings.device != "cuda":
        return Machine(cores)
    known = {row["gpu"]: float(row["tflops"]) * 1e12 for row in read_table(installation / "resources/gpus.tsv")}
    if gpu not in known:
        raise InputError(f"GPU type {gpu!r} is unknown; use {', '.join(known)}, or add a row to resources/gpus.tsv")
    return Machine(cores, gpus, gpu, known[gpu])


def estimate(jobs: list[Job], run: Run, machine: Machine, installation: Path, apart: str = "") -> list[Job]:
    """Estimate each job: a training by its FLOPs, corrected by finished jobs; another by what its rule took in the last run that has it.

    The run `apart` is left out, since it is to be compared with its estimate.
    """
    device, others = machine.gpu or "CPU", read_finished(Path(run.settings.results), installation)
    finished = [past for past in others if past.run.settings.run != apart and device.lower() in past.device.lower()]
    corrections = measured_corrections({job.rule: job.cost for job in jobs if job.cost in WORK}, machine, finished)
    estimated = []
    for job in jobs:
        seconds = last_seconds(job, run, finished)
        if job.cost in WORK:
            seconds = network_seconds(job, run, machine) * corrections.get(job.cost, 1.0)
        disk = DISK[job.cost](run, job.key) if job.cost in DISK else 0.0
        estimated.append(replace(job, seconds=seconds, disk=disk))
    return estimated


def network_seconds(job: Job, run: Run, machine: Machine) -> float:
    """Expected seconds of a job that trains a network: on GPUs by their peak, on the CPU by measured FLOP/s."""
    encoder, (flops, steps) = run.settings.pretraining, WORK[job.cost](run, job.key)
    layers, width = SHAPES.get(job.cost, (encoder.layers, encoder.hidden))
    launches = steps * layers
    if machine.gpu:
        rate = machine.peak * GPU_SHARE * min(1.0, width / 768) * max(job.gpus, 1) ** SCALING
        return GPU_START + max(flops / rate, launches * GPU_STEP)
    half = cpu_format(run.settings) == "bf16" and job.cost not in SHAPES
    rate = CPU_RATE * (bf16_gain(core_weights(run)) if half else 1)
    scaling = PROCESS_SCALING if job.cost == "pretraining" else SCALING
    return CPU_START + (launches * CPU_STEP + flops / rate) / min(job.threads, machine.cores) ** scaling


def cpu_format(settings: Configuration) -> str:
    """Return the number format of the networks on a CPU: `precision: auto` is fp32 there."""
    return "bf16" if settings.precision == "bf16" else "fp32"


def bf16_gain(weights: int) -> float:
    """Return the speed of bf16 relative to fp32 on a CPU with instructions for it, for a network of so many weights."""
    return next(gain for least, gain in BF16_GAINS if weights >= least)


def measured_corrections(costs: dict[str, str], machine: Machine, finished: list[Finished]) -> dict[str, float]:
    """Median of measured over expected seconds of each kind of cost; `costs` has the kind of each rule that trains a network."""
    ratios: dict[str, list[float]] = {}
    for other in finished:
        settings, jobs = other.run.settings, Counter(rule for rule, _ in other.seconds)
        for (rule, key), seconds in other.seconds.items():
            if rule in costs:
                gpus = settings.gpus * settings.nodes if costs[rule] == "pretraining" else 1
                threads = training_threads(settings, costs[rule], jobs[rule])
                expected = network_seconds(Job(rule, key, costs[rule], threads, gpus=gpus), other.run, machine)
                if expected >= COMPUTING:
                    ratios.setdefault(costs[rule], []).append(seconds / expected)
    return {cost: statistics.median(found) for cost, found in ratios.items()}


def last_seconds(job: Job, run: Run, finished: list[Finished]) -> float | None:
    """Seconds of the same job in the last run that has its rule, on a genome of similar size; else the mean of the rule there."""
    for other in finished:
        same = [seconds for (rule, _), seconds in other.seconds.items() if rule == job.rule]
        if same and 1 / SIMILAR <= other.run.bases / run.bases <= SIMILAR:
            return other.seconds.get((job.rule, job.key), statistics.mean(same))
    return None


def wall_seconds(jobs: list[Job], machine: Machine) -> float:
    """Least seconds until all is done: the longest job, or all jobs on all cores or GPUs, whichever takes longest."""
    timed = [(job.seconds, min(job.threads, machine.cores), min(job.gpus, machine.gpus)) for job in jobs if job.seconds]
    cores = sum(seconds * threads for seconds, threads, _ in timed) / machine.cores
    gpus = sum(seconds * devices for seconds, _, devices in timed) / max(machine.gpus, 1)
    return max([cores, gpus, *(seconds for seconds, _, _ in timed)])


def totals(jobs: list[Job]) -> dict[str, float]:
    """Add up what a budget limits: GPU hours, CPU hours (of the jobs without a GPU), GB on disk."""
    return {
        "gpu_hours": sum((job.seconds or 0.0) * job.gpus for job in jobs) / 3600,
        "cpu_hours": sum((job.seconds or 0.0) * job.threads for job in jobs if not job.gpus) / 3600,
        "disk_gb": sum(job.disk for job in jobs) / 1e9,
    }


def hold_to_budget(jobs: list[Job], settings: Configuration, origin: str) -> None:
    """Raise an InputError that names key, estimate and limit where the jobs would take more than the budget; 0 is no limit."""
    for key, amount in totals(jobs).items():
        if (limit := getattr(settings.budget, key)) and amount > limit:
            raise InputError(
                f"{origin}: `budget.{key}` is {limit:g}, but the jobs to run are estimated at {amount:.3g} "
                f"({sum(job.seconds is None for job in jobs)} of {len(jobs)} jobs have no estimate); "
                "raise the limit or ask for less (make plan shows what takes most)"
            )
