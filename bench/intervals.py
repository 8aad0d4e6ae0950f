"""All repeats of a genome on all its windows: which windows hold one, bases covered, distance to the nearest; ours beside pybedtools
and the bedtools command.

The files are simulated, the same each time, with contigs of hg19's names and lengths (or the share `--share` of them). Repeats are BED6,
dense here and sparse there and now and then overlapping; windows are end to end as BED3; both are sorted. Everything is timed from the
files to arrays in memory. At its best, pybedtools is called with `sorted`, once for presence and coverage and once for
the nearest. Only the columns that count are read from its results, four times faster than its stream of intervals. At its
defaults (`ratio_default`) it holds the repeats in memory, sorts for the nearest, and returns whole tables. Of the
bedtools command only the run is timed, results to files. Memory is that of the process with its largest child. `identical` is
whether all answers are equal; a neighbour that touches is 0 bases away for us and 1 for bedtools.

  python bench/intervals.py
  python bench/intervals.py --full
"""

import argparse
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import support

REPEATS, WINDOWS = 5_500_000, 1_400_000  # of hg19
RUNS = 3
SEED = 1
WORKERS = ("ours", "best", "default", "bedtools")
CLASSES = ("DNA", "LINE", "LTR", "Low_complexity", "SINE", "Simple_repeat", "Satellite")
LONGEST = 6_000  # bases of a repeat
STRETCH = 20_000
HG19 = {
    "chr1": 249_250_621, "chr10": 135_534_747, "chr11": 135_006_516, "chr12": 133_851_895, "chr13": 115_169_878,
    "chr14": 107_349_540, "chr15": 102_531_392, "chr16": 90_354_753, "chr17": 81_195_210, "chr18": 78_077_248,
    "chr19": 59_128_983, "chr2": 243_199_373, "chr20": 63_025_520, "chr21": 48_129_895, "chr22": 51_304_566,
    "chr3": 198_022_430, "chr4": 191_154_276, "chr5": 180_915_260, "chr6": 171_115_067, "chr7": 159_138_663,
    "chr8": 146_364_022, "chr9": 141_213_431, "chrX": 155_270_560, "chrY": 59_373_566,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=0.1, help="of the genome")
    parser.add_argument("--full", action="store_true", help="the whole genome")
    parser.add_argument("--worker", choices=WORKERS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = support.arguments(parser)
    lengths = {name: int(length * (1 if options.full else options.share)) for name, length in HG19.items()}
    if options.worker:
        return work(options.worker, options.folder, lengths)
    with tempfile.TemporaryDirectory(prefix="grover-bench-") as name:
        folder = Path(name)
        counts = simulate(folder, lengths)
        print(f"{counts['repeats']:,} repeats on {counts['windows']:,} windows", flush=True)
        runs = {worker: [] for worker in WORKERS}
        for _ in range(RUNS):
            for worker, done in runs.items():
                options_of = ["--share", options.share, *(["--full"] if options.full else [])]
                found = support.measure(__file__, *options_of, "--worker", worker, "--folder", folder)
                done.append(found | {"peak_mb": found["peak_mb"] + found["answer"]["child_mb"]})
                print(f"{worker}: {found['seconds']:.1f} s, {done[-1]['peak_mb']:,.0f} MB", flush=True)
        answers = {worker: dict(np.load(folder / f"{worker}.npz")) for worker in WORKERS}
    same = [np.array_equal(values, answers["ours"][key]) for found in answers.values() for key, values in found.items()]
    seconds = {worker: support.median(done) for worker, done in runs.items()}
    memory = {worker: support.median(done, "peak_mb") for worker, done in runs.items()}
    support.finish(
        counts
        | {
            "ours": round(seconds["ours"], 2),
            "peer": round(seconds["best"], 2),
            "peer_default": round(seconds["default"], 2),
            "bedtools": round(seconds["bedtools"], 2),
            "unit": "seconds from files to presence, coverage and nearest",
            "ratio": round(seconds["best"] / seconds["ours"], 2),
            "ratio_default": round(seconds["default"] / seconds["ours"], 2),
            "ratio_bedtools": round(seconds["bedtools"] / seconds["ours"], 2),
            "steps": runs["ours"][-1]["answer"]["steps"],
            "peak_mb": round(memory["ours"]),
            "peer_peak_mb": round(memory["best"]),
            "peer_default_peak_mb": round(memory["default"]),
            "bedtools_peak_mb": round(support.median((run["answer"] for run in runs["bedtools"]), "child_mb")),
            "memory_ratio": round(memory["best"] / memory["ours"], 2),
            "memory_ratio_default": round(memory["default"] / memory["ours"], 2),
            "covered": float((answers["ours"]["bases"] > 0).mean().round(4)),
            "identical": all(same),
        },
        {"numpy", "pandas", "pyarrow", "pybedtools"},
        options.record,
    )


def simulate(folder: Path, lengths: dict[str, int]) -> dict[str, int]:
    """Write repeats.bed and windows.bed and, of the first contig's first rows, small ones to warm up on."""
    generator = np.random.default_rng(SEED)
    total = sum(HG19.values())
    counts = {"repeats": 0, "windows": 0}
    layout = pa.csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
    with open(folder / "repeats.bed", "wb") as repeats, open(folder / "windows.bed", "wb") as windows:
        for chrom, length in lengths.items():
            number = round(REPEATS * length / total)
            # dense in some stretches and sparse in others, so that windows also lie far from any
            weight = generator.gamma(0.5, size=length // STRETCH + 1)
            stretch = np.sort(generator.choice(weight.size, number, p=weight / weight.sum()))
            start = np.sort(stretch * STRETCH + generator.integers(0, STRETCH, number))
            start = np.minimum(start, length - LONGEST)
            end = np.minimum(start + np.clip(generator.exponential(290, number), 10, LONGEST).astype(np.int64), length)
            name, strand = generator.choice(CLASSES, number), generator.choice(["+", "-"], number)
            score = generator.integers(200, 3_000, number)
            columns = [np.full(number, chrom), start, end, name, score, strand]
            pa.csv.write_csv(pa.table(columns, names=list("abcdef")), repeats, layout)
            edges = np.linspace(0, length, round(WINDOWS * length / total) + 1).astype(np.int64)
            columns = [np.full(edges.size - 1, chrom), edges[:-1], edges[1:]]
            pa.csv.write_csv(pa.table(columns, names=list("abc")), windows, layout)
            counts["repeats"] += number
            counts["windows"] += edges.size - 1
    for name in ("repeats", "windows"):
        with open(folder / f"{name}.bed") as stream:
            (folder / f"few-{name}.bed").write_text("".join(next(stream) for _ in range(100)))
    return counts


def work(name: str, folder: Path, lengths: dict[str, int]) -> None:
    answers, watch = {}, Children()

    def run() -> dict:
        answers.update(ANSWER[name](folder / "windows.bed", folder / "repeats.bed", lengths))
        steps = answers.pop("steps", {})
        return {"child_mb": watch.stop(), "steps": steps}

    watch.start()
    support.report(run, lambda: ANSWER[name](folder / "few-windows.bed", folder / "few-repeats.bed", lengths))
    if name == "bedtools":
        answers = {"bases": column(folder / "coverage.txt", 4), "distance": column(folder / "nearest.txt", 9)}
        answers["present"] = column(folder / "coverage.txt", 3) > 0
    if name != "ours":
        answers["distance"] = np.where(answers["distance"] > 0, answers["distance"] - 1, answers["distance"])
    np.savez(folder / f"{name}.npz", **answers)


def ours(windows: Path, repeats: Path, lengths: dict[str, int]) -> dict:
    from grover.annotation.coverage import distance
    from grover.intervals.formats import read_columns
    from grover.intervals.overlaps import overlap_bases

    steps, started = {}, time.perf_counter()

    def note(step: str) -> None:
        steps[step] = round(time.perf_counter() - started - sum(steps.values()), 2)

    regions, table = (read_columns(path, "bed", lengths) for path in (windows, repeats))
    note("read")
    bases = overlap_bases(regions, table)
    note("coverage")
    nearest = distance(regions, table)
    note("nearest")
    return {"bases": bases, "present": bases > 0, "distance": nearest, "steps": steps}


def best(windows: Path, repeats: Path, lengths: dict[str, int]) -> dict:
    import pybedtools

    windows, repeats = pybedtools.BedTool(str(windows)), pybedtools.BedTool(str(repeats))
    covered = windows.coverage(repeats, sorted=True).fn
    nearest = windows.closest(repeats, d=True, t="first").fn
    found = {"bases": column(covered, 4), "present": column(covered, 3) > 0, "distance": column(nearest, 9)}
    pybedtools.cleanup()
    return found


def default(windows: Path, repeats: Path, lengths: dict[str, int]) -> dict:
    import pybedtools

    windows, repeats = pybedtools.BedTool(str(windows)), pybedtools.BedTool(str(repeats))
    whole = {"disable_auto_names": True, "header": None}
    covered = windows.coverage(repeats).to_dataframe(**whole)
    nearest = windows.sort().closest(repeats.sort(), d=True, t="first").to_dataframe(**whole)
    found = {"bases": covered[4].to_numpy(), "present": covered[3].to_numpy() > 0, "distance": nearest[9].to_numpy()}
    pybedtools.cleanup()
    return found


def bedtools(windows: Path, repeats: Path, lengths: dict[str, int]) -> dict:
    folder = windows.parent
    files = ["-a", windows, "-b", repeats]
    for command, name in ((["coverage", "-sorted"], "coverage"), (["closest", "-d", "-t", "first"], "nearest")):
        with open(folder / f"{name}.txt", "wb") as stream:
            subprocess.run(["bedtools", *command, *files], stdout=stream, check=True)
    return {}


def column(path: Path | str, number: int) -> np.ndarray:
    """One column of whole numbers from a table that bedtools wrote."""
    import pandas as pd

    return pd.read_csv(path, sep="\t", header=None, usecols=[number]).to_numpy()[:, 0]


ANSWER = {"ours": ours, "best": best, "default": default, "bedtools": bedtools}


class Children:
    """Watches how much memory the largest process takes that this one starts."""

    def __init__(self):
        self.largest, self.done = 0, threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> float:
        """Largest resident memory of a child so far, in MB."""
        self.done.set()
        self.thread.join()
        return self.largest / 1024

    def _watch(self) -> None:
        while not self.done.wait(0.02):
            for path in Path("/proc/self/task").glob("*/children"):
                try:
                    for child in path.read_text().split():
                        lines = Path(f"/proc/{child}/status").read_text().splitlines()
                        peak = next((line for line in lines if line.startswith("VmHWM")), "VmHWM 0")
                        self.largest = max(self.largest, int(peak.split()[1]))
                except (OSError, ValueError):
                    continue  # it has ended meanwhile


if __name__ == "__main__":
    main()
