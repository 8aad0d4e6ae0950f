"""Copies of sequence that lie in several folds, such as ribosomal operons and insertion sequences, are kept in one of them."""

import numpy as np
import pandas as pd

from grover.genome.assembly import Genome
from grover.genome.bases import COMPLEMENT
from grover.genome.folds import FOLDS, GAP
from grover.intervals.overlaps import union
from grover.runtime.errors import InputError

K = 32  # bases of a word of 64 bits; E. coli has no such word twice by chance
BRIDGED = 100  # bases between two shared words that still belong to one copy
LARGEST = 100_000_000  # bases of a genome whose words are compared, at about 60 bytes per base


def keep_in_one_fold(folds: pd.DataFrame, genome: Genome, shortest: int) -> tuple[pd.DataFrame, dict[str, int]]:
    """Take stretches that another fold has too out of their fold.

    Returns `folds` (chrom, start, end, fold), where these stretches are `gap`, and how many bases left test and valid.

    Train comes before test, test before valid: what train shares with another fold stays in train, what test and valid share stays in
    test. A stretch spans at least `shortest` bases between its first and last 32-mer that the other fold has on either
    strand; 32-mers at most 100 bases apart are one stretch, so that copies may differ. Copies without a common 32-mer are not
    found. Raises InputError for genomes above 100 million bases.
    """
    if len(genome.codes) > LARGEST:
        raise InputError(
            f"the genome has {len(genome.codes):,} bases, but copies are looked for in at most {LARGEST:,}; set `folds.copies` to 0"
        )
    starts, words = _words(genome)
    fold = _fold_of_words(starts, folds, genome)
    folds_of_word = _folds_with(words, fold)
    cut = np.zeros((0, 2), np.int64)
    rank = {"test": ("train",), "valid": ("train", "test")}
    for name, before in rank.items():
        shared = (fold == FOLDS.index(name)) & (folds_of_word & sum(1 << FOLDS.index(other) for other in before) > 0)
        cut = np.concatenate([cut, _stretches(starts[shared], genome.bounds, shortest)])
    return _without(folds, cut, genome)


def _words(genome: Genome) -> tuple[np.ndarray, np.ndarray]:
    """Return where each word of 32 bases within a segment begins in the sequence, and the smaller number of its two strands, uint64."""
    size = len(genome.codes) - K + 1
    if size < 1:
        return np.zeros(0, np.int64), np.zeros(0, np.uint64)
    codes = np.asarray(genome.codes)
    forward = _numbers(codes)
    backward = _numbers(COMPLEMENT[codes[::-1]])[::-1]
    segment = np.searchsorted(genome.bounds, np.arange(size), side="right")
    whole = np.arange(size) + K <= genome.bounds[segment]
    return np.flatnonzero(whole), np.minimum(forward, backward)[whole]


def _numbers(codes: np.ndarray) -> np.ndarray:
    """Return the number of the word that begins at each base, two bits per base, by joining words of half the length."""
    words = codes.astype(np.uint64)
    for length in (1, 2, 4, 8, 16):
        words = (words[:-length] << np.uint64(2 * length)) | words[length:]
    return words


def _fold_of_words(starts: np.ndarray, folds: pd.DataFrame, genome: Genome) -> np.ndarray:
    """Return the number of the fold that holds each word wholly, -1 for none, int8."""
    fold = np.full(len(starts), -1, np.int8)
    held = folds[folds["fold"] != GAP].reset_index(drop=True)
    for name, (left, right) in zip(held["fold"], genome.places(held[["chrom", "start", "end"]]).T, strict=True):
        first, end = np.searchsorted(starts, [left, right - K + 1])
        fold[first:end] = FOLDS.index(name)
    return fold


def _folds_with(words: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Return in which folds the word at each place occurs, as bits, uint8."""
    order = np.argsort(words, kind="stable")
    begins = np.flatnonzero(np.append(True, words[order][1:] != words[order][:-1]))[: len(words)]
    bit = np.where(fold >= 0, 1 << np.maximum(fold, 0), 0).astype(np.uint8)
    found = np.empty(len(words), np.uint8)
    if len(words):
        together = np.bitwise_or.reduceat(bit[order], begins)
        found[order] = np.repeat(together, np.diff(np.append(begins, len(words))))
    return found


def _stretches(starts: np.ndarray, bounds: np.ndarray, shortest: int) -> np.ndarray:
    """Return first and end of the stretches that words at these places make, int64 [stretches, 2]."""
    if not len(starts):
        return np.zeros((0, 2), np.int64)
    segment = np.searchsorted(bounds, starts, side="right")
    divided = np.flatnonzero((np.diff(starts) > K + BRIDGED) | (np.diff(segment) > 0))
    first, end = starts[np.append(0, divided + 1)], starts[np.append(divided, len(starts) - 1)] + K
    long = end - first >= shortest
    return np.stack([first[long], end[long]], axis=1)


def _without(folds: pd.DataFrame, cut: np.ndarray, genome: Genome) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the folds with a gap at each stretch of the sequence, and the bases that left each fold."""
    left, right = union(cut[:, 0], cut[:, 1])
    number, first = genome.locate(left)
    chroms = np.array(genome.chroms, object)[number] if len(left) else np.zeros(0, object)
    rows: list[tuple] = []
    removed = dict.fromkeys(("valid", "test"), 0)
    for chrom, start, end, fold in folds[["chrom", "start", "end", "fold"]].itertuples(index=False, name=None):
        inside = (chroms == chrom) & (first >= start) & (first < end) & (fold not in ("train", GAP))
        for begin, length in zip(first[inside].tolist(), (right - left)[inside].tolist(), strict=True):
            removed[fold] += length
            rows += [(chrom, start, begin, fold), (chrom, begin, begin + length, GAP)]
            start = begin + length
        rows.append((chrom, start, end, fold))
    table = pd.DataFrame(rows, columns=["chrom", "start", "end", "fold"])
    table = table[table["start"] < table["end"]]
    new = (table["chrom"] != table["chrom"].shift()) | (table["fold"] != table["fold"].shift())
    merged = table.groupby(new.cumsum()).agg({"chrom": "first", "start": "first", "end": "last", "fold": "first"})
    return merged.reset_index(drop=True), removed
