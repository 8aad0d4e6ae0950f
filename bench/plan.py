"""The plan (make plan) compared with finished runs: each run is estimated as if it had not run, from the others in its folder.

Folders of finished runs are given as arguments; without any those in results/ are taken. For each run the JSON has the number of jobs
with and without an estimate. Over the jobs with one it has the measured seconds; the ratio of estimated to measured seconds; and the
factors within which half and nine in ten of the jobs of at least 5 s are. `trainings` has the same for the networks, which have formulas.
The disk is compared with all files of the run.

  python bench/plan.py results/demo results/test --record plan
"""

import argparse
import math
import re
from pathlib import Path

import support

from grover.planning.costs import WORK
from grover.planning.plan import Job, Machine, estimate, totals
from grover.planning.runs import finished_run
from grover.runtime.machine import cores

ROOT = Path(__file__).resolve().parent.parent
LEAST_SECONDS = 5.0  # of a job whose factor counts; shorter ones measure the start of Python


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", type=Path, help="folders of finished runs on a CPU")
    options = support.arguments(parser)
    costs, machine = declared_costs(), Machine(cores())
    results = {}
    for folder in options.runs or sorted(Path("results").glob("*/")):
        found = finished_run(folder, ROOT)
        if found is None or not found.seconds:
            print(f"{folder}: no finished run of this version")
            continue
        threads = found.run.settings.threads
        jobs = [Job(rule, key, costs.get(rule, ""), threads) for rule, key in sorted(found.seconds)]
        jobs = estimate(jobs, found.run, machine, ROOT, apart=folder.name)
        pairs = [(job.seconds, found.seconds[job.rule, job.key], job) for job in jobs if job.seconds is not None]
        trainings = [pair for pair in pairs if pair[2].cost in WORK]
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
        results[folder.name] = {
            "without_estimate": len(jobs) - len(pairs),
            **error([pair[:2] for pair in pairs]),
            "trainings": error([pair[:2] for pair in trainings]),
            "disk_ratio": round(totals(jobs)["disk_gb"] * 1e9 / size, 2),
        }
        for expected, measured, job in pairs:
            if measured >= LEAST_SECONDS:
                print(f"  {job.rule} {job.key}: {expected:.1f} s estimated, {measured:.1f} s measured")
        print(f"{folder}: {results[folder.name]}", flush=True)
    support.finish({"runs": results}, [], options.record)


def declared_costs() -> dict[str, str]:
    """The kind of cost of each rule that declares one."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "workflow/rules").glob("*.smk")))
    rules = re.split(r"^rule (\w+):$", text, flags=re.M)[1:]
    found = zip(rules[::2], (re.search(r'^        cost="(.+)",$', body, re.M) for body in rules[1::2]), strict=True)
    return {rule: cost[1] for rule, cost in found if cost}


def error(pairs: list[tuple[float, float]]) -> dict[str, float]:
    """Compare estimated with measured seconds."""
    expected, measured = (sum(column) for column in zip(*pairs or [(0.0, 0.0)], strict=True))
    summary = {"jobs": len(pairs), "measured_seconds": round(measured, 1)}
    if pairs:
        summary["total_ratio"] = round(expected / measured, 2)
    factors = sorted(math.exp(abs(math.log(guess / seconds))) for guess, seconds in pairs if seconds >= LEAST_SECONDS)
    if factors:
        summary["half_within_factor"] = round(factors[(len(factors) - 1) // 2], 2)
        summary["nine_in_ten_within_factor"] = round(factors[math.ceil(0.9 * len(factors)) - 1], 2)
    return summary


if __name__ == "__main__":
    main()
