"""Made-up probes and clusters, so that their section can be tested without a run."""

from pathlib import Path

import numpy as np
import pandas as pd

TRACKS = {
    "repeat_class": ("category", "auroc", 0.3),
    "chromatin_state_GM12878": ("category", "auroc", 0.1),
    "gene": ("presence", "auroc", 0.05),
    "gene_strand": ("strand", "auroc", 0.04),
    "replication_timing": ("quantity", "r2", 0.4),
}
GAINS = {"repeat_class": 0.05, "gene": -0.06}
LAYERS = (0, 1, 2, 3)
MODELS = ("chosen", "chosen-random", "dnabert2")


def write(folder: Path, rng) -> list[Path]:
    """Write embeddings/probes.parquet and embeddings/clusters.parquet below `folder`."""
    rows = [row for track in TRACKS for row in _probes(track, rng)]
    few = _probes("cpg_island", rng, ("presence", "auroc", 0.0))
    missing = dict.fromkeys([name for name, value in few[0].items() if isinstance(value, float)], np.nan)
    rows += [row | missing | {"note": "too few regions"} for row in few]
    path = Path(folder) / "embeddings"
    path.mkdir(parents=True, exist_ok=True)
    tables = {"probes.parquet": pd.DataFrame(rows), "clusters.parquet": pd.DataFrame(_clusters(rng))}
    for name, table in tables.items():
        table.astype({"layer": "Int64"}).to_parquet(path / name, index=False)
    return [path / name for name in tables]


def _representations():
    for model in MODELS:
        for layer in LAYERS if model != "dnabert2" else LAYERS[-1:]:
            for pooling in ("cls", "mean"):
                yield model, pooling, layer, layer == LAYERS[-1] and pooling == "mean"
    for model in ("word2vec", "kmers", "gc"):
        yield model, "", None, True


def _probes(track: str, rng, about=None) -> list[dict]:
    kind, metric, strength = about or TRACKS[track]
    base = 0.5 if metric == "auroc" else 0.0
    shares = {"chosen": 0.9, "chosen-random": 0.6, "dnabert2": 0.8, "word2vec": 0.85, "kmers": 0.9, "gc": 0.3}
    rows = []
    for model, pooling, layer, forest in _representations():
        value = base + strength * shares[model] * (1 if layer is None else 0.7 + 0.1 * layer)
        value += GAINS.get(track, 0.0) * (model == "chosen" and layer == LAYERS[-1] and pooling == "mean")
        kmers, gc = base + strength * 0.9, base + strength * 0.3
        gain = np.nan if model == "kmers" else value - kmers
        over = np.nan if model == "gc" else value - gc
        word2vec = np.nan if model == "word2vec" else value - base - strength * 0.85
        random_model = GAINS.get(track, 0.0) + 0.03 if model == "chosen" else np.nan
        spread = 0.02
        for probe in ("linear", "forest") if forest else ("linear",):
            rows.append(
                {
                    "track": track,
                    "kind": kind,
                    "model": model,
                    "pooling": pooling,
                    "layer": layer,
                    "probe": probe,
                    "metric": metric,
                    "value": float(value),
                    "low": value - spread,
                    "high": value + spread,
                    "auprc": np.nan if metric == "r2" else float(rng.uniform(0.3, 0.6)),
                    "chance": np.nan if metric == "r2" else 0.25,
                    "gain": gain,
                    "gain_low": gain - spread,
                    "gain_high": gain + spread,
                    "over_gc": over,
                    "over_gc_low": over - spread,
                    "over_gc_high": over + spread,
                    "over_word2vec": word2vec,
                    "over_word2vec_low": word2vec - spread,
                    "over_word2vec_high": word2vec + spread,
                    "over_random": random_model,
                    "over_random_low": random_model - spread,
                    "over_random_high": random_model + spread,
                    "partial": strength / 2,
                    "given": "gc, repeats",
                    "n_train": 900,
                    "n_test": 300,
                    "blocks": 60,
                    "alike": 0.4 if track == "gene_strand" else 0.1,
                    "note": "too few regions: RC, Unknown" if track == "repeat_class" else "",
                }
            )
    return rows


def _clusters(rng) -> list[dict]:
    return [
        {
            "track": track,
            "model": model,
            "pooling": pooling,
            "layer": layer,
            "repeats": repeats,
            "n": 0 if (track, repeats) == ("repeat_class", "few") else 800,
            "silhouette": np.nan if (track, repeats) == ("repeat_class", "few") else float(rng.uniform(-0.05, 0.1)),
            "purity": np.nan if (track, repeats) == ("repeat_class", "few") else 0.25 + TRACKS[track][2] / 2,
            "purity_expected": np.nan if (track, repeats) == ("repeat_class", "few") else 0.25,
            "neighbours": 15,
            "note": "too few regions" if (track, repeats) == ("repeat_class", "few") else "",
        }
        for track in TRACKS
        if TRACKS[track][0] != "quantity"
        for model, pooling, layer, _ in _representations()
        if model != "gc" and layer in (None, LAYERS[-1])
        for repeats in ("all", "few")
    ]
