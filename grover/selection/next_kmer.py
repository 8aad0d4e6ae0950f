"""Next-k-mer prediction: the task by which vocabularies are compared (Sanabria et al. 2024).

Given `context` bases, which k bases follow? Contexts are cut out of the genome first and tokenised alone: the last
boundary of a genome-wide tokenisation would tell what cannot follow.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from grover.genome.assembly import Genome
from grover.genome.folds import FOLDS, GAP, fold_of
from grover.intervals.overlaps import overlap_bases
from grover.runtime.errors import InputError
from grover.statistics.blocks import number_blocks
from grover.statistics.proportions import example_variance, over_seeds
from grover.tokenization.vocabulary import Vocabulary


@dataclass(frozen=True)
class Contexts:
    """`train`, `valid` and `test`, uint8 codes [n, context + following], how many of the columns are context, and where each row
    of `test` begins in the genome's codes, int64.

    The vocabulary is chosen on fold valid, so that the scores on fold test are those of a choice made without them.
    """

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    context: int
    start: np.ndarray

    @property
    def block(self) -> np.ndarray:
        """The block of the genome that holds each test context, int64: errors are those between blocks."""
        return number_blocks(self.start)

    def labels(self, fold: str, k: int) -> np.ndarray:
        """The k bases that follow as numbers 0..4^k - 1, int64; the first base is the highest digit."""
        following = getattr(self, fold)[:, self.context : self.context + k].astype(np.int64)
        return following @ 4 ** np.arange(k - 1, -1, -1)


def cut_contexts(
    genome: Genome, folds: pd.DataFrame, context: int, following: int, examples: int, seed: int
) -> Contexts:
    """Draw at most `examples` places of the genome, those in a fold.

    A place counts if its context and what follows lie in one segment and one fold, so that shares follow those of the
    folds.
    """
    length = context + following
    starts = np.random.default_rng(seed).integers(0, max(1, len(genome.codes) - length), 2 * examples)
    segment = np.searchsorted(genome.bounds, starts, side="right")
    starts = starts[starts + length <= genome.bounds[np.minimum(segment, len(genome.bounds) - 1)]]
    chrom, coordinate = genome.locate(starts)
    # folds list contigs in an order of their own, so names are compared
    fold = fold_of(folds, np.array(genome.chroms, dtype=object)[chrom], coordinate, coordinate + length)
    kept = fold != GAP
    starts, fold = starts[kept][:examples], fold[kept][:examples]
    windows = np.asarray(genome.codes)[starts[:, None] + np.arange(length)]
    for name in FOLDS:
        if not (fold == name).any():
            raise InputError(f"next-k-mer: no context of {context} bases in fold {name}; raise `selection.examples`")
    return Contexts(*(windows[fold == name] for name in FOLDS), context, starts[fold == "test"])


def seen_share(contexts: Contexts, starts: np.ndarray, ends: np.ndarray) -> float:
    """Share of the bases of the test contexts, with what follows, that training windows hold; starts and ends of these windows in
    the genome's codes, int64.
    """
    length = contexts.test.shape[1]
    regions = pd.DataFrame({"chrom": "", "start": contexts.start, "end": contexts.start + length})
    covered = overlap_bases(regions, pd.DataFrame({"chrom": "", "start": starts, "end": ends}))
    return float(covered.mean() / length)


def tokenise_contexts(vocabulary: Vocabulary, codes: np.ndarray, threads: int = 1) -> list[np.ndarray]:
    """Token ids of each context (a row of `codes`, uint8 [contexts, bases]), which were cut out before.

    k-mers start in the phase that ends on the last base, and bases before it are left out; overlapping words begin at
    every base, so that they have no phase.
    """
    phase = codes.shape[1] % vocabulary.k if vocabulary.kind == "kmer" else 0
    return vocabulary.encode_each(codes[:, phase:], threads)


def score(name: str, kind: str, k: int, right: np.ndarray, block: np.ndarray) -> dict:
    """A row of the table: the accuracy of answers (bool [examples]) with its 95 % interval over blocks (int64 [examples])."""
    share, n = float(right.mean()), len(right)
    low, high = over_seeds(np.array([share]), example_variance(right[None], block), n)
    return {"vocabulary": name, "kind": kind, "k": k, "accuracy": share, "n": n, "low": low, "high": high}
