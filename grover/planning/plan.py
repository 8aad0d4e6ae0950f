"""What a run will take before it starts: jobs, seconds, GPU hours, wall time, disk and memory, and whether a budget allows it.

Jobs come from Snakemake's own plan, their cost from grover/planning/costs.py and grover/planning/throughput.py. Nothing heavy
is imported.
"""

import heapq
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from grover.config.benchmark_table import read_tasks
from grover.config.configuration import file_name, local_path
from grover.planning.costs import Run, gpus_of, work, written
from grover.planning.throughput import (
    Gpu,
    Measured,
    Rates,
    calibrate,
    device_of,
    finished_jobs,
    read_rates,
    read_table,
    seconds,
)
from grover.runtime.errors import InputError
from grover.runtime.files import is_gzip

JOB_SECONDS = 1.0  # that Snakemake needs to start a job of its own; a cluster adds its queue
BASES_A_GZIPPED_BYTE, BASES_A_2BIT_BYTE = 3.4, 4.0  # ACGT of a genome in its compressed files
LIMITS = {"gpu_hours": "GPU hours", "cpu_hours": "CPU hours", "disk_gb": "GB on disk"}
ADVICE = {
    "gpu_hours": "`pretraining.steps`, the candidates or `selection.examples`",
    "cpu_hours": "`pretraining.steps`, the candidates or the trees of the forests",
    "disk_gb": "the number of vocabularies",
}


@dataclass(frozen=True)
class Job:
    """A job that Snakemake would start; `key` are its wildcards as in the name of its benchmark file."""

    rule: str
    key: str = ""
    threads: int = 1
    memory: float = 0.0  # MB that the job asks for
    gpus: int = 0  # on all of its nodes
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cost:
    """What one job is expected to take: `seconds` by the clock, `disk` in bytes."""

    job: Job
    seconds: float
    disk: float

    @property
    def gpu_hours(self) -> float:
        return self.seconds * self.job.gpus / 3600

    @property
    def cpu_hours(self) -> float:
        return self.seconds * self.job.threads / 3600


def read_jobs(text: str) -> list[Job]:
    """The jobs in the output of `snakemake --dry-run`. Raises an InputError that repeats the output where there are none."""
    jobs = []
    for block in re.split(r"\n(?=\[)|\n\n", text):
        found = re.search(r"^(?:local)?rule (\w+):$", block, re.M)
        if found and "jobid:" in block:
            fields = dict(re.findall(r"^    ([\w ]+): (.*)$", block, re.M))
            resources = dict(part.split("=", 1) for part in fields.get("resources", "").split(", ") if "=" in part)
            jobs.append(
                new_job(
                    found[1],
                    fields.get("benchmark", ""),
                    int(fields.get("threads", 1)),
                    resources,
                    fields.get("input", "").split(", "),
                    fields.get("output", "").split(", "),
                )
            )
    if not jobs and "Nothing to be done" not in text:
        raise InputError(f"the workflow could not be planned; Snakemake says:\n{text.strip()}")
    return jobs


def new_job(
    rule: str, benchmark: str, threads: int, resources: dict, inputs: Iterable[str], outputs: Iterable[str]
) -> Job:
    """A job as Snakemake describes it: its benchmark file (empty if it has none) and its resources by name."""
    key = Path(benchmark).stem.partition(".")[2] if benchmark else ""
    gpus = int(str(resources.get("gres", "")).rpartition("gpu:")[2] or 0) * int(resources.get("nodes", 1))
    memory = float(resources.get("mem_mb", 0))
    files = (tuple(str(path) for path in paths if str(path)) for paths in (inputs, outputs))
    return Job(rule, key, threads, memory, gpus, *files)


def estimate(jobs: Iterable[Job], run: Run, rates: Rates, cores: int, gpu: Gpu | None) -> list[Cost]:
    """The cost of each job. Downloads take no time here, since nothing is known of the network; neither does a rule without a command."""
    return [
        Cost(
            job,
            0.0
            if job.rule in ("all", "download_source", "link_source", "write_configuration")
            else seconds(rates, run, job.rule, job.key, cores, gpu if job.gpus else None, job.gpus or 1),
            written(run, job.rule, job.key),
        )
        for job in jobs
    ]


