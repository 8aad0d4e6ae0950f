"""What the simulated genome plants around the sites of its binding motif, and how well an explanation finds it.

Every site has the motif, and the partner on one side of it alone decides on binding (`partner.side` of `truth.json`). An explanation that
names the cause marks the partner of a `deciding` site. It does not mark the motif, nor the copies of the partner beside `opposite` and
`reversed` sites.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from grover.statistics.bootstrap import resampled_auroc

COLUMNS = ["chrom", "start", "end", "name", "partner"]
MOTIF, PARTNER = "motif", "partner"
DECIDING, OPPOSITE, REVERSED = "deciding", "opposite", "reversed"  # kinds of sites by their partner; others have none
DECOYS = (OPPOSITE, REVERSED)
SIDES = {"right": "left", "left": "right"}
CENTRED = 1  # bases, at most, between the middle of a site and that of the window around it


def planted_elements(truth: Mapping[str, Any]) -> pd.DataFrame:
    """Return motifs and partners of the sites in `truth.json`.

    Columns: chrom, start, end, name (motif or partner), and the kind of the site's `partner` (deciding, opposite, reversed, none).
    """
    side = truth["partner"]["side"]
    sites = pd.DataFrame(truth["sites"]).replace({"partner": {side: DECIDING, SIDES[side]: OPPOSITE}})
    motif = sites[["chrom", "start", "end", "partner"]].assign(name=MOTIF)
    copies = sites[sites["partner"] != "none"]
    bounds = {"start": copies["partner_start"], "end": copies["partner_end"]}
    partner = copies[["chrom", "partner"]].assign(**bounds, name=PARTNER)
    return pd.concat([motif, partner], ignore_index=True)[COLUMNS]


def mark(bases: pd.DataFrame, elements: pd.DataFrame) -> pd.DataFrame:
    """Add the columns motif, partner and kind to a table of bases (example, chrom, pos).

    motif, partner: bool, whether the base lies in that element of the site in the middle of its example. kind: the site's partner, empty
    where no site is in the middle.
    """
    own = elements[elements["name"] == MOTIF].assign(middle=lambda rows: (rows["start"] + rows["end"]) // 2)
    bounds = bases.groupby("example").agg(chrom=("chrom", "first"), low=("pos", "min"), high=("pos", "max"))
    marked = bases.assign(**{MOTIF: False, PARTNER: False, "kind": ""})
    for example, chrom, low, high in bounds.itertuples():
        here = own[own["chrom"] == chrom]
        distance = (here["middle"] - (low + high + 1) // 2).abs()
        if here.empty or distance.min() > CENTRED:
            continue
        site = here.loc[distance.idxmin()]
        rows = (marked["example"] == example).to_numpy()
        positions = marked.loc[rows, "pos"]
        marked.loc[rows, "kind"] = site["partner"]
        marked.loc[rows, MOTIF] = positions.between(site["start"], site["end"] - 1)
        copy = elements[
            (elements["name"] == PARTNER) & (elements["chrom"] == chrom) & (elements["partner"] == site["partner"])
        ]
        near = copy[(copy["start"] >= low) & (copy["end"] <= high + 1)]
        if len(near):
            nearest = near.loc[((near["start"] + near["end"]) // 2 - site["middle"]).abs().idxmin()]
            marked.loc[rows, PARTNER] = positions.between(nearest["start"], nearest["end"] - 1)
    return marked


def judge(marked: pd.DataFrame) -> dict[str, float]:
    """How well importance finds the partner, in a table that `mark` made of the bases of one method (example, importance, ...).

    Returns `sites`, the number of deciding sites; `auroc`, the mean over them of the AUROC of partner bases against all others. The
    other values are mean importances as a share of that of partner bases of deciding sites. They are those of `motif` bases and of all
    `other` bases of deciding sites, and of the copies of partners of `opposite` and `reversed` sites.
    """
    own = marked[marked["kind"] == DECIDING]
    scored = [_auroc(rows[PARTNER], rows["importance"]) for _, rows in own.groupby("example") if rows[PARTNER].any()]
    partner = own.loc[own[PARTNER], "importance"].mean()

    def share(rows: pd.Series) -> float:
        return float(rows.mean() / partner) if len(rows) and partner > 0 else float("nan")

    decoys = {kind: marked[(marked["kind"] == kind) & marked[PARTNER]]["importance"] for kind in DECOYS}
    return {
        "sites": len(scored),
        "auroc": float(np.mean(scored)) if scored else float("nan"),
        "motif": share(own.loc[own[MOTIF], "importance"]),
        **{kind: share(rows) for kind, rows in decoys.items()},
        "other": share(own.loc[~own[MOTIF] & ~own[PARTNER], "importance"]),
    }


def of_kind(rows: Sequence[int] | np.ndarray, dataset: pd.DataFrame, elements: pd.DataFrame, kind: str) -> np.ndarray:
    """Those rows of a dataset whose window has a site of this kind in its middle, int64."""
    table = dataset.iloc[rows]
    middle = (table["start"] + table["end"]) // 2
    own = elements[(elements["name"] == MOTIF) & (elements["partner"] == kind)]
    centres = set(zip(own["chrom"], (own["start"] + own["end"]) // 2, strict=True))
    near = [
        any((chrom, place + shift) in centres for shift in range(-CENTRED, CENTRED + 1))
        for chrom, place in zip(table["chrom"], middle, strict=True)
    ]
    return np.asarray(rows)[np.array(near, bool)]


def _auroc(positive: pd.Series, value: pd.Series) -> float:
    once = np.ones((1, 1), np.uint16)
    block = np.zeros(len(value), np.int64)
    return float(resampled_auroc(once, block, positive.to_numpy(np.int64), value.to_numpy(np.float64))[0])
