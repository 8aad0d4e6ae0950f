"""Genes, promoters, enhancers and CpG islands of the simulated genome."""

import numpy as np
import pandas as pd

from grover.simulation.canvas import Canvas
from grover.simulation.sequence import background, independent, matrix, reverse_complement, sample

DONOR_TEXT, ACCEPTOR_TEXT, TATA_TEXT, ENHANCER_TEXT = "MAGGTRAGT", "YYYYYYYYYYNYAGG", "TATAWAAG", "GGAAGTCATTCC"
DONOR = matrix(DONOR_TEXT, [0.7, 0.7, 0.8, 1, 1, 0.9, 0.75, 0.8, 0.6])  # exon, then the intron
ACCEPTOR = matrix(ACCEPTOR_TEXT, [0.85] * 10 + [1, 0.8, 1, 1, 0.55])  # intron, then the exon
DONOR_EXON, ACCEPTOR_EXON = 3, 1  # bases of the exon
SPLICE = {"DONOR": DONOR, "ACCEPTOR": ACCEPTOR}
TATA = matrix(TATA_TEXT, 0.9)
ENHANCER = matrix(ENHANCER_TEXT, 0.95)


def plant_genes(rng: np.random.Generator, canvas: Canvas) -> None:
    """Genes of 3 to 8 exons with GT..AG introns, most with a CpG island around the start, others with a TATA box."""
    end = int(canvas.offsets[canvas.main])
    occupied = canvas.taken.copy()  # whole genes, so that none lies within another
    genes: list[tuple[int, int, str, str, bool, bool]] = []
    exons: list[tuple[int, int, str, str, int]] = []
    islands: list[tuple[int, int]] = []
    boxes: list[tuple[int, int, str, str]] = []
    splice: list[tuple[int, int, str, str, str]] = []
    for _ in range(max(4, end // 20_000)):
        exon_lengths = rng.integers(90, 300, rng.integers(3, 9))
        intron_lengths = 150 + rng.exponential(700, len(exon_lengths) - 1).astype(int)
        pieces = np.stack([exon_lengths[:-1], intron_lengths], axis=1).ravel()
        bounds = np.cumsum(np.concatenate([[0], pieces, exon_lengths[-1:]]))
        length, margin = int(bounds[-1]), 1_000
        start = _free_gene_place(rng, canvas, occupied, length, margin, end)
        if start is None:
            continue
        occupied[start - margin : start + length + margin] = True
        strand = "+" if rng.random() < 0.5 else "-"
        name = f"DEMOG{len(genes) + 1:05d}"
        gc = float(canvas.gc[start])
        active = bool(rng.random() < 0.45 + 1.5 * (gc - canvas.species.gc_shift - 0.36))
        island = _promoter(rng, canvas, start, length, strand, bool(rng.random() < 0.7), islands)
        sense = _gene_sequence(rng, canvas, start, bounds, strand, island, gc)
        canvas.paste(start, sense, strand)
        for number, (left, right) in enumerate(zip(bounds[::2], bounds[1::2], strict=True), start=1):
            first, last = (left, right) if strand == "+" else (length - right, length - left)
            exons.append((start + first, start + last, strand, name, number))
            canvas.claim(start + first - 30, start + last + 30)
        for kind, left, right in _splice_sites(bounds):
            first, last = (left, right) if strand == "+" else (length - right, length - left)
            splice.append((start + first, start + last, strand, name, kind))
        if not island:
            first = _tata_start(start if strand == "+" else start + length, strand)
            boxes.append((first, first + len(TATA), strand, name))
        genes.append((start, start + length, strand, name, active, island))
    canvas.tables["genes"] = pd.DataFrame(genes, columns=["start", "end", "strand", "name", "active", "cpg_island"])
    canvas.tables["exons"] = pd.DataFrame(exons, columns=["start", "end", "strand", "gene", "number"])
    canvas.tables["islands"] = pd.DataFrame(islands, columns=["start", "end"])
    canvas.tables["splice_sites"] = pd.DataFrame(splice, columns=["start", "end", "strand", "gene", "kind"])
    canvas.tables["tata_boxes"] = pd.DataFrame(boxes, columns=["start", "end", "strand", "gene"])


def _free_gene_place(
    rng: np.random.Generator, canvas: Canvas, occupied: np.ndarray, length: int, margin: int, end: int
) -> int | None:
    """Start of a gene with `margin` free bases on both sides; GC-rich isochores are preferred."""
    for start in rng.integers(margin, end - length - margin, 60):
        preferred = rng.random() < np.exp(10 * (canvas.gc[start] - canvas.isochore_gc[-1]))
        if preferred and not occupied[start - margin : start + length + margin].any():
            return int(start)
    return None


def _promoter(
    rng: np.random.Generator,
    canvas: Canvas,
    start: int,
    length: int,
    strand: str,
    island: bool,
    islands: list[tuple[int, int]],
) -> bool:
    """Write the island around the start of transcription, or the TATA box 30 bases before it, and claim it."""
    tss = start if strand == "+" else start + length
    if island:
        before, after = (int(size) for size in rng.integers(250, 700, 2))
        left, right = (tss - before, tss + after) if strand == "+" else (tss - after, tss + before)
        canvas.paste(left, independent(rng, rng.uniform(0.62, 0.70), right - left))
        islands.append((left, right))
        canvas.claim(left, right)
    else:
        canvas.paste(_tata_start(tss, strand), sample(rng, TATA), strand)
        canvas.claim(tss - 80, tss + 80)
    return island


def _tata_start(tss: int, strand: str) -> int:
    """First base of the TATA box, which lies between 32 and 24 bases before the start of transcription."""
    return tss - 32 if strand == "+" else tss + 24


def _splice_sites(bounds: np.ndarray) -> list[tuple[str, int, int]]:
    """Kind, start and end of each splice site along the gene's strand, of which `bounds` are the ends of exons and introns."""
    donors, acceptors = bounds[1:-1:2], bounds[2:-1:2]
    return [
        site
        for donor, acceptor in zip(donors, acceptors, strict=True)
        for site in (
            ("DONOR", int(donor) - DONOR_EXON, int(donor) - DONOR_EXON + len(DONOR)),
            ("ACCEPTOR", int(acceptor) + ACCEPTOR_EXON - len(ACCEPTOR), int(acceptor) + ACCEPTOR_EXON),
        )
    ]


def _gene_sequence(
    rng: np.random.Generator, canvas: Canvas, start: int, bounds: np.ndarray, strand: str, island: bool, gc: float
) -> np.ndarray:
    """The gene along its strand: exons richer in GC than their surroundings, splice sites at every intron."""
    sense = canvas.codes[start : start + bounds[-1]].copy()
    sense = sense if strand == "+" else reverse_complement(sense)
    for number, (left, right) in enumerate(zip(bounds[::2], bounds[1::2], strict=True)):
        if number > 0 or not island:
            sense[left:right] = background(rng, gc + 0.07, right - left)
    for kind, left, right in _splice_sites(bounds):
        sense[left:right] = sample(rng, SPLICE[kind])
    return sense


def plant_regulatory_elements(rng: np.random.Generator, canvas: Canvas) -> None:
    """Enhancers with three boxes each, and islands away from promoters."""
    end = int(canvas.offsets[canvas.main])
    enhancers, orphans, boxes = [], [], []
    for _ in range(len(canvas.tables["genes"])):
        length = int(rng.integers(400, 800))
        start = canvas.find(rng, length, 8, end)
        if start is not None:
            canvas.paste(start, background(rng, canvas.gc[start] + 0.08, length))
            for third in range(3):
                box = start + third * length // 3 + int(rng.integers(10, length // 3 - 30))
                sequence = sample(rng, ENHANCER)
                strand = "+" if rng.random() < 0.5 else "-"
                canvas.paste(box, sequence, strand)
                boxes.append((box, box + len(ENHANCER), strand))
            enhancers.append((start, start + length))
    for _ in range(max(2, len(canvas.tables["genes"]) // 5)):
        length = int(rng.integers(300, 900))
        start = canvas.find(rng, length, 8, end)
        if start is not None:
            canvas.paste(start, independent(rng, rng.uniform(0.60, 0.66), length))
            orphans.append((start, start + length))
    canvas.tables["enhancers"] = pd.DataFrame(sorted(enhancers), columns=["start", "end"])
    canvas.tables["enhancer_boxes"] = pd.DataFrame(boxes, columns=["start", "end", "strand"])
    islands = pd.concat([canvas.tables["islands"], pd.DataFrame(orphans, columns=["start", "end"])])
    canvas.tables["islands"] = islands.sort_values("start", ignore_index=True)
