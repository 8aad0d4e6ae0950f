"""Pretrain a BERT encoder on masked tokens of the genome."""

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from typer import Option

from grover.cli import Input, Output, main
from grover.device import choose_device
from grover.errors import InputError
from grover.files import write_table
from grover.masking import Masking
from grover.model import Architecture, new_language_model, save
from grover.options import Device, Precision, Seed, Threads, folder
from grover.pretraining import pretrain as train_on_windows
from grover.training import Optimisation
from grover.vocabulary import Vocabulary


def pretrain(
    tokens: Input,
    windows: Input,
    vocabulary: Input,
    model: Output,
    training: Output,
    split: Annotated[
        str, Option(help="column of the windows that says what is for training: region or random")
    ] = "region",
    layers: Annotated[int, Option(help="layers of the encoder")] = 12,
    hidden: Annotated[int, Option(help="width of the encoder")] = 768,
    heads: Annotated[int, Option(help="attention heads a layer")] = 12,
    intermediate: Annotated[int, Option(help="width of the feed-forward part")] = 3072,
    positions: Annotated[int, Option(help="longest input in tokens, [CLS] and [SEP] included")] = 512,
    dropout: Annotated[float, Option(help="dropout of the hidden states")] = 0.1,
    steps: Annotated[int, Option(help="optimiser steps")] = 100_000,
    batch: Annotated[int, Option(help="windows a step")] = 64,
    learning_rate: Annotated[float, Option(help="highest learning rate")] = 4e-4,
    warmup: Annotated[float, Option(help="share of the steps in which the learning rate rises")] = 0.1,
    mask_share: Annotated[float, Option(help="share of the tokens to predict")] = 0.022,
    mask_keep: Annotated[
        float, Option(help="share of those that stay visible; 0.8 become [MASK], the rest another token")
    ] = 0.0,
    seed: Seed = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: Threads = 0,
):
    """Train on the windows whose fold in column `split` is train, and write a Hugging Face folder: MODEL is its
    model.safetensors; config.json and the tokenizer files (copied from the folder VOCABULARY) lie beside it.
    """
    words = Vocabulary.load(folder(vocabulary))
    table = pd.read_parquet(windows)
    if split not in ("region", "random"):
        raise InputError(f"split: {split!r} is unknown; expected region or random")
    masking = Masking(mask_share, keep=mask_keep)
    place = choose_device(device, threads)
    architecture = Architecture(layers, hidden, heads, intermediate, positions, dropout)
    network = new_language_model(architecture.config(words.size), seed)
    print(
        f"{sum(p.numel() for p in network.parameters()):,} parameters, "
        f"{(table[split] == 'train').sum():,} windows to train on"
    )
    curve = train_on_windows(
        network,
        np.load(tokens, mmap_mode="r"),
        table[table[split] == "train"],
        batch,
        Optimisation(steps, learning_rate, warmup),
        masking,
        place,
        precision,
        seed,
    )
    save(network, network.config, Path(model).parent, folder(vocabulary))
    write_table(training, curve)


if __name__ == "__main__":
    main(pretrain)
