"""How fast rules work: seconds = start + amount / rate on a CPU, learnt from the benchmark files of finished runs; GPUs by their peak.

The amounts are those of grover/planning/costs.py. Nothing heavy is imported.
"""

import csv
import json
import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from grover.planning.costs import NETWORKS, Run, Work, gpus_of, kind, network, unit, work
from grover.runtime.errors import InputError

COLUMNS = ("rule", "unit", "start_seconds", "units_a_second", "runs", "most_seconds")
LEAST_WORK = (
    0.1  # at least this share of the longest time seen is work and no start, so that a larger run never costs nothing
)
LEAST_START = 0.4  # seconds in which Python itself starts
UNKNOWN_SECONDS = 10.0  # of a job whose rule was never measured
CPU_STEP = 0.0015  # seconds a step and layer cost on the CPU beside their FLOPs; between demo and hg19-local
# rules whose threads are those of the configuration; all others were measured with the threads that they always have
THREADED = {"train_bpe", "tokenise_genome", "tokenise_null_genome", "measure_stability", *NETWORKS}
SCALING = 0.95  # exponent of the speed over threads or GPUs: 2 cores learn byte pairs 1.9 times as fast as one
# assumptions about GPUs, to be replaced by a probe or by finished runs
GPU_SHARE = 0.35  # of the dense 16-bit peak, at 768 hidden units and above
GPU_STEP = 0.002  # seconds a step and layer cost at least, since kernels are launched one by one
GPU_START = 20.0  # seconds until a GPU job computes, beside the start of the rule


@dataclass(frozen=True)
class Gpu:
    """A type of GPU: `peak` FLOP/s of dense 16-bit products, `memory` in GB, and the share of the peak that a training reaches."""

    name: str
    peak: float
    memory: float
    share: float = GPU_SHARE


@dataclass(frozen=True)
class Rate:
    """Seconds before the work begins, units a second on one core (infinite where more work takes no longer), and how often
    measured; `factor` corrects both by what finished runs took.
    """

    start: float
    rate: float = math.inf
    runs: int = 0
    most_seconds: float = 0.0
    factor: float = 1.0


@dataclass(frozen=True)
class Measured:
    """One finished job: its rule, its key and the seconds it took."""

    rule: str
    key: str
    seconds: float


Rates = dict[str, Rate]


def seconds(rates: Rates, run: Run, rule: str, key: str, cores: int, gpu: Gpu | None = None, gpus: int = 1) -> float:
    """Expected seconds of one job on a machine of so many cores; a network runs on `gpu` if there is one."""
    rate, done = rates.get(kind(rule, key), Rate(UNKNOWN_SECONDS)), work(run, rule, key)
    if gpu and rule in NETWORKS:
        speed = gpu.peak * gpu.share * min(1.0, network(run.config).hidden / 768) * gpus**SCALING
        return (GPU_START + rate.start + max(done.amount / speed, done.steps * done.layers * GPU_STEP)) * rate.factor
    return rate.factor * (rate.start + (launches(done) + done.amount / rate.rate) / speed_up(run, rule, cores))


def speed_up(run: Run, rule: str, cores: int) -> float:
    """How many times as fast as on one thread a rule works with the threads of the configuration."""
    return min(run.config["threads"], cores) ** SCALING if rule in THREADED else 1.0


def launches(done: Work) -> float:
    """Seconds on the CPU that steps cost beside their FLOPs."""
    return CPU_STEP * done.steps * done.layers


def read_rates(path: Path) -> Rates:
    """The table of measured throughput; lines that start with # say where it was measured."""
    rates = {}
    for row in read_table(path):
        rate = float(row["units_a_second"] or math.inf)
        rates[row["rule"]] = Rate(float(row["start_seconds"]), rate, int(row["runs"]), float(row["most_seconds"]))
    return rates


def table(rates: Rates) -> str:
    """The same table as text, without the comment."""
    lines = ["\t".join(COLUMNS)]
    for rule, rate in sorted(rates.items()):
        speed = f"{rate.rate:.3g}" if math.isfinite(rate.rate) else ""
        lines.append(f"{rule}\t{unit(rule)}\t{rate.start:.2f}\t{speed}\t{rate.runs}\t{rate.most_seconds:.1f}")
    return "\n".join(lines) + "\n"


