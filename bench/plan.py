"""The plan (make plan) beside what finished runs took: each run is estimated from the throughput of the others.

Folders of finished runs are given as arguments; without any those in results/ are taken. For each run the JSON says how many jobs
it has, what they took, the ratio of estimate and measurement for all of them together and for the disk, and within which factor
half and nine in ten of the jobs of at least 5 s lie. A run alone is held against the stored table. --learn writes that table,
resources/throughput.tsv, from all runs.

  python bench/plan.py results/demo results/hg19-local results/test --learn --record plan
"""

import argparse
import os
from datetime import date
from pathlib import Path

import support

from grover.planning.costs import written
from grover.planning.plan import compare, error, finished_run
from grover.planning.throughput import learn, read_rates, table

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "resources/throughput.tsv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", type=Path, help="folders of finished runs on a CPU")
    parser.add_argument("--learn", action="store_true", help="write resources/throughput.tsv")
    options = support.arguments(parser)
    folders = options.runs or sorted(Path("results").glob("*/"))
    known = {folder.name: found for folder in folders if (found := finished_run(folder, ROOT)) and len(found[1])}
    errors, pairs = {}, []
    for name, (run, jobs) in known.items():
        others = [found for other, found in known.items() if other != name]
        compared = compare(run, jobs, learn(others) if others else read_rates(TABLE), os.cpu_count() or 1, None)
        disk = sum(written(run, job.rule, job.key) for job in jobs)
        errors[name] = error(compared) | {"disk_ratio": round(disk / size(Path(run.config["results"], name)), 2)}
        pairs += compared
        print(f"{name}: {errors[name]}", flush=True)
        for job, expected in compared:
            if job.seconds >= 5:
                print(f"  {job.rule} {job.key}: {expected:.1f} s expected, {job.seconds:.1f} s measured")
    result = {"runs": errors} | ({"all": error(pairs)} if pairs else {})
    if options.learn and pairs:
        TABLE.write_text(_said(errors, result["all"]) + table(learn(known.values())), encoding="utf-8")
    support.finish(result, [], options.record)


def size(folder: Path) -> int:
    """Bytes of all files in a folder; links do not count."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _said(errors: dict[str, dict], together: dict) -> str:
    """The comment of the table: where it was measured, and its error."""
    ratios = [found["total_ratio"] for found in errors.values()]
    disk = [found["disk_ratio"] for found in errors.values()]
    half, most = together["half_within_factor"], together["nine_in_ten_within_factor"]
    return (
        f"# throughput: {support.machine()}, {date.today().isoformat()}, finished runs {', '.join(errors)} (bench/plan.py --learn)\n"
        f"# error: a run estimated from the others came to {min(ratios):g} to {max(ratios):g} of what it took, its disk to "
        f"{min(disk):g} to {max(disk):g}; of the jobs of 5 s and more half are within a factor of {half:g}, nine in ten within {most:g}\n"
        "# not measured: larger runs, GPUs, other machines\n"
    )


if __name__ == "__main__":
    main()
