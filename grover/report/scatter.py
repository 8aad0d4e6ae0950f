"""Points of a plane and what is known of them, small enough to stand inside a page: the data of `scatter.js`.

Numbers lie in arrays of small integers, written as base64: 20,000 regions with three embeddings and 25 tracks take 1.3 MB.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import to_hex
from numpy.typing import ArrayLike

from grover.report.style import colours

SCRIPT = Path(__file__).with_suffix(".js")
NONE, OTHER = "none", "other"
MOST_COLOURS = 7
# a code is a byte, and of quantities the last one means that nothing lies there
MOST_CATEGORIES, MOST_LEVELS, MISSING = 250, 254, 255
MOST_POINTS = 4_000  # of a figure whose tables hold more rows, so that the report stays small
WHOLE, ABSENT = 65_534, 65_535  # codes of the far end of an axis, and of a point that a plane lacks
HEIGHT = 0.7  # of a plane with scales, as a share of its width
RAMP = [to_hex(colour) for colour in matplotlib.colormaps["viridis"](np.linspace(0, 1, 64))]


@dataclass(frozen=True)
class Plane:
    """Places of the points and a sentence on the axes. `labels` of x and y are given where the axes are quantities: these have scales.

    points: float [points, 2], NaN where a point has no place in this plane.
    """

    points: np.ndarray
    axes: str
    labels: tuple[str, str] | None = None


def prepare(
    points: pd.DataFrame, planes: Mapping[str, Plane], tracks: pd.DataFrame, assembly: str = "", noun: str = "region"
) -> dict:
    """Return what the page draws, as JSON can hold it.

    points: chrom, start, end (0-based half-open), name, or name alone; planes: by name; tracks: one column per track, beside the points:
    text or bool are categories, floats are quantities (NaN where nothing lies); assembly: the name at UCSC, or nothing where no link is
    wanted; noun: what a point is.
    """
    places: dict = {}
    if "chrom" in points:
        names, chroms = np.unique(points["chrom"].to_numpy(str), return_inverse=True)
        places = {
            "chroms": names.tolist(),
            "chrom": packed(chroms, np.uint16),
            "start": packed(points["start"], np.uint32),
            "end": packed(points["end"], np.uint32),
        }
    if "name" in points:
        places["names"] = points["name"].astype(str).tolist()
    return {
        "count": len(points),
        "noun": noun,
        "assembly": assembly,
        "ramp": RAMP,
        **places,
        "embeddings": [{"name": name, "axes": plane.axes, **_place(plane)} for name, plane in planes.items()],
        "tracks": [{"name": str(name).replace("_", " "), **_track(tracks[name])} for name in tracks],
    }


def thinned(table: pd.DataFrame, noun: str, most: int = MOST_POINTS) -> tuple[pd.DataFrame, str]:
    """Return at most so many rows, evenly spread over the table, and a sentence that says so where rows are left out."""
    if len(table) <= most:
        return table, ""
    kept = np.linspace(0, len(table) - 1, most).astype(int)
    return table.iloc[kept], f" {most:,} of {len(table):,} {noun}s are drawn, evenly spread over the table."


def _place(plane: Plane) -> dict:
    """Return the codes of the points of a plane, and the scales of its axes where it has any."""
    if plane.labels is None:
        return {"points": packed(quantised(plane.points), np.uint16)}
    points = np.asarray(plane.points, np.float64)
    known = np.isfinite(points).all(1)
    low, high = (points[known].min(0), points[known].max(0)) if known.any() else (np.zeros(2), np.ones(2))
    step = np.where(high > low, high - low, 1.0) / (np.array([1, HEIGHT]) * WHOLE)
    codes = np.full(points.shape, ABSENT, np.uint16)
    codes[known] = np.rint((points[known] - low) / step)
    frame = [
        {"label": label, "low": float(f"{first:.6g}"), "step": float(f"{each:.6g}")}
        for label, first, each in zip(plane.labels, low, step, strict=True)
    ]
    return {"points": packed(codes, np.uint16), "frame": frame}


def as_json(data: dict) -> str:
    """The data as JSON that may stand in a `<script>` element, whatever the names of categories."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def quantised(points: np.ndarray) -> np.ndarray:
    """Points [rows, 2] as whole numbers from 0 to 65,534 (uint16), 65,535 where one is NaN; both axes have one scale, so that distances
    keep their proportions.
    """
    points = np.asarray(points, np.float64)
    known = np.isfinite(points).all(1)
    codes = np.full(points.shape, ABSENT, np.uint16)
    if known.any():
        low, high = points[known].min(0), points[known].max(0)
        step = max((high - low).max() / WHOLE, np.finfo(float).tiny)
        # the shorter axis lies in the middle
        codes[known] = np.clip(np.rint((points[known] - (low + high) / 2) / step + WHOLE / 2), 0, WHOLE)
    return codes


