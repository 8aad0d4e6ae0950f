"""Score a pretrained model on held-out windows, beside its floors."""

from typing import Annotated

import numpy as np
import pandas as pd
from typer import Option

from grover import evaluation
from grover.cli import Input, Output, main
from grover.device import choose_device
from grover.files import write_json, write_table
from grover.model import load_language_model, new_language_model
from grover.options import Device, Precision, Seed, Threads, folder
from grover.vocabulary import Vocabulary


def evaluate_pretraining(
    model: Input,
    tokens: Input,
    windows: Input,
    metrics: Output,
    token_accuracy: Output,
    split: Annotated[
        str, Option(help="column of the windows that says what is for testing: region or random")
    ] = "region",
    most_windows: Annotated[int, Option(help="test windows to use at most")] = 2_000,
    mask_share: Annotated[float, Option(help="share of the tokens to hide, all of them behind [MASK]")] = 0.022,
    top: Annotated[int, Option(help="k of the top-k accuracy; 0 is a tenth of the vocabulary")] = 60,
    count_tokens: Annotated[int, Option(help="training tokens that the floors count at most")] = 20_000_000,
    seed: Seed = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: Threads = 0,
):
    """Write METRICS (JSON): scores of the model and of the floors on the same hidden tokens, and how much the model
    gains on each floor. TOKEN_ACCURACY (Parquet) has a row for each token.
    """
    place = choose_device(device, threads)
    network = load_language_model(folder(model))
    words = Vocabulary.load(folder(model))
    ids, table = np.load(tokens, mmap_mode="r"), pd.read_parquet(windows)
    held_out = evaluation.choose_windows(table, split, most_windows, seed)
    hidden = evaluation.hide_tokens(ids, held_out, words.size, mask_share, seed)

    training = table[table[split] == "train"]
    counts = evaluation.TokenCounts(ids, training, words.size, hidden.left, hidden.right, count_tokens)
    trained = evaluation.predict(network, hidden, place, precision)
    floors = {
        "frequency": evaluation.frequency_floor(counts, hidden),
        "neighbours": evaluation.neighbour_floor(counts, hidden),
        "untrained": evaluation.predict(new_language_model(network.config, seed + 1), hidden, place, precision),
    }
    top = top or max(1, (words.size - 5) // 10)
    summary = {name: evaluation.summarise(p, hidden.targets, words.lengths, top) for name, p in floors.items()}
    write_table(token_accuracy, evaluation.by_token(trained, hidden.targets, words.tokens))
    write_json(
        metrics,
        {
            "split": split,
            "vocabulary_size": words.size,
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "windows": len(held_out),
            "hidden_tokens": len(hidden.targets),
            "mask_share": mask_share,
            "top": top,
            "model": evaluation.summarise(trained, hidden.targets, words.lengths, top),
            "floors": summary,
            "gains": {name: evaluation.difference(trained, p, hidden.window, seed) for name, p in floors.items()},
        },
    )


if __name__ == "__main__":
    main(evaluate_pretraining)
