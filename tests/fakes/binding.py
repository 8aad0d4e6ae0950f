"""Windows around the simulated genome's binding motif, and an oracle that binds by the rule instead of a network."""

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import logsumexp

from grover.genome.bases import decode, encode, reverse_complement
from grover.simulation.binding import MOTIF, PARTNER, PARTNER_DISTANCE, PARTNER_STRENGTH
from grover.simulation.sequence import matrix, sample

LENGTH = 161
FIRST = (LENGTH - len(MOTIF)) // 2
WEIGHTS = np.log(matrix(PARTNER, PARTNER_STRENGTH) / 0.25)
KINDS = ("right", "left", "reversed", "none")


def plant(number: int, seed: int = 0) -> tuple[pd.DataFrame, dict]:
    """A dataset with `number` sites of each kind, each on a contig position of its own, and what `truth.json` says of them."""
    rng = np.random.default_rng(seed)
    rows, sites = [], []
    for index in range(number * len(KINDS)):
        kind, start, strand = KINDS[index % len(KINDS)], 1_000 * (index + 1), "+-"[index // len(KINDS) % 2]
        codes = rng.integers(0, 4, LENGTH).astype(np.uint8)
        codes[FIRST : FIRST + len(MOTIF)] = sample(rng, MOTIF)
        distance, end = int(rng.integers(PARTNER_DISTANCE[0], PARTNER_DISTANCE[1] + 1)), FIRST + len(MOTIF)
        place = FIRST - distance - len(PARTNER) if kind == "left" else end + distance
        if kind != "none":
            partner = encode(PARTNER)
            codes[place : place + len(PARTNER)] = reverse_complement(partner) if kind == "reversed" else partner
        low = start + (FIRST if strand == "+" else LENGTH - end)
        site = {"start": low, "end": low + len(MOTIF), "strand": strand, "partner": kind}
        first = start + (place if strand == "+" else LENGTH - place - len(PARTNER))
        copy = (first, first + len(PARTNER)) if kind != "none" else (-1, -1)
        sites.append({"chrom": "chr1"} | site | dict(zip(("partner_start", "partner_end"), copy, strict=True)))
        window = {"chrom": "chr1", "start": start, "end": start + LENGTH, "strand": strand, "fold": "test"}
        rows.append({"sequence": decode(codes), "label": int(kind == "right")} | window)
    dataset = pd.DataFrame(rows).assign(before="", after="", pieces="")
    dataset.attrs = {"task": "ctcf", "labels": ["unbound", "bound"]}
    return dataset, {"sites": sites, "partner": {"consensus": PARTNER, "side": "right"}}


def oracle(sites, codes) -> list[np.ndarray]:
    """Evidence for a partner to the right of the motif, at any distance that the rule allows."""
    first = FIRST + len(MOTIF) + PARTNER_DISTANCE[0]
    found = []
    for each in codes:
        region = np.atleast_2d(each)[:, first : first + PARTNER_DISTANCE[1] - PARTNER_DISTANCE[0] + len(PARTNER)]
        windows = sliding_window_view(region, len(PARTNER), axis=1)
        scores = WEIGHTS[np.arange(len(PARTNER)), windows].sum(axis=2)
        found.append(np.logaddexp(0, logsumexp(scores, axis=1) - 8))
    return found
