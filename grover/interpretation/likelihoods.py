"""Log-likelihoods of alleles by a masked language model, as questions about masked windows.

`ask_each`   pseudo-log-likelihood: between the boundaries that both alleles share the tokens are masked one at a time, and their
             log-probabilities are summed (Salazar et al. 2020). Each is that of the token among those with as many bases, since it is
             known how many are masked; so an allele pays for its bases, not for where they are cut. Of overlapping k-mers the
             neighbours of a masked word spell its bases: for each base of the allele all words that hold it are masked.
`ask_joint`  all tokens between these boundaries are masked at once, and every segmentation of the allele's bases counts
             (`grover.interpretation.bases`).
"""

from functools import partial

import numpy as np

from grover.interpretation.alleles import Allele, Pair
from grover.interpretation.bases import TokenBases, log_spelling, log_total, overlapping_marginals
from grover.interpretation.masked_windows import Questions
from grover.interpretation.run_lengths import RunLengths
from grover.tokenization.vocabulary import MASK


def ask_each(questions: Questions, bases: TokenBases, pair: Pair) -> tuple[list[int], list[int]]:
    """Ask for the terms of the pseudo-log-likelihood of each allele; return the numbers of the answers of each."""
    ask = _ask_bases if bases.k else _ask_tokens
    reference, alternative = (ask(questions, bases, allele) for allele in pair)
    return reference, alternative


def _ask_tokens(questions: Questions, bases: TokenBases, allele: Allele) -> list[int]:
    asked = []
    for place in range(allele.first, allele.last):
        window = allele.tokens.copy()
        window[place] = MASK
        token = int(allele.tokens[place])
        span = bases.spans[token]
        alike = bases.order[bases.starts[span] : bases.starts[span + 1]]
        asked.append(questions.ask(window, partial(_of_token, token, alike)))
    return asked


def _of_token(token: int, alike: np.ndarray, log_probs: np.ndarray) -> float:
    return float(log_probs[0, token] - np.logaddexp.reduce(log_probs[0, alike].astype(np.float64)))


def _ask_bases(questions: Questions, bases: TokenBases, allele: Allele) -> list[int]:
    """One question per base of the allele, whose words are masked together."""
    asked = []
    for place in range(allele.begin, allele.end):
        words = np.arange(max(0, place - bases.k + 1), min(place, len(allele.tokens) - 1) + 1)
        window = allele.tokens.copy()
        window[words] = MASK
        reading = partial(_of_base, bases, allele.tokens[words], place - words, int(allele.codes[place]))
        asked.append(questions.ask(window, reading))
    return asked


def _of_base(bases: TokenBases, words: np.ndarray, offsets: np.ndarray, base: int, log_probs: np.ndarray) -> float:
    return float(np.log(overlapping_marginals(log_probs, bases, words, offsets, np.array([0, len(words)]))[0, base]))


def ask_joint(
    questions: Questions, bases: TokenBases, pair: Pair, runs: RunLengths, most: int
) -> tuple[list[int], np.ndarray]:
    """Ask for ln S_m - ln Z_m of both alleles between the shared boundaries, for each number m of tokens that their lengths may have.

    Returns the numbers of the answers, each a pair of logarithms, and ln pi(m | L) of these m, float64 [m, 2]. There are none where an
    allele is longer than `runs` has counted, and for overlapping k-mers, whose number says nothing. most: tokens of a window.
    """
    ids, first, last = pair.reference.tokens, pair.reference.first, pair.reference.last
    spelt = [_between(allele, bases) for allele in pair]
    shares = np.stack([runs.shares(len(codes)) for codes in spelt], axis=1)[: most + 1]
    if bases.k or not shares.any(axis=0).all():
        return [], np.zeros((0, 2))
    numbers = np.flatnonzero(shares.max(axis=1))
    asked = [
        questions.ask(_masked(ids[:first], int(number), ids[last:], most), partial(_of_bases, bases, spelt))
        for number in numbers
    ]
    with np.errstate(divide="ignore"):
        return asked, np.log(shares[numbers])


def joint_ratio(answers: list[tuple[float, float]], log_shares: np.ndarray) -> float:
    """Return ln of the sum over m of pi(m | L) S_m / Z_m, alternative minus reference, from the answers to `ask_joint`.

    NaN where no number of tokens that is common enough spells an allele.
    """
    reference, alternative = np.logaddexp.reduce(np.array(answers) + log_shares, axis=0)
    known = np.isfinite(reference) and np.isfinite(alternative)
    return float(alternative - reference) if known else float("nan")


def _between(allele: Allele, bases: TokenBases) -> np.ndarray:
    spans = bases.spans[allele.tokens]
    start = int(spans[: allele.first].sum())
    return allele.codes[start : start + int(spans[allele.first : allele.last].sum())]


def _masked(left: np.ndarray, number: int, right: np.ndarray, most: int) -> np.ndarray:
    """So many masks between two stretches of tokens, of which the longer one is cut where the window exceeds the model."""
    for _ in range(len(left) + number + len(right) - most):
        left, right = (left[1:], right) if len(left) > len(right) else (left, right[:-1])
    return np.concatenate([left, np.full(number, MASK, left.dtype), right])


def _of_bases(bases: TokenBases, spelt: list[np.ndarray], log_probs: np.ndarray) -> tuple[float, float]:
    totals = [log_total(log_probs, bases, len(codes)) for codes in spelt]
    reference, alternative = (
        log_spelling(log_probs, bases, codes) - total if total > -np.inf else -np.inf
        for codes, total in zip(spelt, totals, strict=True)
    )
    return reference, alternative
