"""Counts of tokens in training windows, as predictors of hidden tokens that learn nothing of context.

`frequency`   the frequencies of the tokens
`neighbours`  counts of tokens between their two neighbours, discounted and backed off to each neighbour alone (absolute
              discounting; Ney, Essen and Kneser 1994)
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from grover.vocabulary import FIRST_LETTER

WINDOWS_AT_ONCE = 4_096


class TokenCounts:
    """Counts of single tokens, neighbours and triples in training windows, as a predictor of hidden tokens.

    `left` and `right` are the neighbours whose triples will be asked for; no others are counted, which keeps the table
    small. `most` training tokens are counted at most. Memory: two tables of vocabulary x vocabulary.
    """

    def __init__(
        self, tokens: np.ndarray, windows: pd.DataFrame, size: int, left: np.ndarray, right: np.ndarray, most: int
    ):
        self.size = size
        single, pairs = np.zeros(size, np.int64), np.zeros(size * size, np.int64)
        asked = np.zeros(size * size, bool)
        asked[left * size + right] = True
        triples = []
        for ids, inside in _training_tokens(tokens, windows, most):
            single += np.bincount(ids, minlength=size)
            pair = ids[:-1] * size + ids[1:]
            pairs += np.bincount(pair[inside], minlength=size * size)
            context = ids[:-2] * size + ids[2:]
            triple = inside[:-1] & inside[1:] & asked[context]
            triples.append(context[triple] * size + ids[1:-1][triple])
        self.single = single
        self.pairs = pairs.reshape(size, size)
        self.triples, self.triple_counts = np.unique(np.concatenate(triples), return_counts=True)

    def frequency(self) -> np.ndarray:
        """Probabilities of the tokens, float64 [vocabulary]; one is added to each count, none to the specials."""
        counts = np.where(np.arange(self.size) < FIRST_LETTER, 0, self.single + 1.0)
        return counts / counts.sum()

    def between(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Probabilities [places, vocabulary] of the token between two neighbours.

        The back-off takes both neighbours as independent given the token, p(t|l) p(t|r) / p(t); a neighbour that is
        hidden or that a window's end has is left out.
        """
        frequency = self.frequency()
        after, before = (
            self._given_neighbour(self.pairs, left, frequency),
            self._given_neighbour(self.pairs.T, right, frequency),
        )
        backed = after * before / np.maximum(frequency, 1e-300)
        backed /= backed.sum(axis=1, keepdims=True)

        discount = _discount(self.triple_counts)
        context = left * self.size + right
        start = np.searchsorted(self.triples, context * self.size)
        seen = np.searchsorted(self.triples, (context + 1) * self.size) - start
        row = np.repeat(np.arange(len(context)), seen)
        place = np.arange(seen.sum()) - np.repeat(np.cumsum(seen) - seen, seen) + start[row]
        total = np.bincount(row, weights=self.triple_counts[place], minlength=len(context))
        backed *= np.where(total > 0, discount * seen / np.maximum(total, 1), 1.0)[:, None]
        backed[row, self.triples[place] % self.size] += (self.triple_counts[place] - discount) / total[row]
        return backed

    def _given_neighbour(self, pairs: np.ndarray, neighbour: np.ndarray, frequency: np.ndarray) -> np.ndarray:
        """p(token | neighbour), discounted and backed off to the frequencies."""
        known, place = np.unique(neighbour, return_inverse=True)
        discount = _discount(pairs[pairs > 0])
        counts = pairs[known].astype(np.float64)
        total = counts.sum(axis=1, keepdims=True)
        spared = np.where(total > 0, discount * (counts > 0).sum(axis=1, keepdims=True) / np.maximum(total, 1), 1.0)
        return (np.maximum(counts - discount, 0) / np.maximum(total, 1) + spared * frequency)[place]


def _training_tokens(tokens: np.ndarray, windows: pd.DataFrame, most: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Ids of at most `most` tokens of training windows in pieces, and which of their neighbours share a window."""
    order = np.random.default_rng(0).permutation(len(windows))
    first, length = windows["first"].to_numpy()[order], windows["length"].to_numpy(np.int64)[order]
    enough = max(1, int(np.searchsorted(np.cumsum(length), most, side="right")))
    for begin in range(0, enough, WINDOWS_AT_ONCE):
        part = slice(begin, min(begin + WINDOWS_AT_ONCE, enough))
        owner = np.repeat(np.arange(part.stop - part.start), length[part])
        within = np.arange(len(owner)) - np.repeat(np.cumsum(length[part]) - length[part], length[part])
        yield tokens[first[part][owner] + within].astype(np.int64), owner[1:] == owner[:-1]


def _discount(counts: np.ndarray) -> float:
    """The amount taken off each count: n1 / (n1 + 2 n2), of the counts seen once and twice (Ney and others 1994)."""
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return once / (once + 2 * twice) if once and twice else 0.5
