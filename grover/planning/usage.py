"""What finished jobs took: by Snakemake's benchmark files and, where SLURM keeps accounting, by `sacct`."""

import ast
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from grover.config.tables import read_table
from grover.planning.plan import new_job
from grover.runtime.errors import InputError
from grover.runtime.slurm import ask
from grover.runtime.starts import STARTS, read_starts

FIELDS = "JobIDRaw,JobName,Comment,State,End,ElapsedRaw,TotalCPU,CPUTimeRAW,ReqMem,MaxRSS,AllocTRES"
RULE = re.compile(r"rule_(\w+?)(?:_wildcards_(.*))?")  # comment that the plugin gives a job
ALLOCATED = re.compile(r"\bgres/gpu(?::[^=,]+)?=(\d+)")  # some sites count by type alone
SECONDS = 120  # by which the clocks of a node and of SLURM's accounting may differ
# one row per attempt of a job; what is not known is missing
COLUMNS = [
    "run",
    "rule",
    "job",
    "seconds",
    "cpu_seconds",
    "core_seconds",
    "gpu_seconds",
    "peak_mb",
    "requested_mb",
    "source",
]
# of a row of the summary, after its names
TOTALS = ["jobs", "retries", "wall_hours", "cpu_hours", "core_hours", "gpu_hours", "peak_mb", "requested_mb", "source"]
BENCHMARK, ACCOUNTING = "benchmark", "sacct"


def finished_jobs(run: Path, since: datetime) -> pd.DataFrame:
    """Return the attempts of jobs of a run that ended at `since` (local time) or later, with the columns COLUMNS.

    A job's last attempt leaves a benchmark file. It counts where the accounting lacks that attempt, as of jobs beside the driver.
    Raises InputError for a folder that is no run.
    """
    folder = run / "benchmark"
    if not folder.is_dir():
        raise InputError(f"{run}: no folder `benchmark` there; expected the folder of a run, such as results/demo")
    measured, accounted = [*_benchmarks(run, since)], [*_accounted(run, since)]
    attempts: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in accounted:
        attempts.setdefault(_job(row), []).append(row)
    gpus = _gpus_of_rules(measured)
    for row in accounted:
        if row["gpu_seconds"] is None:  # none, or a site whose accounting does not track them
            row["gpu_seconds"] = row["seconds"] * gpus.get(row["rule"], 0)
    # the benchmark of a rule without wildcards may have a name in addition
    known = (attempts.get(_job(row)) or attempts.get((row["rule"],), []) for row in measured)
    rows = [*accounted, *(row for row, of_job in zip(measured, known, strict=True) if not _is_attempt(row, of_job))]
    return pd.DataFrame(rows, columns=COLUMNS)


def _job(row: dict[str, Any]) -> tuple[str, ...]:
    """What tells a job from others: SLURM's comment and the name of a benchmark file join the wildcards in their own ways."""
    return row["rule"], *sorted(filter(None, re.split(r"[._/]", row["wildcards"])))


def _is_attempt(row: dict[str, Any], attempts: list[dict[str, Any]]) -> bool:
    """Whether a benchmark file was written by one of these attempts."""
    begun = ((each["ended"] - each["seconds"], each["ended"]) for each in attempts)
    return any(first - SECONDS <= row["ended"] <= last + SECONDS for first, last in begun)


def _gpus_of_rules(measured: list[dict[str, Any]]) -> dict[str, float]:
    """GPUs that a job of each rule asked for, by its benchmark files."""
    return {
        row["rule"]: row["gpu_seconds"] / row["seconds"] for row in measured if row["gpu_seconds"] and row["seconds"]
    }


def runs_in(folder: Path) -> list[Path]:
    """Return the runs in a folder of results, or the run that the folder is. Raises InputError where there is none or it cannot be read."""
    try:
        os.listdir(folder)
    except OSError as error:
        raise InputError(
            f"{folder}: {error.strerror}; expected a folder of results that you may read, such as results"
        ) from None
    found = sorted(path.parent for path in [*folder.glob("benchmark"), *folder.glob("*/benchmark")] if path.is_dir())
    if not found:
        raise InputError(
            f"{folder}: no run there; expected a folder of results, such as results, or a run, such as results/demo"
        )
    return found


def summarise(jobs: pd.DataFrame, by: Sequence[str] = ("run", "rule")) -> pd.DataFrame:
    """Sum the attempts by run and rule: jobs, hours, GPU hours, the largest memory and what was requested then, attempts beyond the first.

    A sum is missing where it is not known of all jobs.
    """
    rows: list[dict[str, Any]] = []
    for names, group in jobs.groupby(list(by), sort=False):
        names_of_jobs = ["run", "rule", "job"]
        accounted = group.loc[group["source"] == ACCOUNTING, names_of_jobs]
        hours = {
            f"{name}_hours": group[f"{name}_seconds"].astype(float).sum(skipna=False) / 3600
            for name in ("cpu", "core", "gpu")
        }
        memory = group[["peak_mb", "requested_mb"]].astype(float)
        largest = memory.loc[memory["peak_mb"].idxmax()] if memory["peak_mb"].notna().any() else memory.iloc[0]
        rows.append(
            dict(zip(by, names, strict=True))
            | {"jobs": len(group[names_of_jobs].drop_duplicates())}
            | {"retries": str(accounted.duplicated().sum()) if len(accounted) else None}
            | {"wall_hours": group["seconds"].astype(float).sum() / 3600, **hours, **largest.to_dict()}
            | {"source": ",".join(sorted(group["source"].unique()))}
        )
    return pd.DataFrame(rows, columns=[*by, *TOTALS])


