"""Baselines of start codons: what gene finders for bacteria read.

`open-frame`         logistic regression on the logarithm of the length of the open frame that begins at the codon, in the genome
`open-frame-window`  the same of its part in the sequence that models read
`codon-markov`       ratio of two Markov chains, of starts and of other codons; frequencies depend on the position modulo three and on
                     the side of the codon, as in GeneMark (Borodovsky and McIninch 1993); the order with the lowest loss on fold valid
`shine-dalgarno`     ratio of a matrix of six bases before the codon to single bases; matrix and distances are learnt from the starts of
                     fold train by expectation-maximisation; it begins at AGGAGG, the complement of the end of 16S rRNA

A sequence has as many bases before its codon as the data set states in its `attrs`. Matrices of bases are uint8 [examples, bases].
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from grover.benchmarks.start_codons import BEFORE_CODON, CODON, open_frames
from grover.genome.bases import A, G, N, encode
from grover.runtime.errors import InputError

ORDERS = range(7)
SIDES = 2 * CODON  # frequencies of a chain: before the codon, or from it on, by phase
ROWS = 4096  # sequences that are counted at a time
ANTI_SD = (A, G, G, A, G, G)
REACH = 20  # bases before the codon in which the matrix is looked for
ROUNDS, PSEUDO = 30, 1.0


def frame_lengths(dataset: pd.DataFrame, settings: object = None) -> np.ndarray:
    """Return log2 of the codons of the open frame in the genome, which the builder leaves as the score, float64 [examples, 1]."""
    _upstream(dataset)
    return np.log2(dataset[["score"]].to_numpy(np.float64) + 1)


def window_frame_lengths(dataset: pd.DataFrame, settings: object = None) -> np.ndarray:
    """Return log2 of the codons of the open frame up to a stop or the end of the sequence, float64 [examples, 1]."""
    upstream = _upstream(dataset)
    # an unknown base ends the frame at the end of each sequence
    codes = encode("N".join(dataset["sequence"]) + "N")
    places = np.cumsum(dataset["sequence"].str.len().to_numpy() + 1)
    places = np.append(0, places[:-1]) + upstream
    return np.log2(open_frames(codes, places)[:, None] + 1)


def phased_bases(dataset: pd.DataFrame, settings: object = None) -> np.ndarray:
    """Return the bases of the sequences, then the number of columns before the codon, uint16 [examples, columns].

    So many N stand before each sequence that the codon begins at a multiple of three: a column has the phase of its number.
    """
    upstream = _upstream(dataset)
    padding = -upstream % CODON
    bases = _bases(dataset)
    front = np.full((len(bases), padding), N, np.uint8)
    return np.hstack([front, bases, np.full((len(bases), 1), upstream + padding, np.uint16)])


def upstream_bases(dataset: pd.DataFrame, settings: object = None) -> np.ndarray:
    """Return the bases before the codon, at most `REACH`."""
    upstream = _upstream(dataset)
    if upstream < len(ANTI_SD):
        raise InputError(
            f"the baseline shine-dalgarno needs {len(ANTI_SD)} bases before the codon, but the sequences have {upstream}; raise the option "
            "upstream of the task"
        )
    return _bases(dataset)[:, max(0, upstream - REACH) : upstream]


def fit_markov(
    train: np.ndarray,
    label: np.ndarray,
    held_out: np.ndarray,
    seed: int,
    settings: object,
    *,
    valid: np.ndarray,
    valid_label: np.ndarray,
) -> np.ndarray:
    """Predict by the log ratio of two chains; of the orders, that with the lowest log loss on fold valid; valid: its rows of `held_out`."""
    best, chosen = np.inf, np.empty(0)
    for order in ORDERS:
        chains = [Chain.learn(train[label == number], order) for number in (0, 1)]
        ratio, asked = (chains[1].log_probability(rows) - chains[0].log_probability(rows) for rows in (train, held_out))
        probability = _logistic(ratio[:, None], label, asked[:, None])
        loss = log_loss(valid_label, probability[valid], labels=[0, 1])
        if loss < best:
            best, chosen = loss, probability
    return chosen


@dataclass(frozen=True)
class Chain:
    """A Markov chain by side and phase: log probabilities of a base after `order` others, float64 [side and phase, 4^order, base]."""

    order: int
    table: np.ndarray

    @classmethod
    def learn(cls, bases: np.ndarray, order: int) -> "Chain":
        """Count in sequences as `phased_bases` returns them, with one more of each base."""
        counts = np.ones(SIDES * 4 ** (order + 1))
        for _, places, known in _contexts(bases, order):
            counts += np.bincount(places[known], minlength=counts.size)
        table = counts.reshape(SIDES, 4**order, 4)
        return cls(order, np.log(table / table.sum(axis=2, keepdims=True)))

    def log_probability(self, bases: np.ndarray) -> np.ndarray:
        """Return the log probability of each sequence without its first `order` bases, float64."""
        found, flat = np.empty(len(bases)), self.table.ravel()
        for rows, places, known in _contexts(bases, self.order):
            found[rows] = np.where(known, flat[places], 0).sum(axis=1)
        return found


def _contexts(bases: np.ndarray, order: int) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Yield, for some sequences at a time, where in a table of a chain each base is counted, and whether all its bases are known."""
    width = bases.shape[1] - 1
    column = np.arange(order, width)
    for first in range(0, len(bases), ROWS):
        rows = slice(first, first + ROWS)
        codes, before = bases[rows, :width].astype(np.int64), bases[rows, -1:]
        places = np.where(column < before, 0, CODON) + column % CODON
        known = np.ones(places.shape, bool)
        for back in range(order, -1, -1):
            base = codes[:, order - back : width - back]
            places = 4 * places + np.minimum(base, 3)
            known &= base < N
        yield rows, places, known


