"""`grover embed` and `grover variants` beside what they replace, and the memory of `grover embed`.

- `grover embed` beside the `feature-extraction` pipeline of transformers: [CLS] and mean over the tokens of the last layer of the same
  sequences, 20 to 500 tokens each. The pipeline is measured at its best (`ratio`: states as tensors, the fastest of several batch sizes)
  and at its defaults (`ratio_default`).
- `grover variants` beside a plain loop over the same passes, in padded batches with the fastest of several sizes. It computes `llr` of
  both strands and the two distances of embeddings (`ratio`), or `llr` alone, which leaves out two fifths of the passes (`ratio_llr`).
- `grover embed` of BED files of several sizes by a narrow model. `flat` says whether no peak memory is more than a tenth above that of the
  smallest file.

Ours is the whole subcommand: it opens the model, reads FASTA and VCF, and writes a file. Of the peers loading is not timed, and they write
nothing. All get the same weights in the same precision; runs are interleaved, each in a process of its own after a warm-up. `ratio` is of
sequences or variants a second, `cpu_ratio` of processor seconds, which other programs disturb less. `difference` is the largest between
numbers, of vectors as a share of the largest number.

  python bench/command.py
  python bench/command.py --sequences 0 --variants 0 --threads 1 --rows 50000 400000 2000000 10000000 --record command-rows
"""

import argparse
import tempfile
import time
from pathlib import Path

import embedding
import interpretation
import numpy as np
import pandas as pd
import support
import torch

from grover.commands import embed, variants
from grover.commands.models import open_model
from grover.commands.options import Computation, Regions, Result
from grover.config.sections.pretraining import SIZES
from grover.genome.bases import decode
from grover.network.bert import load_language_model
from grover.runtime.machine import cores
from grover.tokenization.vocabulary import Vocabulary
from tests.fakes.assembly import assembly

ROWS = 10_000, 100_000
LENGTH = 20  # bases of an interval
TOLERANCE = {"fp32": 1e-4, "bf16": 0.05}
LOOP_BATCHES = (8, 32, 64, 128)  # of the loop over variants
SCORES = ["llr", "cosine", "l2"]
FEW_VARIANTS = 24  # that are not timed
VCF_HEADER = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
PACKAGES = ["torch", "transformers", "tokenizers", "numba", "numpy", "pyarrow"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="small", help="of the network")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--sequences", type=int, default=96, help="to embed in a timed run; 0: none")
    parser.add_argument("--variants", type=int, default=240, help="to score in a timed run; 0: none")
    parser.add_argument(
        "--batches", type=int, nargs="+", default=(1, 4, 8, 16), help="batch sizes that the pipeline tries"
    )
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of each")
    parser.add_argument("--rows", type=int, nargs="*", default=ROWS, help="of the BED files")
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--worker", choices=WORKERS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--batch", type=int, default=0, help=argparse.SUPPRESS)
    options = support.arguments(parser)
    if options.worker:
        torch.set_num_threads(options.threads)
        return WORKERS[options.worker](options)
    with tempfile.TemporaryDirectory(prefix="grover-bench-") as name:
        options.folder = Path(name)
        codes, _ = support.simulate(2_000_000)
        embedding.make_models(options, codes)
        write_inputs(options, codes)
        result = compare_embedding(options) if options.sequences else {}
        if options.variants:
            result["variants"] = compare_variants(options)
        if options.rows:
            result |= memory(options)
    result["device"] = torch.cuda.get_device_name() if options.device == "cuda" else "cpu"
    result |= {key: getattr(options, key) for key in ("size", "precision", "threads", "sequences", "repeats")}
    support.finish(result, PACKAGES, options.record)


def write_inputs(options: argparse.Namespace, codes: np.ndarray) -> None:
    """Write the sequences as FASTA, a genome, its variants as VCF, and BED files."""
    texts = (options.folder / "sequences.txt").read_text().split()
    for name, some in (("warm", texts[: embedding.FEW]), ("sequences", texts[embedding.FEW :])):
        (options.folder / f"{name}.fa").write_text("".join(f">{i}\n{text}\n" for i, text in enumerate(some)))
    (options.folder / "genome.fa").write_text(f">chr1\n{decode(codes)}\n")
    np.save(options.folder / "codes.npy", codes[:20_000])
    (options.folder / "small.fa").write_text(f">chr1\n{decode(codes[:20_000])}\n")
    for name, number in (("warm", FEW_VARIANTS), ("variants", options.variants)):
        table = interpretation.variants(setting(options, number))
        rows = (f"{row.chrom}\t{row.pos}\t.\t{row.ref}\t{row.alt}\t.\t.\t.\n" for row in table.itertuples())
        (options.folder / f"{name}.vcf").write_text(VCF_HEADER + "".join(rows))
    generator = np.random.default_rng(1)
    for rows in options.rows:
        starts = generator.integers(0, len(codes) - LENGTH, rows)
        table = pd.DataFrame({"chrom": "chr1", "start": starts, "end": starts + LENGTH})
        table.to_csv(options.folder / f"{rows}.bed", sep="\t", header=False, index=False)


