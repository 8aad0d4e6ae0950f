"""`grover usage`: what the jobs of finished and running workflows took."""

import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class By(StrEnum):
    """What a row of the table is."""

    RULE = "rule"
    RUN = "run"


def usage(
    results: Annotated[
        list[Path],
        typer.Argument(help="folders of results, or of runs", show_default=False),
    ],
    since: Annotated[
        datetime | None,
        typer.Option(
            help="count jobs that ended on this day or later, in local time",
            formats=["%Y-%m-%d"],
            show_default="all jobs",
        ),
    ] = None,
    by: Annotated[By, typer.Option(help="a row per rule of each run, or per run")] = By.RULE,
) -> None:
    """Print jobs, hours, GPU hours, memory and retries of the runs in RESULTS, by Snakemake's benchmark files and SLURM's accounting.

    Example: grover usage results/ --since 2026-11-01
    """
    import pandas as pd

    from grover.planning.usage import finished_jobs, runs_in, summarise

    begin = since or datetime.fromtimestamp(0)
    jobs = pd.concat([finished_jobs(run, begin) for folder in results for run in runs_in(folder)], ignore_index=True)
    table = summarise(jobs, ["run", "rule"] if by is By.RULE else ["run"])
    whole = [name for name in table if name.endswith("_mb")]
    table[whole] = table[whole].round().astype("Int64")
    table.round(4).to_csv(sys.stdout, sep="\t", index=False)
