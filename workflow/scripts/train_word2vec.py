"""Train word2vec on the windows that the model was pretrained on."""

import json
from typing import Annotated

import numpy as np
import pandas as pd
from typer import Option

from grover.embeddings.word2vec import Settings, choose_sentences, word_vectors
from grover.runtime.cli import Input, Output, main
from grover.runtime.errors import InputError
from grover.runtime.files import write_array
from grover.runtime.options import Seed
from grover.runtime.progress import Progress


def train_word2vec(
    tokens: Input,
    windows: Input,
    config: Input,
    output: Output,
    split: Annotated[
        str, Option(help="column of the windows that says what is for training: region or random")
    ] = "region",
    window: Annotated[int, Option(min=1, help="tokens on either side that tell a token")] = 5,
    epochs: Annotated[int, Option(min=1, help="passes over the sentences")] = 5,
    most_tokens: Annotated[int, Option(min=0, help="tokens to train on, spread over the genome; 0: all")] = 20_000_000,
    threads: Annotated[int, Option(min=1, help="more than one is faster, and no two runs are the same")] = 1,
    seed: Seed = 0,
):
    """CBOW vectors of the tokens, with the dimension and the rows of the model that CONFIG (its config.json) describes.

    The sentences are the WINDOWS that pretraining learns from. With one thread a run can be repeated exactly.
    """
    if split not in ("region", "random"):
        raise InputError(f"split: {split!r} is unknown; expected region or random")
    model = json.loads(config.read_text(encoding="utf-8"))
    absent = {"vocab_size", "hidden_size"} - model.keys()
    if absent:
        raise InputError(f"{config}: has no {' and no '.join(sorted(absent))}; expected the config.json of a model")
    sentences = choose_sentences(pd.read_parquet(windows), split, most_tokens)
    ids = np.load(tokens, mmap_mode="r")
    with Progress(epochs * int(sentences["length"].sum()), "word2vec", "tokens") as bar:
        settings = Settings(model["hidden_size"], window, epochs, seed, threads)
        vectors = word_vectors(ids, sentences, model["vocab_size"], settings, bar.update)
    write_array(output, vectors)


if __name__ == "__main__":
    main(train_word2vec)
