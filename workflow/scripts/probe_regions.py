"""Score how much of each track a linear probe reads from the embeddings of held-out regions."""

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from typer import Option

from grover.cli import Input, Output, main
from grover.errors import InputError
from grover.files import write_table
from grover.genome import Genome
from grover.options import Seed
from grover.probes import kmer_frequencies, probe
from grover.tracks import read_tracks


def probe_regions(
    regions: Input,
    annotation: Input,
    tracks: Input,
    cls: Input,
    mean: Input,
    sequence: Input,
    segments: Input,
    output: Output,
    twin_mean: Annotated[
        Path | None, Option(help="file to read: mean embeddings of the same regions by the random twin")
    ] = None,
    resamples: Annotated[int, Option(help="bootstrap samples of the test regions")] = 300,
    seed: Seed = 0,
):
    """Logistic or ridge regression on the [CLS] and mean embeddings, beside the same on GC content and on counts of
    4-mers."""
    table = pd.read_parquet(regions)
    representations = {"cls": np.load(cls), "mean": np.load(mean)}
    if twin_mean is not None:
        representations["twin-mean"] = np.load(twin_mean)
    representations["gc"] = table[["gc"]].to_numpy()
    representations["kmers"] = kmer_frequencies(Genome(sequence, segments), table)
    labels = pd.read_parquet(annotation)
    for name, values in {"annotation": labels, **representations}.items():
        if len(values) != len(table):
            raise InputError(
                f"{name} has {len(values):,} rows but {regions} has {len(table):,}; make both from the same regions"
            )
    kinds = read_tracks(tracks).set_index("track")["kind"].to_dict()
    write_table(output, probe(labels, kinds, table["fold"].to_numpy(), representations, seed, resamples))


if __name__ == "__main__":
    main(probe_regions)
