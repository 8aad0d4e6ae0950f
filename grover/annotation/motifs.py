"""Where a motif matches the genome: a scan of both strands with FIMO's p-values.

Coordinates are 0-based half-open. As in FIMO (Grant, Bailey, Noble, Bioinformatics 27:1017, 2011) the score of a place is
the sum of the log2 odds of its bases against equal base frequencies, in bits. Its p-value is the share of random
k-mers that score as high or higher. Odds are rounded to `BIN` bits, in the scan as in the count of k-mers. So
p-value and threshold are exact for the rounded odds.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numba import njit

from grover.genome.assembly import Genome
from grover.genome.bases import reverse_complement
from grover.runtime.errors import InputError
from grover.runtime.files import release
from grover.runtime.progress import Progress

# Added to each probability, as in memelite, so that a base that was never seen costs 11 bits and not everything.
PSEUDO = 1e-4

# Finer bins move the p-values of CTCF's matches by less than a part in a hundred; FIMO's 0.1 bit moves them by a fifth.
BIN = 0.001

CORE = 8  # bases by which most places are ruled out with a single look into a table of 4 ** 8
CHUNK = 1 << 20


def scan(genome: Genome, matrix: np.ndarray, threshold: float = 1e-4, resolve: bool = True) -> pd.DataFrame:
    """Matches of `matrix` [4, width] on both strands of all segments with a p-value below `threshold`.

    Returns the columns chrom, start, end, strand, score (bits), pvalue in the order of the genome, + before -. With
    `resolve` matches less than half a motif apart, on either strand, count as one place, of which the best score stays.
    A palindrome matches on both strands alike and is there twice without `resolve`.
    """
    if not 0 < threshold < 1:
        raise InputError(f"the p-value threshold of the motif scan is {threshold}; give a number between 0 and 1")
    width, size = matrix.shape[1], len(genome.codes)
    weights = np.rint(log_odds(matrix) / BIN).astype(np.int64)
    lowest, tail = pvalues(weights)
    # the first score whose p-value is low enough; where no k-mer is that rare, none that a k-mer reaches
    cut = lowest + int(np.searchsorted(-tail, -threshold, side="right"))
    strands = np.stack([weights, weights[::-1, ::-1]])
    core, hopeful = _core(strands, cut)

    # places in the genome, whether on strand -, and scores in bins
    found = [(np.empty(0, np.int64), np.empty(0, bool), np.empty(0, np.int64), np.empty(0))]
    buffers = np.empty(2 * CHUNK, np.int64), np.empty(2 * CHUNK, bool), np.empty(2 * CHUNK, np.int64)
    with Progress(size, "scan motif", "bases") as bar:
        for first in range(0, size, CHUNK):
            codes = np.ascontiguousarray(genome.codes[first : first + CHUNK + width - 1])
            number = _scan(codes, strands, cut, core, hopeful, *buffers)
            places, minus, bins = (buffer[:number].copy() for buffer in buffers)
            matches = codes[places[:, None] + np.arange(width)]
            matches[minus] = reverse_complement(matches[minus])
            scores = log_odds(matrix)[matches, np.arange(width)].sum(axis=1)
            found.append((places + first, minus, bins, scores))
            release(genome.codes)
            bar.update(min(CHUNK, size - first))
    place, minus, bins, score = map(np.concatenate, zip(*found, strict=True))

    # Segments stand end to end, so that a match may run from one into the next, where no sequence does.
    (chrom, start), (chrom_of_last, last) = genome.locate(place), genome.locate(place + width - 1)
    hits = pd.DataFrame(
        {
            "chrom": pd.Series(np.array(genome.chroms)[chrom], dtype="str"),
            "start": start,
            "end": start + width,
            "strand": pd.Series(np.where(minus, "-", "+"), dtype="str"),
            "score": score,
            "pvalue": tail[bins - lowest],
        }
    )[(chrom == chrom_of_last) & (last - start == width - 1)].reset_index(drop=True)
    return best_of_neighbours(hits, width / 2) if resolve else hits


def best_scores(codes: np.ndarray | Sequence[np.ndarray], matrix: np.ndarray) -> np.ndarray:
    """Highest score of `matrix` [4, width] on either strand of each row, in bits: float64 [rows].

    codes: uint8 [rows, length] or a list of uint8 arrays; a code of 4 (no base) adds nothing. A row shorter than
    the motif has NaN.
    """
    odds = np.vstack([log_odds(matrix), np.zeros(matrix.shape[1])])
    opposite = np.vstack([odds[3::-1, ::-1], odds[4:]])
    best = np.full(len(codes), np.nan)
    for i, row in enumerate(codes):
        if len(row) >= matrix.shape[1]:
            best[i] = _best(np.asarray(row, dtype=np.uint8), odds, opposite)
    return best


def log_odds(matrix: np.ndarray) -> np.ndarray:
    """log2 of probabilities over equal base frequencies, the score in bits of each base at each place."""
    return np.log2(matrix + PSEUDO) + 2


def pvalues(weights: np.ndarray) -> tuple[int, np.ndarray]:
    """Share of random k-mers, bases alike likely, that score at least s for each whole number s from the lowest score on.

    weights: whole numbers [4, width]. Returns the lowest score and float64 shares, those of the lowest first and one 0
    behind the highest. K-mers are counted by dynamic programming over the places of the motif; up to a width of 26 the
    shares, whole multiples of 4 ** -width, are exact.
    """
    lowest = weights.min(axis=0)
    share = np.ones(1)
    for column in (weights - lowest).T:
        longer = np.zeros(share.size + column.max())
        for step in column:
            longer[step : step + share.size] += share / 4
        share = longer
    return int(lowest.sum()), np.append(np.cumsum(share[::-1])[::-1], 0.0)


def _core(strands: np.ndarray, cut: int) -> tuple[int, np.ndarray]:
    """Where the most telling `CORE` places of the motif begin, and which k-mers there leave hope for a match.

    strands: weights of both strands [2, 4, width]. Returns the first place of the core on the + strand, and uint8 [4 ** size
    of the core] by k-mer as a number of base four. Bit 1 is set where strand + may still match, bit 2 where strand - may.
    """
    width = strands.shape[2]
    size = min(CORE, width)
    most = strands[0].max(axis=0)
    lost = most - strands[0].mean(axis=0)  # what a random base loses on the best one
    begin = int(np.argmax(np.convolve(lost, np.ones(size), mode="valid")))
    hopeful = np.zeros(4**size, np.uint8)
    for strand, first in enumerate((begin, width - begin - size)):
        weights = strands[strand]
        scores = np.zeros(1, np.int64)
        for column in weights[:, first : first + size].T:
            scores = (scores[:, None] + column).ravel()
        rest = weights.max(axis=0).sum() - weights[:, first : first + size].max(axis=0).sum()
        hopeful |= (scores + rest >= cut).astype(np.uint8) << strand
    return begin, hopeful


@njit(cache=True, nogil=True)
def _scan(  # noqa: PLR0913 - a numba kernel takes arrays and numbers
    codes: np.ndarray,
    strands: np.ndarray,
    cut: int,
    begin: int,
    hopeful: np.ndarray,
    places: np.ndarray,
    minus: np.ndarray,
    scores: np.ndarray,
) -> int:
    """Fill in places, strands and scores of at least `cut`, by place and + before -; return how many there are."""
    width = strands.shape[2]
    size = 0
    while 4**size < hopeful.size:
        size += 1
    # the core begins at another place of the window on each strand, so the k-mer of a window stands at two ends
    plus_end, minus_end = begin + size - 1, width - begin - 1
    kmers = np.empty(codes.size, np.uint32)
    kmer = np.uint32(0)
    mask = np.uint32(hopeful.size - 1)
    for i in range(codes.size):
        kmer = (kmer << np.uint32(2) | np.uint32(codes[i])) & mask
        kmers[i] = kmer
    number = 0
    for i in range(codes.size - width + 1):
        hope = (hopeful[kmers[i + plus_end]] & 1) | (hopeful[kmers[i + minus_end]] & 2)
        if hope:
            for strand in range(2):
                if hope >> strand & 1:
                    score = 0
                    for j in range(width):
                        score += strands[strand, codes[i + j], j]
                    if score >= cut:
                        places[number], minus[number], scores[number] = i, strand == 1, score
                        number += 1
    return number


@njit(cache=True, nogil=True)
def _best(codes: np.ndarray, odds: np.ndarray, opposite: np.ndarray) -> float:
    width = odds.shape[1]
    best = -np.inf
    for i in range(codes.size - width + 1):
        plus = minus = 0.0
        for j in range(width):
            plus += odds[codes[i + j], j]
            minus += opposite[codes[i + j], j]
        best = max(best, plus, minus)
    return best


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
