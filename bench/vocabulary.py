"""Learning byte pairs: our trainer beside `tokenizers` or rustbpe, on the same pieces of the same genome.

Each runs in a process of its own on all cores, ours and the peer's in turn, medians of three. Both get the genome cut into
pieces of 10,000 bases, since that is where `tokenizers` is fastest; a run on the first 300,000 bases as they are, in whole
segments, gives `ratio_default` and shows that the merges are the same there too. Memory for each further base is the slope
between half of the genome and all of it. With --scale our trainer alone runs on larger genomes, made from the given one by
shuffling and mutating blocks of it.

  python bench/vocabulary.py --fasta hg19.fa.gz --cycles 600 --peer tokenizers
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import support
from numba import njit

from grover.runtime.machine import cores
from grover.tokenization import bpe
from grover.tokenization.encoder import token_texts

REPEATS = 3
PIECE = 10_000
WHOLE = 300_000  # bases learnt from in whole segments, for which the peers' time grows with the square of a segment
SCALE = (1, 5, 26, 250, 2_900)
BLOCK = 10_000
SEGMENT = 10_000_000
PEERS = ("tokenizers", "rustbpe", "none")


def cut(bounds: np.ndarray, piece: int) -> tuple[np.ndarray, np.ndarray]:
    """Starts and ends of pieces of the segments; whole segments where `piece` is 0."""
    if piece == 0:
        return bounds[:-1], bounds[1:]
    starts = np.concatenate([np.arange(start, end, piece) for start, end in zip(bounds[:-1], bounds[1:], strict=True)])
    return starts, np.minimum(starts + piece, bounds[np.searchsorted(bounds, starts, side="right")])


@njit
def _shuffled(codes, out, block, seed):
    """Fill `out` with blocks drawn from `codes`, one base in ten of which is drawn anew."""
    np.random.seed(seed)
    for start in range(0, out.size, block):
        source = np.random.randint(0, codes.size - block)
        for i in range(start, min(start + block, out.size)):
            draw = np.random.randint(0, 40)
            out[i] = draw if draw < 4 else codes[source + i - start]


def enlarge(codes: np.ndarray, bases: int, path: Path) -> np.ndarray:
    """Write a genome of so many bases to `path` and return the bounds of its segments."""
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(bases,))
    _shuffled(codes, out, min(BLOCK, codes.size // 2), 1)
    out.flush()
    return np.linspace(0, bases, max(24, bases // SEGMENT) + 1).astype(np.int64)


def work(options: argparse.Namespace) -> None:
    """In a process of its own: learn, and answer with a digest of the merges."""
    codes = np.load(options.codes, mmap_mode="r")
    starts, ends = cut(np.load(options.bounds), options.piece)
    starts, ends = starts[starts < options.bases], np.minimum(ends, options.bases)[starts < options.bases]
    if options.worker == "ours":

        def run():
            learnt = bpe.train(codes, starts, ends, options.cycles, threads=options.threads)
            texts = token_texts(learnt.merges)
            return [texts[left] + " " + texts[right] for left, right in learnt.merges]

        # both widths of ids are compiled
        random = np.random.default_rng(1).integers(0, 4, 200_000).astype(np.uint8)
        return support.report(run, lambda: bpe.train(random, [0], [random.size], 300, threads=options.threads))
    letters = np.frombuffer(b"ACGT", np.uint8)
    pieces = [letters[codes[start:end]].tobytes().decode() for start, end in zip(starts, ends, strict=True)]
    learn = {"tokenizers": with_tokenizers, "rustbpe": with_rustbpe}[options.worker]
    support.report(lambda: learn(pieces, options.cycles), lambda: learn(["ACGT" * 10] * 2, 2))


def with_tokenizers(pieces: list[str], cycles: int) -> list[str]:
    from tokenizers import Tokenizer, models, trainers

    tokenizer = Tokenizer(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=4 + cycles, min_frequency=2, initial_alphabet=list("ACGT"), show_progress=False
    )
    tokenizer.train_from_iterator(pieces, trainer)
    return [" ".join(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]


def with_rustbpe(pieces: list[str], cycles: int) -> list[str]:
    import rustbpe

    tokenizer = rustbpe.Tokenizer()
    tokenizer.train_from_iterator(iter(pieces), vocab_size=256 + cycles, pattern="[ACGT]+")
    return [text.decode() for text, rank in tokenizer.get_mergeable_ranks() if rank >= 256]


def same(ours: list[str], peer: list[str]) -> bool:
    """rustbpe tells only the tokens, `tokenizers` the pairs."""
    return ours == peer or [pair.replace(" ", "") for pair in ours] == peer


class Genome:
    """A genome in a folder, and workers that learn from its first bases."""

    def __init__(self, folder: Path, bounds: np.ndarray, options: argparse.Namespace):
        self.folder, self.options, self.bases = folder, options, int(bounds[-1])
        np.save(folder / "bounds.npy", bounds)

    def learn(self, worker: str, piece: int, bases: int = 0, threads: int = 0, cycles: int = 0) -> dict:
        files = ("--codes", self.folder / "codes.npy", "--bounds", self.folder / "bounds.npy")
        size = ("--piece", piece, "--bases", bases or self.bases, "--cycles", cycles or self.options.cycles)
        return support.measure(
            __file__, "--worker", worker, *files, *size, "--threads", threads or self.options.threads
        )


def compare(genome: Genome, options: argparse.Namespace) -> dict:
    """Ours and the peer on the same pieces; medians, memory for each further base, identity."""
    runs = {"ours": [], options.peer: []}
    for _ in range(options.repeats):
        for name, measured in runs.items():
            measured.append(genome.learn(name, PIECE))
            print(f"{name}: {measured[-1]['seconds']:.2f} s, {measured[-1]['peak_mb']:.0f} MB", flush=True)
    few = min(WHOLE, genome.bases)
    whole = {name: [genome.learn(name, 0, few) for _ in range(options.repeats)] for name in runs}
    half = {name: genome.learn(name, PIECE, genome.bases // 2) for name in runs}
    slope = {
        name: (support.median(runs[name], "peak_mb") - half[name]["peak_mb"]) * 2**20 / (genome.bases / 2)
        for name in runs
    }
    ours, peer = support.median(runs["ours"]), support.median(runs[options.peer])
    return {
        "bases": genome.bases,
        "cycles": options.cycles,
        "threads": options.threads,
        "ours": round(ours, 2),
        "peer": round(peer, 2),
        "unit": "seconds",
        "peer_name": options.peer,
        "ratio": round(peer / ours, 1),
        "ratio_default": round(support.median(whole[options.peer]) / support.median(whole["ours"]), 1),
        "megabases_a_second": round(genome.bases / 1e6 / ours, 1),
        "peer_megabases_a_second": round(genome.bases / 1e6 / peer, 2),
        "peak_mb": round(support.median(runs["ours"], "peak_mb")),
        "peer_peak_mb": round(support.median(runs[options.peer], "peak_mb")),
        "bytes_a_further_base": round(slope["ours"], 2),
        "peer_bytes_a_further_base": round(slope[options.peer], 2),
        "warm_up_seconds": round(support.median(runs["ours"], "warm_up_seconds"), 2),
        "identical": same(runs["ours"][0]["answer"], runs[options.peer][0]["answer"]),
        "identical_on_whole_segments": same(whole["ours"][0]["answer"], whole[options.peer][0]["answer"]),
    }


def alone(genome: Genome, options: argparse.Namespace) -> dict:
    """Ours on whole segments, with one thread and with all, for this number of cycles and for 600."""
    runs = [genome.learn("ours", 0) for _ in range(options.repeats)]
    one = [genome.learn("ours", 0, threads=1) for _ in range(options.repeats)]
    fewer = [genome.learn("ours", 0, cycles=600) for _ in range(options.repeats)]
    return {
        "bases": genome.bases,
        "cycles": options.cycles,
        "threads": options.threads,
        "ours": round(support.median(runs), 2),
        "unit": "seconds",
        "one_thread": round(support.median(one), 2),
        "with_600_cycles": round(support.median(fewer), 2),
        "times_600_cycles": round(support.median(runs) / support.median(fewer), 2),
        "peak_mb": round(support.median(runs, "peak_mb")),
    }


def scale(codes: np.ndarray, folder: Path, options: argparse.Namespace) -> dict:
    """Ours on growing genomes; time is fitted as a power of the bases from 26 Mb on, memory as a line."""
    rows = []
    for megabases in options.sizes:
        bases = round(megabases * 1e6)
        bounds = enlarge(codes, bases, folder / "codes.npy")
        genome = Genome(folder, bounds, options)
        # the largest takes minutes and varies little
        repeats = options.repeats if bases < 1e9 else 1
        runs = {n: [genome.learn("ours", 0, threads=n) for _ in range(repeats)] for n in {1, options.threads}}
        seconds, one = support.median(runs[options.threads]), support.median(runs[1])
        rows.append(
            {
                "megabases": megabases,
                "segments": len(bounds) - 1,
                "seconds": round(seconds, 2),
                "seconds_one_thread": round(one, 2),
                "speed_up": round(one / seconds, 2),
                "peak_mb": round(support.median(runs[options.threads], "peak_mb")),
            }
        )
        print(rows[-1], flush=True)
    sizes, seconds, peaks = (np.array([row[key] for row in rows]) for key in ("megabases", "seconds", "peak_mb"))
    # from 26 Mb on, where what does not depend on the size no longer counts
    large = sizes >= 26
    exponent = np.polyfit(np.log(sizes[large]), np.log(seconds[large]), 1)[0] if large.sum() > 1 else float("nan")
    slope = np.polyfit(sizes, peaks, 1)[0] if len(rows) > 1 else float("nan")
    return {
        "cycles": options.cycles,
        "threads": options.threads,
        "ours": rows[-1]["seconds"],
        "unit": "seconds",
        "megabases_a_second": round(rows[-1]["megabases"] / rows[-1]["seconds"], 1),
        "peak_mb": rows[-1]["peak_mb"],
        "sizes": rows,
        "seconds_grow_with_bases_to_the_power": round(float(exponent), 3),
        "bytes_a_further_base": round(float(slope) * 2**20 / 1e6, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    support.add_genome(parser)
    parser.add_argument("--cycles", type=int, default=600, help="merges to learn")
    parser.add_argument("--peer", choices=PEERS, default="tokenizers", help="none: ours alone, also with 600 cycles")
    parser.add_argument("--threads", type=int, default=cores(), help="threads of ours; peers take every core")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="runs of each")
    parser.add_argument("--scale", action="store_true", help="ours alone on growing genomes")
    parser.add_argument("--sizes", type=float, nargs="+", default=SCALE, help="their megabases")
    for hidden, kind in (("--worker", str), ("--codes", Path), ("--bounds", Path), ("--piece", int)):
        parser.add_argument(hidden, type=kind, help=argparse.SUPPRESS)
    options = support.arguments(parser)
    if options.worker:
        return work(options)
    with tempfile.TemporaryDirectory(prefix="grover-bench-") as name:
        folder = Path(name)
        codes, bounds = support.genome(options)
        if options.scale:
            result = scale(codes, folder, options)
        else:
            np.save(folder / "codes.npy", codes)
            genome = Genome(folder, bounds, options)
            result = alone(genome, options) if options.peer == "none" else compare(genome, options)
    support.finish(result, {"numpy", "numba"} | {options.peer} - {"none"}, options.record)


if __name__ == "__main__":
    main()
