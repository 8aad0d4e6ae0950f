"""Probes: how well simple models predict an annotation from a representation of held-out regions.

Composition alone predicts much. So each probe is compared with the same probe on GC content, on k-mer frequencies and on the
same network with random weights. Probes are fitted on fold train, tuned on fold valid and scored on fold test.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from grover.config.names import random_of
from grover.config.sections.embeddings import Probes
from grover.config.track_table import ALL
from grover.embeddings.regions import probe_fits, probe_scores
from grover.embeddings.vectors import Embeddings
from grover.statistics import bootstrap

# regions of a category that the folds must have, and blocks of the genome that those of test must be in
FEWEST = {"train": 10, "test": 5}
FEWEST_BLOCKS = 10  # the resamples of fewer differ too little, and their intervals are too narrow
COMPARATORS = {"gain": "kmers", "over_gc": "gc", "over_word2vec": "word2vec", "over_random": "random"}
NOT_ENOUGH = "too few regions"
NOTHING = ("none", "", "False")  # values of regions outside a track, beside missing ones


@dataclass(frozen=True)
class Representation:
    """Features of all regions, float [regions, features], read when `features` is called.

    model: its name, or word2vec, kmers, gc; pooling: cls, mean or ""; layer: None where there is no layer; forest: whether
    a random forest is tried beside the linear probe.
    """

    model: str
    pooling: str
    layer: int | None
    forest: bool
    features: Callable[[], np.ndarray]

    @property
    def key(self) -> tuple[str, str, int | None]:
        """Model, pooling and layer."""
        return self.model, self.pooling, self.layer

    def comparator(self, name: str) -> tuple[str, str, int | None]:
        """Return the key of a comparator: kmers, gc, word2vec, or the randomly initialised model of the same size."""
        return (random_of(self.model), self.pooling, self.layer) if name == "random" else (name, "", None)


@dataclass(frozen=True)
class Target:
    """What a probe predicts: classes or numbers [regions]; fold text [regions], "" where a region is not used.

    kind: of the track; classes: 0 for quantities, None where there are too few regions; note: what was left out.
    """

    kind: str
    values: np.ndarray
    fold: np.ndarray
    classes: int | None
    note: str = ""

    @property
    def metric(self) -> str:
        """`auroc`, or `r2` for quantities."""
        return "r2" if self.kind == "quantity" else "auroc"


def representations(embeddings: dict[str, Embeddings], composition: Embeddings, gc: np.ndarray) -> list[Representation]:
    """List all layers and poolings of all models, then word2vec, k-mers and GC content.

    A forest is tried on the mean of the last layer, which was chosen beforehand, and on what has no layers.
    """
    found = [
        Representation(
            each.name,
            pooling,
            layer,
            pooling == "mean" and layer == each.layers[-1],
            partial(each.vectors, pooling, layer),
        )
        for each in embeddings.values()
        for pooling in each.poolings
        for layer in each.layers
    ]
    for name in ("word2vec", "kmers"):
        found.append(Representation(name, "", None, True, partial(composition.column, name)))
    return [*found, Representation("gc", "", None, True, lambda: gc[:, None])]


def make_target(
    values: pd.Series, kind: str, fold: np.ndarray, block: np.ndarray, maximum_train: int = 0, where: str = ALL
) -> Target:
    """Make the target of a track (kind category, presence, quantity or strand) for regions in `fold` and `block` of the genome.

    Left out are missing quantities, strand "", rare categories, and what exceeds `maximum_train` in fold train (evenly; 0: none).
    where: the rows of its source that the track selects; the note names it if no region has any of them.
    """
    if where != ALL and (values.isna() | values.astype(str).isin(NOTHING)).all():
        nobody = np.full(len(values), "", dtype=object)
        return Target(kind, np.zeros(len(values)), nobody, None, f"empty: no region with {where}")
    used = values.notna().to_numpy() if kind == "quantity" else np.ones(len(values), dtype=bool)
    names = np.empty(0) if kind == "quantity" else values.astype(str).to_numpy(dtype=object)
    if kind == "strand":
        used &= names != ""
    fold = np.where(used & np.isin(fold, ("train", "valid", "test")), fold, "")
    train = np.flatnonzero(fold == "train")
    if maximum_train and len(train) > maximum_train:
        kept = train[np.linspace(0, len(train) - 1, maximum_train).astype(np.int64)]
        fold[np.setdiff1d(train, kept)] = ""
    if kind == "quantity":
        enough = _enough(fold, block) and np.ptp(values[fold == "train"]) > 0
        return Target(kind, values.to_numpy(float), fold, 0 if enough else None, "" if enough else NOT_ENOUGH)
    there = sorted(set(names[fold != ""]))
    common = [name for name in there if _enough(np.where(names == name, fold, ""), block)]
    rare = [name for name in there if name not in common]
    note = f"{NOT_ENOUGH}: {', '.join(rare)}" if rare else "" if len(common) > 1 else NOT_ENOUGH
    if kind == "presence" and rare:
        note = NOT_ENOUGH  # the category `True` adds nothing to the name of the track
    fold = np.where(np.isin(names, common), fold, "")
    place = {name: number for number, name in enumerate(common)}
    labels = np.array([place.get(name, -1) for name in names], dtype=np.int64)
    return Target(kind, labels, fold, len(common) if len(common) > 1 else None, note)


def probe(
    target: Target,
    regions: pd.DataFrame,
    found: Iterable[Representation],
    given: np.ndarray,
    settings: Probes,
    seed: int,
    threads: int = 1,
) -> pd.DataFrame:
    """Score a target from every representation, with intervals and differences on the same draws of blocks of the genome.

    regions: chrom, start, end; given: float [regions, properties] that the partial correlation is given. Returns one row per
    representation and probe: model, pooling, layer, probe (linear or forest); metric (auroc, for categories the mean of one
    against rest, or r2), value, low, high, auprc, chance (AUPRC of a random order); gain (over kmers), over_gc, over_word2vec
    and over_random (same probe, pooling and layer), each with _low and _high (`grover.embeddings.regions.probe_scores.beyond`);
    partial (`grover.embeddings.regions.probe_scores.partial`), n_train, n_test; blocks (of the test regions), alike (of neighbouring
    blocks, `grover.statistics.bootstrap.blocks_unlike`), note. What is unknown, or the target does not allow, is not a number.
    """
    found = list(found)
    test = target.fold == "test"
    block, alike = np.empty(0, dtype=np.int64), float("nan")
    if test.any() and target.classes is not None:
        truth = probe_scores.columns_of_truth(target.values[test], target.classes)
        block, alike = bootstrap.blocks_unlike(regions[test], truth, FEWEST_BLOCKS)
    blocks = int(block.max(initial=-1)) + 1
    shared = {
        "metric": target.metric,
        "n_train": int((target.fold == "train").sum()),
        "n_test": int(test.sum()),
        "blocks": blocks,
        "alike": alike,
        "note": target.note,
    }
    rows, draws = {}, {}
    drawn = bootstrap.draw(blocks, settings.bootstrap, seed)
    for each in found:
        for name, predicted in _predictions(each, target, settings.trees, seed, threads).items():
            truth = target.values[test]
            value, auprc = probe_scores.score(truth, predicted)
            rows[*each.key, name] = {
                "value": value,
                "auprc": auprc,
                "chance": probe_scores.chance(truth, target.classes or 0),
                "partial": probe_scores.partial(truth, predicted, given[test]),
            }
            draws[*each.key, name] = probe_scores.resampled(drawn, block, truth, predicted)
    table = []
    for each in found:
        for name in ("linear", "forest") if each.forest else ("linear",):
            key = (*each.key, name)
            row = {"model": each.model, "pooling": each.pooling, "layer": each.layer, "probe": name}
            table.append(row | _compare(rows, draws, each, key, target.metric) | shared)
    return pd.DataFrame(table).astype({"layer": "Int64"})


def columns(table: pd.DataFrame, track: str, kind: str, given: Iterable[str]) -> pd.DataFrame:
    """Complete the rows of `probe` with name and kind of their track and the properties that `partial` is given, as they are stored."""
    order = ["track", "kind", "model", "pooling", "layer", "probe", "metric", "value", "low", "high", "auprc", "chance"]
    order += [f"{name}{end}" for name in COMPARATORS for end in ("", "_low", "_high")]
    order += ["partial", "given", "n_train", "n_test", "blocks", "alike", "note"]
    return table.assign(track=track, kind=kind, given=", ".join(given))[order]


def _predictions(each: Representation, target: Target, trees: int, seed: int, threads: int) -> dict[str, np.ndarray]:
    """Predict fold test with each probe; with none where the target has too few regions."""
    if target.classes is None:
        return {}
    features = each.features()
    train, valid, test = (target.fold == name for name in ("train", "valid", "test"))
    known = probe_fits.Known(
        features[train], target.values[train], features[valid], target.values[valid], target.classes
    )
    found = {"linear": probe_fits.linear(known, features[test])}
    if each.forest:
        found["forest"] = probe_fits.forest(known, features[test], trees, seed, threads)
    return found


def _compare(rows: dict, draws: dict, each: Representation, key: tuple, metric: str) -> dict[str, float]:
    """Return the scores of one probe and its differences from its comparators."""
    row = dict(rows.get(key) or dict.fromkeys(("value", "auprc", "chance", "partial"), np.nan))
    row["low"], row["high"] = bootstrap.interval(draws[key], highest=1) if key in draws else (np.nan, np.nan)
    for column, name in COMPARATORS.items():
        comparator = (*each.comparator(name), key[-1])
        known = key in draws and comparator in draws and comparator != key
        row[column] = probe_scores.beyond(row["value"], rows[comparator]["value"], metric) if known else np.nan
        spread = (np.nan, np.nan)
        if known:
            spread = bootstrap.interval(probe_scores.beyond(draws[key], draws[comparator], metric))
        row[f"{column}_low"], row[f"{column}_high"] = spread
    return row


def _enough(fold: np.ndarray, block: np.ndarray) -> bool:
    """Return whether the folds have enough regions, in enough blocks of the genome."""
    counts = all((fold == name).sum() >= fewest for name, fewest in FEWEST.items())
    return bool(counts and len(np.unique(block[fold == "test"])) >= FEWEST_BLOCKS)
