"""Folds of the assembly, made once: corpus, selection, benchmarks and probes read them and none makes its own."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from grover.intervals.overlaps import overlap_bases
from grover.runtime.errors import InputError

FOLDS = ("train", "valid", "test")
GAP = "gap"


def block_folds(
    segments: pd.DataFrame, lengths: dict[str, int], block: int, gap: int, valid: float, test: float, seed: int
) -> pd.DataFrame:
    """Cut each contig into equal blocks of about `block` bases and deal them to the folds: chrom, start, end, fold.

    The blocks of a contig are dealt in a seeded random order, each to the fold that is furthest behind its share of the
    bases in `segments`; so the shares hold overall and every contig spreads over the folds as far as it can. Where
    neighbours differ, the `gap` bases around their border belong to no fold (`gap`). A block without sequence
    continues its neighbour. The table covers every contig of `lengths` in its order, with equal neighbours merged.
    Raises `InputError` where a fold with a share gets no block.
    """
    if not 0 <= valid < 1 or not 0 <= test < 1 or valid + test >= 1:
        raise InputError(f"the shares of the folds must leave something to train on, not valid {valid} and test {test}")
    if not 0 <= gap < block:
        raise InputError(f"the gap between folds ({gap:,}) must be shorter than a block ({block:,})")
    blocks = pd.concat([_cut(chrom, length, block) for chrom, length in lengths.items()], ignore_index=True)
    bases = overlap_bases(blocks, segments)
    blocks["fold"] = _deal(blocks["chrom"], bases, np.array([1 - valid - test, valid, test]), seed)
    for fold, share in zip(FOLDS, (1, valid, test), strict=True):
        if share > 0 and not (blocks["fold"] == fold).any():
            raise InputError(
                f"fold {fold} gets none of the {np.count_nonzero(bases)} blocks that hold sequence; make `block` "
                f"({block:,}) shorter or its share larger"
            )
    return pd.concat([_with_gaps(rows, gap) for _, rows in blocks.groupby("chrom", sort=False)], ignore_index=True)


def contig_folds(lengths: dict[str, int], valid: list[str], test: list[str]) -> pd.DataFrame:
    """Whole contigs as folds: chrom, start, end, fold. Raises `InputError` for a contig that was not kept."""
    for name in [*valid, *test]:
        if name not in lengths:
            raise InputError(f"the held-out contig {name} is not among those kept ({', '.join(list(lengths)[:5])})")
        if name in valid and name in test:
            raise InputError(f"contig {name} cannot be both valid and test")
    folds = ["test" if name in test else "valid" if name in valid else "train" for name in lengths]
    if "train" not in folds:
        raise InputError("every contig is held out; leave at least one to train on")
    return pd.DataFrame({"chrom": list(lengths), "start": 0, "end": list(lengths.values()), "fold": folds})


def read_folds(path: Path | str) -> pd.DataFrame:
    """`folds.bed` as a table chrom, start, end, fold."""
    names = ["chrom", "start", "end", "fold"]
    types = {"chrom": str, "fold": str}
    return pd.read_csv(
        path, sep="\t", header=None, names=names, dtype=types, keep_default_na=False, quoting=csv.QUOTE_NONE
    )


def fold_of(
    folds: pd.DataFrame, chrom: np.ndarray | pd.Series | Sequence[str], start: np.ndarray, end: np.ndarray
) -> np.ndarray:
    """Fold ('train', 'valid', 'test') that holds each interval wholly, else 'gap'; an array of text.

    `chrom` gives for each interval the name of the contig, or its number in the order of `folds`, which is that of
    `Genome.chroms`.
    """
    chrom, start, end = np.asarray(chrom), np.asarray(start, dtype=np.int64), np.asarray(end, dtype=np.int64)
    known, names = pd.factorize(folds["chrom"])
    codes = chrom if np.issubdtype(chrom.dtype, np.integer) else pd.Index(names).get_indexer(chrom)
    # contigs side by side on one line, so that a single binary search answers for all
    spacing = max(int(folds["end"].max()), int(end.max(initial=0))) + 1
    left = known * spacing + folds["start"].to_numpy()
    right = known * spacing + folds["end"].to_numpy()
    row = np.searchsorted(left, codes * spacing + start, side="right") - 1
    wholly = (row >= 0) & (codes >= 0) & (start >= 0) & (codes * spacing + end <= right[row])
    return np.where(wholly, folds["fold"].to_numpy(dtype="U5")[row], GAP)


def _cut(chrom: str, length: int, block: int) -> pd.DataFrame:
    edges = np.linspace(0, length, max(1, round(length / block)) + 1).astype(np.int64)
    return pd.DataFrame({"chrom": chrom, "start": edges[:-1], "end": edges[1:]})


def _deal(chrom: pd.Series, bases: np.ndarray, shares: np.ndarray, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    fold = np.full(len(bases), -1)
    dealt = np.zeros(len(FOLDS))
    for _, rows in chrom.groupby(chrom, sort=False):
        for i in generator.permutation(rows.index.to_numpy()):
            if bases[i]:
                behind = np.where(shares > 0, shares * (dealt.sum() + bases[i]) - dealt, -np.inf)
                fold[i] = np.argmax(behind)
                dealt[fold[i]] += bases[i]
        # blocks without sequence continue the block before them, those at the start the first one with sequence
        place = pd.Series(fold[rows.index]).replace(-1, np.nan).ffill().bfill().fillna(0)
        fold[rows.index] = place.astype(int)
    return np.array(FOLDS)[fold]


def _with_gaps(blocks: pd.DataFrame, gap: int) -> pd.DataFrame:
    """Blocks of one contig with equal neighbours merged and the borders of unequal ones cleared."""
    first = blocks["fold"].ne(blocks["fold"].shift()).to_numpy()
    starts, folds = blocks["start"].to_numpy()[first], blocks["fold"].to_numpy()[first]
    ends = np.append(starts[1:], blocks["end"].iloc[-1])
    before, after = gap // 2, gap - gap // 2
    rows = []
    for i, (start, end, fold) in enumerate(zip(starts.tolist(), ends.tolist(), folds, strict=True)):
        rows.append((start + after * (i > 0), end - before * (i < len(starts) - 1), fold))
        if gap and i < len(starts) - 1:
            rows.append((end - before, end + after, GAP))
    return pd.DataFrame(rows, columns=["start", "end", "fold"]).assign(chrom=blocks["chrom"].iloc[0])[
        ["chrom", "start", "end", "fold"]
    ]
