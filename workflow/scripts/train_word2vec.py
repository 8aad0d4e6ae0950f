"""Train word2vec on the windows that the model was pretrained on."""

from typing import Annotated

import numpy as np
import pandas as pd
from typer import Option

from grover.config.options import Seed
from grover.config.sections.embeddings import Word2vec
from grover.config.sections.genome import Corpus
from grover.embeddings.word2vec import Sentences, choose_sentences, word_vectors
from grover.runtime.cli import Input, Output, main
from grover.runtime.errors import InputError
from grover.runtime.files import write_array
from grover.runtime.json_files import read_json
from grover.runtime.progress import Progress
from grover.runtime.settings import Setting


def train_word2vec(
    tokens: Input,
    windows: Input,
    config: Input,
    output: Output,
    split: Annotated[str, Setting(Corpus, "split")],
    training: Word2vec,
    seed: Seed,
    threads: Annotated[int, Option(min=1, help="more than one is faster, and no two runs are the same")] = 1,
) -> None:
    """CBOW vectors of the tokens, with the dimension and the rows of the model that CONFIG (its config.json) describes.

    The sentences are the WINDOWS that pretraining learns from. With one thread a run can be repeated exactly.
    """
    model = read_json(config)
    absent = {"vocab_size", "hidden_size"} - model.keys()
    if absent:
        raise InputError(f"{config}: has no {' and no '.join(sorted(absent))}; expected the config.json of a model")
    chosen = choose_sentences(
        pd.read_parquet(windows, columns=["first", "length", split]), split, training.word2vec_tokens
    )
    ids = np.load(tokens, mmap_mode="r")
    with Progress(training.word2vec_epochs * int(chosen["length"].sum()), "word2vec", "tokens") as bar:
        sentences = Sentences(ids, chosen, model["vocab_size"], bar.update)
        vectors = word_vectors(sentences, model["hidden_size"], training, seed, threads)
    write_array(output, vectors)


if __name__ == "__main__":
    main(train_word2vec)
