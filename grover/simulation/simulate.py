"""A small genome with known truth: everything that the workflow looks for is planted, and what was planted is returned.

Contigs lie end to end in one array of codes (A 0, C 1, G 2, T 3, N 4). Every table holds positions in it, 0-based
half-open; `grover.simulation.files` writes them by contig. What is planted replaces background, so nothing
shifts. Each step claims free sequence, on which no later step writes.
"""

from typing import Any

import numpy as np
import pandas as pd

from grover.runtime.errors import InputError
from grover.simulation.binding import plant_peaks, plant_sites, plant_variants
from grover.simulation.canvas import ISOCHORE_GC, ISOCHORE_NAMES, Canvas
from grover.simulation.genes import plant_genes, plant_regulatory_elements
from grover.simulation.sequence import background, codes, markov, repeat_copy, repeat_families, tandem, text
from grover.simulation.species import SPECIES, Species
from grover.simulation.tracks import plant_chromatin_states, plant_noise, plant_replication_timing

CHAIN = 500  # bases that one Markov chain writes
SIMPLE_UNITS = ("A", "CA", "TG", "GA", "TTTC", "GGAA", "AAAT", "TTAGGG")
SATELLITE = ("ALRDemo", "Satellite", "centr", 171)  # name, class, family, length of the unit


def simulate(bases: int, contigs: int, seed: int, species: Species = SPECIES["A"]) -> Canvas:
    """Simulate `bases` of a species over `contigs` chromosomes, plus `chrUn_demo1` and `chrM`, which a contig selection should drop.

    The same arguments give the same genome. Raises InputError where a chromosome would be shorter than 20,000 bases.
    """
    if bases < 20_000 * contigs:
        raise InputError(
            f"simulated genome: {bases} bases over {contigs} contigs; expected at least 20,000 bases per contig, "
            "set more bases or fewer contigs"
        )
    rng = np.random.default_rng(species.seed(seed))
    canvas = _background(rng, bases, contigs, species)
    for plant in (
        _plant_gaps_and_satellites,
        plant_genes,
        plant_regulatory_elements,
        _plant_repeats,
        plant_sites,
        plant_peaks,
        plant_chromatin_states,
        plant_replication_timing,
        plant_noise,
        plant_variants,  # last, so that other variants leave everything else as it is
    ):
        plant(rng, canvas)
    return canvas


