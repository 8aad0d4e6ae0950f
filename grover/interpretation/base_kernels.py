"""Kernels of `grover.interpretation.bases`: the recursion over runs of masked tokens.

A state is mantissa * 2^exponent, so that neither long runs nor improbable spellings underflow, and the digits are those of plain products.
"""

import math

import numpy as np
from numba import njit

from grover.tokenization.vocabulary import FIRST_BASE

BASES = 4
NO_SPELLING = np.iinfo(np.int64).min  # exponent of a state that no spelling reaches


@njit(cache=True, nogil=True)
def write_marginals(  # noqa: PLR0913 - a numba kernel
    log_probs: np.ndarray,
    order: np.ndarray,
    starts: np.ndarray,
    codes: np.ndarray,
    bounds: np.ndarray,
    lengths: np.ndarray,
    found: np.ndarray,
) -> int:
    """Write the marginals of all runs into `found`; returns the first run that no tokens spell, or -1."""
    longest = len(starts) - 2
    written = 0
    for run in range(len(lengths)):
        masked, length = bounds[run + 1] - bounds[run], lengths[run]
        rows = log_probs[bounds[run] : bounds[run + 1]]
        low, high = _strides(starts, masked, length)
        sums = np.zeros((masked, max(0, high - low + 1), longest, BASES))
        _sum_tokens(rows, order, starts, codes, low, high, sums)
        alpha, exponent = _forward(sums, low, length)
        if alpha[masked, length] == 0:
            return run
        beta, mirrored = _backward(sums, low, length)
        total, scale = alpha[masked, length], exponent[masked, length]
        for i in range(masked):
            for q in range(length - low + 1):
                if alpha[i, q] == 0:
                    continue
                for stride in range(low, min(high, length - q) + 1):
                    behind = beta[i + 1, q + stride]
                    if behind == 0:
                        continue
                    weight = alpha[i, q] * behind / total
                    weight = math.ldexp(weight, _int(exponent[i, q] + mirrored[i + 1, q + stride] - scale))
                    for k in range(stride):
                        for base in range(BASES):
                            found[written + q + k, base] += weight * sums[i, stride - low, k, base]
        written += length
    return -1


@njit(cache=True, nogil=True)
def total_of_run(log_probs: np.ndarray, order: np.ndarray, starts: np.ndarray, codes: np.ndarray, length: int) -> float:
    """Return ln Z of one run."""
    masked = len(log_probs)
    low, high = _strides(starts, masked, length)
    sums = np.zeros((masked, max(0, high - low + 1), 1, BASES))
    peaks = _sum_tokens(log_probs, order, starts, codes, low, high, sums)
    alpha, exponent = _forward(sums, low, length)
    if alpha[masked, length] == 0:
        return -np.inf
    return math.log(alpha[masked, length]) + exponent[masked, length] * math.log(2.0) + peaks


@njit(cache=True, nogil=True)
def _strides(starts: np.ndarray, masked: int, length: int) -> tuple[int, int]:
    """Shortest and longest stride that a token of a run may have; the second is below the first where none may."""
    shortest, longest = 1, len(starts) - 2
    while starts[shortest + 1] == starts[shortest]:
        shortest += 1
    return max(shortest, length - (masked - 1) * longest), min(longest, length - (masked - 1) * shortest)


@njit(cache=True, nogil=True)
def _sum_tokens(
    log_probs: np.ndarray,
    order: np.ndarray,
    starts: np.ndarray,
    codes: np.ndarray,
    low: int,
    high: int,
    sums: np.ndarray,
) -> float:
    """Add the probabilities of tokens of strides `low` to `high` into sums [masked, strides, offsets, 4], as many offsets as it has.

    Each mask is scaled so that its most likely token has 1; the result is the logarithm of what all scales multiply to.
    """
    peaks = 0.0
    if high < low:
        return peaks
    for i in range(len(log_probs)):
        peak = -np.inf
        for place in range(starts[low], starts[high + 1]):
            peak = max(peak, np.float64(log_probs[i, order[place]]))
        if peak == -np.inf:
            continue
        peaks += peak
        for stride in range(low, high + 1):
            offsets = min(stride, sums.shape[2])
            for place in range(starts[stride], starts[stride + 1]):
                token = order[place]
                weight = math.exp(np.float64(log_probs[i, token]) - peak)
                for k in range(offsets):
                    sums[i, stride - low, k, codes[token, k]] += weight
    return peaks


