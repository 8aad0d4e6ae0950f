"""Score how much of one track probes read from representations of held-out regions."""

from typing import Annotated

import pandas as pd
from typer import Option

from grover.annotation.tracks import read_tracks
from grover.config.options import Seed
from grover.config.sections.embeddings import Probes
from grover.embeddings.regions.probes import columns, make_target, probe, representations
from grover.embeddings.regions.tables import check_places, given_properties, read_annotation
from grover.embeddings.vectors import check_weights, expect, open_embeddings
from grover.runtime.cli import Input, Inputs, Output, Weights, main
from grover.runtime.errors import InputError
from grover.runtime.files import source_files, write_table
from grover.runtime.options import Threads
from grover.statistics import bootstrap
from grover.statistics.blocks import LARGEST


def probe_track(
    track: Annotated[str, Option(help="name of the track")],
    regions: Input,
    annotation: Input,
    tracks: Input,
    vectors: Inputs,
    composition: Input,
    output: Output,
    probes: Probes,
    seed: Seed,
    weights: Weights = [],  # noqa: B006
    threads: Threads = 1,
) -> None:
    """Logistic or ridge regression, and a random forest, on every layer of every model, beside the same on word2vec, k-mers and
    GC content; fitted on fold train, tuned on fold valid, scored on fold test."""
    table = pd.read_parquet(regions)
    labels = read_annotation(annotation, regions, len(table))
    rows = read_tracks(tracks).set_index("track")
    for path, names in ((tracks, list(rows.index)), (annotation, list(labels))):
        if track not in names:
            raise InputError(f"{path} has no track {track}; it has {', '.join(names)}")
    embeddings = open_embeddings(vectors, regions)
    check_weights(embeddings, source_files(weights, "--weights"))
    composed = expect(open_embeddings([composition], regions), "composition")
    for each in (*embeddings.values(), composed):
        check_places(each, table, regions)
    block = bootstrap.blocks(table.assign(sequence=""), LARGEST)
    row, given = rows.loc[track], given_properties(table, labels)
    target = make_target(
        labels[track], row["kind"], table["fold"].to_numpy(), block, probes.maximum_train, row["where"]
    )
    found = representations(embeddings, composed, table["gc"].to_numpy())
    scores = probe(target, table, found, given.to_numpy(), probes, seed, threads)
    write_table(output, columns(scores, track, row["kind"], given))


if __name__ == "__main__":
    main(probe_track)
