"""A small assembly, encoded, with the bases that a test gives it."""

from pathlib import Path

import numpy as np

from grover.genome.assembly import Genome
from grover.genome.bases import encode


def assembly(folder: Path, segments: list[tuple[str, int, str]]) -> Genome:
    """Write a genome of segments (contig, start, bases) and return it."""
    folder.mkdir(exist_ok=True)
    np.save(folder / "sequence.npy", np.concatenate([encode(text) for _, _, text in segments]))
    rows = [f"{chrom}\t{start}\t{start + len(text)}\ts{n}\n" for n, (chrom, start, text) in enumerate(segments)]
    (folder / "segments.bed").write_text("".join(rows))
    return Genome(folder / "sequence.npy", folder / "segments.bed")


def random_bases(seed: int, size: int) -> str:
    """Return random bases, each alike likely."""
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), size))
