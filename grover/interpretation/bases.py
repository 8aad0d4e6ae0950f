"""Base probabilities from token probabilities, exact for every vocabulary.

A run of m masked tokens covers L bases, and mask i has the distribution D_i over word tokens. A spelling of the run is a sequence of m
tokens whose strides add up to L, with the probability prod D_i(t_i) / Z; Z is the sum over all spellings. The forward recursion is
`alpha_i(q) = sum over t of D_i(t) alpha_{i-1}(q - stride of t)`. With its mirror image beta it gives `Z = alpha_m(L)` and the probability
of every base at every offset. Tokens of one stride share a path. So the recursion works on sums: totals of D_i by stride, and by stride,
offset and base.

m and L come from the segmentation of the reference, which alone tells something about its bases. `FrequencyMarginals` is the same
recursion with token frequencies; what a model adds is the difference from it.

Byte pairs, k-mers and single bases share the recursion. Overlapping k-mers hold each base several times and have functions of their own,
`overlapping_logs` and `overlapping_marginals`.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from grover.genome.bases import encode
from grover.interpretation.base_kernels import BASES, spelling_of_run, total_of_run, trie_of, write_marginals
from grover.tokenization.vocabulary import FIRST_BASE, Vocabulary


@dataclass(frozen=True)
class TokenBases:
    """The bases of all word tokens (ids from 5) of a vocabulary.

    `spans`: int32 [tokens], bases that each token holds, 0 for specials; `codes`: uint8 [tokens, longest], its bases, A0 C1 G2 T3, 0 behind
    the last; `order`: int32 [words], ids by span; `starts`: int64 [longest + 2], where each span begins in `order`; `k` of overlapping
    k-mers, else 0.
    """

    spans: np.ndarray
    codes: np.ndarray
    order: np.ndarray
    starts: np.ndarray
    k: int

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> "TokenBases":
        """Tabulate the bases of the tokens of `vocabulary`."""
        words = vocabulary.tokens[FIRST_BASE:]
        spans = np.array([0] * FIRST_BASE + [len(text) for text in words], np.int32)
        codes = np.zeros((len(spans), int(spans.max())), np.uint8)
        codes[np.arange(codes.shape[1]) < spans[:, None]] = encode("".join(words))
        order = FIRST_BASE + np.argsort(spans[FIRST_BASE:], kind="stable").astype(np.int32)
        starts = np.searchsorted(spans[order], np.arange(codes.shape[1] + 2))
        return cls(spans, codes, order, starts, vocabulary.k if vocabulary.kind == "overlap" else 0)

    @cached_property
    def trie(self) -> tuple[np.ndarray, np.ndarray]:
        """Children of each node by base, int32 [nodes, 4], 0 for none, and the token that ends there, int32 [nodes], -1 for none."""
        return trie_of(self.codes, self.spans)


def base_marginals(log_probs: np.ndarray, bases: TokenBases, length: int) -> np.ndarray:
    """Return the probability of each base at each offset of a run of masked tokens, float64 [length, 4].

    log_probs: float [masked, tokens], natural logarithms of the softmax over word tokens; specials are not read. length: bases that the
    run covers.
    """
    return run_marginals(log_probs, bases, np.array([0, len(log_probs)]), np.array([length]))


def run_marginals(log_probs: np.ndarray, bases: TokenBases, bounds: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return `base_marginals` of several runs one behind the other, float64 [sum of lengths, 4].

    Run r is `log_probs[bounds[r]:bounds[r + 1]]` and covers `lengths[r]` bases. Raises ValueError where no tokens spell a run.
    """
    _check(bases)
    found = np.zeros((int(lengths.sum()), BASES))
    failed = write_marginals(
        _plain(log_probs),
        bases.order,
        bases.starts,
        bases.codes,
        bounds.astype(np.int64),
        lengths.astype(np.int64),
        found,
    )
    if failed >= 0:
        raise _no_spelling(int(bounds[failed + 1] - bounds[failed]), int(lengths[failed]))
    return found


