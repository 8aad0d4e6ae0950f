"""Counts of tokens in training windows, as predictors of masked tokens from no or little context.

`frequency`   the frequencies of the tokens
`neighbours`  an interpolation of five distributions: frequencies, counts by the left neighbour, by the right one, the product of
              these two, and counts by both; counts are discounted (absolute discounting; Ney, Essen and Kneser 1994);
              the weights are chosen on held-out windows (Jelinek and Mercer 1980)
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from grover.intervals.overlaps import union
from grover.pretraining.interpolation import fit_weights
from grover.tokenization.vocabulary import FIRST_BASE

PIECE = 512  # tokens
PIECES_AT_ONCE = 4_096
POSITIONS_AT_ONCE = 1_024
SIZES = 20  # of the buckets of counts, in powers of 2


class TokenCounts:
    """Counts of single tokens, neighbours and triples in training windows (segment, first, length), as a predictor of masked tokens.

    Windows of several passes overlap; a token is counted once. Only the neighbours `left` and `right` are counted, which keeps the
    tables small. At most `most` tokens are counted, in pieces drawn at random: `counted` of the `available` ones.
    """

    def __init__(
        self, tokens: np.ndarray, windows: pd.DataFrame, size: int, left: np.ndarray, right: np.ndarray, most: int
    ):
        self.size = size
        self.single = np.zeros(size, np.int64)
        first, length = _pieces(windows)
        self.available = int(length.sum())
        self.after, self.before, self.both = (_Contexts(size, asked) for asked in (left, right, left * size + right))
        for ids, inside in _training_tokens(tokens, first, length, most):
            self.single += np.bincount(ids, minlength=size)
            self.after.add(ids[:-1][inside], ids[1:][inside])
            self.before.add(ids[1:][inside], ids[:-1][inside])
            triple = inside[:-1] & inside[1:]
            self.both.add((ids[:-2] * size + ids[2:])[triple], ids[1:-1][triple])
        self.counted = int(self.single.sum())
        for contexts in (self.after, self.before, self.both):
            contexts.finish()

    def frequency(self) -> np.ndarray:
        """Return the probabilities of the tokens, float64 [vocabulary], with a pseudocount of 1; specials have 0."""
        counts = np.where(np.arange(self.size) < FIRST_BASE, 0, self.single + 1.0)
        return counts / counts.sum()

    def distributions(self, left: np.ndarray, right: np.ndarray) -> list[np.ndarray]:
        """Return five distributions [positions, vocabulary] of the token between two neighbours, from no context to both neighbours.

        These are the frequencies; the counts after `left`; those before `right`; the product of these two, p(t|l) p(t|r) / p(t), which
        assumes that the neighbours are independent given the token; and the counts between both, backed off to the product. A masked
        neighbour, or one beyond the end of a window, has no counts and is left out.
        """
        frequency = self.frequency()
        alone = np.broadcast_to(frequency, (len(left), self.size))
        after, before = self.after.given(left, alone), self.before.given(right, alone)
        product = after * before / np.maximum(frequency, 1e-300)
        product /= product.sum(axis=1, keepdims=True)
        return [alone, after, before, product, self.both.given(left * self.size + right, product)]

    def bucket(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Number the positions by how much was counted between their neighbours, in powers of 2, and by which neighbours are visible."""
        counted = self.both.total(left * self.size + right)
        visible = (left >= FIRST_BASE) + 2 * (right >= FIRST_BASE)
        return visible * SIZES + np.minimum(np.log2(1 + counted).astype(np.int64), SIZES - 1)


