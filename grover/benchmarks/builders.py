"""What each kind of benchmark makes of its annotation: windows of one length with a label.

A builder returns the names of the labels 0, 1, ... and the windows: chrom, start, end, strand, label, score, dropped. A builder with
several kinds of negatives adds their stratum. Where negatives are derived from the positives, they come later
(`grover.benchmarks.derived_negatives`) and take label 0. Coordinates are 0-based half-open.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from grover.benchmarks.datasets import drop
from grover.benchmarks.intron_borders import find_borders
from grover.benchmarks.start_codons import BEFORE_CODON, find_start_codons
from grover.genome.assembly import Genome
from grover.intervals.overlaps import merge, overlaps
from grover.runtime.errors import InputError

Built = tuple[pd.DataFrame, tuple[str, ...]]
UPSTREAM = 249  # with 300 bases: -249..+50, the start itself counted as 0
REACH, STEP = 5_000, 300
BEFORE_START = 60  # bases before a start codon, which hold its ribosome binding site
MOST_LABELS = 50  # more names than that are names of places


@dataclass(frozen=True)
class Surroundings:
    """What builders read beside their sites.

    hits: the matches that motif-bound judges. accessible: the open chromatin of its negatives.
    """

    genome: Genome
    hits: pd.DataFrame | None = None
    accessible: pd.DataFrame | None = None


def make_windows(
    builder: str,
    sites: pd.DataFrame,
    length: int,
    options: dict[str, str],
    surroundings: Surroundings,
    *,
    derived: bool = False,
    seed: int = 0,
) -> Built:
    """Make the windows of a task from its sites with a builder of `grover.config.benchmark_table.BUILDERS`; `csv` makes none."""
    if length < 1:
        raise InputError(f"the builder {builder} needs the number of bases of a window; give --length")
    whole = {name: int(options[name]) for name in ("upstream", "reach", "step") if name in options}
    match builder:
        case "prom300":
            return prom300(sites, length, **whole)
        case "promscan":
            return promscan(sites, length, seed=seed, **whole)
        case "motif-bound":
            hits, accessible = surroundings.hits, surroundings.accessible
            if hits is None:
                raise InputError("the benchmark builder motif-bound needs --hits, the matches that scan_motif finds")
            if accessible is not None and "states" in options:
                accessible = of_states(accessible, options["states"].split("+"))
            return motif_bound(hits, sites, length, accessible, int(options.get("summit", 0)) or None)
        case "tfbs":
            return tfbs(sites, length)
        case "splice":
            return splice(sites, surroundings.genome, length, options.get("kind", "both"), seed)
        case "start-codon":
            return start_codon(sites, surroundings.genome, length, **whole, seed=seed)
        case "regions":
            labels = options["labels"].split("+") if "labels" in options else None
            return regions(sites, length, labels, derived)
    raise InputError(f"the benchmark builder {builder} makes no windows")


def prom300(tss: pd.DataFrame, length: int, upstream: int = UPSTREAM) -> Built:
    """A window around each transcription start: `upstream` bases before it along the strand, then the start and what follows."""
    if upstream >= length:
        raise InputError(
            f"windows of {length} bases do not reach the start {upstream} bases downstream; give a smaller upstream"
        )
    border = tss["start"].where(tss["strand"] == "+", tss["end"])
    return _anchored(tss, border, upstream, length).assign(label=np.int8(1)), ("no promoter", "promoter")


def promscan(tss: pd.DataFrame, length: int, reach: int = REACH, step: int = STEP, seed: int = 0) -> Built:
    """Windows every `step` bases within `reach` bases of a transcription start, label 1 where a start lies inside.

    Stretches around neighbouring starts that overlap are scanned once, as one. Each scan begins at an offset below `step` that the seed
    draws; else a start would be at the same few places of all windows. The strand of a start is unknown to a scan, so
    all windows are read along strand +.
    """
    if length > 2 * reach + 1:
        raise InputError(
            f"windows of {length} bases do not fit into {reach} bases on both sides of a start; give a larger reach"
        )
    around = pd.DataFrame(
        {"chrom": tss["chrom"], "start": (tss["start"] - reach).clip(lower=0), "end": tss["start"] + reach + 1}
    )
    around = merge(around)
    room = (around["end"] - around["start"] - length).to_numpy()  # of the start of a window
    offset = np.random.default_rng(seed).integers(np.clip(room + 1, 1, step))
    number = np.maximum((room - offset) // step + 1, 0)
    nth = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
    start = np.repeat(around["start"].to_numpy() + offset, number) + step * nth
    windows = pd.DataFrame(
        {"chrom": np.repeat(around["chrom"].to_numpy(), number), "start": start, "end": start + length}
    )
    windows = windows.assign(strand="+", label=overlaps(windows, tss).astype(np.int8), score=np.nan, dropped="")
    return windows, ("no promoter", "promoter")


def motif_bound(
    hits: pd.DataFrame,
    peaks: pd.DataFrame,
    length: int,
    accessible: pd.DataFrame | None = None,
    summit: int | None = None,
) -> Built:
    """Windows around matches of a motif, label 1 where the centre lies in a peak (or within `summit` nt of a summit), else 0.

    With `summit`, a match elsewhere in a peak is neither bound nor free and is dropped. With `accessible`, unbound
    matches outside it are dropped, so that the label says more than open or closed chromatin.
    """
    if not len(hits):
        raise InputError("the motif has no match in the genome; raise the p-value threshold or choose another motif")
    middle = (hits["start"] + hits["end"]) // 2
    centres = pd.DataFrame({"chrom": hits["chrom"], "start": middle, "end": middle + 1})
    in_peak = overlaps(centres, peaks)
    bound = in_peak
    if summit is not None:
        place = peaks["start"] + peaks["summit"]
        near = pd.DataFrame({"chrom": peaks["chrom"], "start": place - summit, "end": place + summit + 1})
        bound = overlaps(centres, near)
    sites = _centred(hits, length).assign(label=bound.astype(np.int8))
    drop(sites, in_peak & ~bound, "in a peak, far from its summit")
    if accessible is not None:
        drop(sites, ~bound & ~overlaps(centres, accessible), "unbound and not accessible")
    return sites, ("unbound", "bound")


def tfbs(peaks: pd.DataFrame, length: int) -> Built:
    """A window with its middle on the summit of each peak. Peaks have no strand, so all are read along +."""
    summit = peaks["start"] + peaks["summit"]
    return _anchored(peaks[["chrom"]], summit, length // 2, length).assign(label=np.int8(1)), ("background", "peak")


def of_states(bed: pd.DataFrame, states: list[str]) -> pd.DataFrame:
    """The rows of a BED that have one of these names."""
    names = bed["name"] if "name" in bed else pd.Series("", bed.index)
    for state in states:
        if not (names == state).any():
            known = ", ".join(sorted(names.unique())[:20])
            raise InputError(
                f"no interval in the genome has the name {state!r} given in `states`; names are {known or 'missing'}"
            )
    return bed[names.isin(states)]


def regions(bed: pd.DataFrame, length: int, labels: list[str] | None = None, derived: bool = False) -> Built:
    """A window with its middle on that of each region; the name of a region is its label.

    `labels` chooses names and numbers them in this order; without, all names are taken in sorted order. With `derived`, all
    regions, or those with one of these names, have label 1.
    """
    names = bed.get("name")
    if names is None and (labels or not derived):
        raise InputError(
            "the BED of the regions has no names, which are their labels; give a BED of four columns, or derive negatives"
        )
    for label in labels or []:
        if label not in set(names):
            found = ", ".join(sorted(names.unique())[:10])
            raise InputError(f"no region in the genome has the name {label!r} given in `labels`; names are {found}")
    if labels:
        bed, names = bed[names.isin(labels)], names[names.isin(labels)]
    middle = (bed["start"] + bed["end"]) // 2
    windows = _anchored(bed, middle, length // 2, length)
    if derived:
        return windows.assign(label=np.int8(1)), ("background", "region")
    known = tuple(labels or sorted(names.unique()))
    if not 2 <= len(known) <= MOST_LABELS:
        raise InputError(
            f"the regions in the genome have {len(known):,} different names, but 2 to {MOST_LABELS} labels are expected; choose with "
            "labels=A+B, or derive negatives"
        )
    numbers = names.map({name: number for number, name in enumerate(known)})
    return windows.assign(label=numbers.to_numpy(np.int64)), known


def splice(junctions: pd.DataFrame, genome: Genome, length: int, kind: str = "both", seed: int = 0) -> Built:
    """Windows around borders of introns that begin with GT and end with AG, and around GT and AG that are no border.

    `kind` donor or acceptor: label 1 is such a border. Label 0 is a GT (an AG) of the same gene and strand that no annotated intron
    of any gene uses; each gene has as many of them as borders. Kind both: 0 acceptor, 1 donor, 2 neither. The last is half GT, half
    AG, and as many as one of the others on average. Half of a window lies before the border along the strand: of 400 bases 200. So
    GT begins at 200 and AG at 198, as in GUE (Zhou 2023).

    Introns with other ends (GC, AT) are left out, since no negative looks like them; they count as used.
    """
    number = {"donor": 1, "acceptor": 0, "neither": 2} if kind == "both" else {kind: 1, "neither": 0}
    sites = find_borders(junctions, genome, number, seed)
    windows = _anchored(sites, sites["border"], length // 2, length).assign(label=sites["label"].to_numpy(np.int64))
    windows["dropped"] = sites["dropped"].to_numpy()
    return windows, ("acceptor", "donor", "neither") if kind == "both" else ("neither", kind)


def start_codon(genes: pd.DataFrame, genome: Genome, length: int, upstream: int = BEFORE_START, seed: int = 0) -> Built:
    """Windows with `upstream` bases before a start codon of a coding sequence, and before other ATG, GTG and TTG in three strata.

    How many of each there are: `grover.benchmarks.start_codons`. The score is the length of the open frame in codons.
    """
    if upstream + 3 > length:
        raise InputError(
            f"windows of {length} bases do not reach the end of the codon {upstream} bases downstream; give a smaller upstream"
        )
    sites = find_start_codons(genes, genome, seed)
    windows = _anchored(sites, sites["border"], upstream, length)
    windows = windows.assign(**{name: sites[name] for name in ("label", "stratum", "score", "dropped")})
    windows.attrs = {BEFORE_CODON: upstream}
    return windows, ("other codon", "start codon")


def _anchored(sites: pd.DataFrame, border: pd.Series, before: int, length: int) -> pd.DataFrame:
    """Windows with `before` bases in front of a border between two bases along the strand of each site."""
    strand = sites["strand"] if "strand" in sites else pd.Series(".", sites.index)
    start = (border - before).where(strand != "-", border + before - length)
    windows = pd.DataFrame({"chrom": sites["chrom"], "start": start, "end": start + length, "strand": strand})
    return windows.assign(score=np.nan, dropped="").reset_index(drop=True)


def _centred(sites: pd.DataFrame, length: int) -> pd.DataFrame:
    """Windows centred on sites of some width; read along its strand, each shows its site at the same place."""
    width = sites["end"] - sites["start"]
    if (width > length).any():
        raise InputError(f"windows of {length} nt are shorter than their sites of {width.max()}; give a larger length")
    before = (length - width) // 2
    start = (sites["start"] - before).where(sites["strand"] != "-", sites["end"] + before - length)
    return sites.assign(start=start, end=start + length, dropped="").reset_index(drop=True)
