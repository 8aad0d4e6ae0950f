"""`delta_logit`: how a variant changes the answer of a fine-tuned classifier.

A variant in a site of the task's data set has the window of that site, read along the site's strand as in training. Of
several sites, the one whose middle is nearest is taken. Elsewhere the window is as long as those of training, the variant lies in its
middle, and both strands are averaged.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from grover.benchmarks.tokenise import read_tokens
from grover.genome.assembly import Genome
from grover.genome.bases import decode, reverse_complement
from grover.interpretation.answers import margin
from grover.interpretation.changes import change
from grover.interpretation.vcf import CONTIG_EDGE, OK, TOO_LONG
from grover.network.batching import SPECIALS
from grover.network.classifier import Classifier, logits
from grover.runtime.errors import InputError
from grover.runtime.progress import Progress
from grover.tokenization.vocabulary import Vocabulary

AT_ONCE = 512  # variants
BOTH = "+-"


class Site(NamedTuple):
    """Where a window begins and ends on a contig, and the strands that it is read on."""

    start: int
    end: int
    strands: str


class Sites:
    """Sites of a data set; `length` of their windows, and the bases beside them that are tokenised with them, `context`."""

    def __init__(self, dataset: pd.DataFrame):
        """Raise `InputError` where the sequences of the data set have no places in the genome."""
        if not {"chrom", "start", "end", "strand"} <= {*dataset} or not (dataset["chrom"] != "").any():
            raise InputError(
                "`delta_logit` needs a task whose sequences have places in the genome; name one as `interpretation.variant_task`"
            )
        beside = [int(dataset[name].str.len().max()) for name in ("before", "after") if name in dataset]
        self.context, self.length = max(beside, default=0), int((dataset["end"] - dataset["start"]).max())
        table = dataset.sort_values(["chrom", "start"])
        self._starts, self._ends = (table[name].to_numpy(np.int64) for name in ("start", "end"))
        self._strands = table["strand"].to_numpy(object)
        chroms, first = np.unique(table["chrom"].to_numpy(str), return_index=True)
        self._contigs = dict(zip(chroms.tolist(), zip(first, [*first[1:], len(table)], strict=True), strict=True))

    @classmethod
    def anywhere(cls, length: int, context: int) -> "Sites":
        """Return no sites at all, so that each variant lies in the middle of its window; length and context in bases."""
        none = pd.DataFrame({"chrom": ["."], "start": [0], "end": [length], "strand": ["."]})
        sites = cls(none)
        sites._contigs, sites.context = {}, context
        return sites

    def around(self, chrom: str, start: int, end: int) -> Site:
        """Return the window of a variant that replaces the bases from `start` to `end`."""
        first, last = self._contigs.get(chrom, (0, 0))
        near = first + np.arange(*np.searchsorted(self._starts[first:last], [end - self.length, start + 1]))
        around = near[self._ends[near] >= end]
        if not around.size:
            begin = (start + end - self.length) // 2
            return Site(begin, begin + self.length, BOTH)
        middles = self._starts[around] + self._ends[around]
        nearest = around[np.abs(middles - start - end).argmin()]
        strand = str(self._strands[nearest])
        return Site(int(self._starts[nearest]), int(self._ends[nearest]), strand if strand in tuple(BOTH) else BOTH)


class SiteClassifier(NamedTuple):
    """A fine-tuned classifier, its vocabulary, the sites of its data set, the class of several that is scored, and whether no progress is
    shown.
    """

    model: Classifier
    vocabulary: Vocabulary
    sites: Sites
    label: int | None = None
    silent: bool = False


def delta_logit(
    variants: pd.DataFrame, classifier: SiteClassifier, genome: Genome, device: torch.device, precision: str
) -> np.ndarray:
    """Return the margin of the alternative minus that of the reference, float64; NaN where a window lacks sequence or is too long.

    variants: chrom, pos, ref, alt, status. The margin is logit(1) - logit(0), or that of the class among several
    (`grover.interpretation.answers.margin`).
    """
    found: np.ndarray = score_sites(variants, classifier, genome, device, precision)["delta_logit"].to_numpy()
    return found


def score_sites(
    variants: pd.DataFrame, classifier: SiteClassifier, genome: Genome, device: torch.device, precision: str
) -> pd.DataFrame:
    """Return `delta_logit` of each variant, and `status`, which says why it is NaN where a window lacks sequence or is too long."""
    model, vocabulary, sites, label, silent = classifier
    if model.classifier.out_features != 2 and label is None:
        raise InputError(
            f"the classifier of `interpretation.variant_task` has {model.classifier.out_features} classes, but `delta_logit` needs two"
        )
    status = variants["status"].to_numpy(object).copy()
    found = np.full(len(variants), np.nan)
    rows = np.flatnonzero(status == OK)
    with Progress(len(rows), "delta logit", "variants", silent=silent) as bar:
        for begin in range(0, len(rows), AT_ONCE):
            piece = rows[begin : begin + AT_ONCE]
            status[piece] = CONTIG_EDGE
            read = pd.DataFrame(_windows(variants.iloc[piece], genome, sites))
            if len(read):
                answers = _answers(classifier, read_tokens(read, vocabulary), device, precision)
                strands = pd.Series(answers[1::2] - answers[::2], read["row"].to_numpy()[::2])
                means = strands.groupby(level=0).mean(skipna=False)
                found[piece[means.index]] = means.to_numpy()
                status[piece[means.index]] = np.where(means.isna(), TOO_LONG, OK)
            bar.update(len(piece))
    return pd.DataFrame({"status": status.astype("str"), "delta_logit": found}, variants.index)


def _answers(classifier: SiteClassifier, tokens: list[np.ndarray], device: torch.device, precision: str) -> np.ndarray:
    """The margin of each sequence; NaN for one that is longer than the model reads."""
    model, label = classifier.model, classifier.label or 0
    answers = np.full(len(tokens), np.nan)
    fits = [row for row, ids in enumerate(tokens) if len(ids) + SPECIALS <= model.config.max_position_embeddings]
    if fits:
        found = logits(model, [tokens[row] for row in fits], device, precision)
        answers[fits] = margin(found, np.full(len(fits), label))
    return answers


def _windows(variants: pd.DataFrame, genome: Genome, sites: Sites) -> Iterator[dict]:
    """Reference and alternative, one behind the other, on each strand of each variant: row, sequence, before, after."""
    columns = (variants[name] for name in ("chrom", "pos", "ref", "alt"))
    for row, (chrom, pos, ref, alt) in enumerate(zip(*columns, strict=True)):
        found = change(genome, chrom, pos, ref, alt)
        _, (start,) = genome.locate(np.array([found.start]))
        site = sites.around(chrom, int(start), int(start) + len(found.ref))
        left, right = found.start - (int(start) - site.start), found.start + site.end - int(start)
        if left < found.low or right > found.high:
            continue
        before = genome.codes[max(found.low, left - sites.context) : left]
        after = genome.codes[right : min(found.high, right + sites.context)]
        reference = np.asarray(genome.codes[left:right])
        place = found.start - left
        alternative = np.concatenate([reference[:place], found.alt, reference[place + len(found.ref) :]])
        for strand in site.strands:
            for codes in (reference, alternative):
                parts = [before, codes, after]
                if strand == "-":
                    parts = [reverse_complement(part) for part in parts[::-1]]
                texts = map(decode, parts)
                yield {"row": row, **dict(zip(("before", "sequence", "after"), texts, strict=True))}
