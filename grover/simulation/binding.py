"""The binding motif of the simulated genome: sites, the partner that decides on binding, peaks, and variants."""

from itertools import cycle, islice
from typing import NamedTuple

import numpy as np
import pandas as pd

from grover.simulation.canvas import Canvas
from grover.simulation.sequence import codes, matrix, reverse_complement, sample, text
from grover.simulation.species import OPPOSITE

# The binding motif: a strong core, a soft middle and soft ends, 24 bits in all. Invented.
MOTIF_ID, MOTIF_NAME = "DEMO0001.1", "CTCFL-demo"
_CORE, _GOOD, _WEAK = 0.96, 0.85, 0.6
MOTIF = matrix(
    "TGATGACCTTGAGCTAAC",
    [_WEAK, _GOOD, _CORE, _CORE, _CORE, _CORE, _CORE, _CORE, _WEAK]
    + [_GOOD, _CORE, _CORE, _CORE, _CORE, _CORE, _GOOD, _WEAK, _WEAK],
)
# The partner motif decides on binding: on one side of the motif (`grover.simulation.species`), in the orientation of the motif's strand.
PARTNER = "TTACGCAATCGGA"
PARTNER_STRENGTH = 0.993  # one copy in ten carries a change
PARTNER_DISTANCE = (5, 40)  # free bases between motif and partner, smallest and largest
PARTNER_REACH = 60  # the partner ends at most so many bases after the motif
LABEL_NOISE = 0.05
# of each kind; more neutral ones, so that each variant with an effect finds one that changes the number of tokens alike
VARIANTS_PER_SITE = {"partner": 2, "motif": 4, "decoy": 3}
SITE_SPACING, SITE_FLANK, SITE_GAP = 1000, 80, 300  # bases per site; claimed around its centre; least distance


def plant_sites(rng: np.random.Generator, canvas: Canvas) -> None:
    """Instances of the motif in free sequence, each with its partner or a decoy, and the label that follows.

    Strength is drawn from the matrix and says nothing about binding. `partner_strand` is the strand on which the copy reads as the
    consensus; without a copy it is ".", and `distance`, `partner_start` and `partner_end` are -1.
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
    rows, side, kinds = [], canvas.species.side, canvas.species.partner_kinds
    for centre in sorted(centres):
        strand = "+" if rng.random() < 0.5 else "-"
        kind = str(rng.choice(list(kinds), p=list(kinds.values())))
        start, stop = centre - len(MOTIF) // 2, centre - len(MOTIF) // 2 + len(MOTIF)
        canvas.paste(start, sample(rng, MOTIF), strand)
        distance = int(rng.integers(PARTNER_DISTANCE[0], PARTNER_DISTANCE[1] + 1))
        where: tuple[int, int, str] = (-1, -1, ".")
        if kind != "none":
            right = (kind if kind in OPPOSITE else side) == "right"
            after = right == (strand == "+")  # in the direction of growing coordinates
            place = stop + distance if after else start - distance - len(PARTNER)
            partner = sample(rng, matrix(PARTNER, PARTNER_STRENGTH))
            along = strand if kind != "reversed" else "-" if strand == "+" else "+"
            canvas.paste(place, partner, along)
            where = (place, place + len(PARTNER), along)
        bound = kind == side
        flipped = bool(rng.random() < LABEL_NOISE)
        distance = distance if kind != "none" else -1
        rows.append((start, stop, strand, kind, distance, *where, bound, bound != flipped))
        canvas.claim(centre - SITE_FLANK, centre + SITE_FLANK)
    of_copy = ["partner_start", "partner_end", "partner_strand"]
    columns = ["start", "end", "strand", "partner", "distance", *of_copy, "bound_by_rule", "bound"]
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
    """Single-base variants of known effect: `break` ones change the partner of a bound site, `neutral` ones change what decides nothing.

    Neutral are the same substitutions at the same offsets of the partner's copies on the other side or reversed (kind `decoy`). Core
    bases of the motifs of bound sites are neutral, too (kind `motif`), since only the partner decides on binding. The decoys match the
    partner in base, substitution and surroundings, so that neither of these separates the two effects.
    """
    sites, motif, partner = canvas.tables["sites"], MOTIF.argmax(axis=1), codes(PARTNER)
    core = np.flatnonzero(MOTIF.max(axis=1) > 0.9)
    rows: list[tuple] = []
    drawn: list[tuple[int, int]] = []  # offset and alternative base of each `break` variant
    side = canvas.species.side
    for site in sites[sites.partner == side].itertuples():
        copy = _Copy("partner", site.Index, site.partner_start, site.partner_end, site.partner_strand)
        changes = [(offset, _other(rng, partner[offset])) for offset in copy.kept(rng, canvas, partner)]
        rows += [copy.changed(*change, partner) for change in changes]
        drawn += changes
        copy = _Copy("motif", site.Index, site.start, site.end, site.strand)
        offsets = copy.kept(rng, canvas, motif, core)
        rows += [copy.changed(offset, _other(rng, motif[offset]), motif) for offset in offsets]
    alike = cycle(rng.permutation(drawn))
    for site in sites[sites.partner.isin([OPPOSITE[side], "reversed"])].itertuples():
        copy = _Copy("decoy", site.Index, site.partner_start, site.partner_end, site.partner_strand)
        # two on one base would be one record with two alleles
        same = dict(islice(alike, VARIANTS_PER_SITE["decoy"]))
        offsets = copy.kept(rng, canvas, partner, np.array(list(same), int))
        rows += [copy.changed(offset, same[offset], partner) for offset in offsets]
    columns = ["start", "end", "reference", "alternative", "effect", "kind", "site", "offset"]
    canvas.tables["variants"] = pd.DataFrame(rows, columns=columns).sort_values("start", ignore_index=True)


class _Copy(NamedTuple):
    """A planted copy of a motif or partner: what it is, its site, its place, and the strand on which it reads as its consensus."""

    kind: str
    site: int
    start: int
    end: int
    strand: str

    def kept(
        self, rng: np.random.Generator, canvas: Canvas, consensus: np.ndarray, offsets: np.ndarray | None = None
    ) -> list[int]:
        """Draw offsets at which this copy has the base of its consensus."""
        copy = canvas.codes[self.start : self.end]
        copy = copy if self.strand == "+" else reverse_complement(copy)
        offsets = np.arange(len(consensus)) if offsets is None else offsets
        kept = offsets[copy[offsets] == consensus[offsets]]
        return sorted(map(int, rng.choice(kept, min(VARIANTS_PER_SITE[self.kind], len(kept)), replace=False)))

    def changed(self, offset: int, base: int, consensus: np.ndarray) -> tuple:
        """Return the row of the variant that replaces the base at `offset` along this copy's strand, on the plus strand."""
        forward = self.strand == "+"
        place = self.start + offset if forward else self.end - 1 - offset
        pair = np.array([consensus[offset], base])
        bases = text(pair if forward else 3 - pair)
        effect = "break" if self.kind == "partner" else "neutral"
        return place, place + 1, bases[0], bases[1], effect, self.kind, self.site, offset


def _other(rng: np.random.Generator, base: int) -> int:
    """Draw one of the three other bases."""
    return int(rng.choice(np.setdiff1d(np.arange(4), base)))
