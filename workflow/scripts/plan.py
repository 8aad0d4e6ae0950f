"""What a run will take before it is submitted, compared with its budget, and how good the estimate is for finished jobs."""

import re
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from typer import Option

from grover.planning.defaults import complete_for_genome
from grover.planning.dry_run import dry_run, read_configuration
from grover.planning.plan import (
    Job,
    Machine,
    choose_machine,
    cpu_format,
    estimate,
    hold_to_budget,
    read_jobs,
    totals,
    wall_seconds,
)
from grover.planning.runs import finished_run, read_run
from grover.runtime.cli import main
from grover.runtime.errors import InputError
from grover.runtime.machine import cores as available_cores

ROOT = Path(__file__).resolve().parents[2]
LAYOUT = "{:<18}{:>6}{:>13}{:>18}{:>18}{:>9}{:>9}{:>9}{:>11}"
HEADER = ("", "jobs", "no estimate", "job time", "wall, least", "GPU h", "CPU h", "disk GB", "memory GB")
NOTE = """job time: one job after the other; wall: no less on these cores and GPUs; memory: the most that a job asks for
no estimate: jobs of rules without a formula that no run on a genome of similar size has finished; they count as 0 h"""


def plan(
    configfile: Annotated[list[Path], Option(help="configuration; repeat the option as for snakemake", exists=True)],
    config: Annotated[list[str], Option(help="KEY=VALUE, as for snakemake")] = [],  # noqa: B006
    cores: Annotated[int, Option(help="cores at once; 0: those of this machine", min=0)] = 0,
    gpus: Annotated[int, Option(help="GPUs at once", min=0)] = 1,
    gpu: Annotated[str, Option(help="type of the GPUs; empty: `budget.gpu`")] = "",
    everything: Annotated[bool, Option("--all", help="count finished jobs too")] = False,
    comparison: Annotated[bool, Option("--compare", help="compare the estimate with this run's finished jobs")] = False,
    hours: Annotated[float, Option(help="time to the report; a note says where the estimate exceeds it", min=0)] = 0,
    budget: Annotated[list[str], Option(help="KEY=LIMIT that replaces a key of `budget`")] = [],  # noqa: B006
) -> None:
    """Print jobs, times, GPU hours, disk and memory of each stage, and refuse more than `budget` allows. Only a dry run is started."""
    origin = " ".join(map(str, configfile))
    settings, chosen = complete_for_genome(read_configuration(configfile, config, budget), origin, ROOT)
    machine = choose_machine(settings, cores or available_cores(), gpus, gpu or settings.budget.gpu, ROOT)
    said = dry_run(ROOT, configfile, config, machine.cores, ["--forceall"] if everything or comparison else [])
    listed = read_jobs(said)
    run, known = read_run(settings, ROOT)
    jobs = estimate(listed, run, machine, ROOT, apart=settings.run if comparison else "")
    if comparison:
        return _compare(jobs, Path(settings.results, settings.run))

    print("\n".join(chosen), end="\n" if chosen else "")
    print(f"{settings.run}: {run.bases:,} bases ({known}), {machine.cores} cores", end=", ")
    print(f"{gpus} x {machine.gpu} (speed assumed)" if machine.gpu else f"no GPU, speed of {cpu_format(settings)}")
    print(LAYOUT.format(*HEADER))
    stages = _stages()
    for stage in [*dict.fromkeys(stages.values()), "all"]:
        if counted := [job for job in jobs if stage in ("all", stages[job.rule])]:
            print(_line(stage, counted, machine))
    print(NOTE)
    if hours and wall_seconds(jobs, machine) > hours * 3600:
        print(_excess(jobs, stages, machine, hours))
    return hold_to_budget(jobs, settings, origin)


def _stages() -> dict[str, str]:
    """Return the stage of each rule, in the order in which data flows."""
    files = re.findall(r'include: "(\S+)"', (ROOT / "Snakefile").read_text(encoding="utf-8"))
    texts = {Path(file).stem: (ROOT / file).read_text(encoding="utf-8") for file in files}
    return {rule: stage for stage, text in texts.items() for rule in re.findall(r"^rule (\w+):", text, re.M)}


def _line(stage: str, jobs: list[Job], machine: Machine) -> str:
    times = (sum(job.seconds or 0.0 for job in jobs), wall_seconds(jobs, machine))
    hours = [str(timedelta(seconds=round(seconds))) for seconds in times]
    amounts = [f"{amount:.2f}" for amount in totals(jobs).values()]
    memory = f"{max(job.memory for job in jobs) / 1000:.1f}"
    return LAYOUT.format(stage, len(jobs), sum(job.seconds is None for job in jobs), *hours, *amounts, memory)


def _excess(jobs: list[Job], stages: dict[str, str], machine: Machine, hours: float) -> str:
    """Say by how much the jobs with an estimate exceed the hours, and which stages take most."""
    taken: dict[str, float] = defaultdict(float)
    for job in jobs:
        taken[stages[job.rule]] += job.seconds or 0.0
    most = " and ".join(sorted(taken, key=taken.__getitem__, reverse=True)[:2])
    return (
        f"note: jobs with an estimate alone take {wall_seconds(jobs, machine) / 3600:.1f} h of {hours:g} h, most of it {most}; "
        "give more hours or cores, or fewer tasks (`benchmarks.table`, `interpretation.tasks`)"
    )


def _compare(jobs: list[Job], folder: Path) -> None:
    """Print expected and measured seconds of each rule of a finished run, which does not correct its own estimate."""
    found = finished_run(folder, ROOT)
    measured = found.seconds if found else {}
    pairs = [(job, measured[job.rule, job.key]) for job in jobs if (job.rule, job.key) in measured]
    if not pairs:
        raise InputError(f"{folder}: no finished jobs of this version to compare with; run the workflow first")
    print(f"{'':<28}{'jobs':>6}{'expected s':>12}{'measured s':>12}{'ratio':>8}")
    for rule in [*dict.fromkeys(job.rule for job, _ in pairs), "all estimated"]:
        these = [pair for pair in pairs if rule == pair[0].rule or (rule == "all estimated" and pair[0].seconds)]
        expected, took = sum(job.seconds or 0.0 for job, _ in these), sum(seconds for _, seconds in these)
        ratio = f"{expected / took:.2f}" if expected else "-"
        print(f"{rule:<28}{len(these):>6}{expected:>12.1f}{took:>12.1f}{ratio:>8}")


if __name__ == "__main__":
    main(plan)
