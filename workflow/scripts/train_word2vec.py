"""Train word2vec on the windows that the model was pretrained on."""

import json
from typing import Annotated

import numpy as np
import pandas as pd
from typer import Option

from grover.config.options import Seed
from grover.config.sections.embeddings import Word2vec
from grover.config.sections.genome import Split
from grover.embeddings.word2vec import Settings, choose_sentences, word_vectors
from grover.runtime.cli import Input, Output, main
from grover.runtime.errors import InputError
from grover.runtime.files import write_array
from grover.runtime.progress import Progress
from grover.runtime.settings import Setting


def train_word2vec(
    tokens: Input,
    windows: Input,
    config: Input,
    output: Output,
    split: Annotated[str, Setting(Split, "split")],
    training: Word2vec,
    seed: Seed,
    threads: Annotated[int, Option(min=1, help="more than one is faster, and no two runs are the same")] = 1,
) -> None:
    """CBOW vectors of the tokens, with the dimension and the rows of the model that CONFIG (its config.json) describes.

    The sentences are the WINDOWS that pretraining learns from. With one thread a run can be repeated exactly.
    """
    model = json.loads(config.read_text(encoding="utf-8"))
    absent = {"vocab_size", "hidden_size"} - model.keys()
    if absent:
        raise InputError(f"{config}: has no {' and no '.join(sorted(absent))}; expected the config.json of a model")
    sentences = choose_sentences(pd.read_parquet(windows), split, training.word2vec_tokens)
    ids = np.load(tokens, mmap_mode="r")
    epochs = training.word2vec_epochs
    with Progress(epochs * int(sentences["length"].sum()), "word2vec", "tokens") as bar:
        settings = Settings(model["hidden_size"], training.word2vec_window, epochs, seed, threads)
        vectors = word_vectors(ids, sentences, model["vocab_size"], settings, bar.update)
    write_array(output, vectors)


if __name__ == "__main__":
    main(train_word2vec)
