"""Scores of variants that need no model, and the strata in which models are compared.

What a baseline explains is no merit of a model. All scores are those of the alternative minus the reference where they are differences,
and are missing where the allele has no score (`status`).

`token_change`    tokens of the alternative minus those of the reference, mean of both strands
`unigram`         log-likelihood ratio of the tokens by their frequencies, nats
`markov_1`, `_5`  log-likelihood ratio of the bases by Markov chains of these orders, nats
`trinucleotide`   ln of the frequency of the substituted base between its neighbours over that of the reference. In a sequence at
                  equilibrium it is the ratio of the rates of this substitution and its reverse (detailed balance); no rates are known here
`cpg_site`        whether the reference base is one of a CpG, which mutates more often than other bases
`transition`      whether the substitution is A-G or C-T; missing for insertions and deletions
`length_change`, `gc_change`    bases, and bases that are G or C
`start_distance`, `exon_distance`   bases to the nearest transcription start and exon
`soft_mask`       whether a base of REF is soft-masked
`motif_change`    bits by which the best match of a motif changes, of the motif in which it changes most; a match of less than 0 bits, which
                  is no better than chance, counts as 0
`conservation`    mean of a bigWig over REF
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numba import njit

from grover.annotation.coverage import distance
from grover.annotation.motifs import best_scores
from grover.genome.assembly import Genome
from grover.genome.bases import C, G, encode
from grover.interpretation.variant_counts import TrainCounts
from grover.interpretation.vcf import OK
from grover.intervals.bigwig import read_means
from grover.intervals.contigs import UNCHANGED, ContigNames
from grover.intervals.overlaps import overlaps
from grover.tokenization.vocabulary import Vocabulary

FLANK = 100  # bases on either side in which the tokens of both alleles are expected to meet again
BASES = "ACGT"
STRANDS = ("", "_minus")


@dataclass(frozen=True)
class Annotation:
    """What lies around the variants; None where there is no such source.

    starts, exons, masked: chrom, start, end. motifs: base probabilities, float64 [4, width] each. conservation: a bigWig, its contigs as
    `names` says, and the lengths of the assembly's.
    """

    starts: pd.DataFrame | None = None
    exons: pd.DataFrame | None = None
    masked: pd.DataFrame | None = None
    motifs: Sequence[np.ndarray] = ()
    conservation: Path | None = None
    names: ContigNames = UNCHANGED
    lengths: dict[str, int] = field(default_factory=dict)


def baselines(
    variants: pd.DataFrame, genome: Genome, vocabulary: Vocabulary, counts: TrainCounts, annotation: Annotation
) -> pd.DataFrame:
    """Return the scores above, float32, with the rows and the index of `variants`.

    variants: chrom, pos (1-based), ref, alt, status, and tokens_ref, tokens_alt, tokens_ref_minus, tokens_alt_minus, of both strands.
    """
    found = pd.DataFrame(index=variants.index)
    scored = variants[variants["status"] == OK]
    change = sum(scored[f"tokens_alt{strand}"] - scored[f"tokens_ref{strand}"] for strand in STRANDS) / len(STRANDS)
    found["token_change"] = change.reindex(variants.index)
    pairs = Pairs.of(scored, genome, max(FLANK, *(matrix.shape[1] for matrix in annotation.motifs), 0))
    parts = [
        _of_sequence(scored, pairs, vocabulary, counts),
        _of_place(scored, annotation),
        {"motif_change": motif_change(pairs, annotation.motifs)},
    ]
    for name, values in (item for part in parts for item in part.items()):
        found[name] = pd.Series(values, scored.index, np.float64)
    return found.astype(np.float32)


@dataclass(frozen=True)
class Pairs:
    """Both alleles of each variant with up to `flank` bases of their segment on either side, uint8 codes; `left` are the bases before."""

    reference: list[np.ndarray]
    alternative: list[np.ndarray]
    left: np.ndarray
    sizes: np.ndarray  # of both alleles, int64 [variants, 2]

    @classmethod
    def of(cls, variants: pd.DataFrame, genome: Genome, flank: int) -> "Pairs":
        place = genome.positions(variants["chrom"], variants["pos"].to_numpy(np.int64) - 1)
        behind = np.searchsorted(genome.bounds, place, side="right")
        lows, highs = genome.bounds[behind - 1], genome.bounds[behind]
        first = np.maximum(place - flank, lows)
        reference, alternative, sizes = [], [], []
        for i, (ref, alt) in enumerate(zip(variants["ref"], variants["alt"], strict=True)):
            end = place[i] + len(ref)
            before, after = genome.codes[first[i] : place[i]], genome.codes[end : min(end + flank, highs[i])]
            reference.append(np.concatenate([before, encode(ref), after]))
            alternative.append(np.concatenate([before, encode(alt), after]))
            sizes.append((len(ref), len(alt)))
        return cls(reference, alternative, place - first, np.array(sizes, np.int64).reshape(-1, 2))

    def around(self, bases: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return both alleles with at most so many bases on either side."""
        starts = np.maximum(self.left - bases, 0)
        return (
            [
                row[a : n + size + bases]
                for row, a, n, size in zip(self.reference, starts, self.left, self.sizes[:, 0], strict=True)
            ],
            [
                row[a : n + size + bases]
                for row, a, n, size in zip(self.alternative, starts, self.left, self.sizes[:, 1], strict=True)
            ],
        )