def setting(options: argparse.Namespace, number: int) -> interpretation.Setting:
    """What the loop over variants reads."""
    codes = np.load(options.folder / "codes.npy")
    genome = assembly(options.folder / "small", [("chr1", 0, decode(codes))])
    model, vocabulary = load_language_model(options.folder / "model"), Vocabulary.load(options.folder / "model")
    return interpretation.Setting(model.eval(), None, vocabulary, codes, genome, number)


def compare_embedding(options: argparse.Namespace) -> dict:
    """`grover embed`, the pipeline at its best and at its defaults."""
    tried = worker(options, "tune-pipeline", "--batches", *map(str, options.batches))["rates"]
    best = max(tried, key=tried.get)
    runs = [
        (worker(options, "embed"), worker(options, "pipeline", f"--batch={best}"), worker(options, "pipeline"))
        for _ in range(options.repeats)
    ]
    ours, peer, default = zip(*runs, strict=True)
    vectors, others = np.array(ours[0]["found"]), np.array(peer[0]["found"])
    difference = np.abs(vectors - others).max() / np.abs(vectors).max()
    found = compared(ours, peer, difference, options) | {"peer_batch": int(best), "peer_rates": tried}
    rate = support.median(default, "rate")
    found |= {"peer_default": round(rate, 1), "ratio_default": round(support.median(ours, "rate") / rate, 2)}
    fewer = options.sequences / min(embedding.FEW, options.sequences)  # sequences at the defaults
    found["cpu_ratio_default"] = round(fewer * support.median(default, "cpu") / support.median(ours, "cpu"), 2)
    return found | {"unit": "sequences/s"}


def compare_variants(options: argparse.Namespace) -> dict:
    """`grover variants`, the loop with its fastest batch size, and the loop without distances."""
    tried = worker(options, "tune-loop")["rates"]
    best = max(tried, key=tried.get)
    batch = f"--batch={best}"
    runs = [
        (worker(options, "variants"), worker(options, "loop", batch), worker(options, "llr-loop", batch))
        for _ in range(options.repeats)
    ]
    ours, peer, llr = zip(*runs, strict=True)
    difference = np.abs(np.array(ours[0]["found"]) - np.array(peer[0]["found"])).max()
    found = compared(ours, peer, difference, options) | {"peer_batch": int(best), "peer_rates": tried}
    rate = support.median(llr, "rate")
    found |= {"peer_llr": round(rate, 1), "ratio_llr": round(support.median(ours, "rate") / rate, 2)}
    found["cpu_ratio_llr"] = round(support.median(llr, "cpu") / support.median(ours, "cpu"), 2)
    return found | {"unit": "variants/s", "variants": options.variants}


def worker(options: argparse.Namespace, name: str, *more: str) -> dict:
    """Run a worker in a process of its own; return what it answered, with its peak memory."""
    keys = ("size", "device", "precision", "sequences", "variants", "threads", "folder")
    given = [f"--{key}={getattr(options, key)}" for key in keys]
    found = support.measure(__file__, *given, "--worker", name, *more)
    answer = found.pop("answer")
    print(name, *more, answer.get("rates") or f"{answer['rate']:,.1f}/s", flush=True)
    return found | answer


def compared(ours: tuple, peer: tuple, difference: float, options: argparse.Namespace) -> dict:
    """Medians of both sides."""
    rates, seconds = ([support.median(runs, key) for runs in (ours, peer)] for key in ("rate", "cpu"))
    return {
        "ours": round(rates[0], 1),
        "peer": round(rates[1], 1),
        "ratio": round(rates[0] / rates[1], 2),
        "cpu_ratio": round(seconds[1] / seconds[0], 2),
        "rates": [[round(run["rate"], 1) for run in runs] for runs in (ours, peer)],
        "identical": bool(difference <= TOLERANCE[options.precision]),
        "difference": float(f"{difference:.2g}"),
        "tolerance": TOLERANCE[options.precision],
        "peak_mb": round(support.median(ours, "peak_mb")),
        "peer_peak_mb": round(support.median(peer, "peak_mb")),
    }


def memory(options: argparse.Namespace) -> dict:
    """Peak memory of the subcommand with each BED file."""
    rows = []
    for number in sorted(options.rows):
        given = "--folder", options.folder, "--rows", number, "--threads", options.threads
        found = support.measure(__file__, "--worker", "beds", *given)
        rows.append({"rows": number, "peak_mb": round(found["peak_mb"]), "seconds": round(found["seconds"], 1)})
        print(rows[-1], flush=True)
    return {"flat": all(row["peak_mb"] <= embedding.FLAT * rows[0]["peak_mb"] for row in rows), "beds": rows}


