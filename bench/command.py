"""`grover embed` beside the `feature-extraction` pipeline of `transformers`.

Both get the same sequences of 20 to 500 tokens and give [CLS] and the mean over the tokens of the last layer, from the same weights in the
same precision. Rates are sequences a second. Ours is the whole subcommand: it opens the model, reads a FASTA and writes a Parquet file.
Of the peer, loading is not timed, and it writes nothing. It is measured at its best (`ratio`), states as tensors and the fastest of several
batch sizes, and at its defaults (`ratio_default`). `difference` is the largest between numbers of the vectors, as a share of the largest
number.

Then BED files of two sizes are embedded by a narrow model, each in a process of its own. `flat` says whether the peak memory of the larger
one is at most a tenth above that of the smaller one.

  python bench/command.py
  python bench/command.py --precision bf16 --rows 10000000
"""

import argparse
import tempfile
import time
from pathlib import Path

import embedding
import numpy as np
import pandas as pd
import support
import torch

from grover.commands import embed
from grover.commands.models import open_model
from grover.commands.options import Computation, Regions, Result
from grover.config.sections.pretraining import SIZES
from grover.genome.bases import decode
from grover.runtime.machine import cores

ROWS = 100_000
LENGTH = 20  # bases of an interval
TOLERANCE = {"fp32": 1e-4, "bf16": 0.05}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="small", help="of the network")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--sequences", type=int, default=96, help="to embed in a timed run")
    parser.add_argument("--batches", type=int, nargs="+", default=(1, 4, 8, 16), help="batch sizes that the peer tries")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of each")
    parser.add_argument("--rows", type=int, default=ROWS, help="of the larger BED file; 0: none")
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--worker", choices=("ours", "peer", "tune", "rows"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--batch", type=int, default=0, help=argparse.SUPPRESS)
    options = support.arguments(parser)
    if options.worker:
        return work(options)
    with tempfile.TemporaryDirectory(prefix="grover-bench-") as name:
        options.folder = Path(name)
        codes, _ = support.simulate(2_000_000)
        embedding.make_models(options, codes)
        write_inputs(options, codes)
        result = throughput(options) | memory(options)
    support.finish(result, ["torch", "transformers", "tokenizers", "numba", "numpy", "pyarrow"], options.record)


