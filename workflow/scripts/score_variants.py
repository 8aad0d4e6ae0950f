"""Score one shard of the variants by a masked language model and, where there is one, by a fine-tuned classifier."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from typer import Option

from grover.config.options import Device, Precision
from grover.config.sections.interpretation import VariantShards, VariantWindow
from grover.genome.assembly import Genome
from grover.interpretation.masked_windows import Network
from grover.interpretation.null_variants import Null
from grover.interpretation.run_lengths import RunLengths
from grover.interpretation.site_logits import SiteClassifier, Sites
from grover.interpretation.variant_scoring import VariantScorer
from grover.interpretation.variant_tables import read_shard, write_blocks
from grover.interpretation.variants import Scorer
from grover.network.bert import load_language_model
from grover.network.classifier_folder import load_classifier
from grover.network.device import choose_device
from grover.runtime.cli import READ, Input, Output, main
from grover.runtime.errors import InputError
from grover.runtime.files import folder
from grover.runtime.options import Threads
from grover.tokenization.vocabulary import Vocabulary


def score_variants(
    model: Input,
    variants: Input,
    null: Input,
    run_lengths: Input,
    sequence: Input,
    segments: Input,
    table: Output,
    shard: Annotated[int, Option(help="which shard of the variants, from 0", min=0)],
    jobs: VariantShards,
    window: VariantWindow,
    device: Device,
    precision: Precision,
    classifier: Annotated[Path | None, READ, Option(help="fine-tuned model for delta_logit")] = None,
    dataset: Annotated[Path | None, READ, Option(help="data set that it was fine-tuned on")] = None,
    threads: Threads = 0,
) -> None:
    """Write TABLE, the rows of VARIANTS, as read_variants.py writes them, with their scores. NULL and RUN_LENGTHS are those of
    score_null_variants.py. How alleles with different tokens are compared says grover/interpretation/variants.py."""
    shards = jobs.variant_shards
    if shard >= shards:
        raise InputError(f"shard {shard}: the {shards} shards have the numbers 0 to {shards - 1}")
    place = choose_device(device, threads)
    genome, vocabulary = Genome(sequence, segments), Vocabulary.load(folder(model))
    network = Network(load_language_model(folder(model)), place, precision)
    runs = RunLengths(np.load(run_lengths))
    scorer = Scorer(network, vocabulary, genome, window.flank, runs, threads=max(1, threads))
    random = Null.of(pd.read_parquet(null), genome)
    both = VariantScorer(genome, place, precision, scorer, random, _classifier(classifier, dataset))

    def blocks() -> Iterator[pd.DataFrame]:
        for block in read_shard(variants, shard, shards):
            scored = both.score(block)
            yield scored if both.classifier is not None else scored.assign(delta_logit=np.nan)

    write_blocks(table, blocks())


def _classifier(model: Path | None, dataset: Path | None) -> SiteClassifier | None:
    if model is None or dataset is None:
        return None
    return SiteClassifier(
        load_classifier(folder(model)), Vocabulary.load(folder(model)), Sites(pd.read_parquet(dataset))
    )


if __name__ == "__main__":
    main(score_variants)
