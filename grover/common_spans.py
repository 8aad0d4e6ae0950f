"""Masked bits a base that compare between vocabularies: the same stretches of the genome are hidden for each of them.

Windows and spans are drawn in bases from the genome, the folds and a seed alone. Each vocabulary cuts the windows into its
own tokens, hides every token that touches a span, and divides the bits by the bases hidden. A caution remains: the score
is conditional on what stays visible, and the borders of the visible tokens tell something about the hidden ones, more in
one vocabulary than in another; long tokens also hide more bases around a span. Overlapping words have no such score, since
each base is hidden in several tokens at once.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from grover.errors import InputError
from grover.genome import Genome
from grover.masked_scores import MODEL, PREDICTORS, block_size, interval, known, sums
from grover.vocabulary import Vocabulary


@dataclass(frozen=True)
class Spans:
    """Windows of equal length in the genome's codes: `starts`, int64 [windows]; `marked`, bool [windows, bases], is true
    at the bases of the spans.
    """

    starts: np.ndarray
    marked: np.ndarray


def draw_spans(
    genome: Genome, held_out: pd.DataFrame, bases: int, most: int, span: int, share: float, seed: int
) -> Spans:
    """At most `most` windows of `bases` bases inside the intervals `held_out` (chrom, start, end), with spans of `span`
    bases that cover about the share `share` of them.

    Windows lie side by side; spans lie on a grid with its own phase in each window, so that no vocabulary of words of one
    length gains by falling into step. Raises an InputError where no window fits.
    """
    rng = np.random.default_rng(seed)
    places = [genome.places(chrom, rows) for chrom, rows in held_out.groupby("chrom", sort=False)]
    first, last = np.concatenate([np.zeros((2, 0), np.int64), *places], axis=1)
    starts = [
        np.arange(max(left, start), min(right, end) - bases + 1, bases)
        for start, end in zip(first, last, strict=True)
        for left, right in _segments(genome.bounds, start, end)
    ]
    starts = np.sort(np.concatenate([np.zeros(0, np.int64), *starts]))
    if not len(starts):
        raise InputError(
            f"evaluation: no stretch of {bases} bases that were held out lies in one segment; make `folds.block` larger or "
            "`corpus.longest` shorter"
        )
    starts = np.sort(rng.permutation(starts)[:most])
    phase = rng.integers(0, span, len(starts))
    chosen = rng.random((len(starts), bases // span + 1)) < share
    cell, place = np.divmod(np.arange(bases)[None] - phase[:, None], span)
    whole = (cell >= 0) & (cell * span + phase[:, None] + span <= bases)
    return Spans(starts, np.take_along_axis(chosen, np.maximum(cell, 0), axis=1) & whole)


def _segments(bounds: np.ndarray, start: int, end: int) -> list[tuple[int, int]]:
    """The segments that share a base with start..end."""
    begin, stop = np.searchsorted(bounds, start, side="right") - 1, np.searchsorted(bounds, end, side="left")
    return list(zip(bounds[begin:stop], bounds[begin + 1 : stop + 1], strict=True))


def touched_tokens(
    codes: np.ndarray, spans: Spans, vocabulary: Vocabulary, threads: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The windows in the tokens of a vocabulary, each encoded alone.

    Returns tokens, uint16, offsets, int64 [windows + 1], and which tokens touch a span, bool [tokens].
    """
    ends = spans.starts + spans.marked.shape[1]
    tokens, offsets = vocabulary.encode_windows(codes, spans.starts, ends, threads)
    edges = np.concatenate([[0], np.cumsum(vocabulary.lengths[tokens], dtype=np.int64)])
    before = np.concatenate([[0], np.cumsum(spans.marked.ravel())])[edges]
    return tokens, offsets, np.diff(before) > 0


def places(tokens: np.ndarray, offsets: np.ndarray, spans: Spans, lengths: np.ndarray) -> np.ndarray:
    """Where each token of the windows begins in the genome's codes, int64 [tokens]."""
    own = lengths[tokens].astype(np.int64)
    window = np.repeat(np.arange(len(spans.starts)), np.diff(offsets))
    return spans.starts[window] + np.cumsum(own) - own - window * spans.marked.shape[1]


def score_spans(table: pd.DataFrame, spans: Spans, span: int, seed: int) -> dict:
    """Masked bits a base with 95 % intervals over blocks of the genome, of the model and, under `floors`, of each floor.

    table: the tokens that were hidden, as `grover.evaluation.tabulate` makes it. `bases` are those hidden, `span_bases` those of
    the spans themselves, `n` the hidden tokens.
    """
    block = np.unique(table["base"].to_numpy() // block_size(table["base"].to_numpy()), return_inverse=True)[1]
    blocks = int(block.max()) + 1
    bits = sums([table[f"nats_{name}"].to_numpy(np.float64) / np.log(2) for name in PREDICTORS], block, blocks)
    bases = np.repeat(sums([table["bases"].to_numpy()], block, blocks), len(PREDICTORS), axis=1)
    low, high = interval(bits, bases, seed)
    scores = {
        name: {"bits_per_base": float(ratio), "low": known(first), "high": known(last)}
        for name, ratio, first, last in zip(PREDICTORS, bits.sum(0) / bases.sum(0), low, high, strict=True)
    }
    return {
        **scores.pop(MODEL),
        "bases": int(table["bases"].sum()),
        "span": span,
        "span_bases": int(spans.marked.sum()),
        "n": len(table),
        "windows": len(spans.starts),
        "window_bases": spans.marked.shape[1],
        "seen_share": float(table["seen"].mean()),
        "floors": scores,
    }
