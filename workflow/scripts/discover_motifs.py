"""Make motifs of the contributions of single bases, and test them on fold test."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import pysam
from typer import Option

from grover.annotation.meme import read_meme
from grover.config.options import Device, Precision, Seed
from grover.config.sections.benchmarks import BlockBootstrap
from grover.config.sections.interpretation import Motifs
from grover.genome.bases import encode
from grover.interpretation.answers import Answer, FineTuned
from grover.interpretation.contributions import read_contributions
from grover.interpretation.insertion import Predict
from grover.interpretation.motif_association import Examples, Resampling
from grover.interpretation.motif_evidence import discover_by_class, evidence
from grover.interpretation.motif_files import bed_text, instances, logo_table, meme_text
from grover.interpretation.motif_matches import best_matches
from grover.interpretation.sites import is_stranded, sites_of
from grover.network.device import choose_device
from grover.runtime.cli import READ, Input, Output, main
from grover.runtime.errors import InputError
from grover.runtime.files import atomic, folder, write_table, write_text
from grover.runtime.options import Threads
from grover.statistics.bootstrap import blocks


def discover_motifs(
    importance: Input,
    dataset: Input,
    model: Input,
    table: Output,
    meme: Output,
    bed: Output,
    logos: Output,
    profiles: Output,
    task: Annotated[str, Option(help="name of the benchmark")],
    settings: Motifs,
    resampling: BlockBootstrap,
    seed: Seed,
    device: Device,
    precision: Precision,
    known: Annotated[Path | None, READ, Option(help="known motifs in MEME format", exists=True)] = None,
    threads: Threads = 0,
) -> None:
    """Discover motifs in IMPORTANCE, whose sites are of fold train, and test them on fold test of DATASET with MODEL, the classifier.

    Write TABLE (a row per motif), MEME, BED (the windows of the motifs, bgzip), LOGOS (probability and contribution of each base of each
    column) and PROFILES (effect of an insertion by place and strand); docs/motifs.md describes them.
    """
    data = pd.read_parquet(dataset)
    test = np.flatnonzero(data["fold"] == "test")
    if not len(test):
        raise InputError(f"{dataset}: no example of fold test, on which motifs are tested; make the dataset anew")
    contributions = read_contributions(pd.read_parquet(importance), data)
    labels = data["label"].to_numpy(np.int64)
    explained = FineTuned.load(folder(model), choose_device(device, threads), precision)
    answer = replace(explained, both=not is_stranded(data))
    held_out = data.iloc[test]
    examples = Examples(list(map(encode, held_out["sequence"])), labels[test], blocks(held_out, resampling.block))

    found = discover_by_class(contributions, labels, settings)
    predict = predict_for(answer, data, test)
    tested, profile = evidence(
        contributions, found, examples, predict, settings, Resampling(resampling.bootstrap, seed)
    )
    motifs = [motif for motif, _ in found]
    database = [each for each in read_meme(known) if each.matrix is not None] if known else []
    matches = best_matches(
        [motif.probabilities for motif in motifs],
        [f"{each.identifier} {each.name}".strip() for each in database],
        [each.matrix for each in database if each.matrix is not None],
        settings.motif_decoys,
        seed,
    )
    classes = [str(name) for name in data.attrs.get("labels", range(labels.max() + 1))]
    tested.insert(5, "class", [classes[label] for _, label in found])
    write_table(table, pd.concat([tested.assign(task=task), matches], axis=1))
    write_text(meme, meme_text(motifs))
    with atomic(bed) as temporary, pysam.BGZFile(str(temporary), "wb", None) as stream:
        stream.write(bed_text(instances(contributions, motifs, data)).encode())
    write_table(logos, logo_table(motifs))
    write_table(profiles, profile)


def predict_for(answer: Answer, data: pd.DataFrame, test: np.ndarray) -> Callable[[int], Predict]:
    """Return what answers for a label, of examples that count in `test`, the rows of fold test."""

    def predict(label: int) -> Predict:
        def margins(rows: np.ndarray, versions: list[np.ndarray]) -> list[np.ndarray]:
            # the versions are new sequences, which no pieces of a shuffle describe
            sites = [replace(site, label=label, pieces=()) for site in sites_of(data, test[rows])]
            return answer(sites, versions)

        return margins

    return predict


if __name__ == "__main__":
    main(discover_motifs)