def _background(rng: np.random.Generator, bases: int, contigs: int, species: Species) -> Canvas:
    """Chromosomes of falling length, cut into isochores whose GC differs from the neighbour's."""
    share = np.linspace(1.4, 0.6, contigs) / contigs if contigs > 1 else np.ones(1)
    extra = [max(2_000, bases // 100), min(16_569, max(1_000, bases // 250))]
    lengths = np.concatenate([np.rint(share * bases).astype(int), extra])
    names = [f"chr{number + 1}" for number in range(contigs)] + ["chrUn_demo1", "chrM"]
    rows, start = [], 0
    for length in lengths:
        mean, level, end = np.clip(length // 16, 8_000, 100_000), rng.integers(5), start + length
        while start < end:
            # A rest too short to be an isochore of its own joins this one.
            stop = start + int(mean * rng.uniform(0.5, 1.5))
            stop = end if end - stop < mean // 2 else stop
            level = (level + rng.integers(1, 5)) % 5
            gc_share = float(ISOCHORE_GC[level] + species.gc_shift + rng.normal(0, 0.008))
            rows.append((start, stop, ISOCHORE_NAMES[level], gc_share))
            start = stop
    isochores = pd.DataFrame(rows, columns=["start", "end", "name", "gc"])
    gc = np.repeat(isochores["gc"].to_numpy(np.float32), (isochores["end"] - isochores["start"]).to_numpy())
    sequence = markov(rng, gc[::CHAIN], CHAIN).ravel()[: len(gc)]
    taken, masked = np.zeros(len(gc), dtype=bool), np.zeros(len(gc), dtype=bool)
    # A claimed base at each end keeps everything that is planted inside one contig.
    ends = np.cumsum(lengths)
    taken[ends - lengths] = taken[ends - 1] = True
    return Canvas(names, lengths, sequence, taken, masked, gc, contigs, species, tables={"isochores": isochores})


def _plant_gaps_and_satellites(rng: np.random.Generator, canvas: Canvas) -> None:
    """N at both ends of the chromosomes, at the centromere between two satellite arrays, and in a few other places."""
    monomer = background(rng, 0.38, SATELLITE[3])
    gaps, repeats = [], []
    for start, end in zip(canvas.offsets[: canvas.main], canvas.offsets[1:], strict=False):
        length = end - start
        telomere, centromere = max(200, length // 200), max(300, length // 100)
        middle = start + int(length * rng.uniform(0.3, 0.6))
        gaps += [(start, start + telomere), (end - telomere, end), (middle, middle + centromere)]
        array = max(855, length // 120)
        for left in (middle - array, middle + centromere):
            copy, report = tandem(rng, monomer, array, 0.06)
            strand = "+" if rng.random() < 0.5 else "-"
            canvas.paste(left, copy, strand)
            repeats.append(_repeat_row(left, left + array, strand, SATELLITE, report))
            canvas.claim(left, left + array)
        for size, share in ((1, 0.66), (max(80, length // 2_000), 0.74), (60, 0.82)):
            place = start + int(length * (share + rng.uniform(0, 0.07)))
            gaps.append((place, place + size))
        # Twelve bases between two gaps: too short to be kept as a segment.
        gaps.append((place + 72, place + 90))
        canvas.claim(place, place + 90)
    gaps = pd.DataFrame(sorted(gaps), columns=["start", "end"])
    for start, end in gaps.itertuples(index=False):
        canvas.codes[start:end] = 4
        canvas.claim(start, end)
    canvas.tables["gaps"] = gaps
    canvas.tables["satellites"] = pd.DataFrame(repeats)


def _plant_repeats(rng: np.random.Generator, canvas: Canvas) -> None:
    """Copies of every family on both strands, the longest first while there is room, and simple repeats."""
    canvas.families = canvas.species.families(repeat_families(rng))
    copies = []
    for family in canvas.families:
        wanted = family.coverage * len(canvas.codes)
        while wanted > 0:
            copy, report = repeat_copy(rng, family)
            kind = (family.name, family.repeat_class, family.family, len(family.consensus))
            copies.append((copy, report, kind, family.gc_bias))
            wanted -= len(copy)
    for _ in range(max(10, len(canvas.codes) // 5_000)):
        unit = codes(SIMPLE_UNITS[rng.integers(len(SIMPLE_UNITS))])
        copy, report = tandem(rng, unit, int(rng.integers(20, 80)), 0.03)
        kind = (f"({text(unit)})n", "Simple_repeat", "Simple_repeat", len(unit))
        copies.append((copy, report, kind, 0))
    copies.sort(key=lambda item: -len(item[0]))
    rows = []
    for copy, report, kind, bias in copies:
        start = canvas.find(rng, len(copy), bias)
        if start is not None:
            # The name of a simple repeat is read on the plus strand.
            strand = "+" if kind[1] == "Simple_repeat" or rng.random() < 0.5 else "-"
            canvas.paste(start, copy, strand)
            rows.append(_repeat_row(start, start + len(copy), strand, kind, report))
    repeats = pd.concat([pd.DataFrame(rows), canvas.tables.pop("satellites")])
    canvas.tables["repeats"] = repeats.sort_values("start", ignore_index=True)
    for start, end in zip(repeats.start, repeats.end, strict=True):
        canvas.masked[start:end] = True


def _repeat_row(
    start: int, end: int, strand: str, kind: tuple[str, str, str, int], report: dict[str, int]
) -> dict[str, Any]:
    named = dict(zip(("name", "repeat_class", "family", "consensus_length"), kind, strict=True))
    return {"start": start, "end": end, "strand": strand} | named | report
