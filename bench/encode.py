"""Encoding windows with a byte-pair vocabulary: our encoder beside `tokenizers`, on one core each, and with all cores.

The vocabulary is learnt from the genome. Both encode the same random windows of 1 to 5,000 bases; `tokenizers` is measured at its
best (the bare model, a batch, no offsets) and as `AutoTokenizer` would load it (`ratio_default`). `identical` is whether
all ids are equal on --windows random windows and on adversarial sequences. These are runs of one base, repeats of two, the repeat of
telomeres, and every token followed by every token.

  python bench/encode.py --fasta hg19.fa.gz --windows 1000000
"""

import argparse
import tempfile
from itertools import product
from pathlib import Path

import numpy as np
import support

from grover.runtime.machine import cores
from grover.tokenization import bpe
from grover.tokenization.vocabulary import Vocabulary

PEERS = ("tokenizers", "none")
REPEATS = 3
LONGEST = 5_000
TIMED = 4_000  # windows in a timed run, 10 Mb
CHUNK = 20_000  # windows compared at a time
LETTERS = np.frombuffer(b"ACGT", np.uint8)


def draw(codes: np.ndarray, windows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Starts and ends of random windows of 1 to 5,000 bases."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, min(LONGEST, len(codes)) + 1, windows)
    starts = generator.integers(0, len(codes) - lengths + 1)
    return starts, starts + lengths


def texts_of(codes: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> list[str]:
    return [LETTERS[codes[start:end]].tobytes().decode() for start, end in zip(starts, ends, strict=True)]


def bare(folder: Path):
    """The peer at its best: the byte-pair model without normalizer and special tokens."""
    from tokenizers import Tokenizer, models

    vocabulary = Vocabulary.load(folder)
    ids = {text: number for number, text in enumerate(vocabulary.tokens)}
    merges = [(vocabulary.tokens[left], vocabulary.tokens[right]) for left, right in vocabulary.merges]
    return Tokenizer(models.BPE(vocab=ids, merges=merges))


def work(options: argparse.Namespace) -> None:
    """In a process of its own: encode the timed windows, and answer with their number of tokens."""
    from tokenizers import Tokenizer

    codes = np.load(options.folder / "codes.npy", mmap_mode="r")
    starts, ends = draw(codes, TIMED, 1)
    vocabulary = Vocabulary.load(options.folder)
    if options.worker == "ours":
        run = lambda: int(vocabulary.encode_windows(codes, starts, ends, options.threads)[1][-1])  # noqa: E731
        return support.report(run, lambda: vocabulary.encode(codes[:1_000]))
    texts = texts_of(codes, starts, ends)
    if options.worker == "best":
        peer = bare(options.folder)
        return support.report(
            lambda: sum(len(encoded) for encoded in peer.encode_batch_fast(texts)),
            lambda: peer.encode_batch_fast(texts[:9]),
        )
    peer = Tokenizer.from_file(str(options.folder / "tokenizer.json"))
    support.report(
        lambda: sum(len(encoded) - 2 for encoded in peer.encode_batch(texts)), lambda: peer.encode_batch(texts[:9])
    )


def compare(codes: np.ndarray, folder: Path, windows: int, threads: int) -> tuple[int, bool]:
    """Number of sequences compared, and whether all ids are the same."""
    vocabulary, peer = Vocabulary.load(folder), bare(folder)
    compared, identical = 0, True
    for seed, first in enumerate(range(0, windows, CHUNK)):
        starts, ends = draw(codes, min(CHUNK, windows - first), 100 + seed)
        identical &= same(vocabulary, peer, codes, starts, ends, threads)
        compared += len(starts)
        print(f"{compared:,} windows compared, identical: {identical}", flush=True)
    texts = adversarial(vocabulary.tokens[5:])
    joined = np.frombuffer("".join(texts).encode(), np.uint8)
    ends = np.cumsum([len(text) for text in texts])
    starts = np.concatenate([[0], ends[:-1]])
    identical &= same(vocabulary, peer, np.searchsorted(LETTERS, joined).astype(np.uint8), starts, ends, threads)
    return compared + len(texts), identical


def same(vocabulary: Vocabulary, peer, codes, starts, ends, threads: int) -> bool:
    tokens, offsets = vocabulary.encode_windows(codes, starts, ends, threads)
    expected = peer.encode_batch_fast(texts_of(codes, starts, ends))
    return all(
        tokens[first:last].tolist() == encoded.ids
        for first, last, encoded in zip(offsets[:-1], offsets[1:], expected, strict=True)
    )


def adversarial(tokens: list[str]) -> list[str]:
    """Runs, repeats, and every token behind every token, alone and in a long row."""
    lengths = [*range(1, 70), 127, 128, 129, 500, 1_000, LONGEST]
    units = ["".join(letters) for size in (1, 2) for letters in product("ACGT", repeat=size)] + ["TTAGGG", "CCCTAA"]
    repeats = [(unit * length)[:length] for unit in units for length in lengths]
    pairs = [left + right for left, right in product(tokens, repeat=2)]
    rows = ["".join(left + right for right in tokens) for left in tokens]
    return repeats + pairs + rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    support.add_genome(parser)
    parser.add_argument("--cycles", type=int, default=600, help="merges of the vocabulary")
    parser.add_argument("--windows", type=int, default=20_000, help="random windows whose ids are compared")
    parser.add_argument("--peer", choices=PEERS, default="tokenizers", help="none: ours alone")
    for hidden, kind in (("--worker", str), ("--folder", Path), ("--threads", int)):
        parser.add_argument(hidden, type=kind, help=argparse.SUPPRESS)
    options = support.arguments(parser)
    if options.worker:
        return work(options)
    every = cores()
    workers = [("ours", 1), ("ours", every)]
    if options.peer != "none":
        workers += [("best", 1), ("default", 1), ("best", every)]
    with tempfile.TemporaryDirectory(prefix="grover-bench-") as name:
        folder = Path(name)
        codes, bounds = support.genome(options)
        np.save(folder / "codes.npy", codes)
        merges = bpe.train(codes, bounds[:-1], bounds[1:], options.cycles, threads=every).merges
        Vocabulary.from_merges(f"bpe-{options.cycles}", merges).save(folder)
        runs: dict[tuple[str, int], list[dict]] = {worker: [] for worker in workers}
        for _ in range(REPEATS):
            for (worker, threads), measured in runs.items():
                arguments = ("--worker", worker, "--folder", folder, "--threads", threads)
                measured.append(support.measure(__file__, *arguments, RAYON_NUM_THREADS=str(threads)))
        if options.peer != "none":
            compared, identical = compare(codes, folder, options.windows, every)
    starts, ends = draw(codes, TIMED, 1)
    megabases = int((ends - starts).sum()) / 1e6
    speed = {key: megabases / support.median(measured) for key, measured in runs.items()}
    for (worker, threads), rate in speed.items():
        print(f"{worker} with {threads} threads: {rate:.1f} Mb/s")
    result = {
        "cycles": options.cycles,
        "ours": round(speed["ours", 1], 1),
        "unit": "Mb/s on one core",
        "ours_all_cores": round(speed["ours", every], 1),
        "peak_mb": round(support.median(runs["ours", 1], "peak_mb")),
    }
    if options.peer != "none":
        same_tokens = len({run["answer"] for measured in runs.values() for run in measured}) == 1
        result |= {
            "peer": round(speed["best", 1], 2),
            "ratio": round(speed["ours", 1] / speed["best", 1], 1),
            "ratio_default": round(speed["ours", 1] / speed["default", 1], 1),
            "peer_all_cores": round(speed["best", every], 2),
            "peer_peak_mb": round(support.median(runs["best", 1], "peak_mb")),
            "compared": compared,
            "identical": identical and same_tokens,
        }
    support.finish(result, {"numpy", "numba"} | {options.peer} - {"none"}, options.record)


if __name__ == "__main__":
    main()
