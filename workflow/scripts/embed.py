"""Embed the tokens and regions of a genome with a pretrained model."""

from typing import Annotated

import numpy as np
from typer import Option

from grover.cli import Input, Output, main
from grover.device import choose_device
from grover.embedding import describe_regions, load_encoder, sample_regions
from grover.embedding import embed as embed_windows
from grover.files import write_array, write_table
from grover.folds import read_folds
from grover.genome import Genome
from grover.options import Device, Precision, Seed, Threads, folder
from grover.tokens import TokenisedGenome
from grover.vocabulary import Vocabulary


def embed(
    model: Input,
    tokens: Input,
    index: Input,
    sequence: Input,
    segments: Input,
    folds: Input,
    token_averages: Output,
    token_counts: Output,
    regions: Output,
    cls: Output,
    mean: Output,
    windows_tokens: Annotated[int, Option(help="tokens of a region")] = 510,
    maximum: Annotated[int, Option(help="most regions to embed")] = 3000,
    random_weights: Annotated[bool, Option(help="the model's random twin instead of the model")] = False,
    batch: Annotated[int, Option(help="regions computed at once")] = 16,
    seed: Seed = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: Threads = 0,
):
    """Write the average last-layer embedding of each token, and the [CLS] and the mean embedding of a sample of
    regions that is spread over the genome. MODEL is a Hugging Face folder with its tokenizer, or the
    model.safetensors in it."""
    place = choose_device(device, threads)
    genome = Genome(sequence, segments)
    tokenised = TokenisedGenome(tokens, index, Vocabulary.load(folder(model)))
    segment_tokens = tokenised.tokens_at(genome.bounds)
    firsts = sample_regions(segment_tokens, windows_tokens, maximum, seed)
    table = describe_regions(firsts, windows_tokens, tokenised, genome, read_folds(folds))
    ids = np.stack([tokenised.tokens[first : first + windows_tokens] for first in firsts])
    encoder = load_encoder(folder(model), random_weights, seed)
    averages, counts, first_states, means = embed_windows(encoder, ids, batch, place, precision)
    write_array(token_averages, averages)
    write_array(token_counts, counts)
    write_table(regions, table)
    write_array(cls, first_states)
    write_array(mean, means)


if __name__ == "__main__":
    main(embed)
