"""The regions of the genome that are embedded, and the windows of tokens that a model reads them in.

A region is an interval, the same for every model. Its tokens are those whose middle base `(start + end - 1) // 2` lies in it, so that
neighbouring regions share none; a region without such a token has the one over its own middle base.
"""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd

from grover.genome.assembly import Genome, gc_shares
from grover.genome.folds import fold_of
from grover.intervals.contigs import Contigs, check
from grover.intervals.formats import read_bed
from grover.runtime.errors import InputError
from grover.tokenization.genome_tokens import TokenisedGenome
from grover.tokenization.vocabulary import Vocabulary


def core_length(tokens: int, context: int) -> int:
    """Tokens of a window of `tokens` between its two contexts. Raises an InputError where none are left."""
    if tokens - 2 * context < 1:
        raise InputError(
            f"windows of {tokens} tokens leave none between {context} tokens of context on both sides; choose longer windows or less of it"
        )
    return tokens - 2 * context


def sample_regions(segment_tokens: np.ndarray, size: int, maximum: int, seed: int) -> np.ndarray:
    """Choose at most `maximum` (0: all) regions of `size` tokens; return the first token of each, int64 ascending.

    segment_tokens: first token of each segment and the end of the last. Regions are laid end to end through each
    segment; of more than `maximum`, one is drawn from each of `maximum` equal parts of their sequence, so that the
    sample is spread over the genome.
    """
    counts = np.diff(segment_tokens) // size
    total = int(counts.sum())
    if total == 0:
        raise InputError(f"no segment contains {size} tokens; choose shorter regions")
    number_in_segment = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    firsts = np.repeat(segment_tokens[:-1], counts) + number_in_segment * size
    if not maximum or total <= maximum:
        return firsts
    edges = np.linspace(0, total, maximum + 1).astype(np.int64)
    return firsts[np.random.default_rng(seed).integers(edges[:-1], edges[1:])]


def places_of_tokens(firsts: np.ndarray, size: int, tokens: TokenisedGenome) -> tuple[np.ndarray, np.ndarray]:
    """Return where the regions of `size` tokens at `firsts` begin and end in the genome's codes, both int64.

    A region ends where the next token begins, so that neighbours share no base, even of overlapping k-mers.
    """
    last = firsts + size - 1
    return tokens.bases_at(firsts), tokens.bases_at(last) + tokens.vocabulary.strides[tokens.tokens[last]]


def places_of_bed(path: Path, genome: Genome, contigs: Contigs, rename: str = "") -> tuple[np.ndarray, np.ndarray]:
    """Return where the rows of a BED file begin and end in the genome's codes, both int64, in the order of the genome.

    contigs: of the assembly; rename: as `ContigNames` has it. Rows that do not lie wholly in one segment are left out, which is
    printed. Raises an InputError where none is left or the file
    belongs to another assembly.
    """
    rows = read_bed(path, contigs=contigs.names(rename))
    known = check(rows, contigs.lengths, path)
    left, right = genome.wholly(known)
    left, right = left[left >= 0], right[left >= 0]
    if not len(left):
        raise InputError(
            f"{path}: none of its {len(rows):,} intervals lies wholly in a segment of the genome; give intervals of this assembly, in "
            "contigs that were kept and without N"
        )
    if len(left) < len(rows):
        print(
            f"{path}: {len(rows) - len(left):,} of {len(rows):,} intervals are left out: {len(rows) - len(known):,} on dropped "
            f"contigs, {len(known) - len(left):,} not wholly in one segment (they contain N or reach beyond)"
        )
    order = np.argsort(left, kind="stable")
    return left[order], right[order]


def describe_regions(left: np.ndarray, right: np.ndarray, genome: Genome, folds: pd.DataFrame) -> pd.DataFrame:
    """Tabulate chrom, start, end, gc, fold of the regions between the positions `left` and `right` in the codes, one row each.

    folds: chrom, start, end, fold. A region that does not lie wholly in one block of a fold gets `gap`.
    """
    chroms, starts = genome.locate(left)
    ends = starts + right - left
    return pd.DataFrame(
        {
            "chrom": np.array(genome.chroms)[chroms],
            "start": starts,
            "end": ends,
            "gc": gc_shares(genome.codes, left, right),
            "fold": fold_of(folds, chroms, starts, ends),
        }
    )


