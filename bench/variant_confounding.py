"""How much a score of variants depends on the number of tokens that an allele has, the variant's effect apart.

Random substitutions of fold train are scored. The values are partial correlations of the score with the change in the number of
tokens, given the ratio of a Markov chain of order 5. They are 0 where the segmentation does not confound the score. `ours` is that of
`llr` with the mean change of both strands. `peer` is that of version 0.1, which masked all tokens near the variant at once on the plus
strand, with the change there. Both are absolute values.

    .venv/bin/python bench/variant_confounding.py --run results/demo --model bpe-600
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import support
import torch

from grover.atlas.null_genomes import markov_counts
from grover.genome.assembly import Genome
from grover.genome.folds import read_folds
from grover.interpretation.alleles import Pair, windows
from grover.interpretation.changes import change
from grover.interpretation.masked_windows import Network, Questions
from grover.interpretation.null_variants import draw_snvs
from grover.interpretation.run_lengths import RunLengths
from grover.interpretation.variants import Scorer
from grover.network.bert import load_language_model
from grover.tokenization.vocabulary import MASK, Vocabulary

ORDER = 5
SPAN = 8  # bases on either side within which version 0.1 masked


def joint_scores(
    variants: pd.DataFrame, network: Network, vocabulary: Vocabulary, genome: Genome, flank: int
) -> np.ndarray:
    """The score of version 0.1: log p of all tokens that are masked at once, summed as if they were independent, on the plus strand."""
    changes = [
        change(genome, *row) for row in zip(*(variants[name] for name in ("chrom", "pos", "ref", "alt")), strict=True)
    ]
    found = np.full(len(variants), np.nan)
    for begin in range(0, len(variants), 256):
        questions, asked = Questions(), []
        piece = windows(genome.codes, changes[begin : begin + 256], vocabulary, flank, network.most)
        for row, each in enumerate(piece, start=begin):
            if each is not None:
                asked.append((row, [questions.ask(*_joint(one, vocabulary)) for one in _wider(each.plus, vocabulary)]))
        answers = questions.answers(network)
        for row, (reference, alternative) in asked:
            found[row] = answers[alternative] - answers[reference]
    return found


def _wider(pair: Pair, vocabulary: Vocabulary) -> Pair:
    """The same alleles with the boundaries that both share at least `SPAN` bases away."""
    edges = [np.append(0, np.cumsum(vocabulary.strides[allele.tokens], dtype=np.int64)) for allele in pair]
    first = np.intersect1d(*(edge[edge <= max(0, pair.reference.begin - SPAN)] for edge in edges))[-1]
    rest = max(0, len(pair.reference.codes) - pair.reference.end - SPAN)
    behind = np.intersect1d(*(end[end <= rest] for end in (edge[-1] - edge for edge in edges)))[-1]
    bounds = [(int(np.searchsorted(edge, first)), int(np.searchsorted(edge, edge[-1] - behind))) for edge in edges]
    return Pair(*(allele._replace(first=a, last=b) for allele, (a, b) in zip(pair, bounds, strict=True)))


def _joint(allele, vocabulary):
    window = allele.tokens.copy()
    window[allele.first : allele.last] = MASK
    return window, partial(_sum, allele.tokens[allele.first : allele.last])


def _sum(tokens: np.ndarray, log_probs: np.ndarray) -> float:
    return float(log_probs[np.arange(len(tokens)), tokens].sum(dtype=np.float64))


def markov_ratios(variants: pd.DataFrame, genome: Genome) -> np.ndarray:
    """Log-likelihood ratio of a Markov chain of order 5, alternative minus reference, nats."""
    counts = markov_counts(genome.codes, genome.bounds, ORDER).reshape(-1, 4) + 0.5
    logs = np.log(counts / counts.sum(axis=1, keepdims=True)).ravel()
    powers = 4 ** np.arange(ORDER, -1, -1)
    found = []
    for chrom, pos, ref, alt in zip(*(variants[name] for name in ("chrom", "pos", "ref", "alt")), strict=True):
        (place,) = genome.position(chrom, np.array([pos - 1]))
        values = []
        for base in (ref, alt):
            codes = genome.codes[place - ORDER : place + ORDER + 1].astype(np.int64)
            codes[ORDER] = "ACGT".index(base)
            values.append(sum(logs[codes[i : i + ORDER + 1] @ powers] for i in range(ORDER + 1)))
        found.append(values[1] - values[0])
    return np.array(found)


def partial_correlation(one: np.ndarray, two: np.ndarray, given: np.ndarray) -> float:
    """Correlation of what two variables have left when a line in a third one is subtracted."""
    design = np.stack([np.ones_like(given), given], axis=1)
    left = [values - design @ np.linalg.lstsq(design, values, rcond=None)[0] for values in (one, two)]
    return float(np.corrcoef(*left)[0, 1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="folder of a finished run")
    parser.add_argument("--model", default="bpe-600", help="vocabulary of a pretrained model of the run")
    parser.add_argument("--variants", type=int, default=5_000, help="random substitutions")
    parser.add_argument("--flank", type=int, default=80, help="bases on either side")
    parser.add_argument("--seed", type=int, default=0)
    given = support.arguments(parser)

    genome = Genome(given.run / "genome/sequence.npy", given.run / "genome/segments.bed")
    folds, folder = read_folds(given.run / "genome/folds.bed"), given.run / "models" / given.model
    network, vocabulary = Network(load_language_model(folder), torch.device("cpu"), "fp32"), Vocabulary.load(folder)
    variants = draw_snvs(genome, folds, given.variants, given.seed)
    runs = RunLengths.of(genome, folds, vocabulary, given.seed)
    scored = Scorer(network, vocabulary, genome, given.flank, runs, embed=False).score(variants)
    old = joint_scores(variants, network, vocabulary, genome, given.flank)
    markov = markov_ratios(variants, genome)
    plus, minus = (scored[f"tokens_alt{end}"] - scored[f"tokens_ref{end}"] for end in ("", "_minus"))

    def partial_r(score, change=plus):
        known = np.isfinite(score)
        return round(partial_correlation(*(np.asarray(each, float)[known] for each in (score, change, markov))), 4)

    mean = (plus + minus) / 2
    new, before = partial_r(scored["llr"], mean), partial_r(old)
    result = {
        "ours": abs(new),
        "peer": abs(before),
        "unit": "absolute partial correlation with the change in the number of tokens, given Markov-5",
        "ratio": round(abs(before) / max(abs(new), 1e-4), 2),
        "llr": new,
        "llr_plus": partial_r(scored["llr_plus"]),
        "llr_joint": partial_r(scored["llr_joint"], mean),
        "old_joint_masking": before,
        "r_markov_llr": round(float(np.corrcoef(markov, scored["llr"])[0, 1]), 4),
        "r_markov_old": round(float(np.corrcoef(markov, old)[0, 1]), 4),
        "changed_tokens": round(float((plus != 0).mean()), 4),
        "variants": len(variants),
        "model": given.model,
    }
    support.finish(result, {"numpy", "torch", "transformers"}, given.record)


if __name__ == "__main__":
    main()
