"""What a run will take before it is submitted, held against its budget, and how good the estimate was for finished runs."""

import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import yaml
from typer import Option

from grover.config.configuration import complete
from grover.planning.costs import NETWORKS, Run, network, vocabulary_size, work
from grover.planning.plan import (
    LIMITS,
    Cost,
    compare,
    error,
    estimate,
    finished_run,
    hold_to_budget,
    known_rates,
    read_jobs,
    read_run,
    totals,
    wall_seconds,
)
from grover.planning.throughput import Gpu, Rates, choose_gpu, device_of, launches, read_gpus, read_rates, speed_up
from grover.runtime.cli import main
from grover.runtime.errors import InputError
from grover.runtime.files import key_values

ROOT = Path(__file__).resolve().parents[2]
PROBE_SECONDS = 4.0  # of the longer training
HEADER = f"{'':<22}{'jobs':>6}{'job time':>11}{'wall':>10}{'GPU h':>9}{'CPU h':>9}{'disk GB':>10}{'memory GB':>11}"


def plan(
    configfile: Annotated[list[Path], Option(help="configuration; repeat the option as for snakemake", exists=True)],
    config: Annotated[list[str], Option(help="KEY=VALUE, as for snakemake")] = (),
    cores: Annotated[int, Option(help="cores at once; 0: those of this machine")] = 0,
    gpus: Annotated[int, Option(help="GPUs at once")] = 1,
    gpu: Annotated[str, Option(help="type of the GPUs; empty: `budget.gpu`")] = "",
    everything: Annotated[bool, Option("--all", help="count finished jobs too")] = False,
    rules: Annotated[bool, Option("--rules", help="a line a rule instead of a stage")] = False,
    comparison: Annotated[
        bool, Option("--compare", help="hold the estimate against the finished jobs of this run")
    ] = False,
    probe: Annotated[
        bool, Option("--probe", help="train for some seconds on this machine, to measure its speed")
    ] = False,
    budget: Annotated[list[str], Option(help="KEY=LIMIT that replaces a key of `budget`")] = (),
):
    """Print jobs, times, GPU hours, disk and memory for each stage of the workflow, and refuse more than `budget` allows. Nothing runs but
    a dry run of Snakemake.
    """
    # that of `snakemake --configfile`: later files and --config win, key by key
    settings: dict = {}
    for path in configfile:
        _update(settings, yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    for key, value in key_values(list(config), "--config"):
        _update(settings, {key: yaml.safe_load(value)})
    origin = " ".join(map(str, configfile))
    settings = complete(settings, ROOT / "config/schemas/config.schema.yaml", origin)
    limits = settings["budget"] | _limits(budget)
    cores = cores or os.cpu_count() or 1

    run, known = read_run(settings, ROOT)
    device = choose_gpu(read_gpus(ROOT / "resources/gpus.tsv"), gpu or limits["gpu"])
    rates, sources = known_rates(settings, device if settings["device"] == "cuda" else None, ROOT)
    if probe:
        rates, device, said = _probe(run, rates, device)
        sources.append(said)
    if comparison:
        return _show_comparison(settings, device, cores)

    jobs = read_jobs(_dry_run(configfile, config, cores, everything))
    costs = estimate(jobs, run, rates, cores, device)
    print(f"{settings['run']}: {run.bases:,} bases ({known}), {cores} cores", end="")
    print(f", {gpus} x {device.name}" if any(cost.job.gpus for cost in costs) else ", no GPU")
    print(HEADER)
    stages = _stages()
    groups: dict[str, list[Cost]] = {}
    for cost in costs:
        if cost.job.rule in stages:  # targets are no work
            groups.setdefault(cost.job.rule if rules else stages[cost.job.rule], []).append(cost)
    order = list(dict.fromkeys(stages if rules else stages.values()))
    for name in sorted(groups, key=order.index):
        print(_line(name, groups[name], cores, gpus))
    counted = [cost for group in groups.values() for cost in group]
    print(_line("all", counted, cores, gpus))
    print(
        "job time: all jobs one after the other; wall: with these cores and GPUs at once, without waiting in a queue and without"
    )
    print(
        "downloads; memory: the most that a job asks for; disk: what stays, two checkpoints of each training included"
    )
    if any(cost.job.gpus for cost in counted):
        weights = max(network(settings).weights(vocabulary_size(name)) for name in settings["vocabulary"]["candidates"])
        print(
            f"on a GPU: {weights:,} weights, whose training keeps {16 * weights / 1e9:.1f} of its {device.memory:g} GB beside the tokens"
        )
    for line in sources:
        print(line)
    hold_to_budget(counted, limits, origin)


def _limits(budget: list[str]) -> dict[str, float]:
    """Limits from the options `--budget KEY=LIMIT`."""
    found = dict(key_values(list(budget), "--budget"))
    for key, value in found.items():
        if key not in LIMITS or not re.fullmatch(r"[0-9]+(\.[0-9]*)?", value):
            raise InputError(f"--budget {key}={value}: expected a number for one of {', '.join(LIMITS)}")
    return {key: float(value) for key, value in found.items()}


def _update(settings: dict, others: dict) -> None:
    for key, value in others.items():
        if isinstance(value, dict) and isinstance(settings.get(key), dict):
            _update(settings[key], value)
        else:
            settings[key] = value


def _dry_run(configfile: list[Path], config: list[str], cores: int, everything: bool) -> str:
    """What Snakemake would do, in its words."""
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        ROOT / "Snakefile",
        "--dry-run",
        "--cores",
        cores,
        "--nocolor",
    ]
    command += ["--configfile", *configfile, *(["--config", *config] if config else [])]
    command += ["--forceall"] if everything else []
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        said = re.search(r"^\S*(Error|Exception).*", done.stdout, re.M | re.S)
        raise InputError(
            f"the workflow could not be planned; Snakemake says: {said[0] if said else done.stdout}".strip()
        )
    return done.stdout


