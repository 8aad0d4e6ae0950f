"""Score random variants of fold train, and count how many tokens stretches of its sequence have."""

import pandas as pd

from grover.config.options import Device, Precision, Seed
from grover.config.sections.interpretation import VariantNull, VariantWindow
from grover.genome.assembly import Genome
from grover.genome.folds import read_folds
from grover.interpretation.masked_windows import Network
from grover.interpretation.null_variants import draw_indels, draw_snvs
from grover.interpretation.run_lengths import RunLengths
from grover.interpretation.variants import Scorer
from grover.network.bert import load_language_model
from grover.network.device import choose_device
from grover.runtime.cli import Input, Output, main
from grover.runtime.files import folder, write_array, write_table
from grover.runtime.options import Threads
from grover.tokenization.vocabulary import Vocabulary


def score_null_variants(
    model: Input,
    sequence: Input,
    segments: Input,
    folds: Input,
    table: Output,
    run_lengths: Output,
    window: VariantWindow,
    null: VariantNull,
    seed: Seed,
    device: Device,
    precision: Precision,
    threads: Threads = 0,
) -> None:
    """Write TABLE, random substitutions, insertions and deletions with the score of the masked language model.

    Also write RUN_LENGTHS, counts of runs of m tokens (rows) that hold L bases (columns)."""
    place = choose_device(device, threads)
    genome, vocabulary, parts = Genome(sequence, segments), Vocabulary.load(folder(model)), read_folds(folds)
    drawn = [draw_snvs(genome, parts, null.null_snvs, seed), draw_indels(genome, parts, null.null_indels, seed)]
    variants = pd.concat(drawn, ignore_index=True)
    network = Network(load_language_model(folder(model)), place, precision)
    scored = Scorer(network, vocabulary, genome, window.flank, embed=False, threads=max(1, threads)).score(variants)
    write_table(table, variants.drop(columns="status").join(scored))
    write_array(run_lengths, RunLengths.of(genome, parts, vocabulary, seed).counts)


if __name__ == "__main__":
    main(score_null_variants)
