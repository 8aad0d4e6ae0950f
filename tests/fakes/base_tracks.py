"""Made-up accuracy of base tracks, and the values of one locus."""

from pathlib import Path

import numpy as np
import pandas as pd


def write(folder: Path, rng: np.random.Generator, bases: int = 100) -> list[Path]:
    """Write the artefacts of base tracks that the report reads below `folder` and return their paths."""
    folder = Path(folder) / "interpretation"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [(1, "both", 0.15), (1, "minus", 0.14), (1, "plus", 0.16), (2, "plus", 0.09), (4, "plus", 0.04)]
    table = pd.DataFrame(rows, columns=["run", "strands", "gain"]).assign(bases=8_000, blocks=8)
    table["bits"], table["accuracy"], table["more"] = 1.7 - table["gain"], 0.4 + table["gain"], table["gain"] / 2
    for name in ("bits", "gain", "accuracy", "more"):
        table[f"{name}_low"], table[f"{name}_high"] = table[name] - 0.03, table[name] + 0.03
    table.to_csv(folder / "base_tracks.tsv", sep="\t", index=False)
    heights = rng.dirichlet([0.3] * 4, bases) * rng.uniform(-0.1, 1.5, (bases, 1))
    locus = pd.DataFrame(heights.astype(np.float32), columns=list("ACGT"))
    locus.insert(0, "base", rng.choice(list("ACGT"), bases))
    locus.insert(0, "pos", 1_204 + np.arange(bases))
    locus.insert(0, "chrom", "chr1")
    locus.assign(log_probability=np.float32(0.5)).to_parquet(folder / "base_tracks_locus.parquet", index=False)
    (folder / "base_tracks.bed").write_text("chr1\t1000\t2000\tchr1:1001\nchr1\t90000\t91000\tchr1:90001\n")
    return [folder / name for name in ("base_tracks.tsv", "base_tracks_locus.parquet", "base_tracks.bed")]
