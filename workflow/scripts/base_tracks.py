"""Compute base probabilities along regions of the genome."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from typer import Option

from grover.config.options import Device, Precision
from grover.config.sections import interpretation as config
from grover.config.sections import pretraining
from grover.genome.assembly import Genome
from grover.genome.contig_table import read_contig_table
from grover.genome.folds import read_folds
from grover.interpretation.base_tracks import BaseReader, reading_of
from grover.interpretation.bases import log_frequencies
from grover.interpretation.track_files import TrackWriter
from grover.interpretation.track_regions import TEST, loci_of_test, pieces, stretches, whole_contigs
from grover.interpretation.track_shards import score_piece, train_counts
from grover.intervals.contigs import check
from grover.intervals.formats import read_bed
from grover.network.bert import load_language_model
from grover.network.device import choose_device
from grover.network.inference import evaluating
from grover.runtime.cli import READ, Input, Output, main
from grover.runtime.errors import InputError
from grover.runtime.files import folder, write_table
from grover.runtime.options import Threads
from grover.runtime.progress import Progress
from grover.runtime.settings import Setting
from grover.tokenization.vocabulary import Vocabulary


def base_tracks(
    model: Input,
    tokens: Input,
    windows: Input,
    sequence: Input,
    segments: Input,
    contigs: Input,
    folds: Input,
    values: Output,
    accuracy: Output,
    shard: Annotated[int, Option(help="which shard of the regions, from 0", min=0)],
    where: config.TrackRegions,
    asked: config.TrackReading,
    jobs: config.TrackShards,
    mask_ratio: Annotated[float, Setting(pretraining.Masking, "mask_ratio")],
    mask_span: Annotated[int, Setting(pretraining.MaskingSpan, "mask_span")],
    device: Device,
    precision: Precision,
    bed: Annotated[
        Path | None, READ, Option(help="the regions; without it those that --tracks names", exists=True)
    ] = None,
    rename: Annotated[
        Literal["", "add-chr", "strip-chr"], Option(help="how contig names of the BED file are mapped")
    ] = "",
    threads: Threads = 0,
) -> None:
    """Write VALUES (Parquet, one row per base): logo heights, entropy and log-probability of the reference base in bits, minus what token
    frequencies give. ACCURACY (Parquet) has sums for runs of several lengths. MODEL is a pretrained model, TOKENS and WINDOWS are those of
    its vocabulary; the frequencies are counted in the windows of fold train."""
    if shard >= jobs.track_shards:
        raise InputError(f"shard {shard}: the {jobs.track_shards} shards have the numbers 0 to {jobs.track_shards - 1}")
    place = choose_device(device, threads)
    genome, known = Genome(sequence, segments), read_contig_table(contigs)
    if bed is not None:
        regions = check(read_bed(bed, contigs=known.names(rename)), known.lengths, bed)
    elif where.tracks == TEST:
        regions = loci_of_test(genome, read_folds(folds), where.track_loci, where.track_locus)
    else:
        regions = whole_contigs(known.lengths, where.tracks)
    table = stretches(regions, genome, bed or "interpretation.tracks")

    vocabulary, network = Vocabulary.load(folder(model)), load_language_model(folder(model))
    reading = reading_of(asked, network.config.max_position_embeddings, vocabulary, mask_ratio, mask_span)
    training = pd.read_parquet(windows, columns=["first", "length", "region"])
    counts = train_counts(np.load(tokens, mmap_mode="r"), training[training["region"] == "train"], vocabulary.size)
    reader = BaseReader(network, vocabulary, log_frequencies(counts), place, precision)
    work = [*pieces(table, shard, jobs.track_shards)]
    sums: list[dict] = []
    with (
        TrackWriter(values, asked.track_absolute) as writer,
        Progress(sum(piece.end - piece.start for piece in work), "base tracks", "bases") as bar,
        evaluating(network, place),
    ):
        for number, piece in enumerate(work):
            found, rows = score_piece(reader, genome, piece, reading, asked.track_absolute, number)
            writer.write(piece.chrom, piece.start, found)
            sums += rows
            bar.update(piece.end - piece.start)
    write_table(accuracy, pd.DataFrame(sums))


if __name__ == "__main__":
    main(base_tracks)
