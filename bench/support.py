"""What the comparisons share: runs in processes of their own, medians of interleaved runs, results that say where they come from."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from datetime import date
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"


def report(run: Callable[[], object], warm_up: Callable[[], object]) -> None:
    """In a worker: time `run` after `warm_up` (compilation, imports); print seconds, peak memory and its answer as a line of JSON."""
    started = time.perf_counter()
    warm_up()
    warm = time.perf_counter() - started
    before_mb = _peak_mb()
    started = time.perf_counter()
    answer = run()
    seconds = time.perf_counter() - started
    measured = {"seconds": seconds, "warm_up_seconds": warm, "peak_mb": _peak_mb(), "before_mb": before_mb}
    print(json.dumps(measured | {"answer": answer}))


def _peak_mb() -> float:
    """Largest resident memory of this process so far. (`ru_maxrss` would also count the process that started this one.)"""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def measure(script: str, *arguments: object, **environment: str) -> dict:
    """Run a script as a worker in a process of its own and return what it reported."""
    command = [sys.executable, script, *map(str, arguments)]
    done = subprocess.run(command, env=os.environ | environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def median(runs: Iterable[dict], key: str = "seconds") -> float:
    return statistics.median(run[key] for run in runs)


def arguments(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse the command line, to which an option that keeps the result is added."""
    parser.add_argument("--record", metavar="NAME", help="keep the result as bench/results/NAME.json")
    return parser.parse_args()


def finish(result: dict, packages: Iterable[str], record: str | None) -> None:
    """Print the result as the last line, one JSON object, and keep it where asked."""
    if record:
        where = {
            "command": " ".join(["python", *_shown(sys.argv)]),
            "date": date.today().isoformat(),
            "machine": f"{os.cpu_count()} cores, {_memory_gb():.0f} GB, {platform.system()}, {_processor()}",
            "versions": {"python": platform.python_version()} | {name: version(name) for name in sorted(packages)},
        }
        (RESULTS / f"{record}.json").write_text(json.dumps(where | result, indent=2) + "\n")
    print(json.dumps(result))


def _shown(words: list[str]) -> list[str]:
    """The command as anybody could type it: the script by its place in the project, files by their names alone."""
    script, *rest = words
    return [f"bench/{Path(script).name}", *(Path(word).name if "/" in word else word for word in rest)]


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
