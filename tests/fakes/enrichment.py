"""A made-up table of where tokens lie, so that the section of the report can be tested without a run."""

from pathlib import Path

import numpy as np
import pandas as pd

CATEGORIES = {
    ("repeat_class", "LINE"): 0.2,
    ("repeat_class", "SINE"): 0.1,
    ("gene", "gene"): 0.4,
    ("repeats", "any"): 0.3,
}


def write(folder: Path, rng: np.random.Generator) -> list[Path]:
    """Write `embeddings/chosen/enrichment.parquet`; tokens rich in G and C lie in genes, the first one in SINEs."""
    texts = list(dict.fromkeys("".join(rng.choice(list("ACGT"), rng.integers(2, 9))) for _ in range(60)))
    tokens = pd.DataFrame({"id": range(5, 5 + len(texts)), "token": texts})
    tokens["length"] = tokens["token"].str.len()
    tokens["count"] = np.append(rng.integers(300, 30_000, len(tokens) - 1), 15)
    parts = []
    for (track, category), expected in CATEGORIES.items():
        log2 = rng.normal(0, 0.2, len(tokens))
        if track == "gene":
            log2 += tokens["token"].str.count("[GC]") / tokens["length"] - 0.5
        if category == "SINE":
            log2[0] = 2.5
        parts.append(tokens.assign(track=track, category=category, expected=expected, log2=log2))
    table = pd.concat(parts, ignore_index=True)
    table["share"] = (table["expected"] * 2 ** table["log2"]).clip(0, 1)
    table["inside"] = (table["count"] * table["share"]).astype(int)
    table["low"], table["high"] = table["log2"] - 0.3, table["log2"] + 0.3
    table["p"] = np.maximum(1 / 201, np.exp(-20 * table["log2"] ** 2))
    table["q"] = (4 * table["p"]).clip(upper=1)
    table.loc[table["count"] * table["expected"] < 10, ["low", "high", "p", "q"]] = np.nan
    columns = ["track", "category", "id", "token", "length", "count", "inside", "share", "expected", "log2"]
    table = table[[*columns, "low", "high", "p", "q"]]
    table.attrs["shifts"] = 200
    path = Path(folder) / "embeddings/chosen/enrichment.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(path, index=False)
    return [path]