@njit(cache=True, nogil=True)
def _forward(sums: np.ndarray, low: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """alpha as mantissas and exponents, [masked + 1, length + 1]."""
    masked = len(sums)
    mantissa, exponent = np.zeros((masked + 1, length + 1)), np.full((masked + 1, length + 1), NO_SPELLING)
    mantissa[0, 0], exponent[0, 0] = 1.0, 0
    for i in range(masked):
        totals = _totals(sums[i])
        for q in range(length + 1):
            last = min(len(totals), q - low + 1)
            mantissa[i + 1, q], exponent[i + 1, q] = _added(
                totals[: max(0, last)], mantissa[i], exponent[i], q - low, -1
            )
    return mantissa, exponent


@njit(cache=True, nogil=True)
def _backward(sums: np.ndarray, low: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """beta as mantissas and exponents, [masked + 1, length + 1]."""
    masked = len(sums)
    mantissa, exponent = np.zeros((masked + 1, length + 1)), np.full((masked + 1, length + 1), NO_SPELLING)
    mantissa[masked, length], exponent[masked, length] = 1.0, 0
    for i in range(masked - 1, -1, -1):
        totals = _totals(sums[i])
        for q in range(length + 1):
            last = min(len(totals), length - low - q + 1)
            mantissa[i, q], exponent[i, q] = _added(
                totals[: max(0, last)], mantissa[i + 1], exponent[i + 1], q + low, 1
            )
    return mantissa, exponent


@njit(cache=True, nogil=True)
def _totals(sums: np.ndarray) -> np.ndarray:
    """Sums over all tokens of each stride: every one has a base at offset 0."""
    totals = np.zeros(len(sums))
    for stride in range(len(sums)):
        for base in range(BASES):
            totals[stride] += sums[stride, 0, base]
    return totals


@njit(cache=True, nogil=True)
def _added(totals: np.ndarray, mantissa: np.ndarray, exponent: np.ndarray, first: int, step: int) -> tuple[float, int]:
    """Sum of totals[j] times state first + step * j, as mantissa and exponent."""
    scale = NO_SPELLING
    for j in range(len(totals)):
        if totals[j] > 0 and mantissa[first + step * j] > 0:
            scale = max(scale, exponent[first + step * j] + np.int64(math.frexp(totals[j])[1]))
    if scale == NO_SPELLING:
        return 0.0, NO_SPELLING
    total = 0.0
    for j in range(len(totals)):
        at = first + step * j
        if totals[j] > 0 and mantissa[at] > 0:
            part, power = math.frexp(totals[j])
            total += math.ldexp(part * mantissa[at], _int(exponent[at] + power - scale))
    part, power = math.frexp(total)
    return part, scale + power


@njit(cache=True, nogil=True, inline="always")
def _int(exponent: int) -> int:
    """An exponent as `ldexp` takes it; what lies beyond its range is 0 anyway."""
    return np.int32(max(exponent, -5_000))  # type: ignore[return-value]


@njit(cache=True, nogil=True)
def spelling_of_run(log_probs: np.ndarray, children: np.ndarray, ends: np.ndarray, codes: np.ndarray) -> float:
    """Return ln S of one run and its bases `codes`, from the trie of the tokens (`trie_of`)."""
    masked, length = len(log_probs), len(codes)
    state = np.full(length + 1, -np.inf)
    state[0] = 0.0
    for i in range(masked):
        following = np.full(length + 1, -np.inf)
        for q in range(length):
            if state[q] == -np.inf:
                continue
            node, at = 0, q
            while at < length and codes[at] < BASES:
                node = children[node, codes[at]]
                if node == 0:
                    break
                at += 1
                if ends[node] >= 0:
                    following[at] = _log_sum(following[at], state[q] + np.float64(log_probs[i, ends[node]]))
        state = following
    return state[length]


@njit(cache=True, nogil=True, inline="always")
def _log_sum(left: float, right: float) -> float:
    """ln(e^left + e^right)."""
    high, low = max(left, right), min(left, right)
    return high if low == -np.inf else high + math.log1p(math.exp(low - high))


@njit(cache=True)
def trie_of(codes: np.ndarray, spans: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return children, int32 [nodes, 4], and token at each node, int32 [nodes], of the trie of all tokens by their bases."""
    children, ends = np.zeros((spans.sum() + 1, BASES), np.int32), np.full(spans.sum() + 1, -1, np.int32)
    nodes = 1
    for token in range(FIRST_BASE, len(spans)):
        node = 0
        for k in range(spans[token]):
            code = codes[token, k]
            if children[node, code] == 0:
                children[node, code] = nodes
                nodes += 1
            node = children[node, code]
        ends[node] = token
    return children[:nodes].copy(), ends[:nodes].copy()
