"""Measure whether regions of one category lie together in the representations."""

from typing import Annotated

import numpy as np
import pandas as pd
from typer import Option

from grover.annotation.tracks import read_tracks
from grover.config.options import Seed
from grover.config.sections.embeddings import Neighbourhood
from grover.embeddings.regions.clusters import MIXED, measure, sample
from grover.embeddings.regions.probes import representations
from grover.embeddings.regions.tables import REPEATS, check_places, read_annotation
from grover.embeddings.vectors import check_weights, expect, open_embeddings
from grover.runtime.cli import Input, Inputs, Output, Weights, main
from grover.runtime.files import source_files, write_table


def measure_clusters(
    regions: Input,
    annotation: Input,
    tracks: Input,
    vectors: Inputs,
    composition: Input,
    output: Output,
    neighbourhood: Neighbourhood,
    seed: Seed,
    weights: Weights = [],  # noqa: B006
    maximum: Annotated[int, Option(help="most regions per track", min=50)] = 3_000,
    apart: Annotated[int, Option(help="bases that a neighbour is away in the genome at least", min=0)] = 50_000,
    few: Annotated[float, Option(help="share of repeats below which a region counts as one with few repeats")] = 0.1,
) -> None:
    """Silhouette (cosine) and purity of neighbours for every track with categories, in the last layer of every model, word2vec
    and k-mers; for all regions, and for those with few repeats."""
    table = pd.read_parquet(regions)
    labels = read_annotation(annotation, regions, len(table))
    kinds = read_tracks(tracks).set_index("track")["kind"]
    embeddings = open_embeddings(vectors, regions)
    check_weights(embeddings, source_files(weights, "--weights"))
    composed = expect(open_embeddings([composition], regions), "composition")
    for each in (*embeddings.values(), composed):
        check_places(each, table, regions)
    last = {each.name: each.layers[-1] for each in embeddings.values()}
    found = [
        each
        for each in representations(embeddings, composed, table["gc"].to_numpy())
        if each.model != "gc" and each.layer == last.get(each.model)
    ]
    subsets = {"all": np.ones(len(table), dtype=bool)}
    if REPEATS in labels:
        subsets["few"] = (labels[REPEATS] < few).to_numpy()
    samples = [
        sample(labels[track], kind, track, repeats, allowed, maximum, seed)
        for track, kind in kinds.items()
        if kind in MIXED and track in labels
        for repeats, allowed in subsets.items()
    ]
    write_table(output, measure(samples, table, found, neighbourhood.neighbours, apart))


if __name__ == "__main__":
    main(measure_clusters)