def write_inputs(options: argparse.Namespace, codes: np.ndarray) -> None:
    """Write the sequences as FASTA, and a genome with two BED files."""
    texts = (options.folder / "sequences.txt").read_text().split()
    for name, some in (("warm", texts[: embedding.FEW]), ("sequences", texts[embedding.FEW :])):
        (options.folder / f"{name}.fa").write_text("".join(f">{i}\n{text}\n" for i, text in enumerate(some)))
    (options.folder / "genome.fa").write_text(f">chr1\n{decode(codes)}\n")
    starts = np.random.default_rng(1).integers(0, len(codes) - LENGTH, max(options.rows, 1))
    for rows in {options.rows // 10, options.rows} - {0}:
        table = pd.DataFrame({"chrom": "chr1", "start": starts[:rows], "end": starts[:rows] + LENGTH})
        table.to_csv(options.folder / f"{rows}.bed", sep="\t", header=False, index=False)


def throughput(options: argparse.Namespace) -> dict:
    """Ours and the peer in turn, after the peer has tried its batch sizes."""
    keys = ("size", "device", "precision", "sequences", "threads", "folder")
    given = [f"--{key}={getattr(options, key)}" for key in keys]

    def worker(name: str, *more: str) -> dict:
        found = support.measure(__file__, *given, "--worker", name, *more)
        answer = found.pop("answer")
        print(name, *more, answer if name == "tune" else f"{answer['rate']:,.1f} sequences/s", flush=True)
        return found | answer

    tried = worker("tune", "--batches", *map(str, options.batches))["rates"]
    best = max(tried, key=tried.get)
    runs = [(worker("ours"), worker("peer", f"--batch={best}"), worker("peer")) for _ in range(options.repeats)]
    ours, peer, default = zip(*runs, strict=True)
    rates = [support.median(found, "rate") for found in (ours, peer, default)]
    vectors, others = np.array(ours[0]["vectors"]), np.array(peer[0]["vectors"])
    difference = np.abs(vectors - others).max() / np.abs(vectors).max()
    return {
        "ours": round(rates[0], 1),
        "peer": round(rates[1], 1),
        "peer_default": round(rates[2], 1),
        "unit": "sequences/s",
        "ratio": round(rates[0] / rates[1], 2),
        "ratio_default": round(rates[0] / rates[2], 2),
        "identical": bool(difference <= TOLERANCE[options.precision]),
        "difference": float(f"{difference:.2g}"),
        "tolerance": TOLERANCE[options.precision],
        "peak_mb": round(support.median(ours, "peak_mb")),
        "peer_peak_mb": round(support.median(peer, "peak_mb")),
        "peer_batch": int(best),
        "peer_rates": tried,
        "size": options.size,
        "device": torch.cuda.get_device_name() if options.device == "cuda" else "cpu",
        "precision": options.precision,
        "threads": options.threads,
        "sequences": options.sequences,
    }


def memory(options: argparse.Namespace) -> dict:
    """Peak memory of the subcommand with BED files of two sizes."""
    rows = []
    for number in sorted({options.rows // 10, options.rows} - {0}):
        given = "--folder", options.folder, "--rows", number, "--threads", options.threads
        found = support.measure(__file__, "--worker", "rows", *given)
        rows.append({"rows": number, "peak_mb": round(found["peak_mb"]), "seconds": round(found["seconds"], 1)})
        print(rows[-1], flush=True)
    return {"flat": rows[-1]["peak_mb"] <= embedding.FLAT * rows[0]["peak_mb"], "beds": rows} if rows else {}


def work(options: argparse.Namespace) -> None:
    """In a process of its own."""
    torch.set_num_threads(options.threads)
    computation = Computation(options.device, options.precision, options.threads, quiet=True)

    def ours(model: str, asked: Regions) -> Path:
        output = options.folder / "ours.parquet"
        result = Result(str(output), force=True)
        embed.run(open_model(str(options.folder / model)), "-1", 0, "tile", asked, computation, result)
        return output

    if options.worker == "rows":
        asked = Regions(str(options.folder / "genome.fa"), str(options.folder / f"{options.rows}.bed"))
        return support.report(lambda: ours("narrow", asked) and None, lambda: None)
    if options.worker == "ours":

        def run() -> dict:
            started = time.perf_counter()
            output = ours("model", Regions(str(options.folder / "sequences.fa")))
            rate = options.sequences / (time.perf_counter() - started)
            table = pd.read_parquet(output)
            (cls,), (mean,) = ([name for name in table if name.startswith(each)] for each in ("cls_", "mean_"))
            return {"rate": rate, "vectors": np.stack([np.stack(table[cls]), np.stack(table[mean])], 1).tolist()}

        return support.report(run, lambda: ours("model", Regions(str(options.folder / "warm.fa"))))
    texts = (options.folder / "sequences.txt").read_text().split()
    warm, texts = texts[: embedding.FEW], texts[embedding.FEW :]
    peer = embedding.make_peer(options)
    if options.worker == "tune":
        return support.report(
            lambda: {"rates": {size: round(len(texts) / peer(texts, size)[1], 1) for size in options.batches}},
            lambda: peer(warm, 1),
        )
    if not options.batch:
        warm, texts = warm[:2], texts[: embedding.FEW]

    def run_peer() -> dict:
        vectors, seconds = peer(texts, options.batch)
        return {"rate": len(texts) / seconds, "vectors": vectors.tolist()}

    support.report(run_peer, lambda: peer(warm, options.batch))


if __name__ == "__main__":
    main()