def motif_change(pairs: Pairs, motifs: Sequence[np.ndarray]) -> np.ndarray:
    """Return the change of the best match, bits, of the motif in which it changes most, float64 [variants]; NaN without motifs."""
    most = np.full(len(pairs.left), np.nan)
    for matrix in motifs:
        reference, alternative = (
            np.maximum(best_scores(alleles, matrix), 0) for alleles in pairs.around(matrix.shape[1] - 1)
        )
        change = alternative - reference
        larger = ~(np.abs(change) <= np.abs(most)) & ~np.isnan(change)
        most[larger] = change[larger]
    return most


def strata(variants: pd.DataFrame, scores: pd.DataFrame, genome: Genome) -> pd.DataFrame:
    """Return text columns by which variants are stratified, empty where nothing applies.

    `context` is the substitution between its neighbours on the strand whose reference is C or T, such as A[C>T]G; `cpg` CpG or other;
    `substitution` transition, transversion, indel, or several bases; `mask` soft-masked or unmasked; `tokens` fewer, equal or more.
    """
    scored = (variants["status"] == OK).to_numpy()
    single = scored & _single(variants)
    change = scores["token_change"].to_numpy()
    columns = {
        "context": _contexts(variants, single, genome),
        "cpg": np.where(scores["cpg_site"] == 1, "CpG", "other"),
        "substitution": np.select(
            [scores["length_change"] != 0, ~single, scores["transition"] == 1],
            ["indel", "several bases", "transition"],
            "transversion",
        ),
        "mask": np.where(scores["soft_mask"] == 1, "soft-masked", "unmasked"),
        "tokens": np.select([change < 0, change > 0], ["fewer", "more"], "equal"),
    }
    unknown = {"cpg": scores["cpg_site"].isna(), "mask": scores["soft_mask"].isna(), "tokens": np.isnan(change)}
    return pd.DataFrame(
        {
            name: pd.Series(np.where(scored & ~unknown.get(name, np.zeros(1, bool)), values, ""), variants.index, "str")
            for name, values in columns.items()
        }
    )


def _single(variants: pd.DataFrame) -> np.ndarray:
    single: np.ndarray = ((variants["ref"].str.len() == 1) & (variants["alt"].str.len() == 1)).to_numpy(bool)
    return single


def _of_sequence(
    variants: pd.DataFrame, pairs: Pairs, vocabulary: Vocabulary, counts: TrainCounts
) -> dict[str, np.ndarray]:
    alleles = (pairs.reference, pairs.alternative)
    # where both alleles have the same tokens again these cancel, so that no border between them need be found
    tokens = [np.array([counts.tokens[ids].sum() for ids in vocabulary.encode_each(each)]) for each in alleles]
    found = {"unigram": tokens[1] - tokens[0]}
    for order, chain in counts.chains.items():
        reference, alternative = (_along_chain(each, chain, order) for each in pairs.around(order))
        found[f"markov_{order}"] = alternative - reference
    gc = [np.array([np.isin(encode(text), (C, G)).sum() for text in variants[name]]) for name in ("ref", "alt")]
    first = np.array([row[n : n + 1].sum() for row, n in zip(pairs.reference, pairs.left, strict=True)], np.int64)
    single = _single(variants)
    kmers = [_trinucleotides(each, pairs.left) for each in alleles]
    known = single & (kmers[0] >= 0)
    ratio = counts.trinucleotides[kmers[1]] - counts.trinucleotides[kmers[0]]
    second = np.array([row[n] for row, n in zip(pairs.alternative, pairs.left, strict=True)], np.int64)
    return found | {
        "trinucleotide": np.where(known, ratio, np.nan),
        "cpg_site": np.where(known, _in_cpg(kmers[0]), np.nan),
        # with the codes A 0, C 1, G 2, T 3 the bases of a transition differ in the second bit alone
        "transition": np.where(single, (first ^ second) == 2, np.nan),
        "length_change": pairs.sizes[:, 1] - pairs.sizes[:, 0],
        "gc_change": gc[1] - gc[0],
    }


