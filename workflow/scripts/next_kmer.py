"""Fine-tune a pretrained model to predict the next k bases, once for each k and seed."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from typer import Option

from grover.config.options import Device, Precision, Seed
from grover.config.sections import pretraining as config
from grover.config.sections.genome import Corpus
from grover.genome.assembly import Genome
from grover.genome.folds import FOLDS, read_folds
from grover.network.bert import WEIGHTS
from grover.network.cores import side_by_side
from grover.network.device import choose_device, trained_in
from grover.pretraining.preflight import processes_beside, stacked_beside
from grover.runtime.cli import Input, Output, main
from grover.runtime.digest import code_digest
from grover.runtime.files import checksum, folder, write_table
from grover.runtime.options import Threads
from grover.runtime.settings import Setting
from grover.selection.next_kmer import cut_contexts, seen_share
from grover.selection.next_kmer_model import Settings, by_seed, fine_tune, tokenise
from grover.tokenization.genome_tokens import TokenisedGenome
from grover.tokenization.vocabulary import Vocabulary


def next_kmer(
    model: Input,
    sequence: Input,
    segments: Input,
    folds: Input,
    tokens: Input,
    index: Input,
    windows: Input,
    output: Output,
    name: Annotated[str, Option(help="name of the vocabulary in the table")],
    seeds: Annotated[list[int], Option(help="seed of a fine-tuning; repeat the option for several")],
    split: Annotated[str, Setting(Corpus, "split")],
    task: config.NextKmer,
    training: config.NextKmerTraining,
    seed: Seed,
    device: Device,
    precision: Precision,
    threads: Threads = 0,
) -> None:
    """Contexts are drawn by SEED, cut out of the genome and then tokenised alone with the tokenizer beside MODEL. OUTPUT (Parquet)
    has a row for each k and seed of SEEDS: vocabulary, kind, k, seed; accuracy, n, low, high (95 %); accuracy_valid, n_valid,
    example_variance; size (tokens of the vocabulary); seen (share of the bases of the test contexts inside the WINDOWS, of TOKENS and
    INDEX, that SPLIT gave MODEL to train on; 0 for region).

    Finished fine-tunings are kept in NAME.seeds-HASH beside OUTPUT and taken from there when the command is interrupted and run
    again; HASH covers the model, the contexts, the settings and the code.
    """
    place = choose_device(device, threads)
    source = folder(model)
    vocabulary = Vocabulary.load(source)
    contexts = cut_contexts(
        Genome(sequence, segments), read_folds(folds), task.context, max(task.k), task.examples, seed
    )
    print(f"{len(contexts.train):,} contexts to train on, {len(contexts.valid):,} and {len(contexts.test):,} to score")
    tokenised = tokenise(vocabulary, contexts, max(1, threads))
    settings = Settings(**training.model_dump(), precision=precision)

    files = [checksum(source / file) for file in (WEIGHTS, "config.json", "tokenizer.json")]
    cut = [hashlib.sha256(getattr(contexts, fold).tobytes()).hexdigest() for fold in FOLDS]
    trained = trained_in(place, precision)  # so that seeds of one result never differ in it
    identity = json.dumps([files, cut, task.context, settings.model_dump(), trained, code_digest(Path(__file__))])
    kept = output.parent / f"{name}.seeds-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"

    def finished(size: int, seed: int) -> Path:
        return kept / f"k-{size}.seed-{seed}.parquet"

    def train(missing: tuple[int, list[int]]) -> None:
        size, some = missing
        tables = fine_tune(source, tokenised, contexts, size, settings, place, some)
        for each, table in zip(some, tables, strict=True):
            write_table(finished(size, each), table)

    together, missing = stacked_beside(source, place, precision), []
    for size in task.k:
        left = [each for each in seeds if not finished(size, each).is_file()]
        missing += [(size, left[i : i + together]) for i in range(0, len(left), together)]
    side_by_side(train, missing, processes_beside(source, place, precision, threads))

    def answers(size: int, seed: int) -> pd.DataFrame:
        return pd.read_parquet(finished(size, seed))

    genome, table = (
        TokenisedGenome(tokens, index, vocabulary),
        pd.read_parquet(windows, columns=["first", "length", split]),
    )
    trained = table[table[split] == "train"]
    first, length = trained["first"].to_numpy(), trained["length"].to_numpy()
    seen = seen_share(contexts, genome.bases_at(first), genome.ends_at(first + length - 1))
    table = by_seed(name, task.k, seeds, answers, contexts.block)
    write_table(output, table.assign(size=np.int64(vocabulary.size), seen=seen))
    for other in output.parent.glob(f"{name}.seeds-*"):
        shutil.rmtree(other)


if __name__ == "__main__":
    main(next_kmer)