# Workers, each in a process of its own


class Clock:
    """Time that has passed since this was made."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def of(self, number: int) -> dict:
        """Return the rate of so many units, and the processor seconds that they took."""
        return {"rate": number / (time.perf_counter() - self.wall), "cpu": time.process_time() - self.cpu}


def run_embed(options: argparse.Namespace, model: str, asked: Regions) -> Path:
    output = options.folder / "ours.parquet"
    computation = Computation(options.device, options.precision, options.threads, quiet=True)
    opened = open_model(str(options.folder / model))
    embed.run(opened, "-1", 0, "tile", asked, computation, Result(str(output), force=True))
    return output


def time_beds(options: argparse.Namespace) -> None:
    asked = Regions(str(options.folder / "genome.fa"), str(options.folder / f"{options.rows[0]}.bed"))
    support.report(lambda: run_embed(options, "narrow", asked) and None, lambda: None)


def time_embed(options: argparse.Namespace) -> None:
    def run() -> dict:
        clock = Clock()
        output = run_embed(options, "model", Regions(str(options.folder / "sequences.fa")))
        spent = clock.of(options.sequences)
        table = pd.read_parquet(output)
        (cls,), (mean,) = ([name for name in table if name.startswith(each)] for each in ("cls_", "mean_"))
        return spent | {"found": np.stack([np.stack(table[cls]), np.stack(table[mean])], 1).tolist()}

    support.report(run, lambda: run_embed(options, "model", Regions(str(options.folder / "warm.fa"))))


def tune_pipeline(options: argparse.Namespace) -> None:
    warm, texts, peer = pipeline(options)
    support.report(
        lambda: {"rates": {size: round(len(texts) / peer(texts, size)[1], 1) for size in options.batches}},
        lambda: peer(warm, 1),
    )


def time_pipeline(options: argparse.Namespace) -> None:
    warm, texts, peer = pipeline(options)
    if not options.batch:
        warm, texts = warm[:2], texts[: embedding.FEW]

    def run() -> dict:
        clock = Clock()
        vectors, seconds = peer(texts, options.batch)  # without what it is told of the sequences
        return clock.of(len(texts)) | {"rate": len(texts) / seconds, "found": vectors.tolist()}

    support.report(run, lambda: peer(warm, options.batch))


def pipeline(options: argparse.Namespace) -> tuple:
    """Sequences that are not timed, those that are, and the function of them."""
    texts = (options.folder / "sequences.txt").read_text().split()
    return texts[: embedding.FEW], texts[embedding.FEW :], embedding.make_peer(options)


def time_variants(options: argparse.Namespace) -> None:
    output = options.folder / "ours.parquet"
    computation = Computation(options.device, options.precision, options.threads, quiet=True)
    asked = variants.Asked(flank=interpretation.FLANK)

    def score(name: str) -> None:
        model, files = open_model(str(options.folder / "model")), (options.folder / "small.fa", options.folder / name)
        variants.run(model, *map(str, files), "", asked, computation, Result(str(output), force=True))

    def run() -> dict:
        clock = Clock()
        score("variants.vcf")
        return clock.of(options.variants) | {"found": pd.read_parquet(output)[SCORES].to_numpy().tolist()}

    support.report(run, lambda: score("warm.vcf"))


def tune_loop(options: argparse.Namespace) -> None:
    given = setting(options, options.variants)

    def rate(batch: int) -> float:
        clock = Clock()
        score_in_loop(given, batch)
        return round(clock.of(options.variants)["rate"], 1)

    support.report(
        lambda: {"rates": {batch: rate(batch) for batch in LOOP_BATCHES}},
        lambda: score_in_loop(setting(options, FEW_VARIANTS), LOOP_BATCHES[0]),
    )


def time_loop(options: argparse.Namespace) -> None:
    given, score = setting(options, options.variants), LOOPS[options.worker]

    def run() -> dict:
        clock = Clock()
        found = score(given, options.batch)
        return clock.of(options.variants) | {"found": found.tolist()}

    support.report(run, lambda: score(setting(options, FEW_VARIANTS), options.batch))


def score_in_loop(given: interpretation.Setting, batch: int) -> np.ndarray:
    """What ours computes of each variant, [variants, 3]."""
    return np.column_stack([interpretation.peer_llr(given, batch), interpretation.peer_distances(given, batch)])


LOOPS = {"loop": score_in_loop, "llr-loop": interpretation.peer_llr}
WORKERS = {
    "beds": time_beds,
    "embed": time_embed,
    "tune-pipeline": tune_pipeline,
    "pipeline": time_pipeline,
    "variants": time_variants,
    "tune-loop": tune_loop,
    **dict.fromkeys(LOOPS, time_loop),
}

if __name__ == "__main__":
    main()
