"""Made-up similarities of strands, so that their section can be tested without a run."""

from pathlib import Path

import numpy as np
import pandas as pd

LAYERS = 4


def write(folder: Path, rng) -> list[Path]:
    """Write embeddings/{chosen,chosen-random}/strands.parquet below `folder`: the strands of the pretrained model
    grow alike, those of the randomly initialised one do not."""
    paths = []
    for model, slope in (("chosen", 0.2), ("chosen-random", 0.0)):
        rows = [
            _row(layer, pooling, 0.05 + slope * layer, rng) for layer in range(LAYERS) for pooling in ("cls", "mean")
        ]
        path = Path(folder) / f"embeddings/{model}/strands.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows).to_parquet(path, index=False)
        paths.append(path)
    return paths


def _row(layer: int, pooling: str, centred: float, rng) -> dict:
    baseline, error = 0.9 + 0.02 * layer, 0.01 + 0.01 * rng.random()
    adjusted = centred * (1 - baseline)
    return {
        "layer": layer,
        "pooling": pooling,
        "n": 2000,
        "similarity": baseline + adjusted,
        "low": baseline + adjusted - error / 10,
        "high": baseline + adjusted + error / 10,
        "baseline": baseline,
        "adjusted": adjusted,
        "adjusted_low": adjusted - error / 10,
        "adjusted_high": adjusted + error / 10,
        "nearest": float(np.clip(centred / 2, 1 / 2000, 1)),
        "chance": 1 / 2000,
        "centred_similarity": centred,
        "centred_low": centred - error,
        "centred_high": centred + error,
    }
