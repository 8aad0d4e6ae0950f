"""Pretrain a BERT encoder on masked tokens of the genome."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NoReturn

import numpy as np
import pandas as pd
import typer
from transformers import BertForMaskedLM
from typer import Option

from grover.config.options import Device, Precision, Seed
from grover.config.sections import pretraining as config
from grover.config.sections.genome import Corpus
from grover.network.batching import SPECIALS
from grover.network.bert import bert_config, continued_language_model, new_language_model, save
from grover.network.checkpoints import Checkpoints, folder_of
from grover.network.cores import share, threads_of
from grover.network.device import choose_device, computes_in_bf16
from grover.network.distributed import Processes, together
from grover.network.source import read_source
from grover.network.training import NOTHING, Execution, Interrupted, Optimisation, Recording
from grover.pretraining.lock import Lease, lease
from grover.pretraining.masking import Masking
from grover.pretraining.preflight import check_data, fitting_processes
from grover.pretraining.pretrain import Settings, steps_for
from grover.pretraining.pretrain import pretrain as train_on_windows
from grover.runtime.cli import READ, Input, Output, main
from grover.runtime.digest import code_digest
from grover.runtime.failures import INTERRUPTED
from grover.runtime.files import folder, write_table
from grover.runtime.options import Threads
from grover.runtime.provenance import known_checksum
from grover.runtime.settings import Setting
from grover.tokenization.vocabulary import Vocabulary

TERMINATED = 143  # exit code of a process that SIGTERM ended; that of SIGINT is the wrapper's


def pretrain(
    tokens: Input,
    windows: Input,
    vocabulary: Input,
    model: Output,
    training: Output,
    split: Annotated[str, Setting(Corpus, "split")],
    encoder: config.Architecture,
    schedule: config.Optimisation,
    masks: config.Masking,
    storage: config.Storage,
    execution: config.Execution,
    seed: Seed,
    device: Device,
    precision: Precision,
    initial_model: Annotated[
        Path | None,
        READ,
        Option(
            help="model.safetensors of a model to train on, beside its files; random weights without it", exists=True
        ),
    ] = None,
    threads: Threads = 0,
    checkpoints: Annotated[
        Path | None, Option(help="folder to keep checkpoints in, each training in a folder NAME-HASH; none without it")
    ] = None,
) -> None:
    """Train on the windows whose fold in column `split` is train, and write a Hugging Face folder: MODEL is its
    model.safetensors; config.json and the tokenizer files (copied from the folder VOCABULARY) lie beside it.

    Started by launch.py it may run as several processes on several nodes, of which the first writes. On CPUs it runs as one process per
    core of THREADS. With --checkpoints it resumes from the newest checkpoint of the same training. It writes one when SIGTERM or SIGUSR1
    announces an end, and at Ctrl-C (SIGINT). In a SLURM job it then puts the job back into the queue, except after Ctrl-C.
    """
    here = Processes.here()
    place = choose_device(device, threads, here)
    tokenizer = Vocabulary.load(folder(vocabulary))
    # a process for each GPU has these, of tens of millions of windows
    table = pd.read_parquet(windows, columns=["first", "length", split])
    table = table[table[split] == "train"]  # with their row numbers, which name them in the masking
    ids = np.load(tokens, mmap_mode="r")
    if here.first:
        check_data(tokens, windows, folder(vocabulary))
    masking = Masking(masks.mask_ratio, keep=masks.mask_keep, span=masks.mask_span or tokenizer.mask_span)
    batch, steps = schedule.batch, schedule.steps
    if schedule.bases:
        steps = steps_for(schedule.bases, ids, table, tokenizer.strides, batch)
    optimisation = Optimisation(steps, schedule.learning_rate, schedule.warmup)
    shape = bert_config(encoder, tokenizer.size)
    if initial_model is not None:
        read_source(folder(initial_model)).check(tokenizer, vars(encoder))
    longest = int(table["length"].max()) + SPECIALS if len(table) else 0
    available = threads_of(threads)
    count = fitting_processes(shape, longest, batch, precision, place, available, here)

    own: AbstractContextManager[Lease | None] = nullcontext()
    if checkpoints is not None:
        identity = {
            "tokens": known_checksum(tokens),
            "windows": known_checksum(windows),
            "vocabulary": known_checksum(folder(vocabulary) / "tokenizer.json"),
            "split": split,
            "architecture": vars(encoder),
            "optimisation": {name: value for name, value in vars(optimisation).items() if name != "steps"},
            "masking": vars(masking),
            "batch": batch,
            "seed": seed,
            # under `auto` a CPU may have trained in bf16, and goes on in what the present one has
            "bf16": "never" if precision == "fp32" and place.type == "cpu" else computes_in_bf16(place, precision),
        }
        if initial_model is not None:
            identity["initial_model"] = known_checksum(initial_model)
        run = folder_of(checkpoints, model.parent.name, identity)
        own = lease(run) if here.first else nullcontext()
    with own as held:
        recording = NOTHING
        if checkpoints is not None:
            allowed = held.check if held else lambda: None
            recording = Recording(
                Checkpoints(run, allowed, code_digest(Path(__file__))),
                execution.checkpoint_minutes,
                tensorboard(run / "tensorboard") if here.first else NOTHING.watch,
            )
        settings = Settings(batch, optimisation, masking, execution.compile)

        def train(processes: Processes) -> tuple[BertForMaskedLM, pd.DataFrame | Interrupted]:
            """Train in one of the processes; returns the network, and the curve or how the training was interrupted."""
            if initial_model is None:
                network = new_language_model(shape, seed)
            else:
                network = continued_language_model(folder(initial_model), encoder.dropout)
            if processes.first:
                parameters = sum(parameter.numel() for parameter in network.parameters())
                print(
                    f"{parameters:,} parameters, {len(table):,} windows to train on, {steps:,} steps of {batch} windows",
                    flush=True,
                )
            given = Execution(place, precision, seed, processes)
            own = recording if processes.first else replace(recording, watch=NOTHING.watch)
            with together(processes, place):
                try:
                    return network, train_on_windows(network, ids, table, settings, given, own)
                except Interrupted as stopped:
                    return network, stopped  # all stop at the same step, and leave the block as after the last one

        network, curve = share(train, count, here, available // count)
        # the first process alone requeues and writes; srun ends all processes once one has failed
        if not here.first:
            raise typer.Exit(0)
        if isinstance(curve, Interrupted):
            end(curve)
        save(network, network.config, model.parent, folder(vocabulary), half=storage.weights == "fp16")
        write_table(training, curve)


def end(interrupted: Interrupted) -> NoReturn:
    """End an interrupted training: after Ctrl-C for good, else back in the queue."""
    if "SIGINT" in interrupted.signals:
        print(f"pretrain: {interrupted} by Ctrl-C; start again to resume there", file=sys.stderr, flush=True)
        raise typer.Exit(INTERRUPTED)
    requeue(interrupted)
    raise typer.Exit(TERMINATED)


def tensorboard(place: Path) -> Callable[[dict[str, float]], None]:
    """A function that writes each row of the curve for TensorBoard; what an interrupted training wrote beyond its checkpoint is hidden."""
    writer = None

    def watch(row: dict[str, float]) -> None:
        nonlocal writer
        if writer is None:
            from torch.utils.tensorboard import SummaryWriter

            writer = SummaryWriter(place, purge_step=row["step"])
        try:
            for name in ("loss", "learning_rate", "gradient_norm", "tokens"):
                writer.add_scalar(f"pretrain/{name}", row[name], row["step"])
            writer.flush()
        except OSError as error:
            print(f"{place}: curves for TensorBoard could not be written ({error})", file=sys.stderr, flush=True)

    return watch


def requeue(interrupted: Interrupted) -> None:
    """Put the SLURM job of an interrupted training back into the queue.

    A job that did not get a step further is not put back, since it never will. Nor is one that SLURM itself is ending: somebody has
    cancelled it, or it was pre-empted and comes back by itself.
    """
    job = os.environ.get("SLURM_JOB_ID")
    print(f"pretrain: {interrupted}, of which {interrupted.done_here:,} steps here", file=sys.stderr, flush=True)
    if job and interrupted.done_here and _runs(job):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # which the requeueing sends
        done = subprocess.run(["scontrol", "requeue", job], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        result = (
            "is put back into the queue" if done.returncode == 0 else f"could not be put back: {done.stdout.strip()}"
        )
        print(f"pretrain: SLURM job {job} {result}", file=sys.stderr, flush=True)


def _runs(job: str) -> bool:
    """Whether SLURM still says that the job runs."""
    asked = subprocess.run(["squeue", "--noheader", "--jobs", job, "--format=%T"], stdout=subprocess.PIPE, text=True)
    return asked.stdout.strip() == "RUNNING"


if __name__ == "__main__":
    main(pretrain)
