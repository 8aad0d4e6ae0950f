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

    The blocks of a contig are dealt in a seeded random order. Each goes to the fold that is furthest behind its share of the
    bases in `segments`. So the shares hold overall, and every contig spreads over the folds as far as it can. Where
    neighbours differ, the `gap` bases around their border belong to no fold (`gap`). A block without sequence
    continues its neighbour. The table covers every contig of `lengths` in its order, with equal neighbours merged.
    Raises `InputError` where a fold with a share gets no block.
    """
    if not 0 <= valid < 1 or not 0 <= test < 1 or valid + test >= 1:
        raise InputError(f"the shares of the folds must leave something to train on, not valid {valid} and test {test}")
    if not 0 <= gap < block:
        raise InputError(f"the gap between folds ({gap:,}) must be shorter than a block ({block:,})")
    blocks = _cut(lengths, block)
    bases = overlap_bases(blocks, segments)
    contig_ends = np.append(np.flatnonzero(np.diff(blocks["contig"].to_numpy())) + 1, len(blocks))
    folds = _deal(contig_ends, bases, (1 - valid - test, valid, test), seed)
    for number, (fold, share) in enumerate(zip(FOLDS, (1, valid, test), strict=True)):
        if share > 0 and not (folds == number).any():
            raise InputError(
                f"fold {fold} gets none of the {np.count_nonzero(bases)} blocks that hold sequence; make `folds.block` "
                f"({block:,}) shorter or its share larger"
            )
    return _with_gaps(blocks, folds, gap)


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


def close_circles(folds: pd.DataFrame, circular: list[str], gap: int) -> pd.DataFrame:
    """Return `folds` in which half of `gap` at either end of a circular contig is no fold's, where its ends are in different folds.

    Raises `InputError` for a contig that has no folds.
    """
    for name in circular:
        if name not in set(folds["chrom"]):
            raise InputError(
                f"`folds.circular` names the contig {name}, which is not among those kept; correct its name"
            )
    table = folds.reset_index(drop=True)
    for _, rows in table[table["chrom"].isin(circular)].groupby("chrom", sort=False):
        first, last = rows.iloc[0], rows.iloc[-1]
        if first["fold"] == last["fold"] or gap < 2:
            continue
        inner = {rows.index[0]: ("start", first["start"] + gap // 2), rows.index[-1]: ("end", last["end"] - gap // 2)}
        for row, (edge, place) in inner.items():
            table.loc[row, edge] = place
        ends = [(first["start"], first["start"] + gap // 2), (last["end"] - gap // 2, last["end"])]
        gaps = pd.DataFrame(ends, [rows.index[0] - 0.5, rows.index[-1] + 0.5], ["start", "end"])
        table = pd.concat([table, gaps.assign(chrom=first["chrom"], fold=GAP)])
    return table.sort_index().reset_index(drop=True)[["chrom", "start", "end", "fold"]]


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


def _cut(lengths: dict[str, int], block: int) -> pd.DataFrame:
    """Cut contigs into equal blocks of about `block` bases: chrom, contig (its number), start, end."""
    length = np.fromiter(lengths.values(), np.int64, len(lengths))
    pieces = np.maximum(1, np.rint(length / block)).astype(np.int64)
    contig = np.repeat(np.arange(len(length)), pieces)
    piece = np.arange(len(contig)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    step = (length / pieces)[contig]
    end = np.where(piece + 1 == pieces[contig], length[contig], ((piece + 1) * step).astype(np.int64))
    chrom = np.array(list(lengths), object)[contig]
    return pd.DataFrame({"chrom": chrom, "contig": contig, "start": (piece * step).astype(np.int64), "end": end})


def _deal(contig_ends: np.ndarray, bases: np.ndarray, shares: tuple[float, ...], seed: int) -> np.ndarray:
    """Return the number of the fold of each block; contig_ends: behind the last block of each contig."""
    generator = np.random.default_rng(seed)
    held = bases.tolist()
    fold = [-1] * len(held)
    dealt = [0] * len(FOLDS)
    start = 0
    for end in contig_ends.tolist():
        for i in generator.permutation(np.arange(start, end)).tolist():
            if held[i]:
                total = sum(dealt) + held[i]
                behind = [
                    share * total - done if share > 0 else -np.inf for share, done in zip(shares, dealt, strict=True)
                ]
                fold[i] = behind.index(max(behind))
                dealt[fold[i]] += held[i]
        start = end
    return _filled(np.array(fold), contig_ends)


def _filled(fold: np.ndarray, contig_ends: np.ndarray) -> np.ndarray:
    """Give blocks without sequence (-1) the fold of the block before them.

    Those at the start of a contig get the fold of the first block with sequence; on a contig without any, fold 0.
    """
    sizes = np.diff(contig_ends, prepend=0)
    first, end = np.repeat(contig_ends - sizes, sizes), np.repeat(contig_ends, sizes)
    number, dealt = np.arange(len(fold)), fold >= 0
    before = np.maximum.accumulate(np.where(dealt, number, -1))
    behind = np.minimum.accumulate(np.where(dealt, number, len(fold))[::-1])[::-1]
    source = np.where(before >= first, before, behind)
    filled: np.ndarray = np.where((source >= first) & (source < end), fold[np.minimum(source, len(fold) - 1)], 0)
    return filled


def _with_gaps(blocks: pd.DataFrame, folds: np.ndarray, gap: int) -> pd.DataFrame:
    """Blocks with equal neighbours on a contig merged and the borders of unequal ones cleared."""
    contig = blocks["contig"].to_numpy()
    begins = np.append(True, (contig[1:] != contig[:-1]) | (folds[1:] != folds[:-1]))
    row = np.flatnonzero(begins)
    last = np.append(row[1:], len(blocks)) - 1
    contig, fold = contig[row], folds[row]
    start, end = blocks["start"].to_numpy()[row], blocks["end"].to_numpy()[last]
    follows = np.append(False, contig[1:] == contig[:-1])  # another fold of the same contig
    followed = np.append(follows[1:], False)
    before, after = gap // 2, gap - gap // 2
    table = pd.DataFrame({"row": row, "start": start + after * follows, "end": end - before * followed, "fold": fold})
    if gap:
        cleared = {
            "row": row[followed],
            "start": end[followed] - before,
            "end": end[followed] + after,
            "fold": len(FOLDS),
        }
        table = pd.concat([table, pd.DataFrame(cleared)], ignore_index=True).sort_values("row", kind="stable")
    chrom = blocks["chrom"].to_numpy()[table["row"]]
    names = np.array([*FOLDS, GAP], object)[table["fold"]]
    return pd.DataFrame(
        {"chrom": chrom, "start": table["start"].to_numpy(), "end": table["end"].to_numpy(), "fold": names}
    )
