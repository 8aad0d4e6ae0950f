"""Masked bits per base that are comparable between vocabularies: the same spans of the genome are masked for each of them.

Windows and spans are drawn in bases from the genome, the folds and a seed only. Each vocabulary cuts the windows into its
own tokens, masks every token that overlaps a span, and divides the bits by the masked bases. Spans keep a margin from the ends
of a window, where k-mers leave single bases, which are rare in training.

Cautions remain. The score is conditional on the visible tokens, and their borders are informative about the masked ones, more in
one vocabulary than in another. Long tokens mask more bases around a span. The tokens of a span are predicted independently, which
costs short tokens more. Overlapping k-mers have no such score, since each base is masked in several tokens at once.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from grover.config.sections.pretraining import CommonSpans
from grover.genome.assembly import Genome
from grover.network.batching import SPECIALS
from grover.pretraining.scores import MODEL, PREDICTORS, interval, known, sums
from grover.runtime.errors import InputError
from grover.statistics.blocks import number_blocks
from grover.tokenization.vocabulary import Vocabulary

MARGIN = 16  # bases at both ends of a window without spans, more than the largest k


@dataclass(frozen=True)
class Spans:
    """Windows of equal length in the genome's codes: `starts`, int64 [windows]; `marked`, bool [windows, bases], is true
    at the bases of the spans.
    """

    starts: np.ndarray
    marked: np.ndarray


def draw_spans(genome: Genome, folds: pd.DataFrame, fold: str, drawing: CommonSpans, windows: int, seed: int) -> Spans:
    """Draw at most `windows` windows with spans inside the intervals of `folds` (chrom, start, end, fold) that are of fold `fold`.

    Spans cover about the share `drawing.span_share` of the bases between the margins. Windows are adjacent. Spans are on a grid
    with its own phase in each window, so that no vocabulary of k-mers gains by alignment with the grid. Raises an InputError
    where no window fits, and where no span was drawn.
    """
    bases, span = drawing.span_bases, drawing.span
    rng = np.random.default_rng(seed)
    starts = np.sort(rng.permutation(_window_starts(genome, folds, fold, drawing))[:windows])
    phase = rng.integers(0, span, len(starts))
    chosen = rng.random((len(starts), bases // span + 1)) < drawing.span_share
    cell = (np.arange(bases)[None] - phase[:, None]) // span
    first = cell * span + phase[:, None]
    whole = (first >= MARGIN) & (first + span <= bases - MARGIN)
    marked = np.take_along_axis(chosen, np.maximum(cell, 0), axis=1) & whole
    if not marked.any():
        raise InputError(
            f"evaluation: no span was drawn in {len(starts)} windows of fold {fold}; raise `evaluation.span_share` or "
            "`evaluation.maximum_windows`"
        )
    return Spans(starts, marked)


def _window_starts(genome: Genome, folds: pd.DataFrame, fold: str, drawing: CommonSpans) -> np.ndarray:
    """List where all windows of a fold begin in the genome's codes, int64 ascending."""
    bases, span = drawing.span_bases, drawing.span
    fewest = 2 * MARGIN + max(MARGIN, 2 * span)
    if bases < fewest:
        raise InputError(
            f"evaluation: windows of {bases} bases leave no room for spans of {span} bases between two margins of {MARGIN}; set "
            f"`evaluation.span_bases` to {fewest} or more"
        )
    first, last = genome.places(folds[folds["fold"] == fold])
    found = [
        np.arange(max(left, start), min(right, end) - bases + 1, bases)
        for start, end in zip(first, last, strict=True)
        for left, right in _segments(genome.bounds, start, end)
    ]
    starts = np.sort(np.concatenate([np.zeros(0, np.int64), *found]))
    if not len(starts):
        raise InputError(
            f"evaluation: no stretch of {bases} bases of fold {fold} lies in one segment; make `folds.block` larger or "
            "`evaluation.span_bases` smaller"
        )
    return starts


def _segments(bounds: np.ndarray, start: int, end: int) -> list[tuple[int, int]]:
    """Return begin and end of the segments that share a base with start..end."""
    begin, stop = np.searchsorted(bounds, start, side="right") - 1, np.searchsorted(bounds, end, side="left")
    return list(zip(bounds[begin:stop], bounds[begin + 1 : stop + 1], strict=True))


def check_windows(offsets: np.ndarray, positions: int, bases: int, name: str) -> None:
    """Raise an InputError if a window of `bases` bases has more tokens than the model has positions for."""
    longest, room = int(np.diff(offsets).max()), positions - SPECIALS
    if longest > room:
        raise InputError(
            f"evaluation: windows of {bases} bases with common spans have up to {longest} tokens of {name}, and its model has "
            f"positions for {room}; set `evaluation.span_bases` to {bases * room // longest} or less, which holds for all candidates"
        )


def touched_tokens(
    codes: np.ndarray, spans: Spans, vocabulary: Vocabulary, threads: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Encode each window alone and find the tokens that overlap a span.

    Returns tokens, uint16, offsets, int64 [windows + 1], and a mask of the tokens that overlap a span, bool [tokens].
    """
    ends = spans.starts + spans.marked.shape[1]
    tokens, offsets = vocabulary.encode_windows(codes, spans.starts, ends, threads)
    edges = np.concatenate([[0], np.cumsum(vocabulary.strides[tokens], dtype=np.int64)])
    before = np.concatenate([[0], np.cumsum(spans.marked.ravel())])[edges]
    return tokens, offsets, np.diff(before) > 0


def places(tokens: np.ndarray, offsets: np.ndarray, spans: Spans, strides: np.ndarray) -> np.ndarray:
    """Return where each token of the windows begins in the genome's codes, int64 [tokens]."""
    own = strides[tokens].astype(np.int64)
    window = np.repeat(np.arange(len(spans.starts)), np.diff(offsets))
    return spans.starts[window] + np.cumsum(own) - own - window * spans.marked.shape[1]


def score_spans(table: pd.DataFrame, spans: Spans, span: int, seed: int) -> dict:
    """Score the model and, under `baselines`, each baseline in masked bits per base with 95 % intervals over blocks of the genome.

    table: the masked tokens, as `grover.pretraining.evaluation.tabulate` returns it. `bases` are the masked ones, `span_bases` those of
    the spans themselves, `n` the masked tokens.
    """
    block = number_blocks(table["base"].to_numpy())
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
        "margin": MARGIN,
        "seen_share": float(table["seen"].mean()),
        "baselines": scores,
    }
