"""Variants scored by masked likelihood: how much less likely the model finds the alternative than the reference allele.

Both alleles are cut out with `flank` bases on either side, fewer where these exceed the positions of the model, and tokenised. A
substitution usually changes where tokens begin, so the two cannot be compared token by token. Instead the tokens are masked between two
bases at which tokens begin and end in both alleles: the nearest such bases that lie at least `span` bases outside the variant. Of
overlapping k-mers every one that contains a base between the two is masked. So both alleles have the same surroundings visible and
predict the same bases, the variant's own apart. The score is log p(masked tokens | alternative) - log p(masked tokens | reference) in
nats, each the sum over the masked tokens as if they were independent (masked marginal; Meier et al. 2021); it is conditional on each
allele's tokenisation, and a base counts once for each token that contains it.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import cross_entropy
from transformers import BertForMaskedLM

from grover.config.sections.interpretation import VariantScoring
from grover.genome.assembly import Genome
from grover.genome.bases import N, encode
from grover.network.attention import choose_attention
from grover.network.batching import SPECIALS
from grover.network.bert import check_length
from grover.network.device import autocast
from grover.network.forward import logits_at
from grover.network.inference import TOKENS_AT_ONCE, each, evaluating, threads_for
from grover.network.packed import Layout, group_by_tokens, pack_rows
from grover.runtime.progress import Progress
from grover.tokenization.vocabulary import MASK, Vocabulary


class Variant(NamedTuple):
    """A variant as a VCF has it; `pos` is 1-based."""

    chrom: str
    pos: int
    ref: str
    alt: str


@dataclass(frozen=True)
class Allele:
    """Token ids of an allele with its surroundings, and the tokens `first` to `last` (exclusive) to mask."""

    tokens: np.ndarray
    first: int
    last: int


def alleles(
    genome: Genome, vocabulary: Vocabulary, variant: Variant, scoring: VariantScoring, most: int | None = None
) -> tuple[Allele, Allele]:
    """Both alleles, the reference first, with their surroundings, which end where the segment does.

    The flanks are shortened to `most` tokens in all, though to no less than the span that is masked.
    """
    flank = scoring.flank
    while True:
        pair = _alleles(genome, vocabulary, variant, flank, scoring.span)
        longest = max(len(allele.tokens) for allele in pair)
        if most is None or longest <= most or flank <= scoring.span:
            return pair
        flank = max(scoring.span, flank * most // longest)


def _alleles(genome: Genome, vocabulary: Vocabulary, variant: Variant, flank: int, span: int) -> tuple[Allele, Allele]:
    start = variant.pos - 1
    end = start + len(variant.ref)
    left = genome.fetch(variant.chrom, max(0, start - flank), start)
    right = genome.fetch(variant.chrom, end, end + flank)
    left = left[np.flatnonzero(left == N).max(initial=-1) + 1 :]
    right = right[: np.flatnonzero(right == N).min(initial=len(right))]
    tokens = [vocabulary.encode(np.concatenate([left, encode(allele), right])) for allele in (variant.ref, variant.alt)]
    begins = [np.cumsum(vocabulary.strides[ids], dtype=np.int64) - vocabulary.strides[ids] for ids in tokens]
    ends = [begin + vocabulary.spans[ids] for begin, ids in zip(begins, tokens, strict=True)]

    # from the left both alleles count bases alike, from the right when counted from the end
    before = np.intersect1d(*begins)
    first = before[before <= max(0, len(left) - span)].max()
    after = np.intersect1d(*(end[-1] - end for end in ends))
    behind = after[after <= max(0, len(right) - span)].max()
    reference, alternative = (
        Allele(ids, int(np.searchsorted(end, first, side="right")), int(np.searchsorted(begin, end[-1] - behind)))
        for ids, begin, end in zip(tokens, begins, ends, strict=True)
    )
    return reference, alternative


def log_likelihoods(
    model: BertForMaskedLM, sequences: list[Allele], device: torch.device, precision: str
) -> np.ndarray:
    """Log-likelihood in nats (float64) of the masked tokens of each allele, all masked at once; NaN where an allele with its flanks
    is longer than the model reads.
    """
    lengths = np.array([len(allele.tokens) for allele in sequences])
    most = model.config.max_position_embeddings
    check_length(int(lengths.min()), most, "variants with their flanks")
    fitting = np.flatnonzero(lengths + SPECIALS <= most)
    groups = [fitting[rows] for rows in group_by_tokens(lengths[fitting], TOKENS_AT_ONCE[device.type])]
    attention = choose_attention(device, training=False)

    def compute(group: np.ndarray) -> np.ndarray:
        alleles = [sequences[row] for row in group]
        ids, with_specials = pack_rows([allele.tokens for allele in alleles])
        begins = np.cumsum(with_specials) - with_specials + 1  # behind [CLS]
        masked = [begin + np.arange(allele.first, allele.last) for begin, allele in zip(begins, alleles, strict=True)]
        positions = np.concatenate(masked)
        targets, ids[positions] = torch.from_numpy(ids[positions]).to(device), MASK
        packed, layout = torch.from_numpy(ids).to(device), Layout.of(with_specials).to(device)
        with torch.inference_mode(), autocast(device, precision):
            logits = logits_at(model, packed, layout, torch.from_numpy(positions).to(device), attention=attention)
            nats = cross_entropy(logits, targets, reduction="none").double().cpu().numpy()
        owner = np.repeat(np.arange(len(group)), list(map(len, masked)))
        return -np.bincount(owner, weights=nats, minlength=len(group))

    found = np.full(len(sequences), np.nan)
    with Progress(len(fitting), "score", "alleles") as bar, evaluating(model, device):
        for group, scores in zip(groups, each(compute, groups, threads_for(device, len(groups))), strict=True):
            found[group] = scores
            bar.update(len(group))
    return found


def score(
    variants: pd.DataFrame,
    model: BertForMaskedLM,
    vocabulary: Vocabulary,
    genome: Genome,
    scoring: VariantScoring,
    device: torch.device,
    precision: str,
) -> np.ndarray:
    """Log-likelihood ratio of alternative to reference, nats, for each row of chrom, pos, ref, alt; negative is
    unlikely.
    """
    columns = (variants[name] for name in ("chrom", "pos", "ref", "alt"))
    most = model.config.max_position_embeddings - SPECIALS
    pairs = [alleles(genome, vocabulary, Variant(*row), scoring, most) for row in zip(*columns, strict=True)]
    found = log_likelihoods(model, [allele for pair in pairs for allele in pair], device, precision)
    return found[1::2] - found[::2]


def separation(score: np.ndarray, effect: np.ndarray, resamples: int = 1000, seed: int = 0) -> dict:
    """Whether variants with effect 'break' score below 'neutral' ones: AUROC (0.5 is chance) with a 95 % bootstrap
    interval over variants.

    Returns n, auroc, low, high (None where one of the two kinds lacks) and a sentence.
    """
    broken, neutral = score[effect == "break"], score[effect == "neutral"]
    if not len(broken) or not len(neutral):
        return {
            "n": len(score),
            "auroc": None,
            "low": None,
            "high": None,
            "sentence": "The variants carry no known effects to compare with.",
        }
    rng = np.random.default_rng(seed)
    drawn = [_auroc(rng.choice(broken, len(broken)), rng.choice(neutral, len(neutral))) for _ in range(resamples)]
    value, (low, high) = _auroc(broken, neutral), np.quantile(drawn, [0.025, 0.975])
    verdict = "rank above neutral ones" if low > 0.5 else "do not rank above neutral ones"
    sentence = f"Motif-breaking variants {verdict}: AUROC {value:.3f} (95 % interval {low:.3f} to {high:.3f})."
    return {"n": len(score), "auroc": float(value), "low": float(low), "high": float(high), "sentence": sentence}


def _auroc(lower: np.ndarray, higher: np.ndarray) -> float:
    """Share of pairs in which a value of `lower` is below one of `higher`, ties counting half (Mann-Whitney)."""
    ordered = np.sort(higher)
    below, up_to = np.searchsorted(ordered, lower, side="left"), np.searchsorted(ordered, lower, side="right")
    return 1 - float((below + up_to).mean()) / 2 / len(higher)
