"""Where a motif matches the genome: matrices from MEME files, and a scan of both strands with FIMO's p-values.

Coordinates are 0-based half-open. The scan is memelite's FIMO (Grant, Bailey, Noble, Bioinformatics 27:1017, 2011): the
score is the sum of log2 odds against equal base frequencies, in bits, and its p-value the exact share of random
sequences that reach the score, by dynamic programming on scores rounded to `BIN` bits.
"""

import re
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd
from memelite import fimo

from grover.errors import InputError
from grover.files import open_text
from grover.genome import Genome
from grover.progress import Progress

# FIMO rounds to 0.1 bit, which moves p-values by up to a fifth; at 0.01 they are within 3 % and the scan is no slower.
BIN = 0.01

# One-hot bases take four bytes each and memelite's own copies some more: about 150 MB a chunk.
CHUNK = 1 << 22

TYPES = {"start": "int64", "strand": "str", "score": "float64", "p-value": "float64"}
COLUMNS = ["chrom", "start", "end", "strand", "score", "pvalue"]


def read_matrix(path: Path | str, motif: str) -> np.ndarray:
    """Base probabilities of one motif of a MEME file (plain or gzip), float64 [4, width], rows A, C, G, T.

    `motif` is the identifier or the name, the two words of JASPAR's line `MOTIF MA0139.1 CTCF`. Raises `InputError`
    where it is missing, stands for several motifs or its matrix is damaged.
    """
    matrices = read_meme(path)
    found = [words for words in matrices if motif in words]
    if not found:
        words = sorted({word for words in matrices for word in words})
        near = [word for word in words if motif.lower() in word.lower()] or get_close_matches(motif, words, cutoff=0.5)
        hint = f"did you mean {', '.join(near[:5])}?" if near else f"it holds {', '.join(words[:5])} and others"
        raise InputError(f"{path}: no motif {motif!r} among {len(matrices):,}; {hint}")
    if len(found) > 1:
        identifiers = ", ".join(words[0] for words in found)
        raise InputError(f"{path}: {motif!r} names {len(found)} motifs; choose one by its identifier: {identifiers}")
    return matrices[found[0]]


def read_meme(path: Path | str) -> dict[tuple[str, ...], np.ndarray]:
    """All motifs of a MEME file: (identifier, name) -> float64 [4, width]; the name may be missing."""
    with open_text(path) as stream:
        lines = [line.strip() for line in stream]
    if not lines or not lines[0].startswith("MEME version"):
        raise InputError(f"{path}: the first line is not 'MEME version ...'; give motifs in MEME format")
    matrices, words = {}, None
    for number, line in enumerate(lines):
        if line.startswith("MOTIF"):
            words = tuple(line.split()[1:3])
        elif line.startswith("letter-probability matrix") and words:
            width = re.search(r"\bw=\s*(\d+)", line)
            rows = lines[number + 1 : number + 1 + int(width.group(1))] if width else []
            matrices[words] = _matrix(rows, f"{path}, line {number + 2:,}: motif {words[0]}")
    if not matrices:
        raise InputError(f"{path}: no motif with a letter-probability matrix")
    return matrices


def _matrix(rows: list[str], place: str) -> np.ndarray:
    try:
        matrix = np.array([row.split() for row in rows], dtype=float)
    except ValueError:
        matrix = np.empty(0)
    if matrix.ndim != 2 or matrix.shape[1] != 4 or (np.abs(matrix.sum(axis=1) - 1) > 0.01).any() or (matrix < 0).any():
        raise InputError(f"{place}: expected as many rows as `w=` says, each four probabilities that add up to 1")
    return np.ascontiguousarray(matrix.T)


def scan(genome: Genome, matrix: np.ndarray, threshold: float = 1e-4, resolve: bool = True) -> pd.DataFrame:
    """Matches of `matrix` [4, width] on both strands of all segments with a p-value below `threshold`.

    Returns the columns chrom, start, end, strand, score (bits), pvalue in the order of the genome. With `resolve`
    matches less than half a motif apart, on either strand, count as one place, of which the best score stays.
    """
    if not 0 < threshold < 1:
        raise InputError(f"the p-value threshold of the motif scan is {threshold}; give a number between 0 and 1")
    width, size = matrix.shape[1], len(genome.codes)
    found = []
    with Progress(size, "scan motif", "bases") as bar:
        for start in range(0, size, CHUNK):
            codes = genome.codes[start : start + CHUNK + width - 1]
            if len(codes) >= width:
                one_hot = (codes == np.arange(4)[:, None]).astype(np.int8)
                hits = fimo({"motif": matrix}, one_hot[None], bin_size=BIN, threshold=threshold)[0]
                found.append(hits.assign(start=hits["start"] + start)[list(TYPES)])
            bar.update(min(CHUNK, size - start))
    hits = pd.concat([pd.DataFrame(columns=list(TYPES)), *(hits for hits in found if len(hits))]).astype(TYPES)
    hits = hits.sort_values(["start", "strand"], kind="stable", ignore_index=True)

    # Segments stand end to end, so that a match may run from one into the next, where no sequence does.
    first, last = hits["start"].to_numpy(), hits["start"].to_numpy() + width - 1
    (chrom, start), (chrom_of_last, end) = genome.locate(first), genome.locate(last)
    hits = hits.assign(chrom=np.array(genome.chroms)[chrom], start=start, end=end + 1)
    hits = hits[(chrom == chrom_of_last) & (end - start == width - 1)]
    hits = hits.rename(columns={"p-value": "pvalue"})[COLUMNS].reset_index(drop=True)
    return best_of_neighbours(hits, width / 2) if resolve else hits


def best_of_neighbours(hits: pd.DataFrame, distance: float) -> pd.DataFrame:
    """Keep, of matches whose starts lie less than `distance` apart on one contig, the one with the best score.

    Matches are taken by falling score; each taken one removes its neighbours on both sides. `hits` is sorted by place.
    """
    chrom = hits["chrom"].to_numpy()
    start, score = hits["start"].to_numpy(), hits["score"].to_numpy()
    close = (np.diff(start) < distance) & (chrom[1:] == chrom[:-1])
    keep = np.ones(len(hits), dtype=bool)
    # Matches fall into short clusters, most of them of one, and only the others need a look.
    crowded = np.flatnonzero(np.append(close, False) | np.append(False, close))
    for i in crowded[np.argsort(-score[crowded], kind="stable")]:
        if keep[i]:
            for step in (-1, 1):
                j = i + step
                while 0 <= j < len(hits) and chrom[j] == chrom[i] and abs(start[j] - start[i]) < distance:
                    keep[j] = False
                    j += step
    return hits[keep].reset_index(drop=True)
