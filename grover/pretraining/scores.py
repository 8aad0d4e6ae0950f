"""Scores of predicted masked tokens: overall, by token, by stratum of the genome, with intervals over its blocks.

They are computed from a table with a row per masked token: `target` (its id), `bases`; `base` (the position of its
middle base in the genome's codes); `seen` (inside a training window). Each predictor has `nats_NAME` (negative
log-likelihood) and `rank_NAME` (how many tokens are more likely).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grover.config.names import MASKED_BASELINES
from grover.genome.assembly import Genome
from grover.intervals.formats import read_bed
from grover.intervals.overlaps import union, within
from grover.statistics.blocks import block_size, number_blocks

MODEL = "model"
PREDICTORS = (MODEL, *MASKED_BASELINES)
SPLITS = ("region", "random")
RESAMPLES, AT_ONCE = 1_000, 100
FEWEST_BLOCKS = 5  # with masked tokens, for an interval
OUTSIDE = "none"


def summarise(nats: np.ndarray, rank: np.ndarray, bases: np.ndarray | None) -> dict[str, Any]:
    """Compute the loss in nats per token, the share of masked tokens ranked first, the perplexity, and bits per masked base.

    Bits per base are conditional on the segmentation: the number and the spans of the surrounding tokens are given. There are
    none (`bases` None) for overlapping k-mers, where a base is masked in several tokens at once and counts several times.
    """
    loss = float(np.mean(nats))
    return {
        "loss": loss,
        "top1": float(np.mean(rank == 0)),
        "perplexity": float(np.exp(loss)),
        "bits_per_base": None if bases is None else float(np.sum(nats) / np.log(2) / np.sum(bases)),
    }


def score_split(table: pd.DataFrame, answers: int, top: int, seed: int) -> dict:
    """Score the model and the baselines on the masked tokens of one split.

    Returns scores; gains of the model over each baseline; the size of the blocks that the intervals resample; the share of the masked
    tokens inside training windows. The scores are those of `summarise`; `topk`, the share ranked among the first `top`; and
    `perplexity_share`, the perplexity as a share of the `answers` that are possible.
    """
    scores = {}
    for name in PREDICTORS:
        own = _summarise(table, name)
        own["topk"] = float(np.mean(table[f"rank_{name}"] < top))
        scores[name] = own | {"perplexity_share": own["perplexity"] / answers}
    return {
        "masked_tokens": len(table),
        "seen_share": float(table["seen"].mean()),
        "block": block_size(table["base"].to_numpy()),
        "model": scores.pop(MODEL),
        "baselines": scores,
        "gains": gains(table, seed),
    }


def _summarise(table: pd.DataFrame, name: str) -> dict[str, Any]:
    """Summarise what one predictor gives for a table of masked tokens."""
    bases = None if table["bases"].isna().any() else table["bases"].to_numpy()
    return summarise(table[f"nats_{name}"].to_numpy(np.float64), table[f"rank_{name}"].to_numpy(), bases)


def interval(numerators: np.ndarray, denominators: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Compute the limits of the 95 % bootstrap intervals of ratios of sums, float64 [ratios] each.

    Both arrays are [blocks, ratios]: the summands of each block of the genome. Blocks are drawn with replacement, since
    neighbouring tokens are not independent. NaN where fewer than 5 blocks have any.
    """
    blocks = len(numerators)
    rng = np.random.default_rng(seed)
    found = []
    for begin in range(0, RESAMPLES, AT_ONCE):
        number = min(AT_ONCE, RESAMPLES - begin)
        drawn = rng.integers(0, blocks, (number, blocks)) + np.arange(number)[:, None] * blocks
        weights = np.bincount(drawn.ravel(), minlength=number * blocks).reshape(number, blocks).astype(np.float64)
        below = weights @ denominators
        above = weights @ numerators
        found.append(np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0))
    ratios = np.concatenate(found)
    few = (denominators > 0).sum(0) < FEWEST_BLOCKS
    ratios[:, few] = 0.0
    limits = np.nanquantile(ratios, [0.025, 0.975], axis=0)
    limits[:, few] = np.nan
    return limits[0], limits[1]


def sums(values: Iterable[np.ndarray], block: np.ndarray, blocks: int) -> np.ndarray:
    """Sum each of several arrays [n] within blocks, float64 [blocks, arrays]; `block` is int64 [n]."""
    return np.stack([np.bincount(block, weights=value, minlength=blocks) for value in values], axis=1)


def known(value: float) -> float | None:
    """Return a number for JSON, with None for NaN."""
    return None if np.isnan(value) else float(value)


