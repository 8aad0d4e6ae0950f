"""Borders of introns that begin with GT and end with AG, and GT and AG of the same genes that are no border."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from grover.genome.assembly import Genome
from grover.genome.bases import A, G, T, reverse_complement

KINDS = ("donor", "acceptor")
# the two bases of an intron beside its border, and how far behind the first of them the border lies
MARKS = {"donor": ((G, T), 0), "acceptor": ((A, G), 2)}
GENE = ["chrom", "strand", "gene_start", "gene_end"]
BEYOND, UNMARKED = "beyond its segment", "no GT or AG at the border"


@dataclass(frozen=True)
class Gene:
    """A gene with its borders by kind, int64, and those that annotated introns of any gene on its contig and strand have, sorted."""

    chrom: str
    strand: str
    start: int
    end: int
    borders: Mapping[str, np.ndarray]
    used: np.ndarray


def find_borders(junctions: pd.DataFrame, genome: Genome, number: Mapping[str, int], seed: int) -> pd.DataFrame:
    """Find borders and as many places like them: border (first base behind it, seen on strand +), label, dropped (why), chrom, strand.

    number: labels of the kinds that are wanted, and of `neither`. Rows come gene by gene, so that a gene's draws follow its own. Work per
    gene is on arrays alone: there are tens of thousands.
    """
    kinds = [kind for kind in KINDS if kind in number]
    borders = pd.concat([_borders(junctions, kind) for kind in kinds], ignore_index=True)
    used = {key: np.unique(rows) for key, rows in borders.groupby(["chrom", "strand"])["border"]}
    borders = borders.drop_duplicates([*GENE, "what", "border"])
    borders = borders.assign(gene=borders.groupby(GENE, sort=False).ngroup())
    borders = borders.sort_values(["gene", "what"], kind="stable")
    inside = genome.positions(borders["chrom"], borders["border"].to_numpy()) >= 0
    border, what = borders["border"].to_numpy(np.int64), borders["what"].to_numpy(object)
    # the borders of one kind in one gene lie side by side
    firsts = np.flatnonzero(np.append(True, (np.diff(borders["gene"]) != 0) | (what[1:] != what[:-1])))
    lasts = np.append(firsts[1:], len(border))
    pieces = zip(firsts.tolist(), lasts.tolist(), borders["gene"].to_numpy()[firsts].tolist(), strict=True)
    genes: dict[int, list[tuple[int, int]]] = {}
    for first, last, gene in pieces:
        genes.setdefault(gene, []).append((first, last))

    rng = np.random.default_rng(seed)
    found = _Found()
    head = borders.iloc[[spans[0][0] for spans in genes.values()]][GENE]
    for (chrom, strand, start, end), spans in zip(head.itertuples(index=False), genes.values(), strict=True):
        mine = {what[first]: border[first:last] for first, last in spans}
        gene = Gene(chrom, strand, start, end, mine, used[chrom, strand])
        places, free = _places(gene, genome)
        counts = {}
        for kind, (first, last) in zip(mine, spans, strict=True):
            marked = _among(mine[kind], np.sort(places[kind]))
            counts[kind] = int(marked.sum())
            reason = np.where(inside[first:last], UNMARKED, BEYOND)
            found.add(gene, mine[kind], number[kind], np.where(marked, "", reason))
        for kind, wanted in _shares(counts, rng).items():
            drawn = rng.choice(free[kind], min(wanted, len(free[kind])), replace=False)
            found.add(gene, drawn, number["neither"], np.full(len(drawn), ""))
    return found.table()


class _Found:
    """Rows of the table, as arrays until all are there."""

    def __init__(self) -> None:
        self._borders: list[np.ndarray] = []
        self._dropped: list[np.ndarray] = []
        self._rest: list[tuple[int, str, str]] = []

    def add(self, gene: Gene, border: np.ndarray, label: int, dropped: np.ndarray) -> None:
        self._borders.append(border)
        self._dropped.append(dropped)
        self._rest.append((label, gene.chrom, gene.strand))

    def table(self) -> pd.DataFrame:
        rest = pd.DataFrame(self._rest, columns=["label", "chrom", "strand"])
        rest = rest.loc[np.repeat(rest.index, [*map(len, self._borders)])].reset_index(drop=True)
        rest.insert(0, "border", np.concatenate(self._borders))
        rest.insert(2, "dropped", np.concatenate(self._dropped).astype(object))
        return rest


def _borders(junctions: pd.DataFrame, what: str) -> pd.DataFrame:
    """Where exon and intron meet: the coordinate of the first base behind the border, seen on strand +."""
    first = (junctions["strand"] == "+") == (what == "donor")
    border = junctions["start"].where(first, junctions["end"])
    return junctions[GENE].assign(border=border, what=what)


def _places(gene: Gene, genome: Genome) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return by kind where a border could lie in a gene, along its strand, and those that no annotated intron has."""
    codes = genome.fetch(gene.chrom, gene.start, gene.end)
    codes = reverse_complement(codes) if gene.strand == "-" else codes
    places, free = {}, {}
    for kind in gene.borders:
        (first, second), into = MARKS[kind]
        at = np.flatnonzero((codes[:-1] == first) & (codes[1:] == second)) + into
        places[kind] = gene.start + at if gene.strand == "+" else gene.end - at
        free[kind] = places[kind][~_among(places[kind], gene.used)]
    return places, free


def _among(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Whether each value is one of the sorted ones."""
    if not known.size:
        return np.zeros(values.size, bool)
    at = np.minimum(np.searchsorted(known, values), known.size - 1)
    same: np.ndarray = known[at] == values
    return same


def _shares(counts: dict[str, int], rng: np.random.Generator) -> dict[str, int]:
    """How many unused borders of each kind to draw in a gene: as many as are used, or of two kinds half their mean each."""
    if len(counts) == 1:
        return counts
    # what is odd is rounded up or down at random, so that neither kind is favoured over many genes
    mean = (sum(counts.values()) + int(rng.integers(2))) // 2
    half = (mean + int(rng.integers(2))) // 2
    return dict(zip(counts, (half, mean - half), strict=True))
