"""Embeddings of sequences of mixed lengths: ours beside the `feature-extraction` pipeline of `transformers`.

Both read text and return [CLS] and the mean over the tokens of the last layer. They have the same weights and precision, and
the same sequences of 20 to 500 tokens; both tokenise. Rates are sequences per second. The peer is measured

- at its best in the order given (`ratio`): states as tensors, the fastest of several batch sizes;
- at its defaults (`ratio_default`): one sequence at a time, states as lists, which take it long for bfloat16;
- at its best on sequences that were sorted by length for it (`ratio_sorted`), which is stricter than what was asked for.

In bf16 the weights of the peer are bfloat16. The peer knows the number of tokens of each sequence and can leave out padding. Not timed:
loading, the making of pipelines, a first run on other sequences, and the sorting. `difference` is the largest between numbers of the
vectors, as a share of the largest number; `identical` is whether it is within `tolerance`; `cosine` is the least between vectors of
the same sequence, each as a difference from the mean of all. Memory (`peak_mb`, `peer_peak_mb`) is that of the processes that were timed.

Then genomes of two sizes are embedded window by window by the command embed.py, each in a process of its own. The larger one is embedded
again with each of its segments as a single region. `flat` is whether the peak memory of each is at most a tenth above that of the first.
The network is a small one, for time; what is held of a genome does not depend on it. With GROVER_DATA the genome is the 26 Mb of hg19 in
that folder, else a simulated one.

  python bench/embedding.py
  python bench/embedding.py --precision fp32 --genome 0
  python bench/embedding.py --size base --device cuda --sequences 2048 --genome 0
"""

import argparse
import importlib.util
import os
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import support
import torch

from grover.config.sections import embeddings
from grover.config.sections.pretraining import SIZES, Architecture
from grover.genome.bases import decode, encode
from grover.runtime.machine import cores
from grover.tokenization import bpe
from grover.tokenization.vocabulary import Vocabulary

