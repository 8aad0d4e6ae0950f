"""Speed of the genome stage on an uncompressed FASTA, beside pyfaidx reading the same contigs.

`ours` is the whole stage (read, split, encode, mask, write); the peer only reads each contig as text, with an index made
beforehand, its best setting; `ours_reading` is our reader doing just that. Each runs in a process of its own.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import support

REPEATS = 3


def simulate(path: Path, contigs: int, bases: int) -> None:
    """Write contigs with soft-masked runs of about 300 bases, half of the sequence, and some gaps of N."""
    generator = np.random.default_rng(1)
    with open(path, "wb") as stream:
        for number in range(contigs):
            letters = np.frombuffer(b"ACGT", dtype=np.uint8)[generator.integers(0, 4, bases, dtype=np.uint8)]
            edges = np.cumsum(generator.geometric(1 / 300, bases // 300))
            masked = np.zeros(bases, dtype=np.uint8)
            masked[edges[edges < bases]] = 1
            letters |= (np.cumsum(masked, dtype=np.uint8) % 2) * 32
            for start in generator.integers(0, bases, 5):
                letters[start : start + 20_000] = ord("N")
            lines = np.full((bases // 60, 61), ord("\n"), dtype=np.uint8)
            lines[:, :60] = letters[: len(lines) * 60].reshape(-1, 60)
            stream.write(f">chr{number + 1}\n".encode() + lines.tobytes())


def run_ours(fasta: Path) -> dict[str, list[int]]:
    """The genome stage; length and bases of each contig."""
    from grover.config.sections.genome import Extraction
    from grover.genome.encoding import GenomeFiles, encode_genome
    from grover.genome.fasta import read_contigs

    with tempfile.TemporaryDirectory(prefix="grover-bench-") as folder:
        paths = [Path(folder) / name for name in ("sequence.npy", "segments.bed", "softmask.bed", "contigs.tsv")]
        table = encode_genome(read_contigs(fasta), GenomeFiles(*paths), Extraction(exclude=[], minimum_segment=1))
    return dict(zip(table["contig"], table[["length", "kept"]].to_numpy().tolist(), strict=True))


def run_reading(fasta: Path) -> dict[str, int]:
    """Our reader alone; length of each contig."""
    from grover.genome.fasta import read_contigs

    return {name: len(sequence) for name, sequence in read_contigs(fasta)}


def run_peer(fasta: Path) -> dict[str, int]:
    """pyfaidx reads each contig as text; length of each."""
    import pyfaidx

    with pyfaidx.Fasta(str(fasta), as_raw=True) as genome:
        return {name: len(genome[name][:]) for name in list(genome.keys())}


WORKERS = {"ours": run_ours, "reading": run_reading, "peer": run_peer}


def count_bases(fasta: Path) -> dict[str, list[int]]:
    """Length and bases of each contig by pyfaidx, to compare; not timed."""
    import pyfaidx

    with pyfaidx.Fasta(str(fasta), as_raw=True, sequence_always_upper=True) as genome:
        texts = ((name, genome[name][:]) for name in list(genome.keys()))
        return {name: [len(text), sum(map(text.count, "ACGT"))] for name, text in texts}


def work(name: str, fasta: Path) -> None:
    run = WORKERS[name]
    with tempfile.TemporaryDirectory(prefix="grover-bench-") as folder:
        tiny = Path(folder) / "tiny.fa"
        tiny.write_text(">a\nACGT\n")
        support.report(lambda: run(fasta), lambda: run(tiny))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fasta", type=Path, help="uncompressed FASTA; simulated where absent")
    parser.add_argument("--bases", type=int, default=50_000_000, help="bases of each of three simulated contigs")
    parser.add_argument("--worker", choices=list(WORKERS), help=argparse.SUPPRESS)
    options = support.arguments(parser)
    if options.worker:
        return work(options.worker, options.fasta)
    with tempfile.TemporaryDirectory(prefix="grover-bench-") as folder:
        fasta = options.fasta
        if fasta is None:
            fasta = Path(folder) / "genome.fa"
            simulate(fasta, 3, options.bases // 60 * 60)
        bases = count_bases(fasta)  # makes the index of pyfaidx, too
        runs = {name: [] for name in WORKERS}
        for _ in range(REPEATS):
            for name, measured in runs.items():
                measured.append(support.measure(__file__, "--worker", name, "--fasta", fasta))
        megabytes = fasta.stat().st_size / 1e6
    speed = {name: megabytes / support.median(runs[name]) for name in runs}
    print(
        f"genome stage {speed['ours']:.0f} Mb/s, pyfaidx reading {speed['peer']:.0f} Mb/s, {megabytes:.0f} MB of FASTA"
    )
    result = {
        "ours": round(speed["ours"], 1),
        "peer": round(speed["peer"], 1),
        "ours_reading": round(speed["reading"], 1),
        "unit": "Mb/s of uncompressed FASTA",
        "ratio": round(speed["ours"] / speed["peer"], 2),
        "peak_mb": round(support.median(runs["ours"], "peak_mb")),
        "peer_peak_mb": round(support.median(runs["peer"], "peak_mb")),
        "identical": runs["ours"][0]["answer"] == bases,
    }
    support.finish(result, {"numpy", "pyfaidx"}, options.record)


if __name__ == "__main__":
    main()
