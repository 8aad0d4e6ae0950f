"""Next-k-mer prediction: the task by which vocabularies are compared (Sanabria et al. 2024).

The task is to predict the k bases after a context of `context` bases. Contexts are cut out of the genome first and tokenised alone:
the last token boundary of a tokenised genome depends on the bases that follow.
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
    """`train`, `valid` and `test`, uint8 codes [n, context + following].

    Also how many of the columns are context, and where each row of `test` begins in the genome's codes, int64.

    The vocabulary is chosen on fold valid, so that the scores on fold test do not depend on the choice.
    """

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    context: int
    start: np.ndarray

    @property
    def block(self) -> np.ndarray:
        """Block of the genome of each test context, int64: errors are those between blocks."""
        return number_blocks(self.start)

    def labels(self, fold: str, k: int) -> np.ndarray:
        """Return the k bases that follow as numbers 0..4^k - 1, int64; the first base is the highest digit."""
        following = getattr(self, fold)[:, self.context : self.context + k].astype(np.int64)
        return following @ 4 ** np.arange(k - 1, -1, -1)


def cut_contexts(
    genome: Genome, folds: pd.DataFrame, context: int, following: int, examples: int, seed: int
) -> Contexts:
    """Draw at most `examples` contexts from the folds of the genome.

    A context and the bases that follow are within one segment and one fold, so that the folds have contexts in proportion to their
    size.
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
    train, valid, test = (windows[fold == name] for name in FOLDS)
    return Contexts(train, valid, test, context, starts[fold == "test"])


def seen_share(contexts: Contexts, starts: np.ndarray, ends: np.ndarray) -> float:
    """Compute the share of the bases of the test contexts, with what follows, that are inside training windows.

    starts, ends: int64, of these windows in the genome's codes.
    """
    length = contexts.test.shape[1]
    regions = pd.DataFrame({"chrom": "", "start": contexts.start, "end": contexts.start + length})
    covered = overlap_bases(regions, pd.DataFrame({"chrom": "", "start": starts, "end": ends}))
    return float(covered.mean() / length)


def tokenise_contexts(vocabulary: Vocabulary, codes: np.ndarray, threads: int = 1) -> list[np.ndarray]:
    """Tokenise each context (a row of `codes`, uint8 [contexts, bases]) alone.

    Disjoint k-mers have the phase that ends on the last base, and bases before the first are left out. Overlapping k-mers begin at
    every base and have no phase.
    """
    phase = codes.shape[1] % vocabulary.k if vocabulary.kind == "kmer" else 0
    return vocabulary.encode_each(codes[:, phase:], threads)


def score(name: str, kind: str, k: int, right: np.ndarray, block: np.ndarray) -> dict:
    """Return a row of the table: the accuracy of answers (bool [examples]) with its 95 % interval over blocks (int64 [examples])."""
    share, n = float(right.mean()), len(right)
    low, high = over_seeds(np.array([share]), example_variance(right[None], block), n)
    return {"vocabulary": name, "kind": kind, "k": k, "accuracy": share, "n": n, "low": low, "high": high}
