"""Compare the embeddings of regions with those of their reverse complements."""

from typing import Annotated

import pandas as pd
from typer import Option

from grover.config.options import Device, Precision, Seed
from grover.config.sections import embeddings as config
from grover.embeddings.embed import choose_layers, load_encoder
from grover.embeddings.region_table import places_of_table
from grover.embeddings.regions import strands
from grover.embeddings.regions.projection import spread
from grover.genome.assembly import Genome
from grover.network.bert import check_length
from grover.network.device import choose_device
from grover.runtime.cli import Input, Output, main
from grover.runtime.errors import InputError
from grover.runtime.files import folder, write_table
from grover.runtime.options import Initial, Threads
from grover.tokenization.vocabulary import Vocabulary


def compare_strands(
    model: Input,
    regions: Input,
    sequence: Input,
    segments: Input,
    output: Output,
    initial: Initial,
    comparison: config.StrandComparison,
    windows: config.WindowTokens,
    compared: config.Layers,
    seed: Seed,
    device: Device,
    precision: Precision,
    bootstrap: Annotated[int, Option(help="resamples of an interval", min=1)] = 300,
    threads: Threads = 0,
) -> None:
    """Write how alike a region and its reverse complement are, layer by layer, beside two random regions.

    MODEL is a Hugging Face folder with its tokenizer, or the model.safetensors in it; REGIONS is the table that choose_regions.py
    writes. Regions of all folds are taken, since nothing is fitted. Both strands are tokenised from the region's bare sequence.
    """
    place = choose_device(device, threads)
    genome = Genome(sequence, segments)
    encoder = load_encoder(folder(model), initial == "random", seed)
    encoder.to(place)  # type: ignore[arg-type]  # transformers wraps the method without its signature
    check_length(windows.window_tokens, encoder.config.max_position_embeddings, "windows")
    table = pd.read_parquet(regions, columns=["chrom", "start", "end"])
    if table.empty:
        raise InputError(f"{regions}: no regions there; make the table with choose_regions.py")
    table = table.iloc[spread(len(table), comparison.strands)]
    codes = [genome.codes[left:right] for left, right in zip(*places_of_table(table, genome, regions), strict=True)]
    vocabulary, kept = Vocabulary.load(folder(model)), choose_layers(encoder, compared.layers)
    vectors = strands.embed_strands(encoder, codes, vocabulary, windows.window_tokens, kept, place, precision)
    write_table(output, strands.compare_strands(vectors, table, bootstrap, seed))


if __name__ == "__main__":
    main(compare_strands)
