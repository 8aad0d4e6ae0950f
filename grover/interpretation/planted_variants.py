"""The planted effects of the simulated genome against a score: pairs of a variant with an effect and a neutral one.

A variant that breaks the partner of a bound site has an effect. Neutral are the same substitutions in copies of the partner that decide
nothing (kind `decoy`), and substitutions in the motif (kind `motif`). Both of a pair change the number of tokens alike, since that alone
moves scores.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from grover.interpretation.variant_metrics import Resampling, number_blocks
from grover.statistics import bootstrap
from grover.statistics.metrics import scores as binary_scores

EFFECT, NEUTRAL = "partner", ("decoy", "motif")


class Judged(NamedTuple):
    """AUROC of variants with an effect against neutral ones of a kind, with its 95 % interval, over so many pairs."""

    pairs: int
    auroc: float
    low: float
    high: float


def with_truth(variants: pd.DataFrame, truth: dict) -> pd.DataFrame:
    """Return the variants that were planted, with kind, offset, site and `token_change` along the strand of their site.

    variants: chrom, pos, alt and the numbers of tokens of both strands; truth: the content of truth.json.
    """
    planted = pd.DataFrame(truth["variants"])
    planted = planted.assign(pos=planted["start"] + 1, alt=planted["alternative"])
    table = variants.merge(planted[["chrom", "pos", "alt", "kind", "offset", "site"]], on=["chrom", "pos", "alt"])
    strand = pd.Series([site["strand"] for site in truth["sites"]])
    minus = table["site"].map(strand) == "-"
    changes = (table[f"tokens_alt{name}"] - table[f"tokens_ref{name}"] for name in ("", "_minus"))
    plus, other = changes
    return table.assign(token_change=plus.where(~minus, other))


def pairs(table: pd.DataFrame, kind: str, seed: int) -> pd.DataFrame:
    """Draw as many variants with an effect as neutral ones of a kind with each change in token number; label says which is which.

    table: kind and token_change.
    """
    rng = np.random.default_rng(seed)
    drawn: list[pd.DataFrame] = []
    for _, alike in table.groupby("token_change"):
        effect, neutral = (alike[alike["kind"] == name] for name in (EFFECT, kind))
        number = min(len(effect), len(neutral))
        for label, rows in ((1, effect), (0, neutral)):
            drawn.append(rows.iloc[np.sort(rng.choice(len(rows), number, replace=False))].assign(label=label))
    return pd.concat(drawn, ignore_index=True)


def judge(table: pd.DataFrame, score: str, kind: str, resampling: Resampling) -> Judged:
    """Judge a score that is lower with an effect, on pairs of variants that have it; table as `with_truth` returns it."""
    rows = pairs(table[table[score].notna()], kind, resampling.seed)
    label, values = rows["label"].to_numpy(np.int64), -rows[score].to_numpy(np.float64)
    block = number_blocks(rows, resampling.block)
    drawn = bootstrap.draw(int(block.max()) + 1, resampling.resamples, resampling.seed)
    low, high = bootstrap.interval(bootstrap.resampled_auroc(drawn, block, label, values))
    return Judged(len(rows) // 2, binary_scores(label, values, np.inf)["auroc"], low, high)
