"""The binding motif of the simulated genome: sites, the partner that decides on binding, peaks, and variants."""

import numpy as np
import pandas as pd

from grover.simulation.canvas import Canvas
from grover.simulation.sequence import matrix, reverse_complement, sample

# The binding motif: a strong core, a soft middle and soft ends, 24 bits in all. Invented.
MOTIF_ID, MOTIF_NAME = "DEMO0001.1", "CTCFL-demo"
_CORE, _GOOD, _WEAK = 0.96, 0.85, 0.6
MOTIF = matrix(
    "TGATGACCTTGAGCTAAC",
    [_WEAK, _GOOD, _CORE, _CORE, _CORE, _CORE, _CORE, _CORE, _WEAK]
    + [_GOOD, _CORE, _CORE, _CORE, _CORE, _CORE, _GOOD, _WEAK, _WEAK],
)
# The partner motif decides on binding: to the right of the motif, in the orientation of the motif's strand.
PARTNER = "TTACGCAATCGGA"
PARTNER_STRENGTH = 0.993  # one copy in ten carries a change
PARTNER_DISTANCE = (5, 40)  # free bases between motif and partner, smallest and largest
PARTNER_REACH = 60  # the partner ends at most so many bases after the motif
PARTNER_KINDS = {"right": 0.5, "left": 0.25, "reversed": 0.125, "none": 0.125}
LABEL_NOISE = 0.05
SITE_SPACING, SITE_FLANK, SITE_GAP = 1000, 80, 300  # bases per site; claimed around its centre; least distance


def plant_sites(rng: np.random.Generator, canvas: Canvas) -> None:
    """Instances of the motif in free sequence, each with its partner or a decoy, and the label that follows.

    Strength is drawn from the matrix and says nothing about binding.
    """
    end = int(canvas.offsets[canvas.main])
    wanted, centres = max(100, end // SITE_SPACING), []
    blocked = np.zeros(end, dtype=bool)
    for centre in rng.integers(SITE_FLANK, end - SITE_FLANK, 40 * wanted):
        if not blocked[centre] and canvas.free(centre - SITE_FLANK, centre + SITE_FLANK):
            centres.append(int(centre))
            blocked[max(0, centre - SITE_GAP) : centre + SITE_GAP] = True
        if len(centres) == wanted:
            break
    rows = []
    for centre in sorted(centres):
        strand = "+" if rng.random() < 0.5 else "-"
        kind = str(rng.choice(list(PARTNER_KINDS), p=list(PARTNER_KINDS.values())))
        start, stop = centre - len(MOTIF) // 2, centre - len(MOTIF) // 2 + len(MOTIF)
        canvas.paste(start, sample(rng, MOTIF), strand)
        distance = int(rng.integers(PARTNER_DISTANCE[0], PARTNER_DISTANCE[1] + 1))
        if kind != "none":
            after = (kind != "left") == (strand == "+")  # in the direction of growing coordinates
            place = stop + distance if after else start - distance - len(PARTNER)
            partner = sample(rng, matrix(PARTNER, PARTNER_STRENGTH))
            canvas.paste(place, reverse_complement(partner) if kind == "reversed" else partner, strand)
        bound = kind == "right"
        flipped = bool(rng.random() < LABEL_NOISE)
        rows.append((start, stop, strand, kind, distance if kind != "none" else -1, bound, bound != flipped))
        canvas.claim(centre - SITE_FLANK, centre + SITE_FLANK)
    columns = ["start", "end", "strand", "partner", "distance", "bound_by_rule", "bound"]
    canvas.tables["sites"] = pd.DataFrame(rows, columns=columns)


def plant_peaks(rng: np.random.Generator, canvas: Canvas) -> None:
    """A peak of random strength over each bound site, and a few where there is no motif."""
    sites, end = canvas.tables["sites"], int(canvas.offsets[canvas.main])
    centres = (sites.start + sites.end).to_numpy() // 2
    bound = centres[sites.bound]
    nearest = np.sort(np.concatenate([centres, canvas.tables["gaps"].to_numpy().ravel()]))
    places = rng.integers(1_000, end - 1_000, 40 * len(bound))
    apart = [np.abs(nearest - place).min() > 2 * SITE_GAP and canvas.codes[place] < 4 for place in places]
    lonely = places[apart][: len(bound) // 20]
    summits = np.concatenate([bound + rng.integers(-10, 11, len(bound)), lonely])
    left, right = rng.integers(75, 201, (2, len(summits)))
    peaks = pd.DataFrame({"start": summits - left, "end": summits + right, "summit": left})
    peaks["signal"] = np.round(rng.lognormal(3, 0.6, len(peaks)), 4)
    peaks["motif"] = np.arange(len(peaks)) < len(bound)
    canvas.tables["peaks"] = peaks.sort_values(["start", "end"], ignore_index=True)


def plant_variants(rng: np.random.Generator, canvas: Canvas) -> None:
    """Single-base variants: half change a core base of a motif instance, half lie in free sequence.

    Each neutral variant makes the same substitution as its breaking fellow, so that the substituted base alone predicts nothing.
    """
    sites, end = canvas.tables["sites"], int(canvas.offsets[canvas.main])
    wanted = min(len(sites), max(20, end // 40_000))
    core = np.flatnonzero(MOTIF.max(axis=1) > 0.9)
    neutral_places = _free_bases(canvas, end)
    rows, bases = [], "ACGT"
    for site in sites.iloc[np.sort(rng.choice(len(sites), wanted, replace=False))].itertuples():
        probabilities = MOTIF if site.strand == "+" else MOTIF[::-1, ::-1]  # along the plus strand
        offsets = core if site.strand == "+" else len(MOTIF) - 1 - core
        planted = canvas.codes[site.start : site.end]
        kept = offsets[planted[offsets] == probabilities[offsets].argmax(axis=1)]
        offset = int(rng.choice(kept))
        reference = int(planted[offset])
        alternative = int(rng.choice(np.setdiff1d(np.arange(4), reference)))
        same = neutral_places[canvas.codes[neutral_places] == reference]
        for place, effect in ((site.start + offset, "break"), (int(rng.choice(same)), "neutral")):
            rows.append((place, place + 1, bases[reference], bases[alternative], effect))
    variants = pd.DataFrame(rows, columns=["start", "end", "reference", "alternative", "effect"])
    # Two neutral variants on the same base would be one record with two alleles.
    canvas.tables["variants"] = variants.drop_duplicates("start").sort_values("start", ignore_index=True)


def _free_bases(canvas: Canvas, end: int) -> np.ndarray:
    """Positions that nothing claimed and no gene covers."""
    free = ~canvas.taken[:end]
    for start, stop in canvas.tables["genes"][["start", "end"]].itertuples(index=False):
        free[start:stop] = False
    return np.flatnonzero(free)
