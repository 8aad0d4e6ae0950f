"""Both alleles of a variant with their surroundings, on both strands, as tokens; and the tokens between boundaries that both share.

A substitution usually changes where tokens begin, so the alleles cannot be compared token by token. Outside the nearest token boundaries
that both alleles share their tokens are the same; between these boundaries lie all tokens that differ.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from grover.genome.bases import reverse_complement
from grover.interpretation.changes import Change
from grover.interpretation.vcf import LEAST_FLANK
from grover.tokenization.vocabulary import Vocabulary


class Allele(NamedTuple):
    """Codes and token ids of a window with one allele.

    Tokens `first` to `last` (exclusive) lie between the shared boundaries. Bases `begin` to `end` are those of the allele with all
    equivalent places of the change.
    """

    codes: np.ndarray
    tokens: np.ndarray
    first: int
    last: int
    begin: int
    end: int


class Pair(NamedTuple):
    """Reference and alternative, read on one strand."""

    reference: Allele
    alternative: Allele


class Windows(NamedTuple):
    """A variant on the plus and on the minus strand, the window of which is its reverse complement, tokenised anew."""

    plus: Pair
    minus: Pair


def windows(
    codes: np.ndarray, changes: Sequence[Change], vocabulary: Vocabulary, flank: int, most: int, threads: int = 1
) -> list[Windows | None]:
    """Return the windows of each change; None where it is too long for `most` tokens with `LEAST_FLANK` bases on either side.

    codes: of the genome. A window ends `flank` bases from the outermost equivalent change, or where the segment does. Flanks are
    shortened, on both strands alike, until both alleles have at most `most` tokens.
    """
    found: list[Windows | None] = [None] * len(changes)
    longest_token = int(vocabulary.strides.max())
    flanks = {
        row: flank
        for row, each in enumerate(changes)
        if max(each.end - each.start, len(each.alt) + each.reach) <= most * longest_token
    }
    while flanks:
        cut = {row: _cut(codes, changes[row], size) for row, size in flanks.items()}
        encoded = vocabulary.encode_each([text for texts, _, _ in cut.values() for text in texts], threads)
        shorter = {}
        for number, (row, (texts, left, right)) in enumerate(cut.items()):
            tokens = encoded[4 * number : 4 * number + 4]
            longest = max(map(len, tokens))
            if longest <= most:
                plus, minus = (
                    _pair(vocabulary, texts[i : i + 2], tokens[i : i + 2], *sides)
                    for i, sides in ((0, (left, right)), (2, (right, left)))
                )
                found[row] = Windows(plus, minus)
            elif flanks[row] > LEAST_FLANK:
                shorter[row] = max(LEAST_FLANK, flanks[row] * most // longest)
        flanks = shorter
    return found


def _cut(codes: np.ndarray, change: Change, flank: int) -> tuple[list[np.ndarray], int, int]:
    """Reference and alternative on the plus and then on the minus strand; and the bases left and right of the alleles."""
    left = np.asarray(codes[max(change.low, change.start - flank) : change.start])
    right = np.asarray(codes[change.end : min(change.high, change.end + flank)])
    both = [np.concatenate([left, allele, right]) for allele in change.alleles(codes)]
    return [*both, *map(reverse_complement, both)], len(left), len(right)


def _pair(vocabulary: Vocabulary, texts: list[np.ndarray], tokens: list[np.ndarray], left: int, right: int) -> Pair:
    edges = [np.append(0, np.cumsum(vocabulary.strides[ids], dtype=np.int64)) for ids in tokens]
    if vocabulary.kind == "overlap":
        # any base is a boundary there; the tokens are the words that hold a base of the allele
        bounds = [
            (max(0, left - vocabulary.k + 1), min(len(ids), len(text) - right))
            for ids, text in zip(tokens, texts, strict=True)
        ]
    else:
        # from the left both alleles count bases alike, from the right when counted from the end
        one, two = edges
        first = np.intersect1d(one[one <= left], two[two <= left])[-1]
        rest_of_one, rest_of_two = one[-1] - one, two[-1] - two
        behind = np.intersect1d(rest_of_one[rest_of_one <= right], rest_of_two[rest_of_two <= right])[-1]
        bounds = [(int(np.searchsorted(edge, first)), int(np.searchsorted(edge, edge[-1] - behind))) for edge in edges]
    reference, alternative = (
        Allele(text, ids, *bound, left, len(text) - right)
        for text, ids, bound in zip(texts, tokens, bounds, strict=True)
    )
    return Pair(reference, alternative)