def _benchmarks(run: Path, since: datetime) -> Iterator[dict[str, Any]]:
    """The benchmark files of a run. Threads, memory and GPUs that a job asked for stand there under `benchmark-extended`."""
    for path in sorted(run.glob("benchmark/*.tsv")):
        rows = read_table(path)
        if not rows or path.stat().st_mtime < since.timestamp():
            continue
        row, (rule, _, key) = rows[0], path.stem.partition(".")
        seconds, asked = float(row["s"]), _resources(row.get("resources", ""))
        yield {
            "run": str(run),
            "rule": rule,
            "job": key,
            "wildcards": key,
            "ended": path.stat().st_mtime,
            "seconds": seconds,
            "cpu_seconds": _number(row["cpu_time"]),
            "core_seconds": seconds * int(row["threads"]) if asked is not None else None,
            "gpu_seconds": seconds * new_job(rule, None, asked).gpus if asked is not None else None,
            "peak_mb": _number(row["max_rss"]),
            "requested_mb": _number(str(asked.get("mem_mb", "NA"))) if asked is not None else None,
            "source": BENCHMARK,
        }


def _accounted(run: Path, since: datetime) -> Iterator[dict[str, Any]]:
    """What `sacct` knows of the jobs of a run; nothing where it keeps none, or does not keep their comments, which name the rules."""
    starts = [row for row in read_starts(run / STARTS) if row["name"]]
    if not starts:
        return
    names = ",".join(dict.fromkeys(row["name"] for row in starts))
    options = ["--parsable2", "--noheader", "--units=M", "--duplicates", "--allusers", f"--format={FIELDS}"]
    # local time, in which sacct reads and writes
    try:
        text = ask("sacct", *options, f"--name={names}", f"--starttime={since:%Y-%m-%dT%H:%M:%S}")
    except InputError as error:
        if shutil.which("sacct"):  # without it there is no accounting to miss
            print(f"{run}: {error}; counted by benchmark files alone, without retries", file=sys.stderr)
        return
    yield from _attempts(str(run), text, since)


def _attempts(run: str, text: str, since: datetime) -> list[dict[str, Any]]:
    """The attempts in the text of `sacct`, in which each is followed by its steps; of these the one with the most memory counts."""
    found: list[dict[str, Any]] = []
    counts = False  # whether the last attempt does
    for line in text.splitlines():
        fields = dict(zip(FIELDS.split(","), line.split("|"), strict=False))
        if "." in fields["JobIDRaw"]:
            if counts and (memory := _number(fields["MaxRSS"].rstrip("M"))) is not None:
                found[-1]["peak_mb"] = max(memory, found[-1]["peak_mb"] or 0.0)
            continue
        named, ended = RULE.fullmatch(fields["Comment"]), _time(fields["End"])
        counts = named is not None and ended is not None and ended >= since
        if named and ended and counts:
            seconds, gpus = float(fields["ElapsedRaw"]), ALLOCATED.search(fields["AllocTRES"])
            asked = re.match(r"[\d.]+", fields["ReqMem"])
            found.append(
                {
                    "run": run,
                    "rule": named[1],
                    "job": f"{fields['JobName']} {fields['Comment']}",
                    "wildcards": named[2] or "",
                    "ended": ended.timestamp(),
                    "seconds": seconds,
                    "cpu_seconds": _seconds(fields["TotalCPU"]),
                    "core_seconds": float(fields["CPUTimeRAW"]),
                    "gpu_seconds": seconds * int(gpus[1]) if gpus else None,
                    "peak_mb": None,
                    "requested_mb": float(asked[0]) if asked else None,
                    "source": ACCOUNTING,
                }
            )
    return found


def _resources(text: str) -> dict[str, Any] | None:
    """What a job asked for, as Snakemake prints it in an extended benchmark file; None for a plain one."""
    try:
        found = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:  # NA of Snakemake, nothing of sacct
        return None


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:  # `Unknown`: it has not ended
        return None


def _seconds(text: str) -> float | None:
    """Seconds of a time of sacct, such as 1-02:03:04 or 03:04.567."""
    days, _, rest = text.rpartition("-")
    parts = [_number(part) for part in rest.split(":")]
    if None in parts or (days and not days.isdigit()):
        return None
    return sum(part * 60**power for power, part in enumerate(reversed(parts)) if part is not None) + 86400 * int(
        days or 0
    )
