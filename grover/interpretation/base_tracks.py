"""Base probabilities along stretches of the genome, from runs of masked tokens.

A window has `context` tokens on either side of those that are read. Each of its copies has runs of `span` tokens masked, at distances that
mask the `share` of the training. The runs of the next copy follow those of the one before, until every token was masked once. With both
strands the stretch is read again as its reverse complement, in its own tokens, and the two probabilities are averaged. Their logarithms are
not: few tokens have the span of a long one, so that a strand may exclude a base.

A base of overlapping k-mers is masked with all k-mers that hold it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import BertForMaskedLM

from grover.config.sections.interpretation import TrackReading
from grover.genome.bases import reverse_complement
from grover.interpretation.bases import FrequencyMarginals, TokenBases, overlapping_marginals, run_marginals
from grover.interpretation.masked_windows import log_probs_of_words
from grover.network.batching import SPECIALS
from grover.network.bert import check_length
from grover.network.inference import TOKENS_AT_ONCE, each, threads_for
from grover.network.masked import masked_logits
from grover.network.packed import group_by_tokens, pack_rows
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import MASK, Vocabulary


@dataclass(frozen=True)
class Reading:
    """How a stretch is read: tokens of a `window`, of which `context` at either end are not read; the `share` of tokens masked at a time,
    in runs of `span`; and whether on `both` strands.
    """

    window: int
    context: int
    share: float
    span: int = 1
    both: bool = True

    def __post_init__(self) -> None:
        if self.window - 2 * self.context < self.span:
            raise InputError(
                f"windows of {self.window} tokens with {self.context} tokens of context at either end leave no run of "
                f"{self.span} tokens to read; lower `interpretation.track_context` or raise `interpretation.track_window`"
            )

    @property
    def copies(self) -> int:
        """Copies of a window that mask each run once, at about the share of the training."""
        return max(1, round(1 / self.share))


@dataclass(frozen=True)
class Copy:
    """One copy of a window: its tokens, which of them are masked, and the runs that are read.

    `first`: number of its first token in the stretch. `masked`: int64, places in `tokens`. `read`: int64, places in `tokens` of the
    masked tokens of all runs that are read; run r has `read[bounds[r]:bounds[r + 1]]` and begins at base `begins[r]` of the stretch.
    `lengths`: int64, bases of each run.
    """

    tokens: np.ndarray
    first: int
    masked: np.ndarray
    read: np.ndarray
    bounds: np.ndarray
    begins: np.ndarray
    lengths: np.ndarray


class BaseReader:
    """A model that is asked for base probabilities."""

    def __init__(
        self,
        model: BertForMaskedLM,
        vocabulary: Vocabulary,
        log_frequency: np.ndarray,
        device: torch.device,
        precision: str,
    ):
        """log_frequency: float64 [tokens], logarithms of token frequencies in fold train. The caller sets the model's device and mode."""
        self.model, self.vocabulary, self.device, self.precision = model, vocabulary, device, precision
        self.bases = TokenBases.of(vocabulary)
        self.frequencies = FrequencyMarginals(log_frequency, self.bases)

    def read(self, codes: np.ndarray, first: int, last: int, reading: Reading) -> tuple[np.ndarray, np.ndarray]:
        """Return the probabilities of the bases `codes[first:last]` by the model and by token frequencies, float64 [strands, bases, 4].

        codes: uint8 without anything but 0 to 3; what surrounds the bases is context. The second strand is in the order of the first one,
        and its bases are those of the first strand too.
        """
        ((model, frequency),) = self.read_stretches([(codes, first, last)], reading)
        return model, frequency

    def read_stretches(
        self, stretches: Sequence[tuple[np.ndarray, int, int]], reading: Reading
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return what `read` does for each of several stretches (codes, first, last), whose windows are computed together."""
        check_length(reading.window, self.model.config.max_position_embeddings, "windows of base tracks")
        plus = self._read(stretches, reading)
        if not reading.both:
            return [(model[None], frequency[None]) for model, frequency in plus]
        turned = [
            (reverse_complement(codes), len(codes) - last, len(codes) - first) for codes, first, last in stretches
        ]
        minus = [(model[::-1, ::-1], frequency[::-1, ::-1]) for model, frequency in self._read(turned, reading)]
        return [
            (np.stack([one, other]), np.stack([one_frequency, other_frequency]))
            for (one, one_frequency), (other, other_frequency) in zip(plus, minus, strict=True)
        ]

    def _read(
        self, stretches: Sequence[tuple[np.ndarray, int, int]], reading: Reading
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        tokens = self.vocabulary.encode_each([codes for codes, _, _ in stretches])
        copies, owners = [], []
        for owner, (ids, (_, first, last)) in enumerate(zip(tokens, stretches, strict=True)):
            found = [*self.copies(ids, first, last, reading)]
            copies += found
            owners += [owner] * len(found)
        # the bases of all stretches, one behind the other
        begins = np.cumsum([0] + [len(codes) for codes, _, _ in stretches])
        places_of = begins[owners]
        groups = group_by_tokens([len(copy.tokens) for copy in copies], TOKENS_AT_ONCE[self.device.type])
        found_of_all = np.full((2, int(begins[-1]), 4), np.nan)

        def compute(group: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            some = [copies[row] for row in group]
            places, model, frequency = self.marginals_of(some)
            return places + np.repeat(places_of[group], [int(copy.lengths.sum()) for copy in some]), model, frequency

        for places, model, frequency in each(compute, groups, threads_for(self.device, len(groups))):
            found_of_all[0, places], found_of_all[1, places] = model, frequency
        return [
            (found_of_all[0, begin + first : begin + last], found_of_all[1, begin + first : begin + last])
            for begin, (_, first, last) in zip(begins, stretches, strict=False)
        ]

    def copies(self, tokens: np.ndarray, first: int, last: int, reading: Reading) -> Iterator[Copy]:
        """Yield the masked copies of windows of `tokens` that read the bases from `first` to before `last`."""
        strides, spans = self.vocabulary.strides[tokens], self.vocabulary.spans[tokens]
        begins = np.cumsum(strides, dtype=np.int64) - strides
        if self.bases.k:
            yield from self._overlapping_copies(tokens, int(spans[0]), first, last, reading)
            return
        inner = (reading.window - 2 * reading.context) // reading.span * reading.span
        start = int(np.searchsorted(begins, first, side="right")) - 1
        stop = int(np.searchsorted(begins, last))
        for begin in range(start, stop, inner):
            end = min(begin + inner, stop)
            left, right = max(0, begin - reading.context), min(len(tokens), end + reading.context)
            run = (np.arange(left, right) - begin) // reading.span
            runs = -(-(end - begin) // reading.span)
            for copy in range(min(reading.copies, runs)):
                masked = np.flatnonzero(run % reading.copies == copy)
                read = masked[(run[masked] >= 0) & (run[masked] < runs)]
                bounds = np.append(np.flatnonzero(np.diff(run[read], prepend=-1)), len(read))
                held = np.add.reduceat(strides[left + read].astype(np.int64), bounds[:-1])
                yield Copy(tokens[left:right], left, masked, read, bounds, begins[left + read[bounds[:-1]]], held)

    def _overlapping_copies(
        self, tokens: np.ndarray, k: int, first: int, last: int, reading: Reading
    ) -> Iterator[Copy]:
        """The same for overlapping k-mers, where the words that hold a base are masked together; all runs have one base."""
        inner, every = max(1, reading.window - 2 * reading.context - k + 1), k * reading.copies
        for begin in range(first, last, inner):
            end = min(begin + inner, last)
            left = max(0, begin - k + 1 - reading.context)
            right = min(len(tokens), end + reading.context)
            for copy in range(min(every, end - begin)):
                # bases at equal distances, those of the context too
                hidden = np.arange(begin + copy - (begin + copy - left) // every * every, right + k - 1, every)
                words = hidden[:, None] - np.arange(k)[::-1]
                inside = (words >= left) & (words < right)
                target = (hidden >= begin) & (hidden < end)
                counts = inside[target].sum(axis=1)
                yield Copy(
                    tokens[left:right],
                    left,
                    words[inside] - left,
                    words[target][inside[target]] - left,
                    np.append(0, np.cumsum(counts)),
                    hidden[target],
                    np.ones(len(counts), np.int64),
                )

    def marginals_of(self, copies: list[Copy]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return places in the stretch, int64 [bases], and the two probabilities of each base there, float64 [bases, 4].

        All copies are computed in one forward pass.
        """
        ids, with_specials = pack_rows([copy.tokens for copy in copies])
        starts = np.cumsum(with_specials) - with_specials + 1  # behind [CLS]
        words = np.concatenate([copy.tokens[copy.read] for copy in copies])
        read = np.concatenate([start + copy.read for start, copy in zip(starts, copies, strict=True)])
        ids[np.concatenate([start + copy.masked for start, copy in zip(starts, copies, strict=True)])] = MASK
        log_probs = self._log_probs(ids, with_specials, read)

        counts = np.concatenate([np.diff(copy.bounds) for copy in copies])
        bounds, lengths = np.append(0, np.cumsum(counts)), np.concatenate([copy.lengths for copy in copies])
        begins = np.concatenate([copy.begins for copy in copies])
        if self.bases.k:
            # word i of a stretch begins at its base i
            offsets = np.repeat(begins, counts) - np.concatenate([copy.first + copy.read for copy in copies])
            frequency = np.broadcast_to(self.frequencies.log_frequency, log_probs.shape)
            arguments = self.bases, words, offsets, bounds
            return begins, overlapping_marginals(log_probs, *arguments), overlapping_marginals(frequency, *arguments)
        ends = np.cumsum(lengths)
        places = np.repeat(begins - (ends - lengths), lengths) + np.arange(ends[-1])
        model = run_marginals(log_probs, self.bases, bounds, lengths)
        return places, model, self.frequencies.of_runs(bounds, lengths)

    def _log_probs(self, ids: np.ndarray, lengths: np.ndarray, read: np.ndarray) -> np.ndarray:
        """Logarithms of the softmax over word tokens at `read`, float32 [read, tokens]."""
        return log_probs_of_words(masked_logits(self.model, ids, lengths, read, self.device, self.precision))


def flank_of(reading: Reading, vocabulary: Vocabulary) -> int:
    """Bases beside a stretch that hold its context, whatever the tokens: a window needs no more."""
    return (reading.context + 1) * int(vocabulary.spans.max())


def reading_of(
    asked: TrackReading, positions: int, vocabulary: Vocabulary, mask_ratio: float, mask_span: int
) -> Reading:
    """Return how a model of so many positions reads: as asked for, otherwise as in its pretraining, of which ratio and span are given."""
    return Reading(
        longest_window(asked.track_window, positions),
        asked.track_context,
        asked.track_ratio or mask_ratio,
        1 if vocabulary.kind == "overlap" else mask_span or 1,
        asked.track_strands == "both",
    )


def longest_window(asked: int, positions: int) -> int:
    """Tokens of a window: as many as asked for, or as many as the model reads."""
    return min(asked, positions - SPECIALS)
