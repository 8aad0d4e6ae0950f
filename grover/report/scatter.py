"""Points of a plane and what is known of them, small enough to stand inside a page: the data of `scatter.js`.

Numbers lie in arrays of small integers, written as base64: 20,000 regions with three embeddings and 25 tracks take 1.3 MB.
"""

import base64
import json
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
RAMP = [to_hex(colour) for colour in matplotlib.colormaps["viridis"](np.linspace(0, 1, 64))]


def prepare(
    regions: pd.DataFrame, embeddings: dict[str, tuple[np.ndarray, str]], tracks: pd.DataFrame, assembly: str = ""
) -> dict:
    """What the page draws, as JSON can hold it.

    regions: chrom, start, end (0-based half-open); embeddings: points [regions, 2] and a sentence on the axes by name; tracks: one
    column per track, beside the regions: text or bool are categories, floats are quantities (NaN where nothing lies); assembly: the name
    at UCSC, or nothing where no link is wanted.
    """
    names, chroms = np.unique(regions["chrom"].to_numpy(str), return_inverse=True)
    return {
        "count": len(regions),
        "assembly": assembly,
        "ramp": RAMP,
        "chroms": names.tolist(),
        "chrom": packed(chroms, np.uint16),
        "start": packed(regions["start"], np.uint32),
        "end": packed(regions["end"], np.uint32),
        "embeddings": [
            {"name": name, "axes": axes, "points": packed(quantised(points), np.uint16)}
            for name, (points, axes) in embeddings.items()
        ],
        "tracks": [{"name": str(name).replace("_", " "), **_track(tracks[name])} for name in tracks],
    }


def as_json(data: dict) -> str:
    """The data as JSON that may stand in a `<script>` element, whatever the names of categories."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def quantised(points: np.ndarray) -> np.ndarray:
    """Points [rows, 2] as whole numbers from 0 to 65,535 (uint16); both axes have one scale, so that distances keep their proportions."""
    points = np.asarray(points, np.float64)
    low, high = points.min(0), points.max(0)
    step = max((high - low).max() / 65_535, np.finfo(float).tiny)
    # the shorter axis lies in the middle
    return np.clip(np.rint((points - (low + high) / 2) / step + 65_535 / 2), 0, 65_535).astype(np.uint16)


def levels(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most 254 levels (ascending) and the level of each value (uint8, 255 where it is NaN).

    The levels are the values themselves where these are few; else the means of groups, none of which holds more than 1 % of the values or
    spans more than 1 % of their range (ties aside), so that neither a long tail nor the bulk beside it is lost.
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
