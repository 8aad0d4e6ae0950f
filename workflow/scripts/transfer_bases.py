"""Predict masked bases of a model at loci of fold test."""

from typing import Annotated

from typer import Option

from grover.config.options import Device, Precision
from grover.config.sections import interpretation, pretraining, transfer
from grover.genome.assembly import Genome
from grover.genome.folds import read_folds
from grover.interpretation.base_tracks import BaseReader, Reading, longest_window
from grover.interpretation.bases import log_frequencies
from grover.interpretation.track_regions import loci_of_test
from grover.network.bert import load_language_model
from grover.network.device import choose_device
from grover.network.inference import evaluating
from grover.runtime.cli import Input, Output, main
from grover.runtime.files import folder, write_table
from grover.runtime.options import Threads
from grover.runtime.progress import Progress
from grover.runtime.settings import Setting
from grover.tokenization.vocabulary import Vocabulary
from grover.transfer.masked_bases import count_tokens, masked_bases


def transfer_bases(
    model: Input,
    sequence: Input,
    segments: Input,
    folds: Input,
    bases: Output,
    where: transfer.Loci,
    asked: interpretation.TrackReading,
    mask_ratio: Annotated[float, Setting(pretraining.Masking, "mask_ratio")],
    mask_span: Annotated[int, Setting(pretraining.MaskingSpan, "mask_span")],
    device: Device,
    precision: Precision,
    threads: Threads = 0,
    name: Annotated[str, Option(help="name of the model in the table")] = "",
) -> None:
    """Write a row per locus: GC, tokens of the model's vocabulary, bits by the model and by token frequencies of fold train."""
    place = choose_device(device, threads)
    genome, blocks, source = Genome(sequence, segments), read_folds(folds), folder(model)
    vocabulary, network = Vocabulary.load(source), load_language_model(source)
    frequencies = log_frequencies(count_tokens(genome, blocks, vocabulary, max(1, threads)))
    reading = Reading(
        longest_window(asked.track_window, network.config.max_position_embeddings),
        asked.track_context,
        asked.track_ratio or mask_ratio,
        1 if vocabulary.kind == "overlap" else mask_span or 1,
        asked.track_strands == "both",
    )
    loci = loci_of_test(genome, blocks, where.loci, where.locus)
    reader = BaseReader(network, vocabulary, frequencies, place, precision)
    with evaluating(network, place), Progress(len(loci) * where.locus, f"masked bases, {name}", "bases") as bar:
        table = masked_bases(reader, genome, loci, reading, bar.update)
    write_table(bases, table.assign(model=name))


if __name__ == "__main__":
    main(transfer_bases)