def fit_shine_dalgarno(
    train: np.ndarray, label: np.ndarray, held_out: np.ndarray, seed: int, settings: object
) -> np.ndarray:
    """Predict by the log ratio of the matrix that is learnt from the starts of fold train."""
    motif = Motif.learn(train[label == 1], np.bincount(train.ravel(), minlength=5)[:4] + 1.0)
    return _logistic(motif.score(train)[:, None], label, motif.score(held_out)[:, None])


@dataclass(frozen=True)
class Motif:
    """A matrix that a sequence has at one of some places, or not at all.

    odds: log of the ratio to single bases, float64 [4, positions]. places: share of the sequences that have it at each place.
    """

    odds: np.ndarray
    places: np.ndarray

    @classmethod
    def learn(cls, bases: np.ndarray, counts: np.ndarray) -> "Motif":
        """Learn both by expectation-maximisation (Bailey and Elkan 1994, zero or one occurrence); counts: of single bases."""
        background = counts / counts.sum()
        number = bases.shape[1] - len(ANTI_SD) + 1
        matrix = np.full((4, len(ANTI_SD)), 0.1)
        matrix[list(ANTI_SD), range(len(ANTI_SD))] = 0.7
        places = np.full(number, 0.5 / number)
        for _ in range(ROUNDS):
            motif = cls(np.log(matrix / background[:, None]), places)
            weight = np.exp(motif.at_places(bases)) * places
            weight /= 1 - places.sum() + weight.sum(axis=1, keepdims=True)
            places = (weight.sum(axis=0) + PSEUDO / number) / (len(bases) + 2 * PSEUDO)
            matrix = np.empty_like(matrix)
            for position in range(len(ANTI_SD)):
                seen = bases[:, position : position + number]
                matrix[:, position] = [weight[seen == base].sum() + PSEUDO * background[base] for base in range(4)]
            matrix /= matrix.sum(axis=0)
        return cls(np.log(matrix / background[:, None]), places)

    def at_places(self, bases: np.ndarray) -> np.ndarray:
        """Return the log ratio of the matrix at each place of each sequence, float64 [sequences, places]."""
        odds = np.vstack([self.odds, np.zeros(self.odds.shape[1])])  # an unknown base counts for nothing
        number = bases.shape[1] - odds.shape[1] + 1
        found = np.zeros((len(bases), number))
        for position in range(odds.shape[1]):
            found += odds[bases[:, position : position + number], position]
        return found

    def score(self, bases: np.ndarray) -> np.ndarray:
        """Return the log ratio of each sequence, over all places and none, float64."""
        found: np.ndarray = np.log(1 - self.places.sum() + np.exp(self.at_places(bases)) @ self.places)
        return found


def _logistic(train: np.ndarray, label: np.ndarray, held_out: np.ndarray) -> np.ndarray:
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(train, label).predict_proba(held_out)


def _bases(dataset: pd.DataFrame) -> np.ndarray:
    lengths = dataset["sequence"].str.len()
    if lengths.nunique() > 1:
        raise InputError("the baselines of start codons need sequences of one length; leave them out here")
    return encode("".join(dataset["sequence"])).reshape(len(dataset), -1)


def _upstream(dataset: pd.DataFrame) -> int:
    upstream = dataset.attrs.get(BEFORE_CODON)
    if upstream is None:
        raise InputError(
            "the baselines of start codons need a data set of the builder start-codon, which states the bases before the codon; leave them "
            "out here"
        )
    return int(upstream)