def wall_seconds(costs: list[Cost], cores: int, gpus: int) -> float:
    """Seconds until all is done with so many cores and GPUs at once, jobs with the longest way to the end first.

    A job that asks for more than there is takes all of it. Waiting in a queue is not counted.
    """
    maker = {path: number for number, cost in enumerate(costs) for path in cost.job.outputs}
    before = [
        {maker[path] for path in cost.job.inputs if path in maker} - {number} for number, cost in enumerate(costs)
    ]
    after: list[list[int]] = [[] for _ in costs]
    for number, needed in enumerate(before):
        for other in needed:
            after[other].append(number)
    way: dict[int, float] = {}
    for number in reversed(_in_order(before, after)):
        way[number] = costs[number].seconds + JOB_SECONDS + max((way[other] for other in after[number]), default=0.0)
    waiting = [len(needed) for needed in before]
    ready = [(-way[number], number) for number, count in enumerate(waiting) if not count]
    heapq.heapify(ready)
    running: list[tuple[float, int, int, int]] = []
    now, free, free_gpus = 0.0, cores, gpus
    while ready or running:
        kept = []
        while ready:
            place = heapq.heappop(ready)
            job = costs[place[1]].job
            threads, devices = min(job.threads, cores), min(job.gpus, gpus)
            if threads <= free and devices <= free_gpus:
                free, free_gpus = free - threads, free_gpus - devices
                end = now + costs[place[1]].seconds + JOB_SECONDS
                heapq.heappush(running, (end, place[1], threads, devices))
            else:
                kept.append(place)
        ready = kept
        now, number, threads, devices = heapq.heappop(running)
        free, free_gpus = free + threads, free_gpus + devices
        for other in after[number]:
            waiting[other] -= 1
            if not waiting[other]:
                ready.append((-way[other], other))
        heapq.heapify(ready)
    return now


def _in_order(before: list[set[int]], after: list[list[int]]) -> list[int]:
    """Jobs so that each comes behind those that it waits for."""
    waiting, order = [len(needed) for needed in before], []
    ready = [number for number, count in enumerate(waiting) if not count]
    while ready:
        order.append(ready.pop())
        for other in after[order[-1]]:
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    return order


def totals(costs: Iterable[Cost]) -> dict[str, float]:
    """What a budget limits: GPU hours, CPU hours (of the jobs without a GPU), GB on disk."""
    found = list(costs)
    return {
        "gpu_hours": sum(cost.gpu_hours for cost in found),
        "cpu_hours": sum(cost.cpu_hours for cost in found if not cost.job.gpus),
        "disk_gb": sum(cost.disk for cost in found) / 1e9,
    }


def hold_to_budget(costs: Iterable[Cost], budget: dict, origin: str) -> None:
    """Raise an InputError that names key, estimate and limit where the jobs would take more than the budget; 0 is no limit."""
    for key, amount in totals(costs).items():
        if budget[key] and amount > budget[key]:
            raise InputError(
                f"{origin}: `budget.{key}` allows {budget[key]:g} {LIMITS[key]}, but the jobs to run are estimated at {amount:.3g}; "
                f"raise the limit or lower {ADVICE[key]} (make plan shows what takes most)"
            )


def genome_bases(config: dict, installation: Path) -> tuple[int, str]:
    """Bases of the kept sequence, and how they are known: from a finished genome, the simulation, a list of regions, the name
    of the assembly, the size of the file, or (without any of that) taken for a mammal's.
    """
    segments = Path(config["results"], config["run"], "genome/segments.bed")
    if segments.is_file():
        return _bed_bases(segments), "the encoded genome"
    if "simulate" in config:
        return config["simulate"]["bases"], "`simulate.bases`"
    entry, cut = config["sources"]["genome"], config["sources"].get("regions")
    if cut and (place := local_path("regions", cut, config["data"], installation)):
        return _bed_bases(Path(place)), f"the regions in {Path(place).name}"
    place = local_path("genome", entry, config["data"], installation)
    name = file_name(entry, place)
    known = {row["assembly"]: int(row["bases"]) for row in read_table(installation / "resources/assemblies.tsv")}
    stem = re.sub(r"(\.fa|\.fasta|\.fna)?(\.gz|\.bgz)?$|\.2bit$", "", name)
    if stem in known:
        return known[stem], f"the size of {stem}"
    downloaded = Path(config["downloads"], "genome", name)
    for path in (Path(place) if place else downloaded, downloaded):
        if path.is_file():
            return _file_bases(path), f"the size of the file {name}, 10 % off"
    return 3_000_000_000, f"a guess, a mammal's, since {name} is not here yet"


