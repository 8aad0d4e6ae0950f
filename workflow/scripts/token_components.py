"""Find how the token embeddings are arranged: principal components and what they go with, a map, and clusters."""

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from typer import Option

from grover.config.options import Seed
from grover.config.sections import embeddings as config
from grover.embeddings.tokens.components import (
    NAMES,
    choose_tokens,
    correlate,
    principal_components,
    repeat_shares,
    strongest,
    token_properties,
)
from grover.embeddings.tokens.map import compare_geometries, describe_clusters, map_tokens
from grover.embeddings.tokens.steps import compare_steps
from grover.runtime.cli import READ, Input, Output, main
from grover.runtime.errors import InputError
from grover.runtime.files import write_table
from grover.runtime.progress import track

WORD2VEC = "word2vec"


def token_components(
    token_averages: Input,
    token_counts: Input,
    statistics: Input,
    published: Input,
    components: Output,
    explained: Output,
    correlations: Output,
    effects: Output,
    clusters: Output,
    similarity: Output,
    steps: Output,
    kept: config.Layers,
    required: config.TokenOccurrences,
    neighbourhood: config.Neighbourhood,
    seed: Seed,
    word2vec: Annotated[Path | None, READ, Option(help="static vectors of the same tokens", exists=True)] = None,
    enrichment: Annotated[
        Path | None, READ, Option(help="where tokens lie, for their share in repeats", exists=True)
    ] = None,
) -> None:
    """Write the principal components of the tokens' vectors and what they correlate with, beside PUBLISHED values.

    Each layer of the model and word2vec have a PCA. Each component has Spearman correlations with frequency (STATISTICS of the
    vocabulary), composition, length and share in repeats. STEPS are properties of dinucleotides, compared given GC and length. The last
    layer and word2vec also have UMAP and hierarchical clustering. The geometries are compared with each other.
    """
    averages = np.load(token_averages, mmap_mode="r")
    numbers = kept.layers or list(range(len(averages)))
    if len(numbers) != len(averages):
        raise InputError(f"{token_averages} holds {len(averages)} layers, and --layers names {len(numbers)}")
    counts = np.load(token_counts)
    static = None if word2vec is None else np.load(word2vec)
    if static is not None:
        if len(static) != len(counts):
            raise InputError(
                f"{word2vec} has {len(static)} tokens, and {token_counts} {len(counts)}; give the same model's"
            )
        # what word2vec never read cannot be compared
        counts = np.where(static.any(axis=1), counts, 0)
    words = choose_tokens(pd.read_parquet(statistics), counts, required.minimum_occurrences)
    sources = {f"layer {number}": averages[i][words["id"]] for i, number in enumerate(numbers)}
    mapped = [f"layer {numbers[-1]}"]
    if static is not None:
        sources[WORD2VEC] = static[words["id"]]
        mapped.append(WORD2VEC)
    repeats = None if enrichment is None else repeat_shares(pd.read_parquet(enrichment))
    properties = token_properties(words, repeats)
    paper = pd.read_csv(published, sep="\t").rename(columns={"spearman": "published"})
    paper = paper[["component", "property", "published"]]

    tables: dict[str, list[pd.DataFrame]] = {
        name: [] for name in ("components", "explained", "correlations", "effects", "clusters", "steps")
    }
    for name, vectors in track(sources.items(), len(sources), "token components", "embeddings"):
        values, shares = principal_components(vectors)
        beside = correlate(values, properties).merge(paper, how="left")
        places = pd.DataFrame(np.nan, words.index, ["x", "y", "cluster", "order"])
        if name in mapped:
            places = map_tokens(vectors, words["count"].to_numpy(), seed, neighbourhood.neighbours)
        table = words.join(pd.DataFrame(values, columns=NAMES)).join(
            places.astype({"cluster": "Int64", "order": "Int64"})
        )
        found = {
            "components": table,
            "explained": pd.DataFrame({"component": NAMES, "share": shares}),
            "correlations": beside,
            "effects": strongest(beside, shares),
            "steps": compare_steps(values, words["token"], seed),
        }
        if name in mapped:
            found["clusters"] = describe_clusters(table, properties)
        for kind, rows in found.items():
            rows.insert(0, "source", name)
            tables[kind].append(rows)
    outputs = (components, explained, correlations, effects, clusters, steps)
    for path, parts in zip(outputs, tables.values(), strict=True):
        write_table(path, pd.concat(parts, ignore_index=True))
    write_table(similarity, compare_geometries(sources))


if __name__ == "__main__":
    main(token_components)
