"""Made-up tables of the comparison in another species."""

from pathlib import Path

import numpy as np
import pandas as pd

ARMS = ("source", "continued", "scratch", "random")


def write(folder: Path, rng: np.random.Generator) -> list[Path]:
    """Write scores of one task and masked bits per base, and return their paths."""
    rows = []
    for part, size in (("all", 200), ("apart", 120), ("gc", 90)):
        entries = [
            (arm, method, labels) for arm in ARMS for method in ("fine-tuned", "linear probe") for labels in (50, 200)
        ]
        entries += [(name, "baseline", labels) for name in ("gc", "tfidf-logistic") for labels in (50, 200)]
        entries += [("source", "source task", 0), ("gc", "source task", 0)]
        for model, method, labels in entries:
            value = rng.uniform(0.2, 0.6) if model != "random" else 0.05
            row = {"task": "ctcf", "model": model, "method": method, "labels": labels, "part": part, "n_test": size}
            row |= {"mcc": value, "mcc_low": value - 0.1, "mcc_high": value + 0.1}
            row |= {"auroc": 0.5 + value / 2, "auroc_low": 0.5, "auroc_high": 0.9}
            for other in ("random", "scratch"):
                gap = value - 0.05 if model in ARMS and model != other and labels else np.nan
                row |= {f"over_{other}": gap, f"over_{other}_low": gap - 0.1, f"over_{other}_high": gap + 0.1}
            rows.append(row)
    scores, bases = Path(folder, "transfer/scores.parquet"), Path(folder, "transfer/bases.tsv")
    scores.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_parquet(scores, index=False)
    table = pd.DataFrame({"model": [*ARMS, *ARMS], "part": ["all"] * 4 + ["apart"] * 4, "loci": [20] * 4 + [12] * 4})
    table["bases_per_token"] = 3.9
    for name, value in (("bits", 1.9), ("gain", 0.02), ("over_random", 0.03), ("over_scratch", 0.0)):
        table[name] = value
        table[f"{name}_low"], table[f"{name}_high"] = value - 0.01, value + 0.01
    table.to_csv(bases, sep="\t", index=False)
    return [scores, bases]
