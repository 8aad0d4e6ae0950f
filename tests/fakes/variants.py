"""Made-up variants as `variant_baselines` writes them: 600 with a label, of which a fine-tuned model separates some."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from grover.interpretation.confounding import confounding
from grover.interpretation.variant_metrics import Resampling, difference, separation


def write(folder: Path, rng: np.random.Generator, judged: bool = True) -> list[Path]:
    """Write them below `folder`/interpretation and return their paths; judged: whether labelled variants lie in fold test."""
    place = folder / "interpretation"
    place.mkdir(parents=True, exist_ok=True)
    label = rng.integers(0, 2, 600)
    change = rng.integers(-1, 3, 600).astype(float)
    table = pd.DataFrame(
        {
            "chrom": "chr1",
            "pos": np.arange(600) * 1000 + 1,
            "id": [f"v{i}" for i in range(600)],
            "ref": "A",
            "alt": "C",
            "status": "ok",
            "label": label,
            "fold": rng.choice(["train", "test"], 600),
            "llr": rng.normal(0, 1, 600) - 0.3 * change,
            "llr_centred": rng.normal(0, 1, 600),
            "strand_gap": rng.exponential(1, 600),
            "delta_logit": rng.normal(0, 1, 600) - 1.2 * label,
            "unigram": rng.normal(0, 1, 600) - 2 * change,
            "markov_5": rng.normal(0, 1, 600),
            "token_change": change,
            "motif_change": rng.exponential(1, 600),
            "cpg": rng.choice(["CpG", "other"], 600),
            "substitution": rng.choice(["transition", "transversion"], 600),
            "mask": rng.choice(["soft-masked", "unmasked"], 600),
            "tokens": np.array(["fewer", "equal", "more", "more"])[change.astype(int) + 1],
        }
    )
    resampling, tables = Resampling(10_000, 100, 0), {}
    metrics = separation(table[table["fold"] == "test"] if judged else table[:0], resampling)
    tables["variant_metrics"] = metrics
    correlations = [
        confounding(table, ["llr", "unigram"], resampling).assign(variants="random"),
        confounding(table, ["llr", "llr_centred", "unigram"], resampling).assign(variants="scored"),
    ]
    tables["variant_confounding"] = pd.concat(correlations, ignore_index=True)
    shown = [table.assign(shown=name) for name in ("labelled", "substitutions")]
    tables["variant_sample"] = pd.concat(shown, ignore_index=True)
    numbers = {"positive": int(label.sum()), "negative": int((1 - label).sum())}
    summary = {
        "alleles": 620,
        "status": {"ok": 600, "symbolic": 20},
        "labelled": {"test": numbers} if judged else {"train": numbers},
        "effect_field": "EFFECT",
        "positive": ["break"],
        "negative": ["neutral"],
        "judged": numbers if judged else dict.fromkeys(numbers, 0),
        "positives_from": 1,
        "positives_to": 599_001,
        "blocks": 6,
        "block": 100_000,
        "differences": [{"score": "llr", "comparator": "markov_5", **difference(table, "llr", "markov_5", resampling)}],
    }
    for name, rows in tables.items():
        rows.to_parquet(place / f"{name}.parquet", index=False)
    (place / "variant_effects.json").write_text(json.dumps(summary))
    return [*(place / f"{name}.parquet" for name in tables), place / "variant_effects.json"]
