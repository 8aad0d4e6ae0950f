"""Annotation that variants are compared with, by the sources that `VariantSources` names."""

from pathlib import Path

import numpy as np
import pandas as pd

from grover.annotation.meme import read_meme
from grover.intervals.contigs import ContigNames
from grover.intervals.formats import read_bed, read_gene_parts
from grover.intervals.genes import is_annotation

GENES = "genes"  # default source of exons; as a BED it has none


def read_exons(path: Path, contigs: ContigNames, key: str) -> pd.DataFrame | None:
    """Return the exons of a GTF or GFF3 file or of a BED of exons: chrom, start, end; None of a BED under the key `genes`."""
    if is_annotation(path):
        parts = read_gene_parts(path, contigs)
        return parts[parts["feature"] == "exon"]
    return None if key == GENES else read_bed(path, contigs=contigs)


def read_matrices(path: Path) -> list[np.ndarray]:
    """Return the base probabilities, float64 [4, width] each, of the motifs of a MEME file that have them."""
    return [motif.matrix for motif in read_meme(path) if motif.matrix is not None]