COMMAND = Path(__file__).resolve().parent.parent / "workflow/scripts/embed.py"
REPEATS = 3
BATCHES = (1, 2, 4, 8, 16, 32)  # of the peer
SHORTEST, LONGEST = 20, 500  # tokens; a sequence that is cut out may get a few more
POSITIONS = 512
FEW = 24  # sequences for the peer's defaults and for what is not timed
SEED = 1
MERGES = 600
TOLERANCE = {"fp32": 1e-4, "bf16": 0.05}  # bfloat16 keeps 8 bits
GENOMES = (1, 26)  # megabases
FLAT = 1.1
CONTEXT = embeddings.WindowContext().context
NARROW = {"layers": 1, "hidden": 32, "heads": 1, "intermediate": 64}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="small", help="of the network")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="bf16")
    parser.add_argument("--sequences", type=int, default=96, help="to embed in a timed run")
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES, help="batch sizes that the peer tries")
    parser.add_argument(
        "--genome", type=float, nargs="+", default=GENOMES, help="megabases to measure memory on; 0: none"
    )
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--worker", choices=("ours", "peer", "tune", "genome"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--regions", default="windows", help=argparse.SUPPRESS)
    parser.add_argument("--batch", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--sorted", action="store_true", help=argparse.SUPPRESS)
    options = support.arguments(parser)
    if options.worker:
        return work(options)
    with tempfile.TemporaryDirectory(prefix="grover-bench-") as name:
        options.folder = Path(name)
        codes, bounds = genome(max(options.genome))
        make_models(options, codes)
        result = throughput(options)
        for megabases in filter(None, options.genome):
            make_genome(options, codes, bounds, megabases)
        result |= memory(options)
    support.finish(result, ["torch", "transformers", "tokenizers", "numba", "numpy", "pyarrow"], options.record)


def throughput(options: argparse.Namespace) -> dict:
    """Ours and the peer three times in turn, after the peer has tried its batch sizes."""
    given = [
        f"--{key}={getattr(options, key)}" for key in ("size", "device", "precision", "sequences", "threads", "folder")
    ]

    def worker(name: str, *more: str) -> dict:
        found = support.measure(__file__, *given, "--worker", name, *more)
        if name != "tune":
            print(name, *more, f"{found['answer']['rate']:,.1f} sequences/s", flush=True)
        return found | found.pop("answer")

    tried = worker("tune", "--batches", *map(str, options.batches))
    best = {order: max(tried[order], key=tried[order].get) for order in ("given", "sorted")}
    in_order = f"--batch={best['given']}"
    by_length = f"--batch={best['sorted']}", "--sorted"
    runs = [
        (worker("ours"), worker("peer", in_order), worker("peer"), worker("peer", *by_length)) for _ in range(REPEATS)
    ]
    ours, peer, default, ordered = zip(*runs, strict=True)
    rates = [support.median(found, "rate") for found in (ours, peer, default, ordered)]
    vectors = np.array(ours[0]["vectors"])
    others = [np.array(found[0]["vectors"]) for found in (peer, default, ordered)]
    difference = max(np.abs(vectors[: len(other)] - other).max() for other in others) / np.abs(vectors).max()
    return {
        "ours": round(rates[0], 1),
        "peer": round(rates[1], 1),
        "peer_default": round(rates[2], 1),
        "peer_sorted": round(rates[3], 1),
        "unit": "sequences/s",
        "ratio": round(rates[0] / rates[1], 2),
        "ratio_default": round(rates[0] / rates[2], 2),
        "ratio_sorted": round(rates[0] / rates[3], 2),
        "identical": bool(difference <= TOLERANCE[options.precision]),
        "difference": float(f"{difference:.2g}"),
        "tolerance": TOLERANCE[options.precision],
        "cosine": round(least_cosine(vectors, others[0]), 4),
        "peak_mb": round(support.median(ours, "peak_mb")),
        "peer_peak_mb": round(support.median(peer, "peak_mb")),
        "peer_batch": int(best["given"]),
        "peer_rates": tried["given"],
        "peer_sorted_batch": int(best["sorted"]),
        "peer_sorted_rates": tried["sorted"],
        "size": options.size,
        "device": torch.cuda.get_device_name() if options.device == "cuda" else "cpu",
        "precision": options.precision,
        "threads": options.threads,
        "tokens": f"{SHORTEST} to {LONGEST}",
        "sequences": options.sequences,
        "default_sequences": min(FEW, options.sequences),
        "warm_up_seconds": round(support.median(ours, "warm_up_seconds"), 1),
    }


def least_cosine(ours: np.ndarray, peer: np.ndarray) -> float:
    """Over [sequences, poolings, hidden], each pooling's mean taken away."""
    one, other = ours - ours.mean(0), peer - ours.mean(0)
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    return float(((one * other).sum(-1) / lengths).min())


def memory(options: argparse.Namespace) -> dict:
    """Peak memory of the command embed.py on each genome."""
    sizes = [megabases for megabases in options.genome if megabases]
    rows = []
    for megabases, regions in [*((size, "windows") for size in sizes), *((size, "segments") for size in sizes[-1:])]:
        given = "--folder", options.folder / f"{megabases:g}", "--regions", regions, "--threads", options.threads
        found = support.measure(__file__, "--worker", "genome", *given)
        peak, seconds = round(found["peak_mb"]), round(found["seconds"], 1)
        rows.append({"megabases": megabases, "regions": regions, "peak_mb": peak, "seconds": seconds})
        print(rows[-1], flush=True)
    return {"flat": all(row["peak_mb"] <= FLAT * rows[0]["peak_mb"] for row in rows), "genomes": rows} if rows else {}


def work(options: argparse.Namespace) -> None:
    """In a process of its own."""
    torch.set_num_threads(options.threads)
    if options.worker == "genome":
        return support.report(lambda: embed_genome(options), lambda: None)
    texts = (options.folder / "sequences.txt").read_text().split()
    warm, texts = texts[:FEW], texts[FEW:]
    embed = make_ours(options) if options.worker == "ours" else make_peer(options)
    if options.worker == "tune":
        orders = {"given": False, "sorted": True}

        def tune() -> dict:
            seconds = {
                order: {batch: embed(texts, batch, flag)[1] for batch in options.batches}
                for order, flag in orders.items()
            }
            return {
                order: {batch: round(len(texts) / spent, 1) for batch, spent in of.items()}
                for order, of in seconds.items()
            }

        return support.report(tune, lambda: embed(warm, 1))
    if options.worker == "peer" and not options.batch:
        warm, texts = warm[:2], texts[:FEW]

    def run() -> dict:
        vectors, seconds = embed(texts, options.batch, options.sorted)
        return {"rate": len(texts) / seconds, "vectors": vectors.tolist()}

    support.report(run, lambda: embed(warm, options.batch))


def make_ours(options: argparse.Namespace):
    """A function of texts that gives [CLS] and mean of each, float32 [texts, 2, hidden], and the seconds that it took."""
    from grover.embeddings.embed import embed_sequences, load_encoder

    vocabulary, device = Vocabulary.load(options.folder / "model"), torch.device(options.device)
    encoder = load_encoder(options.folder / "model").to(device)
    last = encoder.config.num_hidden_layers

    def embed(texts: list[str], *_) -> tuple[np.ndarray, float]:
        started = now(options)
        inputs = vocabulary.encode_each(map(encode, texts), options.threads)
        found = embed_sequences(encoder, inputs, [last], device, options.precision)
        return np.stack([found["cls", last], found["mean", last]], 1), now(options) - started

    return embed


def make_peer(options: argparse.Namespace):
    """The same of the pipeline, at its defaults where the size of a batch is 0."""
    from transformers import AutoModel, AutoTokenizer, pipeline

    kind = torch.bfloat16 if options.precision == "bf16" else torch.float32
    model = AutoModel.from_pretrained(options.folder / "model", add_pooling_layer=False, dtype=kind)
    tokenizer = AutoTokenizer.from_pretrained(options.folder / "model")
    extract = pipeline("feature-extraction", model=model, tokenizer=tokenizer, device=options.device)

    def embed(texts: list[str], batch: int, by_length: bool = False) -> tuple[np.ndarray, float]:
        lengths = [len(ids) - 2 for ids in tokenizer(texts)["input_ids"]]
        order = np.argsort(lengths, kind="stable")[::-1] if by_length else np.arange(len(texts))
        texts, lengths = [texts[row] for row in order], [lengths[row] for row in order]
        started = now(options)
        if batch:
            states = [found[0] for found in extract(texts, batch_size=batch, return_tensors=True)]
        else:
            states = [torch.tensor(found[0]) for found in extract(texts)]
        pooled = [
            torch.stack([of_one[0].float(), of_one[1 : length + 1].float().mean(0)])
            for of_one, length in zip(states, lengths, strict=True)
        ]
        vectors = torch.stack(pooled).numpy()
        seconds = now(options) - started
        return vectors[np.argsort(order)], seconds

    return embed


def now(options: argparse.Namespace) -> float:
    """The time, after all that a GPU still has to do."""
    if options.device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def embed_genome(options: argparse.Namespace) -> None:
    """Run the command embed.py, with all layers of the model."""
    specification = importlib.util.spec_from_file_location("embed", COMMAND)
    command = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(command)
    names = {"tokens": "tokens.npy", "index": "index.npy", "sequence": "sequence.npy", "segments": "segments.bed"}
    written = {"output": "out.parquet", "token_sums": "sums.npz", "contexts_output": "contexts.parquet"}
    names |= {"regions": f"{options.regions}.parquet"}
    files = {key: options.folder / name for key, name in (names | written).items()}
    settings = {
        "jobs": embeddings.Shards(shards=1),
        "windows": embeddings.WindowTokens(),
        "margins": embeddings.WindowContext(),
        "kept": embeddings.Layers(),
        "occurrences": embeddings.Contexts(),
        "device": "cpu",
        "precision": "auto",
    }
    names = {"name": "narrow", "initial": "pretrained", "shard": 0, "seed": 0}
    command.embed(model=options.folder.parent / "narrow", threads=options.threads, **files, **names, **settings)


def genome(megabases: float) -> tuple[np.ndarray, np.ndarray]:
    """Codes and bounds of segments of at most so many bases, and of 2 Mb at least, of which sequences are cut."""
    if "GROVER_DATA" in os.environ:
        return support.read_fasta(Path(os.environ["GROVER_DATA"]) / "hg19/genome/hg19.partial.fa.gz")
    return support.simulate(round(max(megabases, 2) * 1e6))


def make_models(options: argparse.Namespace, codes: np.ndarray) -> None:
    """Write a vocabulary, models with random weights, `model` of the size asked for and a narrow one, and the sequences.

    Lengths follow the golden ratio, so that the first of them are as mixed as all.
    """
    from grover.network.bert import bert_config, new_language_model, save

    piece = np.ascontiguousarray(codes[:1_000_000])
    vocabulary = Vocabulary.from_merges(
        "bpe", bpe.train(piece, [0], [piece.size], MERGES, threads=options.threads).merges
    )
    vocabulary.save(options.folder / "vocabulary")
    for name, size in (("model", SIZES[options.size]), ("narrow", NARROW)):
        config = bert_config(Architecture(**size, positions=POSITIONS), vocabulary.size)
        save(new_language_model(config, SEED), config, options.folder / name, options.folder / "vocabulary")
    tokens = vocabulary.encode(piece)
    bases = np.concatenate([[0], np.cumsum(vocabulary.strides[tokens])])
    number = options.sequences + FEW
    lengths = SHORTEST + ((np.arange(1, number + 1) * 0.5 * (5**0.5 - 1)) % 1 * (LONGEST + 1 - SHORTEST)).astype(int)
    firsts = np.random.default_rng(SEED).integers(0, len(tokens) - LONGEST, number)
    texts = [decode(piece[bases[first] : bases[last]]) for first, last in zip(firsts, firsts + lengths, strict=True)]
    (options.folder / "sequences.txt").write_text("\n".join(texts))


def make_genome(options: argparse.Namespace, codes: np.ndarray, bounds: np.ndarray, megabases: float) -> None:
    """Write the first bases of a genome as the workflow does, their tokens, and as regions all windows, and all segments."""
    from grover.embeddings.region_table import core_length, places_of_tokens, sample_regions
    from grover.genome.assembly import Genome
    from grover.runtime.files import write_array, write_table
    from grover.tokenization.genome_tokens import TokenisedGenome, tokenise

    folder, bases = options.folder / f"{megabases:g}", min(round(megabases * 1e6), len(codes))
    bounds = np.unique(np.minimum(bounds, bases))
    write_array(folder / "sequence.npy", np.ascontiguousarray(codes[:bases]))
    rows = [f"chr{number}\t0\t{end - start}\ts{number}\n" for number, (start, end) in enumerate(pairwise(bounds))]
    (folder / "segments.bed").write_text("".join(rows))
    vocabulary = Vocabulary.load(options.folder / "vocabulary")
    tokenise(codes, bounds, vocabulary, folder / "tokens.npy", folder / "index.npy", threads=options.threads)
    genome = Genome(folder / "sequence.npy", folder / "segments.bed")
    tokens = TokenisedGenome(folder / "tokens.npy", folder / "index.npy", vocabulary)
    size = core_length(POSITIONS - 2, CONTEXT)
    windows = places_of_tokens(sample_regions(tokens.tokens_at(genome.bounds), size, 0, SEED), size, tokens)
    for name, (left, right) in {"windows": windows, "segments": (genome.bounds[:-1], genome.bounds[1:])}.items():
        chroms, starts = genome.locate(left)
        places = {"chrom": np.array(genome.chroms)[chroms], "start": starts, "end": starts + right - left}
        write_table(folder / f"{name}.parquet", pd.DataFrame(places))


if __name__ == "__main__":
    main()