def _stages() -> dict[str, str]:
    """The stage of each rule, in the order in which data flows."""
    included = re.findall(r'include: "(\S+)"', (ROOT / "Snakefile").read_text(encoding="utf-8"))
    return {
        rule: Path(path).stem
        for path in included
        for rule in re.findall(r"^rule (\w+):", (ROOT / path).read_text(encoding="utf-8"), re.M)
    }


def _line(name: str, costs: list[Cost], cores: int, gpus: int) -> str:
    amount = totals(costs)
    spent, wall = sum(cost.seconds for cost in costs), wall_seconds(costs, cores, gpus)
    memory = max((cost.job.memory for cost in costs), default=0.0) / 1000
    return (
        f"{name:<22}{len(costs):>6}{_clock(spent):>11}{_clock(wall):>10}{amount['gpu_hours']:>9.2f}{amount['cpu_hours']:>9.2f}"
        f"{amount['disk_gb']:>10.2f}{memory:>11.1f}"
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _probe(run: Run, rates: Rates, gpu: Gpu) -> tuple[Rates, Gpu, str]:
    """The speed of pretraining on this machine, from a short and a longer training on random tokens: the rate of the CPU, or the share
    of the GPU's peak.
    """
    import numpy as np
    import pandas as pd

    from grover.network.bert import Architecture, new_language_model
    from grover.network.device import choose_device
    from grover.network.training import Execution, Optimisation
    from grover.pretraining.masking import Masking
    from grover.pretraining.pretrain import Settings, pretrain

    config = run.config
    asked, name = config["pretraining"], config["selection"]["vocabulary"]
    device = choose_device(config["device"], config["threads"])
    shape = {key: asked[key] for key in ("layers", "hidden", "heads", "intermediate", "positions", "dropout", "start")}
    model = new_language_model(Architecture(**shape).config(vocabulary_size(name)), config["seed"])
    generator = np.random.default_rng(config["seed"])
    shortest, longest = config["corpus"]["shortest"], config["corpus"]["longest"]
    lengths = np.where(generator.random(4096) < 0.5, longest, generator.integers(shortest, longest + 1, 4096))
    tokens = generator.integers(5, vocabulary_size(name), int(lengths.sum())).astype(np.uint16)
    windows = pd.DataFrame({"first": np.cumsum(lengths) - lengths, "length": lengths})

    def timed(steps: int) -> float:
        began = time.perf_counter()
        masking, optimisation = Masking(asked["mask_ratio"]), Optimisation(steps)
        settings = Settings(asked["batch"], optimisation, masking)
        pretrain(model, tokens, windows, settings, Execution(device, config["precision"]))
        return time.perf_counter() - began

    timed(2)  # compilation, allocation
    steps = 1
    while (long := timed(2 * steps)) < PROBE_SECONDS:
        steps *= 2
    step = max((long - timed(steps)) / steps, 1e-9)
    one = config | {"pretraining": asked | {"steps": 1, "bases": 0}}
    done = work(replace(run, config=one), "pretrain", name)
    if device.type == "cuda":
        share = done.amount / step / gpu.peak / min(1.0, network(config).hidden / 768)
        return (
            rates,
            replace(gpu, share=share),
            f"probed: {gpu.name} at {done.amount / step / gpu.peak:.1%} of its peak",
        )
    speed = done.amount / max(step - launches(done), 0.1 * step) / speed_up(run, "pretrain", config["threads"])
    probed = {rule: replace(rates[rule], rate=speed, factor=1.0) for rule in NETWORKS if rule in rates}
    return rates | probed, gpu, f"probed: {speed / 1e9:.1f} GFLOP/s a core on this machine"


def _show_comparison(settings: dict, gpu: Gpu, cores: int) -> None:
    """Expected and measured seconds of each rule of this run; expected from the table alone, since this run must not correct itself."""
    folder = Path(settings["results"], settings["run"])
    found = finished_run(folder, ROOT)
    if not found:
        raise InputError(f"{folder}: no finished jobs to compare with; run the workflow first")
    rates = read_rates(ROOT / "resources/throughput.tsv")
    pairs = compare(*found, rates, cores, None if device_of(folder) == "CPU" else gpu)
    print(f"{'':<28}{'jobs':>6}{'expected s':>12}{'measured s':>12}{'ratio':>8}")
    for rule in dict.fromkeys(job.rule for job, _ in pairs):
        these = [(job.seconds, expected) for job, expected in pairs if job.rule == rule]
        measured, expected = (sum(pair[i] for pair in these) for i in (0, 1))
        print(f"{rule:<28}{len(these):>6}{expected:>12.1f}{measured:>12.1f}{expected / measured:>8.2f}")
    for key, value in error(pairs).items():
        print(f"{key}: {value}")


if __name__ == "__main__":
    main(plan)
