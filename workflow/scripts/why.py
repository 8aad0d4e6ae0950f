"""What this version would run in a results folder, why, and at what cost; of another version's results what it would make anew."""

import re
from pathlib import Path
from typing import Annotated

from typer import Option

from grover.planning.defaults import complete_for_genome
from grover.planning.dry_run import dry_run, read_configuration
from grover.planning.plan import choose_machine, estimate, read_jobs, totals
from grover.planning.runs import read_run
from grover.runtime.cli import main
from grover.runtime.machine import cores

ROOT = Path(__file__).resolve().parents[2]
SHOWN = re.compile(
    r"^(?:local)?rule (\w+):$|^ +(reason): (.*)$|^(frozen: .*|Nothing to be done.*|.*: files there were made with grover .*)$",
    re.M,
)


def why(
    configfile: Annotated[list[Path], Option(help="configuration; repeat the option as for snakemake", exists=True)],
    config: Annotated[list[str], Option(help="KEY=VALUE, as for snakemake")] = [],  # noqa: B006
) -> None:
    """Print each job that would run with its reason, and what all of them are estimated to take. Only a dry run is started."""
    settings, _ = complete_for_genome(read_configuration(configfile, config), " ".join(map(str, configfile)), ROOT)
    said = dry_run(ROOT, configfile, config, cores())
    run, _ = read_run(settings, ROOT)
    jobs = estimate(read_jobs(said), run, choose_machine(settings, cores(), 1, settings.budget.gpu, ROOT), ROOT)
    for rule, reason, text, other in SHOWN.findall(said):
        print(f"   {reason}: {text}" if reason else rule or other)
    gpu_hours, cpu_hours, disk = totals(jobs).values()
    unknown = sum(job.seconds is None for job in jobs)
    print(
        f"{len(jobs)} jobs: {gpu_hours:.2f} GPU hours, {cpu_hours:.2f} CPU hours, {disk:.2f} GB, by estimate; {unknown} jobs have none"
    )


if __name__ == "__main__":
    main(why)
