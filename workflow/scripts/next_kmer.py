"""Fine-tune a pretrained model to predict the next k bases, once for each k."""

from typing import Annotated

import numpy as np
from typer import Option

from grover.cli import Input, Output, main
from grover.device import choose_device
from grover.files import write_table
from grover.folds import read_folds
from grover.genome import Genome
from grover.next_kmer import cut_contexts
from grover.next_kmer_model import fine_tune
from grover.options import Device, Precision, Seed, Threads, folder
from grover.vocabulary import Vocabulary


def next_kmer(
    model: Input,
    sequence: Input,
    segments: Input,
    folds: Input,
    output: Output,
    name: Annotated[str, Option(help="name of the vocabulary in the table")],
    k: Annotated[list[int], Option(help="bases to predict; repeat the option for several")] = (2, 3, 4, 5, 6),
    context: Annotated[int, Option(help="bases of context")] = 50,
    examples: Annotated[int, Option(help="contexts, dealt to train and test by fold")] = 500_000,
    epochs: Annotated[int, Option(help="passes over the contexts of fold train")] = 1,
    batch: Annotated[int, Option(help="contexts a step")] = 64,
    learning_rate: Annotated[float, Option(help="highest learning rate")] = 1e-4,
    pooling: Annotated[str, Option(help="state that the classifier reads: last, cls or mean")] = "last",
    seed: Seed = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: Threads = 0,
):
    """Contexts are cut out of the genome and then tokenised alone with the tokenizer beside MODEL. OUTPUT (Parquet) has
    a row for each k: vocabulary, kind, k, accuracy, n, low, high (95 %), size (tokens of the vocabulary).
    """
    place = choose_device(device, threads)
    words = Vocabulary.load(folder(model))
    words.name = name
    contexts = cut_contexts(Genome(sequence, segments), read_folds(folds), context, max(k), examples, seed)
    print(f"{len(contexts.train):,} contexts to train on, {len(contexts.test):,} to test on")
    table = fine_tune(
        folder(model), words, contexts, list(k), epochs, batch, learning_rate, place, pooling, precision, seed
    )
    write_table(output, table.assign(size=np.int64(words.size)))


if __name__ == "__main__":
    main(next_kmer)
