"""What the comparisons share: the genome, runs in processes of their own, medians, results that say where they come from."""

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

import numpy as np

# of this checkout, whatever the environment has installed
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from grover.genome.fasta import read_contigs
from grover.runtime.machine import cores

RESULTS = Path(__file__).resolve().parent / "results"


def report(run: Callable[[], object], warm_up: Callable[[], object]) -> None:
    """In a worker: time `run` after `warm_up` (compilation, imports); print seconds, peak memory and its answer as a line of JSON."""
    started = time.perf_counter()
    warm_up()
    warm = time.perf_counter() - started
    started = time.perf_counter()
    answer = run()
    seconds = time.perf_counter() - started
    measured = {"seconds": seconds, "warm_up_seconds": warm, "peak_mb": _peak_mb()}
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


def add_genome(parser: argparse.ArgumentParser) -> None:
    """Options that name a genome."""
    parser.add_argument(
        "--fasta", type=Path, help="FASTA, plain or gzip; where absent a genome with repeats is simulated"
    )
    parser.add_argument("--bases", type=int, default=4_000_000, help="bases of the simulated genome")


def genome(options: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """Codes of the genome that the options name, and where each of its segments begins and the last ends."""
    return read_fasta(options.fasta) if options.fasta else simulate(options.bases)


def read_fasta(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Codes of all stretches of A, C, G, T, end to end, and where each begins and the last ends."""
    code_of = np.full(256, 4, np.uint8)
    code_of[np.frombuffer(b"ACGTacgt", np.uint8)] = [0, 1, 2, 3] * 2
    parts, bounds = [], [0]
    for _, sequence in read_contigs(path):
        codes = code_of[np.frombuffer(sequence, np.uint8)]
        edges = np.flatnonzero(np.diff(np.concatenate([[False], codes < 4, [False]]).astype(np.int8)))
        for start, end in edges.reshape(-1, 2):
            parts.append(codes[start:end])
            bounds.append(bounds[-1] + int(end - start))
    return np.concatenate(parts), np.array(bounds)


def simulate(bases: int) -> tuple[np.ndarray, np.ndarray]:
    """Where no genome is given: random sequence strewn with copies of 100 families of repeats, one base in ten drawn anew."""
    generator = np.random.default_rng(1)
    codes = generator.choice(4, bases, p=[0.3, 0.2, 0.2, 0.3]).astype(np.uint8)
    families = generator.integers(0, 4, (100, 300), np.uint8)
    for start in generator.integers(0, bases - 300, bases // 600):
        copy = families[generator.integers(100)].copy()
        drawn = generator.random(300) < 0.1
        copy[drawn] = generator.integers(0, 4, drawn.sum())
        codes[start : start + 300] = copy
    return codes, np.linspace(0, bases, 6).astype(np.int64)


def finish(result: dict, packages: Iterable[str], record: str | None) -> None:
    """Print the result as the last line, one JSON object, and keep it where asked."""
    if record:
        where = {
            "command": " ".join(["python", *_shown(sys.argv)]),
            "date": date.today().isoformat(),
            "machine": machine(),
            "versions": {"python": platform.python_version()} | {name: version(name) for name in sorted(packages)},
        }
        (RESULTS / f"{record}.json").write_text(json.dumps(where | result, indent=2) + "\n")
    print(json.dumps(result))


def machine() -> str:
    """What was measured on."""
    return f"{cores()} cores, {_memory_gb():.0f} GB, {platform.system()}, {_processor()}"


def _shown(words: list[str]) -> list[str]:
    """The command as anybody could type it: the script by its place in the project, files by their names alone."""
    script, *rest = words
    return [f"bench/{Path(script).name}", *(Path(word).name if "/" in word else word for word in rest)]


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
