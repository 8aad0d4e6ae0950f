"""Small made-up artefacts of the token embeddings, so that the report can be tested without a run."""

from pathlib import Path

import numpy as np
import pandas as pd

from grover.embeddings.tokens.components import NAMES, correlate, principal_components, strongest, token_properties
from grover.embeddings.tokens.map import cluster_tokens, compare_geometries, cosines, describe_clusters
from grover.embeddings.tokens.steps import compare_steps

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PAPER = (("PC1", "frequency", 0.88), ("PC2", "gc", -0.96), ("PC4", "length", 0.39), ("PC6", "length", 0.43))


def write(folder: Path, rng: np.random.Generator, texts: list[str] | None = None) -> list[Path]:
    """Write them below `folder`/embeddings/chosen and return their paths: 200 tokens (or `texts`), layers 0 to 2 and word2vec. Layers
    hold frequency and, the deeper the more, GC; word2vec holds nothing but GC."""
    texts = (
        texts
        or sorted(
            {"".join(rng.choice(list("ACGT"), rng.integers(2, 8))) for _ in range(300)}, key=lambda text: text[::-1]
        )[:200]
    )
    number = len(texts)
    counts = rng.permutation(np.geomspace(20, 50_000, number)).astype(int)
    tokens = pd.DataFrame({"id": range(5, 5 + number), "token": texts, "count": counts})
    properties = token_properties(tokens, pd.Series(rng.random(number), tokens["id"]))
    frequency, gc = properties["frequency"].to_numpy(), properties["gc"].to_numpy()
    vectors = {}
    for name, known, telling in (("layer 0", 1, 0), ("layer 1", 1, 1), ("layer 2", 1, 2), ("word2vec", 0, 2)):
        vectors[name] = rng.normal(0, 0.1, (number, 12))
        vectors[name][:, 0] += known * frequency
        vectors[name][:, 1] += telling * gc

    tables = {
        name: []
        for name in (
            "components.parquet",
            "explained.parquet",
            "correlations.tsv",
            "effects.tsv",
            "steps.tsv",
            "clusters.tsv",
        )
    }
    paper = pd.DataFrame(PAPER, columns=["component", "property", "published"])
    for name, values in vectors.items():
        places, shares = principal_components(values)
        table = tokens.join(pd.DataFrame(places, columns=NAMES)).assign(x=np.nan, y=np.nan, cluster=pd.NA, order=pd.NA)
        if name in ("layer 2", "word2vec"):
            cluster, order = cluster_tokens(cosines(values))
            table = table.assign(x=places[:, 1], y=places[:, 2], cluster=cluster, order=order)
        beside = correlate(places, properties).merge(paper, how="left")
        rows = [table, pd.DataFrame({"component": NAMES, "share": shares}), beside, strongest(beside, shares)]
        rows += [compare_steps(places, tokens["token"], 0)]
        rows += [describe_clusters(table, properties)] if name in ("layer 2", "word2vec") else []
        for kind, part in zip(tables, rows, strict=False):
            tables[kind].append(part.assign(source=name))

    place = folder / "embeddings/chosen"
    place.mkdir(parents=True, exist_ok=True)
    for name, parts in tables.items():
        table = pd.concat(parts).astype({"cluster": "Int64", "order": "Int64"} if name == "components.parquet" else {})
        if name.endswith(".parquet"):
            table.to_parquet(place / name, index=False)
        else:
            table.to_csv(place / name, sep="\t", index=False)
    compare_geometries(vectors).to_csv(place / "similarity.tsv", sep="\t", index=False)
    averages = np.zeros((3, 5 + number, 12), np.float32)
    averages[:, 5:] = [vectors[f"layer {layer}"] for layer in range(3)]
    np.save(place / "token_averages.npy", averages)
    np.save(place / "word2vec.npy", np.pad(vectors["word2vec"], ((5, 0), (0, 0))).astype(np.float32))
    return [
        *(place / name for name in tables),
        *(place / f"{name}.npy" for name in ("token_averages", "word2vec")),
        place / "similarity.tsv",
    ]
