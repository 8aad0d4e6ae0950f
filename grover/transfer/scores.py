"""The transfer matrix: scores of all models and baselines on the same test examples, by number of labels.

Each is given on three parts of fold test: on all of it (`all`); on what is no near-duplicate of sequence that the source saw (`apart`); on
examples of these whose labels have equal shares in each bin of GC (`gc`). Part `apart` is absent where that sequence is unknown.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from grover.statistics import bootstrap
from grover.statistics.bootstrap import interval, over_seeds, resampled_auroc, resampled_mcc
from grover.statistics.metrics import mcc
from grover.transfer.arms import RANDOM, SCRATCH

PARTS = ("all", "apart", "gc")
COMPARATORS = (RANDOM, SCRATCH)
GC_BIN = 0.05
FEWEST = 10  # examples of each label in a part
KEYS = ["model", "method", "labels"]
SCORES = [
    f"{name}{end}"
    for name in ("mcc", "auroc", *(f"over_{each}" for each in COMPARATORS))
    for end in ("", "_low", "_high")
]
COLUMNS = ["task", *KEYS, "part", "n_test", *SCORES]


@dataclass(frozen=True)
class Resampling:
    """Blocks of `block` bases that are drawn together `resamples` times."""

    block: int
    resamples: int
    seed: int


@dataclass(frozen=True)
class _Scored:
    mcc: float
    auroc: float
    mcc_drawn: np.ndarray
    auroc_drawn: np.ndarray


def score_labels(
    predictions: pd.DataFrame, examples: pd.DataFrame, resampling: Resampling, similarity: float
) -> pd.DataFrame:
    """Score the predictions of a task: one row per model, method, number of labels and part.

    predictions: tables of `grover.transfer.few_labels` end to end.
    examples: of fold test, with their row numbers in the dataset as index; sequence, label, chrom, start, end, gc; `similar`, the
    similarity to the genome of the source, missing where that is unknown.
    similarity: from which an example is a near-duplicate.

    Columns beside the keys: part, n_test; mcc and auroc with intervals (of several labels auroc is missing); `over_random` and
    `over_scratch`, the MCC minus that of these models by the same method and labels.
    """
    rows = []
    for part, kept in parts_of(examples, similarity, resampling.seed).items():
        chosen = examples[kept]
        number = bootstrap.blocks(chosen, resampling.block)
        drawn = bootstrap.draw(int(number.max()) + 1, resampling.resamples, resampling.seed)
        scored = {
            key: _scored(table, chosen, number, drawn, resampling.seed)
            for key, table in predictions.groupby(KEYS, sort=False)
        }
        rows += [
            dict(zip(KEYS, key, strict=True)) | {"part": part, "n_test": len(chosen)} | _row(key, scored)
            for key in scored
        ]
    return pd.DataFrame(rows)


def parts_of(examples: pd.DataFrame, similarity: float, seed: int) -> dict[str, np.ndarray]:
    """Return the examples of each part, bool [examples]; a part with fewer than 10 of a label is left out."""
    apart = (examples["similar"] < similarity).to_numpy()
    known = bool(examples["similar"].notna().all())
    parts = {"all": np.ones(len(examples), bool)} | ({"apart": apart} if known else {})
    parts["gc"] = gc_matched(examples, apart if known else parts["all"], seed)
    labels = int(examples["label"].max()) + 1
    return {
        part: kept
        for part, kept in parts.items()
        if np.bincount(examples["label"][kept], minlength=labels).min() >= FEWEST or part == "all"
    }


def gc_matched(examples: pd.DataFrame, among: np.ndarray, seed: int) -> np.ndarray:
    """Draw, in each bin of GC, equally many examples of each label from `among`, bool [examples]."""
    rng = np.random.default_rng(seed)
    label, bins = examples["label"].to_numpy(), (examples["gc"].to_numpy() // GC_BIN).astype(np.int64)
    kept = np.zeros(len(examples), bool)
    for each in np.unique(bins[among]):
        rows = [np.flatnonzero(among & (bins == each) & (label == name)) for name in np.unique(label)]
        size = min(map(len, rows))
        for members in rows:
            kept[rng.permutation(members)[:size]] = True
    return kept


def _scored(table: pd.DataFrame, examples: pd.DataFrame, number: np.ndarray, drawn: np.ndarray, seed: int) -> _Scored:
    """Scores of one model, method and number of labels; a row per seed and example in `table`."""
    seeds = tuple(map(int, sorted(table["seed"].unique())))
    label = examples["label"].to_numpy(np.int64)
    classes = int(label.max()) + 1
    calls, values = (
        table.pivot(index="seed", columns="example", values=name).loc[list(seeds), examples.index].to_numpy()
        for name in ("called", "score")
    )
    cells = [np.bincount(label * classes + called, minlength=classes**2) for called in calls.astype(np.int64)]
    mean = float(mcc(np.array(cells).reshape(-1, classes, classes)).mean())
    by_seed = [resampled_mcc(drawn, number, label, called, classes) for called in calls.astype(np.int64)]
    whole, area, areas = np.ones((1, drawn.shape[1]), np.uint16), np.nan, np.full(len(drawn), np.nan)
    if classes == 2:
        area = float(np.mean([resampled_auroc(whole, number, label, score)[0] for score in values]))
        each = [resampled_auroc(drawn, number, label, score) for score in values]
        areas = over_seeds(np.stack(each, axis=1), seeds, seed)
    return _Scored(mean, area, over_seeds(np.stack(by_seed, axis=1), seeds, seed), areas)


def _row(key: tuple, scored: dict[tuple, _Scored]) -> dict[str, float]:
    own = scored[key]
    row = {"mcc": own.mcc, "auroc": own.auroc}
    row["mcc_low"], row["mcc_high"] = interval(own.mcc_drawn)
    row["auroc_low"], row["auroc_high"] = interval(own.auroc_drawn)
    for name in COMPARATORS:
        other = scored.get((name, *key[1:]))
        gap = (np.nan, np.nan, np.nan)
        if other is not None and key[0] != name:
            gap = (own.mcc - other.mcc, *interval(own.mcc_drawn - other.mcc_drawn))
        row |= dict(zip((f"over_{name}", f"over_{name}_low", f"over_{name}_high"), gap, strict=True))
    return row


def score_bases(
    tables: dict[str, pd.DataFrame], similar: np.ndarray, similarity: float, resampling: Resampling
) -> pd.DataFrame:
    """Tabulate masked bits per base: one row per model and part (`all`, `apart`).

    tables: loci by model, as `masked_bases` gives them, the same loci of all. similar: similarity of each locus to the genome of the
    source, missing where unknown. Columns: model, part, loci, bases_per_token; with intervals of a bootstrap over loci bits, gain
    (bits less than by token frequencies), `over_random` and `over_scratch` (the gain minus that of these models).
    """
    rows = []
    parts = {"all": np.ones(len(similar), bool)}
    if not np.isnan(similar).any():
        parts["apart"] = similar < similarity
    for part, kept in parts.items():
        if kept.sum() < 2:
            continue
        drawn = bootstrap.draw(int(kept.sum()), resampling.resamples, resampling.seed).astype(np.float64)
        loci = {model: table[kept] for model, table in tables.items()}
        gains = {model: (table["bits_frequency"] - table["bits"]).to_numpy() for model, table in loci.items()}
        unknown = np.full(int(kept.sum()), np.nan)
        for model, table in loci.items():
            bases = table["bases"].to_numpy(np.float64)
            values = {"bits": table["bits"].to_numpy(), "gain": gains[model]}
            for name in COMPARATORS:
                values[f"over_{name}"] = gains[model] - gains.get(name, unknown) if model != name else unknown
            row = {"model": model, "part": part, "loci": len(table)}
            row["bases_per_token"] = table["bases"].sum() / table["tokens"].sum()
            for name, value in values.items():
                row[name] = value.sum() / bases.sum()
                row[f"{name}_low"], row[f"{name}_high"] = interval(drawn @ value / (drawn @ bases))
            rows.append(row)
    return pd.DataFrame(rows)
