"""Check what a run needs of this machine and of SLURM before anything is submitted; each problem is one sentence."""

import sys
from pathlib import Path
from typing import Annotated

from typer import Option

from grover.config.configuration import Configuration
from grover.planning.defaults import complete_for_genome
from grover.planning.doctor import FREE_WITHIN, check_nodes, needs, problems_here, requests
from grover.planning.dry_run import dry_run, read_configuration
from grover.planning.plan import choose_machine, estimate, read_jobs
from grover.planning.runs import read_run
from grover.runtime.cli import main
from grover.runtime.errors import InputError
from grover.runtime.machine import cores
from grover.runtime.site import Need, program_problems, torch_problems
from grover.runtime.slurm import check_slurm, request_problems

ROOT = Path(__file__).resolve().parents[2]


def doctor(
    configfile: Annotated[list[Path], Option(help="configuration; repeat the option as for snakemake", exists=True)],
    config: Annotated[list[str], Option(help="KEY=VALUE, as for snakemake")] = [],  # noqa: B006
    profile: Annotated[str, Option(help="profile of a SLURM cluster; empty: this machine alone")] = "",
    nodes: Annotated[bool, Option(help="with a profile: start a tiny job in each partition")] = True,
    here: Annotated[str, Option(help="cpu or cuda: check this machine only, which is what the tiny job does")] = "",
) -> None:
    """Check disks, caches, clock, torch, programs, and what SLURM would refuse. Nothing is run but a dry run and the tiny jobs."""
    settings, _ = complete_for_genome(read_configuration(configfile, config), " ".join(map(str, configfile)), ROOT)
    if here:
        print(*_problems_of_node(settings, here), sep="\n")
        return
    if profile:
        check_slurm()
    listed = read_jobs(dry_run(ROOT, configfile, config, cores(), ["--profile", profile] if profile else []))
    run, _ = read_run(settings, ROOT)
    jobs = estimate(listed, run, choose_machine(settings, cores(), 1, settings.budget.gpu, ROOT), ROOT)
    found = problems_here(needs(settings, jobs, run.bases))
    found |= {"torch": torch_problems(settings.device), "programs": program_problems()}
    if profile:
        asked = requests(jobs)
        found["SLURM"] = request_problems(asked)
        if nodes and not found["SLURM"]:
            command = [sys.executable, str(Path(__file__).resolve()), *_options(configfile, config), "--here"]
            found |= _of_nodes(check_nodes(asked, command))
    for name, problems in found.items():
        print(*(f"{name}: {problem}" for problem in problems or ["no problem"]), sep="\n")
    if number := sum(map(len, found.values())):
        raise InputError(
            f"{number} {'problem' if number == 1 else 'problems'}, named above; correct them and check again"
        )


def _problems_of_node(settings: Configuration, device: str) -> list[str]:
    """Check a node. The plan is compared with the disks once, where the run is started; TMPDIR may be another disk on each machine."""
    places = [each if each.name == "TMPDIR" else Need(each.name, each.folder) for each in needs(settings, [], 0)]
    said = [each for problems in problems_here(places).values() for each in problems]
    if device == "cuda" and not said:
        from grover.network.device import choose_device, compute_once  # only here, since it imports torch

        try:
            compute_once(choose_device(device), settings.precision)
        except (InputError, RuntimeError) as error:
            said.append(str(error).strip().partition("\n")[0])
    return said


def _options(configfile: list[Path], config: list[str]) -> list[str]:
    files = [word for path in configfile for word in ("--configfile", str(path.absolute()))]
    return [*files, *(word for value in config for word in ("--config", value))]


def _of_nodes(found: dict[str, list[str] | None]) -> dict[str, list[str]]:
    """Name the checks of nodes; that no node was free is a note, since it says nothing about the nodes."""
    for name in [name for name, problems in found.items() if problems is None]:
        print(f"a node of partition {name}: not checked, since none was free within {FREE_WITHIN} s")
    return {f"a node of partition {name}": said for name, said in found.items() if said is not None}


if __name__ == "__main__":
    main(doctor)