def levels(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most 254 levels (ascending) and the level of each value (uint8, 255 where it is NaN).

    The levels are the values themselves where these are few; else the means of groups. No group holds more than 1 % of the values or
    spans more than 1 % of their range (ties aside). So neither a long tail nor the bulk beside it is lost.
    """
    values = np.asarray(values, np.float64)
    known = values[np.isfinite(values)]
    codes = np.full(len(values), MISSING, np.uint8)
    distinct, inverse, counts = np.unique(known, return_inverse=True, return_counts=True)
    if len(distinct) > MOST_LEVELS:
        rank = (np.cumsum(counts) - counts / 2) / len(known)
        place = rank + (distinct - distinct[0]) / (distinct[-1] - distinct[0])
        group = np.minimum((place / 2 * MOST_LEVELS).astype(int), MOST_LEVELS - 1)
        _, group = np.unique(group, return_inverse=True)
        distinct = np.bincount(group, distinct * counts) / np.bincount(group, counts)
        inverse = group[inverse]
    codes[np.isfinite(values)] = inverse
    return distinct, codes


def is_quantity(values: pd.Series) -> bool:
    """Whether a track holds numbers; else it holds categories."""
    return values.dtype != bool and pd.api.types.is_numeric_dtype(values)


def ranked(values: pd.Series) -> list[str]:
    """Categories, the most frequent first; `other`, then `none` at the end. The names of equally frequent ones decide."""
    counts = values.value_counts()
    return sorted(counts.index, key=lambda name: (name == NONE, name == OTHER, -counts[name], name))


def categories(values: pd.Series) -> pd.Series:
    """A track of categories, of presence or of strands as text: `yes` and `none`, `+`, `-` and `none`."""
    if values.dtype == bool:
        return pd.Series(np.where(values, "yes", NONE), index=values.index)
    return values.astype("str").fillna(NONE).replace("", NONE)


def leading(values: pd.Series) -> dict[str, str]:
    """The colour of every category: the seven most frequent have one each, what is left is grey."""
    names = ranked(values)
    coloured = colours([name for name in names if name not in (NONE, OTHER)][:MOST_COLOURS] + [OTHER, NONE])
    return {name: coloured.get(name, coloured[OTHER]) for name in names}


def limits(values: np.ndarray) -> tuple[float, float]:
    """The ends of the colours of a quantity, its 1st and 99th percentile, so that no far value takes all colours for itself."""
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    low, high = np.quantile(known, [0.01, 0.99]) if len(known) else (0.0, 0.0)
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def packed(values: ArrayLike, dtype: type) -> str:
    """Whole numbers as base64 of little-endian integers of type `dtype`."""
    return base64.b64encode(np.asarray(values, np.dtype(dtype).newbyteorder("<")).tobytes()).decode()


def _track(values: pd.Series) -> dict:
    """The codes of one track and what they mean."""
    if is_quantity(values):
        means, codes = levels(values.to_numpy())
        return {
            "kind": "quantity",
            "levels": [float(f"{mean:.4g}") for mean in means],
            "limits": [float(f"{end:.4g}") for end in limits(values)],
            "codes": packed(codes, np.uint8),
        }
    values = categories(values)
    names = ranked(values)
    # more than a byte can tell apart: the rarest become one
    kept = [name for name in names if name not in (NONE, OTHER)][:MOST_CATEGORIES]
    values = values.where(values.isin([*kept, NONE]), OTHER)
    shades = leading(values)
    code = {name: i for i, name in enumerate(shades)}
    return {
        "kind": "category",
        "names": list(shades),
        "colours": [to_hex(colour) for colour in shades.values()],
        "codes": packed(values.map(code), np.uint8),
    }
