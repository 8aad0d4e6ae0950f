"""Masked-token pretraining: our loop beside `transformers.Trainer` with `BertForMaskedLM`.

Both train the same network on the same windows with the same masks in the same precision, 64 windows per step. On a CPU ours runs as one
process per core, as the rule does, and the peer as one process of as many threads. By default half of the windows have 510 tokens and the
others 20 to 510, as in the paper. The peer is measured at its best (`ratio`) and at its defaults (`ratio_default`). At its best, windows
are grouped by length and padded to the longest of the batch, with the fastest of several batch sizes. A rate is in useful tokens per
second: padding and specials do not count. `mfu` is the share of the device's peak, `(6 N + 12 L H T) x tokens/s` over its FLOP/s. N are
the weights without embeddings, T the length of the window of a token. The peak of a CPU is that of a large product of matrices, measured
in the same run. The formula counts the last layer and the output in full, which our loop computes for the masked tokens alone. The loops
are timed, without the check before our first step and without the making of the Trainer. `loss` and `peer_loss` are those of the last
quarter of a longer run of size tiny on the same batches in the same order.

  python bench/pretraining.py --size small --windows 192 --loss-steps 100 --fasta hg19.fa.gz
  python bench/pretraining.py --size base --device cuda --windows 4096 --length 510
"""

import argparse
import resource
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import support
import torch

from grover.config.sections.pretraining import SIZES, Architecture
from grover.network.packed import pack
from grover.pretraining.masking import Masking, mask
from grover.runtime.machine import cores
from grover.tokenization import bpe
from grover.tokenization.vocabulary import Vocabulary

REPEATS = 3
BATCH = 64
BATCH_SIZES = (16, 32, 64)  # of the peer
MASKING = Masking(0.022)
RATE = 1e-3
SEED = 1
# dense bfloat16 without sparsity, FLOP/s, as their makers state
PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12}
IGNORED = -100  # label of a token that is not predicted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    support.add_genome(parser)
    parser.add_argument("--size", choices=SIZES, default="small", help="of the network")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="bf16")
    parser.add_argument("--windows", type=int, default=64, help="windows of a timed run")
    parser.add_argument("--length", type=int, default=0, help="tokens of every window; 0: as in the paper")
    parser.add_argument("--loss-steps", type=int, default=10, help="steps of the run that compares the loss")
    parser.add_argument("--compile", action="store_true", help="let both use torch.compile")
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--peer-batch", type=int, default=BATCH, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = support.arguments(parser)
    if options.worker:
        return work(options)
    if options.windows % BATCH:
        parser.error(f"--windows {options.windows} is no multiple of the batch of {BATCH}")

    with tempfile.TemporaryDirectory() as folder:
        write_tokens(options, Path(folder))

        def worker(name: str, batch: int = BATCH) -> dict:
            given = [
                f"--{key}={getattr(options, key)}"
                for key in ("size", "device", "precision", "windows", "length", "threads")
            ]
            given += ["--compile"] if options.compile else []
            found = support.measure(
                __file__,
                *given,
                f"--loss-steps={options.loss_steps}",
                "--worker",
                name,
                "--peer-batch",
                batch,
                "--folder",
                folder,
            )
            rate = found["answer"]["tokens"] / found["answer"]["loop_seconds"]
            print(f"{name}, batch {batch}: {rate:,.0f} tokens/s, {found['peak_mb']:,.0f} MB", flush=True)
            answer = found["answer"]
            # of a GPU its own memory counts, of several processes that of all
            peak = answer["device_mb"] or found["peak_mb"] + answer["others_mb"]
            return found | answer | {"rate": rate, "peak_mb": peak}

        tried = {batch: worker("best", batch)["rate"] for batch in BATCH_SIZES}
        best = max(tried, key=tried.get)
        runs = [(worker("ours"), worker("best", best), worker("default")) for _ in range(REPEATS)]
        ours, peer, default = zip(*runs, strict=True)
        losses = worker("loss-ours"), worker("loss-peer")
    rate, peer_rate, default_rate = (support.median(found, "rate") for found in (ours, peer, default))
    peak = peak_flops(options)
    support.finish(
        {
            "ours": round(rate),
            "peer": round(peer_rate),
            "peer_default": round(default_rate),
            "unit": "useful tokens/s",
            "ratio": round(rate / peer_rate, 2),
            "ratio_default": round(rate / default_rate, 2),
            "peak_mb": round(support.median(ours, "peak_mb")),
            "peer_peak_mb": round(support.median(peer, "peak_mb")),
            "mfu": round(rate * ours[0]["flops"] / peak, 3),
            "peer_mfu": round(peer_rate * ours[0]["flops"] / peak, 3),
            "peak_tflops": round(peak / 1e12, 2),
            "peer_batch": best,
            "peer_rates": {str(batch): round(value) for batch, value in tried.items()},
            "loss": round(losses[0]["loss"], 4),
            "peer_loss": round(losses[1]["loss"], 4),
            "loss_tokens": losses[0]["tokens"],
            "size": options.size,
            "device": torch.cuda.get_device_name() if options.device == "cuda" else "cpu",
            "precision": options.precision,
            "compiled": options.compile,
            "window": options.length or "half 510, others 20 to 510",
            "windows": options.windows,
            "warm_up_seconds": round(support.median(ours, "warm_up_seconds"), 1),
        },
        ["torch", "transformers", "accelerate", "numpy"],
        options.record,
    )