def _file_bases(path: Path) -> int:
    ratio = BASES_A_GZIPPED_BYTE if is_gzip(path) else BASES_A_2BIT_BYTE if path.suffix == ".2bit" else 0.98
    return int(path.stat().st_size * ratio)


def _bed_bases(path: Path) -> int:
    from grover.intervals.formats import read_bed  # only here, since it imports pandas

    rows = read_bed(path)
    return int((rows["end"] - rows["start"]).sum())


def read_run(config: dict, installation: Path) -> tuple[Run, str]:
    """What the formulas need to know of a run, and how the size of its genome is known."""
    bases, origin = genome_bases(config, installation)
    folder = Path(config["results"], config["run"])
    tasks = read_tasks(_table(config["benchmarks"]["table"], installation))
    tracks = read_table(_table(config["embeddings"]["tracks"], installation))
    tracks = [row for row in tracks if row["source"] in config["sources"]]
    return Run(config, bases, tasks, len(tracks), _known_examples(folder)), origin


def finished_run(folder: Path, installation: Path) -> tuple[Run, list[Measured]] | None:
    """A run that was made before and its finished jobs; None where it holds too little to learn from."""
    described, segments = folder / "config.json", folder / "genome/segments.bed"
    if not (described.is_file() and segments.is_file()):
        return None
    config = json.loads(described.read_text(encoding="utf-8")) | {"data": ""}
    config |= {"results": str(folder.parent), "run": folder.name}
    try:
        run, _ = read_run(config, installation)
        return run, [job for job in finished_jobs(folder) if work(run, job.rule, job.key)]
    except (InputError, KeyError):  # a table that is gone, or the configuration of another version
        return None


def known_rates(config: dict, gpu: Gpu | None, installation: Path) -> tuple[Rates, list[str]]:
    """The measured throughput, corrected by the finished runs beside this one on the same device, and lines that say where both
    come from.
    """
    path = installation / "resources/throughput.tsv"
    text = path.read_text(encoding="utf-8")
    sources = [line.removeprefix("# ") for line in text.splitlines() if line.startswith("#")]
    if gpu:
        sources.append(
            f"{gpu.name}: assumed, not measured, to reach {gpu.share:.0%} of its {gpu.peak / 1e12:g} TFLOP/s with wide networks, "
            "less with narrow ones"
        )
    finished = []
    for folder in sorted(Path(config["results"]).glob("*/")):
        name = device_of(folder).lower().replace(" ", "")
        if (gpu.name if gpu else "CPU").lower() in name and (found := finished_run(folder, installation)):
            finished.append(found)
    jobs = sum(len(jobs) for _, jobs in finished)
    if jobs:
        names = ", ".join(run.config["run"] for run, _ in finished)
        sources.append(f"corrected by {jobs} finished jobs in {config['results']}/: {names}")
    return calibrate(read_rates(path), finished, gpu), sources


def compare(
    run: Run, jobs: Iterable[Measured], rates: Rates, cores: int, gpu: Gpu | None
) -> list[tuple[Measured, float]]:
    """Each finished job with the seconds that were to be expected."""
    config = run.config
    return [(job, seconds(rates, run, job.rule, job.key, cores, gpu, gpus_of(job.rule, config))) for job in jobs]


def error(compared: list[tuple[Measured, float]], least: float = 5.0) -> dict[str, float]:
    """How far off the estimate is: expected over measured seconds of all jobs together, and the factors within which half and nine in
    ten of the jobs of at least `least` seconds lie.
    """
    factors = sorted(
        math.exp(abs(math.log(expected / job.seconds))) for job, expected in compared if job.seconds >= least
    )
    total = sum(job.seconds for job, _ in compared)
    found = {"jobs": len(compared), "measured_seconds": round(total, 1)}
    found["total_ratio"] = round(sum(expected for _, expected in compared) / total, 2)
    if factors:
        found["half_within_factor"] = round(factors[(len(factors) - 1) // 2], 2)
        found["nine_in_ten_within_factor"] = round(factors[math.ceil(0.9 * len(factors)) - 1], 2)
    return found


def _table(name: str, installation: Path) -> Path:
    path = next((place for place in (Path(name), installation / name) if place.is_file()), None)
    if path is None:
        raise InputError(f"{name}: no such table, neither in the working directory nor in the installation")
    return path


def _known_examples(folder: Path) -> dict[str, int]:
    """Examples of the tasks whose data set is finished."""
    cards = {
        path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("benchmarks/*/card.json")
    }
    return {task: card["examples"] for task, card in cards.items()}
