"""Intervals of scores: a percentile bootstrap (Efron 1979) over blocks of the genome and over seeds.

It allows for another test set of this size and for another random start. Examples of one block (neighbours, or shuffles of
one sequence) are drawn together. All models of a task have the same draws. So what is hard for all of them does not
widen the interval of a difference. Seeds are drawn too, those of models with the same seeds together.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from grover.statistics.blocks import block_size
from grover.statistics.metrics import against_rest, each_class, mcc

CONFIDENCE = 0.95
PORTION = 1 << 18  # weights at work at a time
CONTIG = 1 << 40  # bases, more than any contig has
ALIKE = 0.25  # correlation of neighbouring blocks that still counts as little


def blocks(examples: pd.DataFrame, size: int) -> np.ndarray:
    """Number (int64, from 0 without holes) of the block of `size` bases that holds the middle of each example.

    A small genome is cut into smaller blocks (`grover.statistics.blocks`). Examples without a place (chrom "") are in one block
    where they have the same sequence.
    """
    placed = (examples["chrom"].astype(str) != "").to_numpy()
    place = places_of(examples[placed])
    number = np.empty(len(examples), dtype=np.int64)
    number[placed] = np.unique(place // min(size, block_size(place)), return_inverse=True)[1]
    number[~placed] = number[placed].max(initial=-1) + 1 + examples["sequence"][~placed].factorize()[0]
    return number


def blocks_unlike(regions: pd.DataFrame, truth: np.ndarray, fewest: int) -> tuple[np.ndarray, float]:
    """Number (int64, from 0 without holes) of the block of each region, where blocks are as long as it takes for neighbours to differ.

    truth: float [regions, columns], what is to be predicted. Domains and genes go on from block to block, and blocks that are alike
    count as more than there are: intervals over them are too narrow (Künsch 1989). So the lengths of `blocks` are doubled
    while the means of neighbouring blocks correlate by more than `ALIKE`, and at least `fewest` blocks are left.
    Also returns the remaining correlation, 0 where each contig has one block. It is rough for few blocks: by about 0.3 with a
    dozen pairs.
    """
    place = places_of(regions)
    size = block_size(place)
    while True:
        _, first, block = np.unique(place // size, return_index=True, return_inverse=True)
        alike = _alike(place[first] // CONTIG, block, truth)
        if alike <= ALIKE or len(np.unique(place // (2 * size))) < fewest:
            return block, alike
        size *= 2


def places_of(examples: pd.DataFrame) -> np.ndarray:
    """Middle of each example on all contigs end to end, int64."""
    middle = ((examples["start"] + examples["end"]) // 2).to_numpy(np.int64)
    contig = examples["chrom"].astype(str).factorize()[0].astype(np.int64)
    places: np.ndarray = contig * CONTIG + middle
    return places


def _alike(contig: np.ndarray, block: np.ndarray, truth: np.ndarray) -> float:
    """Correlation of the means of neighbouring blocks, over all columns of `truth`; contig: of each block, ascending."""
    sizes = np.bincount(block)
    means = np.stack([np.bincount(block, column) / sizes for column in truth.T], axis=1) - truth.mean(axis=0)
    beside = np.flatnonzero(np.diff(contig) == 0)
    spread = (means**2).mean(axis=0)
    varied = spread > 1e-12
    if not len(beside) or not varied.any():
        return 0.0
    together = (means[beside] * means[beside + 1]).mean(axis=0)
    return float((together[varied] / spread[varied]).mean())


def draw(number: int, resamples: int, seed: int) -> np.ndarray:
    """How often each of `number` blocks is drawn in each resample, uint16 [resamples, number]."""
    rng = np.random.default_rng(seed)
    drawn = np.empty((resamples, number), dtype=np.uint16)
    for row in drawn:
        row[:] = np.bincount(rng.integers(0, number, number), minlength=number)
    return drawn


def resampled_mcc(
    drawn: np.ndarray, block: np.ndarray, label: np.ndarray, called: np.ndarray, classes: int
) -> np.ndarray:
    """MCC on each draw of blocks, float64 [resamples].

    drawn: as `draw` gives it; block, label, called: int64 [examples].
    """
    # the table of each block once, so that a resample is a weighted sum of tables
    cells = classes**2
    place = (block * classes + label) * classes + called
    tables = np.bincount(place, minlength=drawn.shape[1] * cells).reshape(drawn.shape[1], cells).astype(np.float64)
    table = np.concatenate([part.astype(np.float64) @ tables for part in _portions(drawn, drawn.shape[1])])
    return mcc(table.reshape(-1, classes, classes))


def resampled_auroc(drawn: np.ndarray, block: np.ndarray, label: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """AUROC on each draw of blocks, float64 [resamples], for several classes the mean over labels, each against the rest.

    It is the share of pairs (positive, negative) in the right order, ties counting half (Mann-Whitney); not a number where a
    draw lacks a label. drawn, block, label as in `resampled_mcc`; probability: [examples] or [examples, classes].
    """
    each = each_class(probability)
    curves = [_auroc(drawn, block, label == name, each[:, name]) for name in against_rest(each.shape[1])]
    mean: np.ndarray = np.mean(curves, axis=0)
    return mean


def resampled_auprc(drawn: np.ndarray, block: np.ndarray, label: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Average precision of label 1 on each draw of blocks, float64 [resamples]; not a number where a draw lacks a label.

    drawn, block, label as in `resampled_mcc`; probability: [examples]. Examples of one probability are called together.
    """
    order = np.argsort(-probability, kind="stable")
    positive, block = label[order] == 1, block[order]
    last = np.flatnonzero(np.append(np.diff(probability[order]) != 0, True))
    values = []
    for part in _portions(drawn, len(block)):
        weights = part[:, block].astype(np.float64)
        hits, called = (np.cumsum(each, axis=1)[:, last] for each in (weights * positive, weights))
        precision = np.divide(hits, called, out=np.zeros_like(hits), where=called > 0)
        total, all_called = hits[:, -1], called[:, -1]
        right = np.einsum("ij,ij->i", np.diff(hits, axis=1, prepend=0), precision)
        mixed = (total > 0) & (total < all_called)
        values.append(np.divide(right, total, out=np.full(len(part), np.nan), where=mixed))
    return np.concatenate(values)