def log_total(log_probs: np.ndarray, bases: TokenBases, length: int) -> float:
    """Return ln Z: of the probability that masked tokens drawn from their distributions cover `length` bases."""
    _check(bases)
    total: float = total_of_run(_plain(log_probs), bases.order, bases.starts, bases.codes, length)
    return total


def log_spelling(log_probs: np.ndarray, bases: TokenBases, codes: np.ndarray) -> float:
    """Return ln S_m(x): of the probability that the masked tokens spell the bases `codes`, whatever their segmentation.

    codes: uint8 [length], A0 C1 G2 T3. The result minus `log_total` of as many bases is the logarithm of the probability of the
    sequence given its length. It is -inf where no tokens spell it, as where a code is none of the four.
    """
    _check(bases)
    total: float = spelling_of_run(_plain(log_probs), *bases.trie, np.asarray(codes, np.uint8))
    return total


def log_frequencies(counts: np.ndarray) -> np.ndarray:
    """Return natural logarithms of token frequencies, float64 [tokens], with a pseudocount of 1; specials have -inf."""
    counts = np.where(np.arange(len(counts)) < FIRST_BASE, 0, counts + 1.0)
    with np.errstate(divide="ignore"):
        return np.log(counts / counts.sum())


class FrequencyMarginals:
    """Base marginals of runs whose masks all have the distribution `log_frequency`, float [tokens]."""

    def __init__(self, log_frequency: np.ndarray, bases: TokenBases):
        self.log_frequency, self.bases = log_frequency, bases
        self._known: dict[tuple[int, int], np.ndarray] = {}

    def of(self, masked: int, length: int) -> np.ndarray:
        """Return float64 [length, 4] of a run of `masked` tokens; computed once, so do not write into it."""
        key = masked, length
        if key not in self._known:
            self._known[key] = base_marginals(np.tile(self.log_frequency, (masked, 1)), self.bases, length)
        return self._known[key]

    def of_runs(self, bounds: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Return what `run_marginals` would for these runs, float64 [sum of lengths, 4]."""
        found = [self.of(int(masked), int(length)) for masked, length in zip(np.diff(bounds), lengths, strict=True)]
        return np.concatenate([np.zeros((0, BASES)), *found])


def overlapping_logs(log_probs: np.ndarray, bases: TokenBases, words: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return ln p of each base at one offset of masked k-mers whose other bases are visible, float64 [words, 4].

    log_probs: float [words, tokens]; words: their ids in the reference; offsets: of the base in each. Of the distribution only the four
    tokens count that agree with the visible bases.
    """
    step = BASES ** (bases.spans[words].astype(np.int64) - 1 - offsets)
    first = words.astype(np.int64) - bases.codes[words, offsets] * step
    logs = np.take_along_axis(log_probs, first[:, None] + step[:, None] * np.arange(BASES), axis=1).astype(np.float64)
    peak = logs.max(axis=1, keepdims=True)
    return logs - peak - np.log(np.exp(logs - peak).sum(axis=1, keepdims=True))


def overlapping_marginals(
    log_probs: np.ndarray, bases: TokenBases, words: np.ndarray, offsets: np.ndarray, bounds: np.ndarray
) -> np.ndarray:
    """Return the probability of each base at bases of overlapping k-mers, float64 [bases, 4].

    Base i is held by the masked `words[bounds[i]:bounds[i + 1]]` at `offsets` (all words that hold it are masked, at least one). Their
    answers for it are averaged as logarithms. The other arguments are those of `overlapping_logs`.
    """
    logs = overlapping_logs(log_probs, bases, words, offsets)
    mean = np.add.reduceat(logs, bounds[:-1]) / np.diff(bounds)[:, None]
    weights = np.exp(mean - mean.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def _check(bases: TokenBases) -> None:
    if bases.k:
        raise ValueError("overlapping k-mers hold each base several times; use overlapping_marginals for them")


def _plain(log_probs: np.ndarray) -> np.ndarray:
    """One layout and at most two types, so that the kernels are compiled at most twice."""
    return np.ascontiguousarray(log_probs, None if log_probs.dtype == np.float32 else np.float64)


def _no_spelling(masked: int, length: int) -> ValueError:
    return ValueError(f"no {masked} tokens of this vocabulary with a probability above 0 cover {length} bases")