def write_tokens(options: argparse.Namespace, folder: Path) -> None:
    """Tokens of the genome with 600 byte pairs, for all workers."""
    codes, bounds = support.genome(options)
    learnt = bpe.train(codes, bounds[:-1], bounds[1:], 600, threads=options.threads)
    vocabulary = Vocabulary.from_merges("bpe-600", learnt.merges)
    np.save(folder / "tokens.npy", vocabulary.encode(codes))
    vocabulary.save(folder)


def draw(tokens: np.ndarray, windows: int, length: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """First token and length of random windows."""
    generator = np.random.default_rng(seed)
    lengths = np.where(generator.random(windows) < 0.5, 510, generator.integers(20, 511, windows))
    if length:
        lengths[:] = length
    return generator.integers(0, len(tokens) - 510, windows), lengths


def work(options: argparse.Namespace) -> None:
    """In a process of its own: train on the windows after a warm-up on others."""
    from grover.network.bert import bert_config, new_language_model

    torch.set_num_threads(options.threads)
    tokens = np.load(options.folder / "tokens.npy")
    name, losses = options.worker, options.worker.startswith("loss")
    config = bert_config(Architecture(**SIZES["tiny" if losses else options.size]), 609)
    model = new_language_model(config, SEED)
    windows = options.loss_steps * BATCH if losses else options.windows
    first, length = draw(tokens, windows, options.length, 2)
    ours = train_ours if name.endswith("ours") else train_peer
    flops = flops_a_token(model, length)
    others = options.threads - 1 if ours is train_ours and options.device == "cpu" else 0

    def run() -> dict:
        loss, seconds = ours(options, model, tokens, first, length)
        device_mb = torch.cuda.max_memory_allocated() / 1e6 if options.device == "cuda" else 0
        return {
            "tokens": int(length.sum()),
            "loss": loss,
            "flops": flops,
            "loop_seconds": seconds,
            "device_mb": device_mb,
            "others_mb": others * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        }

    warm = draw(tokens, BATCH, options.length, 3)
    # what is compiled or allocated once; for the loss both start from the same weights
    support.report(run, (lambda: None) if losses else (lambda: ours(options, model, tokens, *warm)))


def train_ours(
    options: argparse.Namespace, model, tokens: np.ndarray, first: np.ndarray, length: np.ndarray
) -> tuple[float, float]:
    """One pass over the windows in their order, by our loop; returns the mean loss of the last quarter of the steps, and seconds."""
    import pandas as pd

    from grover.network.cores import share
    from grover.network.distributed import ALONE, Processes, together
    from grover.network.training import Execution, Optimisation
    from grover.pretraining import pretrain

    # the windows in an order that the loop draws to be the given one
    steps = -(-len(first) // BATCH)
    order = np.random.Generator(np.random.Philox(key=[SEED, 0])).permutation(len(first))
    table = pd.DataFrame({"first": first, "length": length}).iloc[np.argsort(order)].set_axis(np.argsort(order))
    device = torch.device(options.device)
    settings = pretrain.Settings(BATCH, Optimisation(steps, RATE, warmup=0.1), MASKING, options.compile)

    def train(processes: Processes) -> pd.DataFrame:
        with together(processes, device):
            return pretrain.pretrain(
                model, tokens, table, settings, Execution(device, options.precision, SEED, processes)
            )

    curve = share(train, options.threads if device.type == "cpu" else 1, ALONE)
    if device.type == "cuda":
        torch.cuda.synchronize()
    return float(curve["loss"].iloc[-max(1, steps // 4) :].mean()), float(curve["seconds"].iloc[-1])


def train_peer(
    options: argparse.Namespace, model, tokens: np.ndarray, first: np.ndarray, length: np.ndarray
) -> tuple[float, float]:
    """One pass over the same windows by `Trainer`; grouped by length where it is at its best."""
    from torch.nn.utils.rnn import pad_sequence
    from transformers import Trainer, TrainingArguments

    ids, lengths = pack(tokens, first, length)
    shown, chosen = mask(ids, lengths, np.arange(len(first)), 609, MASKING, SEED, 0)
    labels = np.where(chosen, ids, IGNORED)
    ends = np.cumsum(lengths)
    rows = [
        {"input_ids": torch.from_numpy(shown[a:b]), "labels": torch.from_numpy(labels[a:b])}
        for a, b in zip(ends - lengths, ends, strict=True)
    ]

    def collate(rows: list[dict]) -> dict:
        padded = pad_sequence([row["input_ids"] for row in rows], batch_first=True)
        return {
            "input_ids": padded,
            "attention_mask": (padded != 0).long(),
            "labels": pad_sequence([row["labels"] for row in rows], batch_first=True, padding_value=IGNORED),
        }

    settings = {
        "best": {"per_device_train_batch_size": options.peer_batch, "train_sampling_strategy": "group_by_length"},
        "default": {},
        "loss-peer": {
            "per_device_train_batch_size": BATCH,
            "train_sampling_strategy": "sequential",
            "logging_steps": 1,
        },
    }[options.worker]
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            **{"logging_strategy": "no" if "logging_steps" not in settings else "steps"} | settings,
            num_train_epochs=1,
            learning_rate=RATE,
            warmup_steps=0.1,
            weight_decay=0.01,
            adam_beta2=0.98,
            adam_epsilon=1e-6,
            bf16=options.precision == "bf16",
            use_cpu=options.device == "cpu",
            torch_compile=options.compile,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            seed=SEED,
        )
        trainer = Trainer(model=model, args=arguments, train_dataset=rows, data_collator=collate)
        seconds = trainer.train().metrics["train_runtime"]
    logged = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return (statistics.mean(logged[-max(1, len(logged) // 4) :]) if logged else 0.0), seconds


def flops_a_token(model, length: np.ndarray) -> float:
    """Of forward and backward pass: 6 N + 12 L H T, the mean over useful tokens."""
    config = model.config
    embeddings = sum(parameter.numel() for parameter in model.bert.embeddings.parameters())
    weights = sum(parameter.numel() for parameter in model.parameters()) - embeddings
    window = float((length.astype(float) ** 2).sum() / length.sum())
    return 6 * weights + 12 * config.num_hidden_layers * config.hidden_size * window


def peak_flops(options: argparse.Namespace) -> float:
    """FLOP/s of the device: as its maker states it, or what a product of large matrices reaches."""
    if options.device == "cuda":
        name = torch.cuda.get_device_name()
        stated = next((peak for key, peak in PEAKS.items() if key in name), None)
        if stated and options.precision == "bf16":
            return stated
    torch.set_num_threads(options.threads)
    kind = torch.bfloat16 if options.precision == "bf16" else torch.float32
    one = torch.ones(4096, 4096, dtype=kind, device=options.device)
    rates = []
    for _ in range(4):
        started = time.perf_counter()
        float((one @ one)[0, 0])
        rates.append(2 * 4096**3 / (time.perf_counter() - started))
    return max(rates)


if __name__ == "__main__":
    main()