def mean_over_blocks(values: np.ndarray, block: np.ndarray, resamples: int, seed: int) -> tuple[float, float, float]:
    """Mean of the values [examples] that are numbers, and its interval over their blocks, which is not a number where they lie in one.

    block: int64 of each value, any numbers.
    """
    known = ~np.isnan(values)
    if not known.any():
        return (np.nan,) * 3
    mean = float(values[known].mean())
    number = np.unique(block[known], return_inverse=True)[1]
    if not number.max():
        return mean, np.nan, np.nan
    sums, sizes = np.bincount(number, values[known]), np.bincount(number)
    drawn = draw(len(sizes), resamples, seed).astype(np.float64)
    return mean, *interval(drawn @ sums / (drawn @ sizes))


def over_seeds(values: np.ndarray, seeds: tuple[int, ...], seed: int) -> np.ndarray:
    """Mean over seeds, which are drawn with replacement for each resample, of values [resamples, seeds].

    The same `seeds` give the same draw. Few seeds scatter less about their own mean than about the truth. So distances from it
    are stretched by sqrt(n / (n - 1)) (Rao & Wu 1988).
    """
    number = len(seeds)
    if number == 1:
        return values[:, 0]
    chosen = np.random.default_rng([seed, number, *seeds]).integers(0, number, values.shape)
    mean = values.mean(axis=1)
    drawn = np.take_along_axis(values, chosen, axis=1).mean(axis=1)
    stretched: np.ndarray = mean + np.sqrt(number / (number - 1)) * (drawn - mean)
    return stretched


def interval(values: np.ndarray, highest: float = np.inf) -> tuple[float, float]:
    """The middle 95 % of the resamples that have a value, cut at the `highest` that the score can be."""
    if np.isnan(values).all():
        return float("nan"), float("nan")
    low, high = np.nanquantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(min(low, highest)), float(min(high, highest))


def _auroc(drawn: np.ndarray, block: np.ndarray, positive: np.ndarray, probability: np.ndarray) -> np.ndarray:
    order = np.argsort(probability[~positive], kind="stable")
    negative_block, negative = block[~positive][order], probability[~positive][order]
    below = np.searchsorted(negative, probability[positive], "left")
    up_to = np.searchsorted(negative, probability[positive], "right")
    values = []
    for part in _portions(drawn, len(block)):
        above = part[:, block[positive]].astype(np.float64)
        counted = np.zeros((len(part), len(negative) + 1))
        np.cumsum(part[:, negative_block], axis=1, out=counted[:, 1:])
        right = np.einsum("ij,ij->i", above, counted[:, below] + counted[:, up_to]) / 2
        pairs = above.sum(axis=1) * counted[:, -1]
        values.append(np.divide(right, pairs, out=np.full(len(part), np.nan), where=pairs > 0))
    return np.concatenate(values)


def _portions(drawn: np.ndarray, width: int) -> Iterator[np.ndarray]:
    rows = max(1, PORTION // max(width, 1))
    return (drawn[start : start + rows] for start in range(0, len(drawn), rows))