def places_of_table(regions: pd.DataFrame, genome: Genome, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return where regions (chrom, start, end) begin and end in the genome's codes, both int64.

    Raises an InputError, naming `path` and the row, where a region is not within one segment.
    """
    left, right = genome.wholly(regions)
    outside = np.flatnonzero(left < 0)
    if outside.size:
        row = regions.iloc[outside[0]]
        raise InputError(
            f"{path}, row {outside[0]}: {row['chrom']}:{row['start']}-{row['end']} does not lie in one segment of this genome; make the "
            "table with choose_regions.py from the same genome"
        )
    return left, right


@dataclass(frozen=True)
class Places:
    """Where regions are, int64 arrays: bases from `left` to before `right` in the genome's codes, tokens from `first` to before `last`."""

    left: np.ndarray
    right: np.ndarray
    first: np.ndarray
    last: np.ndarray

    @classmethod
    def of(cls, left: np.ndarray, right: np.ndarray, tokens: TokenisedGenome, genome: Genome) -> "Places":
        """Find the tokens of regions, whose `left` and `right` are positions in the codes."""
        return cls(left, right, *token_ranges(left, right, tokens, genome))


def token_ranges(
    left: np.ndarray, right: np.ndarray, tokens: TokenisedGenome, genome: Genome
) -> tuple[np.ndarray, np.ndarray]:
    """Find the first token of each region and the one behind its last, both int64; left and right are positions in the codes."""
    first, last = (_first_at(edge, tokens, genome) for edge in (left, right))
    over = tokens.tokens_at((left + right - 1) // 2)
    return np.where(first < last, first, over), np.where(first < last, last, over + 1)


@dataclass(frozen=True)
class Windows:
    """Windows of regions, int64 arrays with one row each.

    region: number of the region; first, length: first token and length of the window. Its core are the tokens from `core_first` to
    before `core_last`. Cores of a region are disjoint, in order and hold all its tokens.
    """

    region: np.ndarray
    first: np.ndarray
    length: np.ndarray
    core_first: np.ndarray
    core_last: np.ndarray

    @property
    def core_sizes(self) -> np.ndarray:
        """Tokens of each core, int64."""
        return self.core_last - self.core_first

    def __getitem__(self, rows: slice | np.ndarray) -> "Windows":
        return Windows(*(getattr(self, field.name)[rows] for field in fields(self)))


def cut_windows(first: np.ndarray, last: np.ndarray, segment_tokens: np.ndarray, tokens: int, context: int) -> Windows:
    """Cut regions of the tokens from `first` to before `last` into windows of at most `tokens` tokens.

    A region longer than one core is cut evenly. Up to `context` tokens of the segment stand on both sides of a core. segment_tokens:
    first token of each segment and the end of the last.
    """
    number = last - first
    pieces = -(-number // core_length(tokens, context))
    region = np.repeat(np.arange(len(first)), pieces)
    piece = np.arange(len(region)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    core_first = first[region] + piece * number[region] // pieces[region]
    core_last = first[region] + (piece + 1) * number[region] // pieces[region]
    segment = np.searchsorted(segment_tokens, core_first, side="right") - 1
    begin = np.maximum(core_first - context, segment_tokens[segment])
    end = np.minimum(core_last + context, segment_tokens[segment + 1])
    return Windows(region, begin, end - begin, core_first, core_last)


def ranges_in_stretches(
    tokens: np.ndarray, offsets: np.ndarray, first: np.ndarray, last: np.ndarray, vocabulary: Vocabulary
) -> tuple[np.ndarray, np.ndarray]:
    """Find the first token of each region and the one behind its last, both int64, as `token_ranges` does.

    Each region lies in a stretch of bases that was tokenised alone.

    tokens, offsets: of the stretches, as `Vocabulary.encode_windows` returns them. first, last: bases of each stretch, int64.
    """
    number = np.diff(offsets)
    strides = vocabulary.strides[tokens].astype(np.int64)
    before = np.cumsum(strides) - strides
    begins = before - np.repeat(before[offsets[:-1]], number)
    middles = begins + (vocabulary.spans[tokens] - 1) // 2

    def count(which: np.ndarray) -> np.ndarray:
        return offsets[:-1] + np.add.reduceat(which.astype(np.int64), offsets[:-1])

    low, high = (count(middles < np.repeat(edge, number)) for edge in (first, last))
    over = np.maximum(count(begins <= np.repeat((first + last - 1) // 2, number)) - 1, offsets[:-1])
    return np.where(low < high, low, over), np.where(low < high, high, over + 1)


def _first_at(bases: np.ndarray, tokens: TokenisedGenome, genome: Genome) -> np.ndarray:
    """Return the position of the first token whose middle base is each base or a later one."""
    vocabulary = tokens.vocabulary
    # the k-mer around a base begins there, or before it where k-mers overlap
    before = (vocabulary.k - 1) // 2 if vocabulary.kind == "overlap" else 0
    number = np.searchsorted(genome.bounds, bases, side="right") - 1
    segment, end = genome.bounds[number], genome.bounds[np.minimum(number + 1, len(genome.bounds) - 1)]
    # a segment shorter than k is cut into single bases
    begins = bases - np.where(end - segment < vocabulary.k, 0, before)
    found = np.minimum(tokens.tokens_at(np.maximum(begins, segment)), len(tokens.tokens) - 1)
    middle = tokens.bases_at(found) + (vocabulary.spans[tokens.tokens[found]] - 1) // 2
    return found + (middle < bases)
