"""Made-up tables of how much context changes tokens, of a pretrained and a randomly initialised model."""

from pathlib import Path

import numpy as np
import pandas as pd

LAYERS = 4
SPECIALS, TOKENS = 5, 90
CATEGORIES = (("repeat_class", "SINE"), ("repeat_class", "LINE"), ("gene", "gene"), ("chromatin_state", "active"))


def write(folder: Path, rng: np.random.Generator) -> list[Path]:
    """Write contexts, counts and ambiguity of `chosen` and `chosen-random` below `folder` and return their paths."""
    texts = list(dict.fromkeys("".join(rng.choice(list("ACGT"), size)) for size in rng.integers(3, 9, 200)))[:TOKENS]
    counts = np.concatenate([np.zeros(SPECIALS), 20_000 / np.arange(1, len(texts) + 3), [3, 1]]).astype(np.int64)
    repeats, accuracy = rng.random(len(texts)), rng.random(len(texts)) * 0.4
    paths = []
    for name, learnt in (("chosen", 1.0), ("chosen-random", 0.0)):
        place = Path(folder) / "embeddings" / name
        place.mkdir(parents=True, exist_ok=True)
        paths += [place / file for file in ("token_counts.npy", "contexts.parquet", "ambiguity.parquet")]
        np.save(paths[-3], counts)
        _contexts(rng, texts, counts, repeats, accuracy, learnt).to_parquet(paths[-2], index=False)
        _ambiguity(rng, texts, learnt).to_parquet(paths[-1], index=False)
    return paths


def _contexts(rng, texts, counts, repeats, accuracy, learnt) -> pd.DataFrame:
    """Self-similarity that falls with depth, less for tokens of repeats."""
    parts = []
    for layer in range(LAYERS + 1):
        table = pd.DataFrame({"token": texts, "id": SPECIALS + np.arange(len(texts))})
        table["length"], table["count"] = table["token"].str.len(), counts[table["id"]]
        table["used"], table["layer"] = table["count"].clip(upper=5000), layer
        fall = 0.1 * layer * (0.3 + learnt * (1 - repeats)) + rng.normal(0, 0.02, len(texts))
        table["self_similarity"], table["baseline"] = 0.95 - fall, 0.05 * layer
        table["adjusted"] = table["self_similarity"] - table["baseline"]
        table["centred_similarity"] = table["adjusted"] * 0.9
        table["explained"], table["explained_baseline"] = 0.42 + 0.1 * rng.random(len(texts)) - fall / 4, 0.35
        table["explained_adjusted"] = table["explained"] - table["explained_baseline"]
        table["explained_centred"] = 0.05 + 0.05 * rng.random(len(texts))
        table["rank_change"] = table["adjusted"].rank(method="first").astype("int64")
        table["repeat_share"], table["accuracy"] = repeats, accuracy
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def _ambiguity(rng, texts, learnt) -> pd.DataFrame:
    """One token in three is told apart by some category, with random initialisation none; the last one cannot be tested."""
    kinds = rng.integers(0, len(CATEGORIES), len(texts))
    table = pd.DataFrame(
        {"token": texts, "id": SPECIALS + np.arange(len(texts)), "length": [len(text) for text in texts]}
    )
    told = np.arange(len(texts)) < learnt * len(texts) / 3
    table["n"], table["share"] = 400, rng.uniform(0.5, 0.9, len(texts))
    table["silhouette"], table["silhouette_expected"] = np.where(told, 0.4, 0.12), 0.11
    table["track"], table["category"] = (np.array(names, object)[kinds] for names in zip(*CATEGORIES, strict=True))
    table["share_first"] = 0.3
    table["share_second"] = np.where(told, rng.uniform(0.5, 0.9, len(texts)), 0.33)
    table["difference"] = table["share_first"] - table["share_second"]
    table["low"], table["high"] = table["difference"] - 0.08, table["difference"] + 0.08
    table["p"], table["q"] = np.where(told, 1e-7, 0.3), np.where(told, 1e-5, 0.6)
    table["gc_auroc"] = np.where(told, rng.uniform(0.2, 0.8, len(texts)), 0.5)
    table["within_gc"] = table["difference"] * 0.8
    table.loc[len(texts) - 1, ["difference", "low", "high", "p", "q"]] = np.nan
    table.loc[len(texts) - 1, ["track", "category"]] = None
    more = table[told].head(5).assign(difference=-0.1, category="other")  # a second category of the same tokens
    return pd.concat([table, more], ignore_index=True).sort_values("q", kind="stable")
