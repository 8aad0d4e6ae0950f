"""Variants scored by a masked language model without labels.

`llr` is a pseudo-log-likelihood ratio. Between the nearest token boundaries that both alleles share, the tokens of each allele are masked
one at a time. The log-probabilities of the tokens among those with as many bases are summed. `llr` is the sum of the alternative minus
that of the reference, in nats, and the mean of both strands. It is negative where the model finds the alternative less likely. It depends
least on how many tokens an allele has of the scores that were tried (bench/variant_confounding.py). The flanks end where the segment does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from grover.genome.assembly import Genome
from grover.interpretation.alleles import Windows, windows
from grover.interpretation.bases import TokenBases
from grover.interpretation.changes import change
from grover.interpretation.likelihoods import ask_each, ask_joint, joint_ratio
from grover.interpretation.masked_windows import Network, Questions
from grover.interpretation.run_lengths import RunLengths
from grover.interpretation.vcf import OK, TOO_LONG
from grover.network.classifier import pooled
from grover.network.inference import TOKENS_AT_ONCE, evaluating
from grover.runtime.progress import Progress
from grover.tokenization.vocabulary import Vocabulary

SCORES = ["llr", "llr_plus", "llr_minus", "strand_gap", "llr_joint", "cosine", "l2"]
TOKENS = ["tokens_ref", "tokens_alt", "tokens_ref_minus", "tokens_alt_minus"]
AT_ONCE = 64  # variants
GROUPS = 8  # of tokens that are asked for before the network runs


@dataclass(frozen=True)
class Scorer:
    """What variants are scored with; `runs` is None where `llr_joint` is not wanted. A `silent` one shows no progress."""

    network: Network
    vocabulary: Vocabulary
    genome: Genome
    flank: int
    runs: RunLengths | None = None
    embed: bool = True
    threads: int = 1
    silent: bool = False

    def score(self, variants: pd.DataFrame) -> pd.DataFrame:
        """Return `status`, the columns `SCORES`, float64, NaN where an allele has no score, and `TOKENS`, whole numbers, for each variant.

        variants: chrom, pos, ref, alt and status, of which only those with status ok are scored.
        `tokens_ref` and `tokens_alt` are the tokens between the shared boundaries on the plus strand, the others those on the minus
        strand. `cosine` is the cosine distance of the mean embeddings of both windows, `l2` their Euclidean distance.
        """
        rows = np.flatnonzero(variants["status"].to_numpy(object) == OK)
        status = variants["status"].to_numpy(object).copy()
        scores, tokens = np.full((len(variants), len(SCORES)), np.nan), np.zeros((len(variants), len(TOKENS)), np.int64)
        waiting = _Waiting([], Questions())
        limit = GROUPS * TOKENS_AT_ONCE[self.network.device.type]
        progress = Progress(len(rows), "score", "variants", silent=self.silent)
        with progress as bar, evaluating(self.network.model, self.network.device):
            for begin in range(0, len(rows), AT_ONCE):
                piece = rows[begin : begin + AT_ONCE]
                for row, found in zip(piece, self._windows(variants.iloc[piece]), strict=True):
                    if found is None:
                        status[row] = TOO_LONG
                    else:
                        waiting.items.append(self._ask(waiting.questions, int(row), found))
                if waiting.questions.tokens > limit or begin + AT_ONCE >= len(rows):
                    self._answer(waiting, scores, tokens)
                    waiting = _Waiting([], Questions())
                bar.update(len(piece))
        table = pd.DataFrame(scores, columns=SCORES).join(pd.DataFrame(tokens, columns=TOKENS))
        table.insert(0, "status", status.astype("str"))
        return table.set_index(variants.index)

    @cached_property
    def _bases(self) -> TokenBases:
        return TokenBases.of(self.vocabulary)

    def _windows(self, variants: pd.DataFrame) -> list[Windows | None]:
        columns = (variants[name] for name in ("chrom", "pos", "ref", "alt"))
        changes = [change(self.genome, *row) for row in zip(*columns, strict=True)]
        return windows(self.genome.codes, changes, self.vocabulary, self.flank, self.network.most, self.threads)

    def _ask(self, questions: Questions, row: int, found: Windows) -> "_Asked":
        each = [ask_each(questions, self._bases, pair) for pair in found]
        runs, most = self.runs, self.network.most
        joint = [ask_joint(questions, self._bases, pair, runs, most) for pair in found] if runs is not None else []
        return _Asked(row, found, each, joint)

    def _answer(self, waiting: "_Waiting", scores: np.ndarray, tokens: np.ndarray) -> None:
        answers = waiting.questions.answers(self.network)
        rows = [asked.row for asked in waiting.items]
        for asked in waiting.items:
            plus, minus = (
                sum(answers[i] for i in alternative) - sum(answers[i] for i in reference)
                for reference, alternative in asked.each
            )
            joint = [
                joint_ratio([answers[i] for i in numbers], shares) if numbers else np.nan
                for numbers, shares in asked.joint
            ]
            scores[asked.row, :5] = [
                (plus + minus) / 2,
                plus,
                minus,
                abs(plus - minus),
                sum(joint) / 2 if joint else np.nan,
            ]
            tokens[asked.row] = [allele.last - allele.first for pair in asked.windows for allele in pair]
        if self.embed and rows:
            scores[rows, 5:] = self._distances([asked.windows for asked in waiting.items])

    def _distances(self, found: Sequence[Windows]) -> np.ndarray:
        """Cosine and Euclidean distance of the mean embeddings of both alleles, means of both strands, [variants, 2].

        Alleles of one place share their reference, which is computed once.
        """
        inputs = [allele.tokens for each in found for pair in each for allele in pair]
        distinct = {tokens.tobytes(): tokens for tokens in inputs}
        place = {key: number for number, key in enumerate(distinct)}
        network = self.network
        vectors = pooled(network.model.bert, [*distinct.values()], "mean", network.device, network.precision)
        vectors = vectors[[place[tokens.tobytes()] for tokens in inputs]].astype(np.float64)
        reference, alternative = vectors[::2], vectors[1::2]
        norms = np.linalg.norm(reference, axis=1) * np.linalg.norm(alternative, axis=1)
        cosine = np.maximum(0, 1 - (reference * alternative).sum(axis=1) / norms)
        l2 = np.linalg.norm(reference - alternative, axis=1)
        return np.stack([cosine, l2], axis=1).reshape(len(found), 2, 2).mean(axis=1)


class _Asked(NamedTuple):
    row: int
    windows: Windows
    each: list[tuple[list[int], list[int]]]
    joint: list[tuple[list[int], np.ndarray]]


class _Waiting(NamedTuple):
    items: list[_Asked]
    questions: Questions
