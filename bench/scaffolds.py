"""A draft assembly of 150,000 contigs through the stages from the FASTA to the windows, by the scripts that the workflow runs.

The assembly is simulated, the same each time: lengths are drawn log-normally around `--bases` (mean), soft-masked runs and some N. The
BED has an interval on each contig, the GTF a gene of two exons on each. Each script runs in a process of its own with `--threads`.
Seconds are elapsed ones, `cpu` those of processor time; `peak_mb` is the largest resident memory of the process. `load` is the number
of processes that ran or waited when the measurement began: on a busy machine only `cpu` says what the stages take.

  python bench/scaffolds.py
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import support

SEED = 1
CONTIGS, BASES = 150_000, 1_000
CYCLES = 600
TRACKS = """track\tsource\tformat\tkind\tcolumn\twhere
some\tsome\tbed\tpresence\t-\t-
exons\tgenes\tgtf\tstrand\t-\tfeature=exon
"""
SCRIPTS = Path(__file__).resolve().parent.parent / "workflow/scripts"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contigs", type=int, default=CONTIGS)
    parser.add_argument("--bases", type=int, default=BASES, help="mean length of a contig")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = support.arguments(parser)
    if options.folder:
        return simulate(options.folder, options.contigs, options.bases)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="grover-bench-") as name:
        folder = Path(name)
        # apart, so that its memory is not counted as that of the scripts
        shape = ["--contigs", options.contigs, "--bases", options.bases]
        subprocess.run([sys.executable, __file__, *map(str, shape), "--folder", name], check=True)
        stages = {}
        for stage, arguments in commands(folder, options.threads).items():
            stages[stage] = run(stage, arguments)
            found = stages[stage]
            print(
                f"{stage}: {found['seconds']:.1f} s, {found['cpu']:.1f} s of CPU, {found['peak_mb']:,} MB", flush=True
            )
        bases = int(np.load(folder / "sequence.npy", mmap_mode="r").size)
    support.finish(
        {
            "contigs": options.contigs,
            "bases": bases,
            "ours": round(sum(found["seconds"] for found in stages.values()), 1),
            "cpu": round(sum(found["cpu"] for found in stages.values()), 1),
            "unit": "seconds of all stages together",
            "load": round(load, 1),
            "peak_mb": max(found["peak_mb"] for found in stages.values()),
            "stages": stages,
        },
        ["numpy", "pandas", "pyarrow", "numba"],
        options.record,
    )


def simulate(folder: Path, contigs: int, bases: int) -> None:
    """Write genome.fa, some.bed, genes.gtf and the tables of tracks and tasks."""
    (folder / "tracks.tsv").write_text(TRACKS)
    (folder / "tasks.tsv").write_text("task\tbuilder\tsites\tnegatives\tlength\tmaximum\toptions\n")
    generator = np.random.default_rng(SEED)
    lengths = generator.lognormal(np.log(bases) - 0.5, 1, contigs).astype(int) + 200
    letters = np.frombuffer(b"ACGT", np.uint8)
    with (
        open(folder / "genome.fa", "wb") as fasta,
        open(folder / "some.bed", "w") as bed,
        open(folder / "genes.gtf", "w") as gtf,
    ):
        for number, length in enumerate(lengths.tolist(), start=1):
            name, half = f"scaffold_{number}", length // 2
            sequence = letters[generator.integers(0, 4, length, np.uint8)].copy()
            sequence[half : half + length // 4] |= 32
            if number % 3 == 0:
                sequence[length // 4 : length // 4 + 20] = ord("N")
            fasta.write(f">{name} length={length}\n".encode() + sequence.tobytes() + b"\n")
            bed.write(f"{name}\t{half}\t{half + 100}\tx\n")
            gene = f'gene_id "g{number}"; transcript_id "t{number}";'
            for feature, start, end in (("transcript", 1, 180), ("exon", 1, 60), ("exon", 121, 180)):
                gtf.write(f"{name}\tbench\t{feature}\t{start}\t{end}\t.\t+\t.\t{gene}\n")


def commands(folder: Path, threads: int) -> dict[str, list[str]]:
    """Arguments of each script, in the order in which they run."""
    segments, contigs = ["--segments", folder / "segments.bed"], ["--contigs", folder / "contigs.tsv"]
    genome = ["--sequence", folder / "sequence.npy", *segments]
    words, merges, folds = folder / "vocabulary", folder / "merges.tsv", folder / "folds.bed"
    tokens = ["--tokens", folder / "tokens.npy", "--index", folder / "index.npy"]
    tokenizer = ["--tokenizer", words / "tokenizer.json"]
    sources = ["--source", f"some={folder / 'some.bed'}", "--source", f"genes={folder / 'genes.gtf'}"]
    parallel = ["--threads", threads]
    found = {
        "encode_genome": [*genome, *contigs, "--fasta", folder / "genome.fa", "--softmask", folder / "softmask.bed"],
        "make_folds": [*segments, *contigs, "--output", folds],
        "check_sources": [
            *genome,
            *contigs,
            *sources,
            "--tracks",
            folder / "tracks.tsv",
            "--tasks",
            folder / "tasks.tsv",
        ],
        "train_bpe": [*genome, "--merges", merges, "--cycles", CYCLES, *parallel],
        "build_vocabulary": [*tokenizer, "--name", f"bpe-{CYCLES}", "--ranks", words / "ranks.tsv", "--merges", merges],
        "tokenise_genome": [*genome, *tokenizer, *tokens, "--statistics", folder / "statistics.parquet", *parallel],
        "make_windows": [*genome, *tokenizer, *tokens, "--folds", folds, "--windows", folder / "windows.parquet"],
    }
    found["check_sources"] += ["--output", folder / "inputs.tsv"]
    return {stage: [*map(str, arguments)] for stage, arguments in found.items()}


def run(script: str, arguments: list[str]) -> dict:
    """Run a script; elapsed seconds, those of processor time, and peak memory."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, str(SCRIPTS / f"{script}.py"), *arguments], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{script}.py ended with {os.waitstatus_to_exitcode(status)}")
    return {
        "seconds": round(time.perf_counter() - started, 1),
        "cpu": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb": used.ru_maxrss // 1024,
    }


if __name__ == "__main__":
    main()
