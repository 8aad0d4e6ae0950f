"""Clustering of regions by category: silhouette, and the categories of nearest neighbours.

Regions that are neighbours in the genome share annotation and sequence composition, so that nearest neighbours are searched
beyond `apart` bases. All categories have the same weight, however rare. Vectors are centred first, since a large common component
of embeddings would make all of them similar.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from grover.embeddings.regions.probes import NOT_ENOUGH, Representation
from grover.statistics.bootstrap import places_of

MIXED = ("category", "presence", "strand")  # kinds of tracks that have categories
FEWEST = 20  # regions of a category
FEWEST_REGIONS = 50
PORTION = 512  # regions whose similarities are at work at a time
NO_CATEGORY = ("none", "")


@dataclass(frozen=True)
class Sample:
    """Regions of a track: rows in the table of regions, labels 0 .. categories - 1, and what was left out; no row where there
    are too few."""

    track: str
    repeats: str
    rows: np.ndarray
    labels: np.ndarray
    note: str


def sample(values: pd.Series, kind: str, track: str, repeats: str, allowed: np.ndarray, most: int, seed: int) -> Sample:
    """Draw at most `most` of the `allowed` (bool) regions, equally many of each category as far as there are enough.

    Regions without a category (`none`, strand "") are left out, except for tracks of kind presence.
    """
    names = values.astype(str).to_numpy(dtype=object)
    used = allowed & (np.ones(len(names), dtype=bool) if kind == "presence" else ~np.isin(names, NO_CATEGORY))
    places = {name: np.flatnonzero(used & (names == name)) for name in sorted(set(names[used]))}
    rare = [name for name, rows in places.items() if len(rows) < FEWEST]
    common = [name for name in places if name not in rare]
    note = f"{NOT_ENOUGH}: {', '.join(rare)}" if rare else ""
    if len(common) < 2 or sum(len(places[name]) for name in common) < FEWEST_REGIONS:
        return Sample(track, repeats, np.empty(0, np.int64), np.empty(0, np.int64), note or NOT_ENOUGH)
    rng = np.random.default_rng(seed)
    share = _shares([len(places[name]) for name in common], most)
    drawn = [rng.choice(places[name], size, replace=False) for name, size in zip(common, share, strict=True)]
    labels = np.repeat(np.arange(len(common)), share)
    rows = np.concatenate(drawn)
    order = np.argsort(rows)
    return Sample(track, repeats, rows[order], labels[order], note)


def measure(
    samples: list[Sample], regions: pd.DataFrame, found: Iterable[Representation], neighbours: int, apart: int
) -> pd.DataFrame:
    """Measure silhouette and purity of each sample in each representation: track, model, pooling, layer, repeats, n, silhouette, purity,
    purity_expected, neighbours, note.

    regions: chrom, start, end. What cannot be measured is not a number.
    """
    place = places_of(regions)
    rows = []
    for each in found:
        features = each.features()
        centre = features.mean(axis=0, dtype=np.float64).astype(np.float32)
        for one in samples:
            shared = {"track": one.track, "model": each.model, "pooling": each.pooling, "layer": each.layer}
            shared |= {"repeats": one.repeats, "n": len(one.rows), "neighbours": neighbours, "note": one.note}
            values = {"silhouette": np.nan, "purity": np.nan, "purity_expected": np.nan}
            if len(one.rows):
                values = together(features[one.rows] - centre, one.labels, place[one.rows], neighbours, apart)
            rows.append(shared | values)
    order = ["track", "model", "pooling", "layer", "repeats", "n", "silhouette", "purity", "purity_expected"]
    return pd.DataFrame(rows, columns=[*order, "neighbours", "note"]).astype({"layer": "Int64"})


def together(
    vectors: np.ndarray, labels: np.ndarray, place: np.ndarray, neighbours: int, apart: int
) -> dict[str, float]:
    """Compute silhouette, purity and purity_expected of vectors float32 [regions, features] with labels 0 .. categories - 1.

    silhouette: of cosine distances (Rousseeuw 1987), mean over categories of the mean over their regions; purity: share of the
    same category among the `neighbours` nearest regions more than `apart` bases away by `place`, int64 [regions], mean over
    categories too; purity_expected: the same share among all regions that are as far away. Regions with fewer of them than
    `neighbours` do not count.
    """
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = (vectors / np.maximum(length, 1e-12)).astype(np.float32)
    member = np.eye(labels.max() + 1, dtype=np.float32)[labels]
    size = member.sum(axis=0)
    silhouette, pure, expected = (np.full(len(labels), np.nan) for _ in range(3))
    for start in range(0, len(labels), PORTION):
        here = slice(start, start + PORTION)
        own = labels[here]
        similar = unit[here] @ unit.T
        silhouette[here] = _silhouette((1 - similar).astype(np.float64) @ member, own, size)
        far = np.abs(place[here, None] - place[None, :]) > apart
        same = own[:, None] == labels[None, :]
        enough = far.sum(axis=1) >= neighbours
        if not enough.any():
            continue
        nearest = np.argpartition(np.where(far, -similar, np.inf), neighbours - 1, axis=1)[:, :neighbours]
        hits = np.take_along_axis(same, nearest, axis=1).mean(axis=1)
        chance = (same & far).sum(axis=1) / np.maximum(far.sum(axis=1), 1)
        pure[here], expected[here] = (np.where(enough, share, np.nan) for share in (hits, chance))
    values = pd.DataFrame({"silhouette": silhouette, "purity": pure, "purity_expected": expected})
    return values.groupby(labels).mean().mean().to_dict()


def _silhouette(distances: np.ndarray, own: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Compute the silhouette of each region from its summed distances to each category, [regions, categories]; `size`: of categories."""
    rows = np.arange(len(own))
    # without the distance of a region to itself
    inside = distances[rows, own] / np.maximum(size[own] - 1, 1)
    means = distances / size
    means[rows, own] = np.inf
    outside = means.min(axis=1)
    return (outside - inside) / np.maximum(np.maximum(inside, outside), 1e-12)


def _shares(sizes: list[int], most: int) -> list[int]:
    """Share `most` among categories of these sizes equally; what a small category leaves goes to the others."""
    shares, left = [0] * len(sizes), most
    for done, place in enumerate(np.argsort(sizes, kind="stable")):
        shares[place] = min(sizes[place], left // (len(sizes) - done))
        left -= shares[place]
    return shares
