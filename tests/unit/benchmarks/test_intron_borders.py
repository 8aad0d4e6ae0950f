"""Borders of introns gene by gene as arrays, against the same drawn with pandas, which took a hundred times as long per gene."""

import numpy as np
import pandas as pd
import pytest

from grover.benchmarks.intron_borders import BEYOND, GENE, MARKS, UNMARKED, find_borders
from grover.genome.assembly import Genome
from grover.genome.bases import reverse_complement

LABELS = {
    "both": {"donor": 1, "acceptor": 0, "neither": 2},
    "donor": {"donor": 1, "neither": 0},
    "acceptor": {"acceptor": 1, "neither": 0},
}


@pytest.fixture
def genome(tmp_path):
    codes = np.random.default_rng(5).integers(0, 4, 90_000, dtype=np.uint8)
    np.save(tmp_path / "sequence.npy", codes)
    segments = [("chrA", 0, 40_000), ("chrA", 41_000, 61_000), ("chrB", 500, 30_500)]
    text = "".join(f"{chrom}\t{start}\t{end}\ts{i}\n" for i, (chrom, start, end) in enumerate(segments))
    (tmp_path / "segments.bed").write_text(text)
    return Genome(tmp_path / "sequence.npy", tmp_path / "segments.bed")


@pytest.fixture
def junctions(genome):
    """Genes on both strands, some of them across a gap and some over each other, half of their introns with GT and AG."""
    rng = np.random.default_rng(7)
    rows = []
    for number in range(60):
        chrom, strand = ("chrA", "chrB")[number % 2], "+-"[number // 2 % 2]
        start = int(rng.integers(600, 25_000 if chrom == "chrB" else 50_000))
        edges = np.sort(rng.choice(np.arange(start + 50, start + 3_000), 8, replace=False))
        for left, right in edges.reshape(-1, 2).tolist():
            if rng.random() < 0.7:
                left, right = _snapped(genome, chrom, strand, left, right)
            rows += [(chrom, left, right, strand, f"g{number}", start, start + 3_100)] * int(rng.integers(1, 3))
    return pd.DataFrame(rows, columns=["chrom", "start", "end", "strand", "gene", "gene_start", "gene_end"])


def _snapped(genome, chrom, strand, left, right):
    """Move the edges of an intron to the nearest GT and AG behind them, along its strand."""
    first, last = ((2, 3), (0, 2)) if strand == "+" else ((1, 3), (0, 1))
    codes = genome.fetch(chrom, left, right + 400)
    firsts = np.flatnonzero((codes[:-1] == first[0]) & (codes[1:] == first[1]))
    lasts = np.flatnonzero((codes[:-1] == last[0]) & (codes[1:] == last[1])) + 2
    lasts = lasts[lasts >= right - left]
    return (left + int(firsts[0]), left + int(lasts[0])) if firsts.size and lasts.size else (left, right)


def slow(junctions, genome, number, seed):
    """The same with a table for each kind of border of each gene."""
    parts = []
    for what in (kind for kind in ("donor", "acceptor") if kind in number):
        first = (junctions["strand"] == "+") == (what == "donor")
        parts.append(junctions[GENE].assign(border=junctions["start"].where(first, junctions["end"]), what=what))
    borders = pd.concat(parts, ignore_index=True)
    rng, found = np.random.default_rng(seed), []
    for (chrom, strand, start, end), rows in borders.groupby(GENE, sort=False):
        codes = genome.fetch(chrom, start, end)
        codes = reverse_complement(codes) if strand == "-" else codes
        used = borders.loc[(borders["chrom"] == chrom) & (borders["strand"] == strand), "border"]
        counts, free = {}, {}
        for what, mine in rows.groupby("what")["border"]:
            (first, second), into = MARKS[what]
            places = np.flatnonzero((codes[:-1] == first) & (codes[1:] == second)) + into
            places = start + places if strand == "+" else end - places
            mine = mine.unique()
            marked = np.isin(mine, places)
            reason = np.where(genome.position(chrom, mine) < 0, BEYOND, UNMARKED)
            found.append(pd.DataFrame({"border": mine, "label": number[what], "dropped": np.where(marked, "", reason)}))
            found[-1][["chrom", "strand"]] = chrom, strand
            counts[what], free[what] = int(marked.sum()), places[~np.isin(places, used)]
        wanted = dict(counts)
        if len(counts) == 2:
            mean = (sum(counts.values()) + int(rng.integers(2))) // 2
            half = (mean + int(rng.integers(2))) // 2
            wanted = dict(zip(counts, (half, mean - half), strict=True))
        for what, most in wanted.items():
            drawn = rng.choice(free[what], min(most, len(free[what])), replace=False)
            found.append(pd.DataFrame({"border": drawn, "label": number["neither"], "dropped": ""}))
            found[-1][["chrom", "strand"]] = chrom, strand
    return pd.concat(found, ignore_index=True)


@pytest.mark.parametrize("kind", LABELS)
def test_borders_and_what_is_drawn_are_those_of_the_slow_version(genome, junctions, kind):
    expected = slow(junctions, genome, LABELS[kind], seed=3)
    found = find_borders(junctions, genome, LABELS[kind], seed=3)
    assert (expected["dropped"] == "").mean() > 0.5 and set(expected["dropped"]) == {"", BEYOND, UNMARKED}
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
