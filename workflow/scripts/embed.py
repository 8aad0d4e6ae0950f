"""Embed regions of a genome, and the tokens in them, with a pretrained model."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from typer import Option

from grover.config.options import Device, Precision, Seed
from grover.config.sections import embeddings as config
from grover.embeddings.embed import Outputs, Reading, Regions, choose_layers, load_encoder
from grover.embeddings.embed import embed as embed_shard
from grover.embeddings.region_table import Places, places_of_table
from grover.embeddings.vectors import KEY, Writer
from grover.genome.assembly import Genome
from grover.network.bert import WEIGHTS
from grover.network.device import choose_device
from grover.runtime.cli import WRITTEN, Input, Output, main
from grover.runtime.errors import InputError
from grover.runtime.files import atomic, checksum, folder
from grover.runtime.options import Initial, Threads
from grover.tokenization.genome_tokens import TokenisedGenome
from grover.tokenization.vocabulary import Vocabulary

ENOUGH = 10_000  # bases that tell whether tokens are those of a vocabulary


def embed(
    model: Input,
    tokens: Input,
    index: Input,
    sequence: Input,
    segments: Input,
    regions: Input,
    output: Output,
    token_sums: Output,
    contexts_output: Output,
    name: Annotated[str, Option(help="name of the embeddings in the tables")],
    initial: Initial,
    shard: Annotated[int, Option(help="which shard of the regions, from 0", min=0)],
    jobs: config.Shards,
    windows: config.WindowTokens,
    margins: config.WindowContext,
    kept: config.Layers,
    occurrences: config.Contexts,
    seed: Seed,
    device: Device,
    precision: Precision,
    states: Annotated[Path | None, WRITTEN, Option(help="the states of every token of the regions")] = None,
    threads: Threads = 0,
) -> None:
    """Write the [CLS] and the mean embedding of each region, layer by layer.

    Also write sums of the states of each token, and the states of some of its occurrences. MODEL is a Hugging Face folder with its
    tokenizer, or the model.safetensors in it; REGIONS is the table that choose_regions.py writes, of windows or of any BED file."""
    shards = jobs.shards
    if shard >= shards:
        raise InputError(f"shard {shard}: the {shards} shards have the numbers 0 to {shards - 1}")
    place = choose_device(device, threads)
    genome = Genome(sequence, segments)
    vocabulary = Vocabulary.load(folder(model))
    tokenised = TokenisedGenome(tokens, index, vocabulary)
    encoder = load_encoder(folder(model), initial == "random", seed)
    _check_vocabulary(tokenised, genome, encoder.config.vocab_size, tokens, model)
    table = pd.read_parquet(regions, columns=["chrom", "start", "end"])
    places = Places.of(*places_of_table(table, genome, regions), tokenised, genome)
    reading = Reading(
        windows.window_tokens,
        margins.context,
        choose_layers(encoder, kept.layers),
        occurrences.contexts,
        occurrences.stored_contexts,
        shard,
        shards,
    )
    said = {
        "name": name,
        "model": checksum(folder(model) / WEIGHTS),
        "initial": initial,
        "layers": reading.layers,
        "hidden": encoder.config.hidden_size,
        "shard": shard,
        "shards": shards,
        "regions": checksum(regions),
    }
    with ExitStack() as stack:
        vectors, contexts = (stack.enter_context(Writer(path, said)) for path in (output, contexts_output))
        outputs = Outputs(vectors, contexts, stack.enter_context(Writer(states, said)) if states else None)
        sums_file = stack.enter_context(open(stack.enter_context(atomic(token_sums)), "wb"))
        embedded = Regions(table, places, tokenised.tokens_at(genome.bounds))
        sums = embed_shard(encoder, tokenised, embedded, reading, outputs, place, precision)
        np.savez(sums_file, allow_pickle=False, **sums, **{KEY.decode(): np.array(json.dumps(said))})


def _check_vocabulary(tokenised: TokenisedGenome, genome: Genome, size: int, tokens: Path, model: Path) -> None:
    """Raise an InputError where the tokens are not those of this genome in the model's vocabulary, which one segment shows."""
    lengths = np.diff(genome.bounds)
    long = lengths >= min(ENOUGH, lengths.max())
    segment = np.flatnonzero(long)[lengths[long].argmin()]
    start, end = genome.bounds[segment], genome.bounds[segment + 1]
    if tokenised.vocabulary.size <= size and tokenised.anchors[-1, 1] == len(genome.codes):
        expected = tokenised.vocabulary.encode(genome.codes[start:end])
        # every segment has an anchor of its own
        first = tokenised.anchors[np.searchsorted(tokenised.anchors[:, 1], start), 0]
        if np.array_equal(tokenised.tokens[first : first + len(expected)], expected):
            return
    raise InputError(
        f"{tokens} does not hold this genome in the vocabulary of {folder(model)}; give the tokens that tokenise_genome.py wrote with it"
    )


if __name__ == "__main__":
    main(embed)
