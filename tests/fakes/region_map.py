"""Made-up regions, their annotation and their map: groups in the plane that are repeat classes."""

from pathlib import Path

import numpy as np
import pandas as pd

CLASSES = ("none", "SINE", "LINE", "Satellite", "LTR", "DNA", "Simple_repeat", "Low_complexity", "tRNA", "snRNA")
STATES = tuple(
    f"{i + 1}_{name}" for i, name in enumerate(("Active_Promoter", "Weak_Enhancer", "Txn_Elongation", "Heterochrom/lo"))
)
REGIONS = 1500


def write(folder: Path, rng: np.random.Generator, count: int = REGIONS, quantities: int = 3) -> list[Path]:
    """Write regions, annotation and map below `folder/embeddings` and return their paths; every second region is in the map."""
    of, number = 2 * count, np.arange(count) * 2
    group = np.minimum(rng.geometric(0.3, of) - 1, len(CLASSES) - 1)
    start = np.arange(of) * 1_000
    chrom = np.where(np.arange(of) < of // 2, "chr1", "chr2")
    gc = np.clip(rng.normal(0.35 + 0.02 * group, 0.05), 0, 1)
    regions = pd.DataFrame({"chrom": chrom, "start": start, "end": start + 1_000, "gc": gc, "fold": "train"})
    strand = np.where(np.isin(group, (1, 2)), rng.choice(["+", "-"], of), "")
    annotation = pd.DataFrame(
        {
            "repeat_class": np.array(CLASSES)[group],
            "chromatin_state": rng.choice([*STATES, "none"], of),
            "gene": rng.random(of) < 0.4,
            "line_strand": strand,
            **{f"signal_{i + 1}": rng.lognormal(0.1 * group, 1) for i in range(quantities)},
            "repeat_share": np.clip(rng.normal(np.where(group > 0, 0.6, 0.1), 0.15), 0, 1),
        }
    )
    annotation.loc[rng.random(of) < 0.1, "signal_1"] = np.nan
    angle = 2 * np.pi * group[number] / len(CLASSES)
    centre = np.column_stack([np.cos(angle), np.sin(angle)]) * 6
    columns = {"region": number}
    for pooling, noise in (("cls", 2.0), ("mean", 1.0)):
        for names, scale in ((("x", "y"), 1.0), (("pc1", "pc2"), 0.5)):
            points = (centre * scale + rng.normal(0, noise, centre.shape)).astype(np.float32)
            columns |= {f"{name}_{pooling}": points[:, i] for i, name in enumerate(names)}
    umap = pd.DataFrame(columns)
    umap.attrs = {
        "model": "chosen",
        "layer": 3,
        "of": of,
        "method": {"cls": "UMAP", "mean": "UMAP"},
        "explained": {"cls": [0.31, 0.12], "mean": [0.24, 0.11]},
        "assembly": "hg19",
    }
    files = {"regions": regions, "annotation": annotation, "chosen/umap": umap}
    for name, table in files.items():
        path = Path(folder) / f"embeddings/{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        table.to_parquet(path, index=False)
    return [Path(folder) / f"embeddings/{name}.parquet" for name in files]
