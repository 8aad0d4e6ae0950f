"""`grover score`: how well a pretrained model predicts the bases of each input when they are masked, in bits per base."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import Module

from grover.commands.assemblies import open_assembly
from grover.commands.frequencies import counts_in_fasta, counts_in_genome
from grover.commands.models import Model
from grover.commands.options import Computation, Regions, Result
from grover.commands.regions import Chunk, Surroundings, fasta_of
from grover.commands.session import session
from grover.commands.streaming import write_table
from grover.config.sections.interpretation import TrackReading
from grover.config.sections.pretraining import Masking
from grover.genome.bases import N
from grover.genome.encoding import runs
from grover.interpretation.base_tracks import BaseReader, Reading, flank_of, longest_window
from grover.interpretation.bases import log_frequencies
from grover.interpretation.track_regions import PIECE
from grover.interpretation.track_values import accuracy
from grover.network.batching import SPECIALS

BASES_AT_ONCE = 100_000
EMPTY = {"bases": 0.0, "correct": 0.0, "correct_frequency": 0.0, "bits": 0.0, "bits_frequency": 0.0}


class Piece(NamedTuple):
    """A piece of an input: number of the input, bases with their context, and the piece itself from `first` to before `last`."""

    owner: int
    codes: np.ndarray
    first: int
    last: int


@dataclass(frozen=True)
class Scorer:
    """A model that is asked for base probabilities, and how it reads."""

    reader: BaseReader
    reading: Reading

    @property
    def surroundings(self) -> Surroundings:
        """The context of the first and the last window."""
        return Surroundings(flank_of(self.reading, self.reader.vocabulary))

    def read(self, chunk: Chunk) -> tuple[Chunk, dict[str, np.ndarray]]:
        """Return for each input its bases A, C, G and T; bits per base by the model and by token frequencies; their difference `gain`; and
        the share of bases that the model finds the likeliest.

        Bits are minus the mean binary logarithm of the probability of the base when its token is masked.
        """
        sums = [dict(EMPTY) for _ in chunk.places]
        for pieces in self._batches(chunk):
            found = self.reader.read_stretches([piece[1:] for piece in pieces], self.reading)
            for piece, (model, frequency) in zip(pieces, found, strict=True):
                codes = piece.codes[piece.first : piece.last]
                for name, value in accuracy(model.mean(axis=0), frequency.mean(axis=0), codes).items():
                    sums[piece.owner][name] += value
        bases, correct, bits, of_frequency = (
            np.array([each[name] for each in sums], np.float64)
            for name in ("bases", "correct", "bits", "bits_frequency")
        )
        return chunk, {
            "bases": chunk.column(bases.astype(np.int64)),
            "bits": chunk.column(bits / bases),
            "bits_frequency": chunk.column(of_frequency / bases),
            "gain": chunk.column((of_frequency - bits) / bases),
            "accuracy": chunk.column(correct / bases),
        }

    def _batches(self, chunk: Chunk) -> Iterator[list[Piece]]:
        waiting: list[Piece] = []
        bases = 0
        for piece in self._pieces(chunk):
            waiting.append(piece)
            bases += len(piece.codes)
            if bases >= BASES_AT_ONCE:
                yield waiting
                waiting, bases = [], 0
        if waiting:
            yield waiting

    def _pieces(self, chunk: Chunk) -> Iterator[Piece]:
        """Cut the inputs at anything but A, C, G and T, and what is long into the pieces that base tracks are made of."""
        flank = self.surroundings.bases
        for owner, (codes, first, last) in enumerate(zip(chunk.stretches, chunk.first, chunk.last, strict=True)):
            for start, end in runs(codes != N):
                for begin in range(max(start, first), min(end, last), PIECE):
                    stop = min(begin + PIECE, end, last)
                    left, right = max(start, begin - flank), min(end, stop + flank)
                    yield Piece(owner, codes[left:right], int(begin - left), int(stop - left))


def run(model: Model, mask_ratio: float | None, asked: Regions, computation: Computation, result: Result) -> None:
    """Run the subcommand."""
    with session(computation, result) as here:
        if asked.bed is None:
            counts = counts_in_fasta(fasta_of(asked, here), model.vocabulary)
        else:
            counts = counts_in_genome(open_assembly(asked.fasta, here).genome, model.vocabulary)
        reader = scorer(model, counts, mask_ratio, here.device, here.precision)
        about = {"command": "score", "mask_ratio": reader.reading.share}
        write_table(here, model, reader, asked, result, about)


def scorer(model: Model, counts: np.ndarray, mask_ratio: float | None, device: torch.device, precision: str) -> Scorer:
    """Return what scores inputs with a pretrained model.

    counts: int64 [tokens], how often each token occurs in the sequence that scores are compared with. mask_ratio: share of the tokens that
    are masked at a time, None for that of the training.
    """
    network, vocabulary, defaults = model.language_model(), model.vocabulary, TrackReading()
    Module.to(network, device)
    window = longest_window(defaults.track_window, model.longest + SPECIALS)
    context = min(defaults.track_context, 3 * window // 8)
    made = model.settings()
    share = mask_ratio or made.get("mask_ratio") or Masking().mask_ratio
    span = 1 if vocabulary.kind == "overlap" else made.get("mask_span") or 1
    reader = BaseReader(network, vocabulary, log_frequencies(counts), device, precision)
    return Scorer(reader, Reading(window, context, share, span, both=False))