class NeighbourBaseline:
    """The interpolated counts of tokens between their neighbours.

    Its weights are chosen on the masked tokens `targets` between `left` and `right` (int64 [positions] each), which the counts do not
    contain. Without any, all distributions have the same weight.
    """

    def __init__(self, counts: TokenCounts, targets: np.ndarray, left: np.ndarray, right: np.ndarray):
        self.counts = counts
        pieces = [
            np.stack([_of(table, targets[rows]) for table in counts.distributions(left[rows], right[rows])], axis=1)
            for rows in in_pieces(len(targets))
        ]
        likelihoods = np.concatenate([np.ones((0, 5)), *pieces])
        self.weights = fit_weights(likelihoods, counts.bucket(left, right), 4 * SIZES)

    def between(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the probabilities [positions, vocabulary] of the token between two neighbours."""
        weights = self.weights[self.counts.bucket(left, right)]
        return sum(
            weight[:, None] * table
            for weight, table in zip(weights.T, self.counts.distributions(left, right), strict=True)
        )


def in_pieces(positions: int) -> Iterator[slice]:
    """Yield slices of few positions each, since a row of probabilities has the size of the vocabulary."""
    for begin in range(0, positions, POSITIONS_AT_ONCE):
        yield slice(begin, begin + POSITIONS_AT_ONCE)


def _of(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return np.take_along_axis(probabilities, targets[:, None], axis=1)[:, 0]


class _Contexts:
    """Counts of each token in each of the contexts `asked`.

    A context is a number, and its key with a token is context x vocabulary + token.
    """

    def __init__(self, size: int, asked: np.ndarray):
        self.size, self.asked = size, np.unique(asked)
        self.found: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, context: np.ndarray, token: np.ndarray) -> None:
        """Count tokens in their contexts."""
        kept = np.isin(context, self.asked)
        self.found.append(np.unique(context[kept] * self.size + token[kept], return_counts=True))

    def finish(self) -> None:
        """Add up the counts of all pieces: `keys`, sorted, and `counts`."""
        keys, counts = map(np.concatenate, zip(*self.found, strict=True))
        self.keys, place = np.unique(keys, return_inverse=True)
        self.counts = np.bincount(place, weights=counts, minlength=len(self.keys))
        self.discount = _discount(self.counts)
        self.found = []

    def total(self, context: np.ndarray) -> np.ndarray:
        """Return how often each context was counted, float64 [positions]."""
        summed = np.concatenate([[0.0], np.cumsum(self.counts)])
        first, last = (np.searchsorted(self.keys, (context + step) * self.size) for step in (0, 1))
        return summed[last] - summed[first]

    def given(self, context: np.ndarray, lower: np.ndarray) -> np.ndarray:
        """Return p(token | context), [positions, vocabulary]; the discounted mass is distributed in proportion to `lower`."""
        start = np.searchsorted(self.keys, context * self.size)
        seen = np.searchsorted(self.keys, (context + 1) * self.size) - start
        row = np.repeat(np.arange(len(context)), seen)
        place = np.arange(seen.sum()) - np.repeat(np.cumsum(seen) - seen, seen) + start[row]
        total = np.bincount(row, weights=self.counts[place], minlength=len(context))
        probabilities = lower * np.where(total > 0, self.discount * seen / np.maximum(total, 1), 1.0)[:, None]
        probabilities[row, self.keys[place] % self.size] += (self.counts[place] - self.discount) / total[row]
        return probabilities


def _pieces(windows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Cut what the windows cover into pieces of at most 512 tokens; returns the first token and the length of each.

    No piece extends from one segment into the next.
    """
    first = windows["first"].to_numpy(np.int64)
    starts, ends = union(first, first + windows["length"].to_numpy(np.int64))
    begins = np.union1d(starts, windows.groupby("segment")["first"].min().to_numpy(np.int64))
    stops = np.minimum(ends[np.searchsorted(starts, begins, side="right") - 1], np.append(begins[1:], ends[-1]))
    number = -(-(stops - begins) // PIECE)
    within = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
    first = np.repeat(begins, number) + PIECE * within
    return first, np.minimum(PIECE, np.repeat(stops, number) - first)


def _training_tokens(
    tokens: np.ndarray, first: np.ndarray, length: np.ndarray, most: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the ids of at most `most` tokens, many pieces at once, and whether each token and the next one share a piece."""
    order = np.random.default_rng(0).permutation(len(first))
    first, length = first[order], length[order]
    enough = max(1, int(np.searchsorted(np.cumsum(length), most, side="right")))
    for begin in range(0, enough, PIECES_AT_ONCE):
        rows = slice(begin, min(begin + PIECES_AT_ONCE, enough))
        owner = np.repeat(np.arange(rows.stop - rows.start), length[rows])
        within = np.arange(len(owner)) - np.repeat(np.cumsum(length[rows]) - length[rows], length[rows])
        yield tokens[first[rows][owner] + within].astype(np.int64), owner[1:] == owner[:-1]


def _discount(counts: np.ndarray) -> float:
    """Return the discount of each count: n1 / (n1 + 2 n2), of the numbers of counts of 1 and 2 (Ney et al. 1994)."""
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return once / (once + 2 * twice) if once and twice else 0.5
