"""How well scores of variants, and baselines without a model, separate variants with a known effect from others.

The direction of each score is fixed beforehand: `SCORES` says which values count as an effect. An AUROC below 0.5 says that a score
separates in the other direction. Variants of fold test alone are judged. Intervals are over blocks of the genome. Positives in fewer than
three blocks are not judged, since they are too few independent observations.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from grover.statistics import bootstrap
from grover.statistics.metrics import scores as binary_scores

FEWEST = 10  # variants of each label without which nothing is computed
FEWEST_BLOCKS = 3  # with positives
ALL = "all"
STRATA = ("cpg", "substitution", "mask", "tokens")


class Score(NamedTuple):
    """What a score is called, whether it is a model's, and how its values become larger with an effect."""

    label: str
    kind: Literal["model", "baseline"]
    sign: int = 1
    absolute: bool = False
    column: str = ""


SCORES = {
    "llr": Score("llr", "model", -1),
    "|llr|": Score("|llr|", "model", absolute=True, column="llr"),
    "llr_centred": Score("llr centred", "model", -1),
    "llr_length_adjusted": Score("llr, adjusted for length", "model", -1),
    "llr_joint": Score("llr joint", "model", -1),
    "delta_logit": Score("delta logit", "model", -1),
    "|delta_logit|": Score("|delta logit|", "model", absolute=True, column="delta_logit"),
    "cosine": Score("cosine distance of embeddings", "model"),
    "l2": Score("L2 distance of embeddings", "model"),
    "token_change": Score("change in token number", "baseline", absolute=True),
    "unigram": Score("token frequencies", "baseline", -1),
    "markov_1": Score("Markov chain, order 1", "baseline", -1),
    "markov_5": Score("Markov chain, order 5", "baseline", -1),
    "trinucleotide": Score("trinucleotide frequencies", "baseline", -1),
    "cpg_site": Score("CpG site", "baseline"),
    "transition": Score("transversion", "baseline", -1),
    "length_change": Score("change of length", "baseline", absolute=True),
    "gc_change": Score("change of GC", "baseline"),
    "start_distance": Score("distance to a transcription start", "baseline", -1),
    "exon_distance": Score("distance to an exon", "baseline", -1),
    "soft_mask": Score("outside the soft mask", "baseline", -1),
    "motif_change": Score("change of a motif match", "baseline", absolute=True),
    "conservation": Score("conservation", "baseline"),
    "logistic": Score("logistic regression on all baselines", "baseline"),
}
BASELINES = [name for name, score in SCORES.items() if score.kind == "baseline" and name != "logistic"]
COLUMNS = ["score", "kind", "stratum", "value", "positive", "negative"]
COLUMNS += [f"{metric}{edge}" for metric in ("auroc", "auprc") for edge in ("", "_low", "_high")]


@dataclass(frozen=True)
class Resampling:
    """How intervals are drawn: `block` bases are drawn together, `resamples` times from `seed`."""

    block: int
    resamples: int
    seed: int


def oriented(table: pd.DataFrame, name: str) -> np.ndarray:
    """Return a score of `SCORES` so that larger values are expected of variants with an effect, float64; NaN where it is missing."""
    score = SCORES[name]
    values = table[score.column or name].to_numpy(np.float64)
    return score.sign * (np.abs(values) if score.absolute else values)


def given(table: pd.DataFrame) -> list[str]:
    """Return the scores that the table has for some variant."""
    return [
        name
        for name, score in SCORES.items()
        if (score.column or name) in table and table[score.column or name].notna().any()
    ]


def blocks_with_positives(table: pd.DataFrame, block: int) -> int:
    """Count the blocks of `block` bases that contain a variant with label 1."""
    positives = table[table["label"] == 1]
    return len({*zip(positives["chrom"], (positives["pos"] - 1) // block, strict=True)})


def judgeable(table: pd.DataFrame, block: int) -> bool:
    """Return True with at least 10 variants of each label, and positives in at least three blocks."""
    positive = int((table["label"] == 1).sum())
    enough = min(positive, len(table) - positive) >= FEWEST
    return enough and blocks_with_positives(table, block) >= FEWEST_BLOCKS


def number_blocks(table: pd.DataFrame, block: int) -> np.ndarray:
    """Number the blocks of `block` bases, fewer in a small genome, that contain the variants (chrom, pos), int64."""
    places = pd.DataFrame({"chrom": table["chrom"], "start": table["pos"] - 1, "end": table["pos"], "sequence": ""})
    return bootstrap.blocks(places, block)


def separation(table: pd.DataFrame, resampling: Resampling) -> pd.DataFrame:
    """Score each stratum: a row of `COLUMNS` per score and stratum, `all` first.

    table: chrom, pos, label (1 or 0), the scores, and the text columns `STRATA`. Left out are strata with fewer than 10
    variants of a label, or with positives in fewer than three blocks, and scores that do not vary.
    """
    if not judgeable(table, resampling.block):
        return pd.DataFrame(columns=COLUMNS)
    block, drawn = _draws(table, resampling)
    label = table["label"].to_numpy(np.int64)
    values = {name: oriented(table, name) for name in given(table)}
    rows = []
    for stratum, value, inside in _strata(table):
        for name, score in values.items():
            kept = inside & ~np.isnan(score)
            if not judgeable(table[kept], resampling.block) or np.ptp(score[kept]) == 0:
                continue
            positive = int(label[kept].sum())
            found = binary_scores(label[kept], score[kept], np.inf)
            row: list = [name, SCORES[name].kind, stratum, value, positive, int(kept.sum()) - positive]
            for metric, resample in (("auroc", bootstrap.resampled_auroc), ("auprc", bootstrap.resampled_auprc)):
                drawn_values = resample(drawn, block[kept], label[kept], score[kept])
                row += [found[metric], *bootstrap.interval(drawn_values)]
            rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS)


def difference(table: pd.DataFrame, one: str, other: str, resampling: Resampling) -> dict[str, float | None]:
    """Return the AUROC of one score minus that of another on the variants that have both: auroc, low, high; None where it is not judged."""
    values = [oriented(table, name) for name in (one, other)]
    kept = ~np.isnan(values[0]) & ~np.isnan(values[1])
    table, values = table[kept], [each[kept] for each in values]
    label = table["label"].to_numpy(np.int64)
    if not judgeable(table, resampling.block):
        return dict.fromkeys(("auroc", "low", "high"))
    block, drawn = _draws(table, resampling)
    draws = [bootstrap.resampled_auroc(drawn, block, label, each) for each in values]
    low, high = bootstrap.interval(draws[0] - draws[1])
    found = [binary_scores(label, each, np.inf)["auroc"] for each in values]
    return {"auroc": found[0] - found[1], "low": low, "high": high}


def _draws(table: pd.DataFrame, resampling: Resampling) -> tuple[np.ndarray, np.ndarray]:
    """Block of each variant, and how often each block is drawn in each resample."""
    block = number_blocks(table, resampling.block)
    return block, bootstrap.draw(int(block.max()) + 1, resampling.resamples, resampling.seed)


def _strata(table: pd.DataFrame) -> list[tuple[str, str, np.ndarray]]:
    strata = [(ALL, "", np.ones(len(table), bool))]
    for name in STRATA:
        for value in sorted({*table[name]} - {""}):
            strata.append((name, value, (table[name] == value).to_numpy()))
    return strata