def gains(table: pd.DataFrame, seed: int) -> dict[str, dict[str, float | None]]:
    """Subtract the loss of each baseline from that of the model, in nats per masked token; below zero the model is better.

    The differences have 95 % intervals over blocks of the genome.
    """
    block = number_blocks(table["base"].to_numpy())
    blocks = int(block.max()) + 1
    differences = [_difference(table, baseline) for baseline in MASKED_BASELINES]
    low, high = interval(
        sums(differences, block, blocks), sums([np.ones(len(table))] * len(MASKED_BASELINES), block, blocks), seed
    )
    return {
        baseline: {"difference": float(difference.mean()), "low": known(first), "high": known(last)}
        for baseline, difference, first, last in zip(MASKED_BASELINES, differences, low, high, strict=True)
    }


def by_token(table: pd.DataFrame, areas: np.ndarray, tokens: list[str]) -> pd.DataFrame:
    """Tabulate each token that was masked: id, token, n, accuracy (share ranked first), auc (one against the rest), loss; best first.

    areas: AUC by id, float [vocabulary].
    """
    scores = pd.DataFrame(
        {"id": table["target"], "accuracy": table["rank_model"] == 0, "loss": table["nats_model"].astype(np.float64)}
    )
    found = scores.groupby("id").agg(n=("loss", "size"), accuracy=("accuracy", "mean"), loss=("loss", "mean"))
    found = found.reset_index()
    found.insert(1, "token", [tokens[number] for number in found["id"]])
    found.insert(4, "auc", np.asarray(areas)[found["id"]])
    return found.sort_values(["accuracy", "loss"], ascending=[False, True], ignore_index=True)


def strata(
    table: pd.DataFrame, categories: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]], seed: int
) -> pd.DataFrame:
    """Score each predictor in each category of annotation and outside all categories of a track (`none`).

    `categories`: (track, category) -> sorted, disjoint starts and ends in the genome's codes, as
    `grover.annotation.enrichment.read_categories` returns them. A token is where its middle base is; categories of a track may
    overlap. Returns track, category, predictor, n (masked tokens), share (of all), loss, top1, perplexity; bits_per_base
    (missing for overlapping k-mers); gain (loss of the model minus that of the predictor, with low and high over blocks of the genome;
    missing for the model itself). Categories without a masked token are left out.
    """
    rows = _memberships(table["base"].to_numpy(), categories)
    block = number_blocks(table["base"].to_numpy())
    blocks = int(block.max()) + 1
    differences = [_difference(table, baseline) for baseline in MASKED_BASELINES]
    above, below = [], []
    for inside in rows.values():
        above.append(sums([difference[inside] for difference in differences], block[inside], blocks))
        below.append(np.repeat(sums([np.ones(inside.size)], block[inside], blocks), len(MASKED_BASELINES), axis=1))
    low, high = interval(np.hstack(above), np.hstack(below), seed)
    low, high = low.reshape(-1, len(MASKED_BASELINES)), high.reshape(-1, len(MASKED_BASELINES))

    found = []
    for number, ((track, category), inside) in enumerate(rows.items()):
        chosen = table.iloc[inside]
        for place, name in enumerate(PREDICTORS, start=-1):
            values = _summarise(chosen, name)
            row = {"track": track, "category": category, "predictor": name, "n": len(chosen)}
            row["share"] = len(chosen) / len(table)
            row |= {key: values[key] for key in ("loss", "top1", "perplexity", "bits_per_base")}
            if name != MODEL:
                gain = float(differences[place][inside].mean())
                row |= {"gain": gain, "low": low[number, place], "high": high[number, place]}
            found.append(row)
    return pd.DataFrame(found).astype({"bits_per_base": "float64"})


def soft_mask(genome: Genome, path: Path | str) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
    """Read the soft-masked sequence as a category for `strata`, from `softmask.bed`; none if the assembly has no mask."""
    starts, ends = genome.places(read_bed(path))
    return {("soft_mask", "lower case"): union(starts, ends)} if len(starts) else {}


def _memberships(base: np.ndarray, categories: dict) -> dict[tuple[str, str], np.ndarray]:
    """Find the rows of the masked tokens in each category, and last those in no category of a track."""
    found: dict[tuple[str, str], np.ndarray] = {}
    free: dict[str, np.ndarray] = {}
    for (track, category), (starts, ends) in categories.items():
        inside = within(base, starts, ends)
        found[track, category] = np.flatnonzero(inside)
        free[track] = free[track] & ~inside if track in free else ~inside
    found |= {(track, OUTSIDE): np.flatnonzero(outside) for track, outside in free.items()}
    order = list(free)
    named = sorted(found, key=lambda name: order.index(name[0]))
    return {name: found[name] for name in named if len(found[name])}


def _difference(table: pd.DataFrame, baseline: str) -> np.ndarray:
    """Subtract the loss of a baseline from that of the model, for each masked token."""
    return table["nats_model"].to_numpy(np.float64) - table[f"nats_{baseline}"].to_numpy(np.float64)