def _of_place(variants: pd.DataFrame, annotation: Annotation) -> dict[str, np.ndarray]:
    start = variants["pos"].to_numpy(np.int64) - 1
    places = pd.DataFrame({"chrom": variants["chrom"], "start": start, "end": start + variants["ref"].str.len()})
    found = {
        name: np.full(len(variants), np.nan)
        for name in ("start_distance", "exon_distance", "soft_mask", "conservation")
    }
    for name, intervals in (("start_distance", annotation.starts), ("exon_distance", annotation.exons)):
        if intervals is not None:
            bases = distance(places, intervals)
            found[name] = np.where(bases < 0, np.nan, bases)
    if annotation.masked is not None:
        found["soft_mask"] = overlaps(places, annotation.masked).astype(np.float64)
    if annotation.conservation is not None:
        found["conservation"] = read_means(annotation.conservation, places, annotation.lengths, annotation.names)
    return found


def _contexts(variants: pd.DataFrame, single: np.ndarray, genome: Genome) -> np.ndarray:
    pairs = Pairs.of(variants[single], genome, 1)
    kmers = [_trinucleotides(each, pairs.left) for each in (pairs.reference, pairs.alternative)]
    texts = np.full(len(variants), "", object)
    texts[single] = [_context(before, after) for before, after in zip(*kmers, strict=True)]
    return texts


def _context(before: int, after: int) -> str:
    if before < 0:
        return ""
    left, middle, right, other = before >> 4, before >> 2 & 3, before & 3, after >> 2 & 3
    if middle in (0, 2):  # A or G, which the other strand reads as T or C
        left, middle, right, other = 3 - right, 3 - middle, 3 - left, 3 - other
    return f"{BASES[left]}[{BASES[middle]}>{BASES[other]}]{BASES[right]}"


def _trinucleotides(alleles: list[np.ndarray], left: np.ndarray) -> np.ndarray:
    """Index of the base behind `left` bases with its two neighbours; -1 at the end of a segment."""
    found = np.full(len(alleles), -1, np.int64)
    for i, (row, n) in enumerate(zip(alleles, left, strict=True)):
        if 0 < n < len(row) - 1:
            found[i] = int(row[n - 1]) << 4 | int(row[n]) << 2 | int(row[n + 1])
    return found


def _in_cpg(kmers: np.ndarray) -> np.ndarray:
    left, middle, right = kmers >> 4, kmers >> 2 & 3, kmers & 3
    return ((middle == C) & (right == G)) | ((middle == G) & (left == C))


def _along_chain(alleles: list[np.ndarray], chain: np.ndarray, order: int) -> np.ndarray:
    """Sum of the logarithms of the bases of each sequence but the first `order`, float64 [sequences]."""
    bounds = np.append(0, np.cumsum([len(row) for row in alleles], dtype=np.int64))
    flat = np.concatenate([np.zeros(0, np.uint8), *alleles])
    return _sums(flat, bounds, chain, order)


@njit(cache=True, nogil=True)
def _sums(codes: np.ndarray, bounds: np.ndarray, table: np.ndarray, order: int) -> np.ndarray:
    mask = table.size - 1
    sums = np.zeros(bounds.size - 1)
    for row in range(bounds.size - 1):
        kmer = 0
        for i in range(bounds[row], bounds[row + 1]):
            kmer = (kmer << 2 | codes[i]) & mask
            if i - bounds[row] >= order:
                sums[row] += table[kmer]
    return sums