def read_table(path: Path) -> list[dict[str, str]]:
    """Rows of a small table with tabs and a header; lines that start with # are comments."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t"))


def read_gpus(path: Path) -> dict[str, Gpu]:
    """Known types of GPU by name."""
    return {
        row["gpu"]: Gpu(row["gpu"], float(row["tflops"]) * 1e12, float(row["memory_gb"])) for row in read_table(path)
    }


def choose_gpu(known: dict[str, Gpu], name: str) -> Gpu:
    """The GPU of that name; an InputError lists the known ones."""
    if name not in known:
        raise InputError(
            f"GPU type {name!r} is unknown; use one of {', '.join(known)}, or add a row to resources/gpus.tsv"
        )
    return known[name]


def finished_jobs(folder: Path) -> list[Measured]:
    """The finished jobs of a run, from the files that Snakemake's `benchmark:` left in `folder`/benchmark."""
    found = []
    for path in sorted(folder.glob("benchmark/*.tsv")):
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines(), delimiter="\t"))
        if rows and _number(rows[0].get("s")):
            rule, _, key = path.stem.partition(".")
            found.append(Measured(rule, key, _number(rows[0]["s"])))
    return found


def device_of(folder: Path) -> str:
    """Name of the device that a finished run computed on; `CPU` where nothing says another."""
    path = folder / "models/device.json"
    return json.loads(path.read_text(encoding="utf-8")).get("name", "CPU") if path.is_file() else "CPU"


def learn(finished: Iterable[tuple[Run, list[Measured]]]) -> Rates:
    """Start and rate of every rule from runs on a CPU.

    Least squares of the relative error; the start is no shorter than that of Python. At least `LEAST_WORK` of the longest time is
    work, which errs on the dear side for runs far larger than those that were measured. All networks work at the rate of
    pretraining, the one whose time is FLOPs for the most part.
    """
    seen: dict[str, list[tuple[float, float]]] = {}
    for run, jobs in finished:
        for job in jobs:
            done = work(run, job.rule, job.key)
            faster = speed_up(run, job.rule, run.config["threads"])
            net = max(job.seconds - launches(done) / faster, 0.1)
            seen.setdefault(kind(job.rule, job.key), []).append((done.amount / faster, net))
    rates = {rule: _fit(points) for rule, points in sorted(seen.items())}
    for rule in NETWORKS.keys() & rates.keys() - {"pretrain"} if "pretrain" in rates else ():
        rate = rates["pretrain"].rate
        start = statistics.median(time - amount / rate for amount, time in seen[rule])
        rates[rule] = replace(rates[rule], start=max(start, LEAST_START), rate=rate)
    return rates


def _fit(points: list[tuple[float, float]]) -> Rate:
    """Start and rate of one rule from amounts and seconds."""
    most, longest = max(points)[0], max(time for _, time in points)
    if not most:
        return Rate(statistics.median(time for _, time in points), math.inf, len(points), longest)
    weights = [1 / time**2 for _, time in points]
    middle, level = (
        sum(weight * point[i] for weight, point in zip(weights, points, strict=True)) / sum(weights) for i in (0, 1)
    )
    weighed = list(zip(weights, points, strict=True))
    spread = sum(weight * (amount - middle) ** 2 for weight, (amount, _) in weighed)
    together = sum(weight * (amount - middle) * (time - level) for weight, (amount, time) in weighed)
    slope = max(together / spread if spread else 0.0, LEAST_WORK * max(points)[1] / most)
    if slope * middle > level:  # no start can be negative: through the origin
        slope = sum(w * a * t for w, (a, t) in weighed) / sum(w * a * a for w, (a, _) in weighed)
    return Rate(max(level - slope * middle, LEAST_START), 1 / slope, len(points), longest)


def calibrate(rates: Rates, finished: Iterable[tuple[Run, list[Measured]]], gpu: Gpu | None = None) -> Rates:
    """Rates corrected by what jobs of finished runs on the same device took: for each rule the median of measured over expected."""
    ratios: dict[str, list[float]] = {}
    for run, jobs in finished:
        for job in jobs:
            gpus = gpus_of(job.rule, run.config)
            expected = seconds(rates, run, job.rule, job.key, run.config["threads"], gpu, gpus)
            ratios.setdefault(kind(job.rule, job.key), []).append(job.seconds / expected)
    corrected = dict(rates)
    for name, found in ratios.items():
        rate = rates.get(name, Rate(UNKNOWN_SECONDS))
        corrected[name] = replace(rate, factor=rate.factor * statistics.median(found))
    return corrected


def _number(text: str | None) -> float:
    """A number of a benchmark file, in which `NA` stands for what was not measured."""
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
