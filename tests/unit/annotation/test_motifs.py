"""The scan against counted mismatches, memelite's FIMO, brute force over all k-mers and the
expected number; all of it again on real sequence where GROVER_DATA is set."""

import os
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from memelite import fimo

from grover.annotation import motifs
from grover.annotation.meme import read_matrix
from grover.config.sections.genome import Extraction
from grover.genome.assembly import Genome
from grover.genome.bases import encode, reverse_complement
from grover.genome.encoding import GenomeFiles, encode_genome
from grover.genome.fasta import read_contigs
from grover.intervals.formats import read_bed, read_narrowpeak
from grover.intervals.overlaps import inside, overlaps
from grover.runtime.errors import InputError

DATA = os.environ.get("GROVER_DATA")


def genome_of(folder, contigs: dict[str, list[tuple[int, str]]]) -> Genome:
    """A genome from the start and bases of its segments."""
    segments = [(chrom, start, text) for chrom, rows in contigs.items() for start, text in rows]
    np.save(folder / "sequence.npy", np.concatenate([encode(text) for _, _, text in segments]))
    rows = [f"{chrom}\t{start}\t{start + len(text)}\ts{i}\n" for i, (chrom, start, text) in enumerate(segments)]
    (folder / "segments.bed").write_text("".join(rows))
    return Genome(folder / "sequence.npy", folder / "segments.bed")


def random_bases(rng, size: int) -> str:
    return "".join(rng.choice(list("ACGT"), size))


def opposite(sequence: str) -> str:
    return sequence[::-1].translate(str.maketrans("ACGT", "TGCA"))


def matrix_of(kmer: str, strength: float) -> np.ndarray:
    matrix = np.full((4, len(kmer)), (1 - strength) / 3)
    matrix[encode(kmer), np.arange(len(kmer))] = strength
    return matrix


def test_matches_are_the_words_with_at_most_one_mismatch(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    kmer = "GATTCA"
    contigs = {
        "chr1": [(7, random_bases(rng, 3000)), (5000, random_bases(rng, 2000))],
        "chr2": [(0, random_bases(rng, 1000) + kmer[:3])],
    }
    contigs["chr3"] = [
        (0, kmer[3:] + random_bases(rng, 500)),
        (600, "GATTC"),
    ]  # half a k-mer each side, too short a segment
    expected = {
        (chrom, start + i, strand, sum(a != b for a, b in zip(text[i : i + 6], target, strict=True)))
        for chrom, rows in contigs.items()
        for start, text in rows
        for i in range(len(text) - 5)
        for strand, target in (("+", kmer), ("-", opposite(kmer)))
        if sum(a != b for a, b in zip(text[i : i + 6], target, strict=True)) <= 1
    }
    genome = genome_of(tmp_path, contigs)
    # of the 4,096 k-mers one has no mismatch and 18 have one
    hits = motifs.scan(genome, matrix_of(kmer, 0.85), threshold=0.005, resolve=False)
    mismatches = np.where(hits["pvalue"] < 0.001, 0, 1)
    assert set(zip(hits["chrom"], hits["start"], hits["strand"], mismatches, strict=True)) == expected
    assert len(hits) == len(expected) > 20
    assert (hits["end"] - hits["start"] == 6).all()
    np.testing.assert_allclose(hits["pvalue"], np.where(mismatches == 0, 1, 19) / 4096, rtol=1e-6)
    odds = np.log2(np.array([0.85, 0.05]) / 0.25)
    np.testing.assert_allclose(hits["score"], 6 * odds[0] + mismatches * (odds[1] - odds[0]), atol=0.01)

    monkeypatch.setattr(motifs, "CHUNK", int(hits["start"][1]) - 7 + 3)  # the second match spans two chunks
    pd.testing.assert_frame_equal(motifs.scan(genome, matrix_of(kmer, 0.85), threshold=0.005, resolve=False), hits)


def all_scores(codes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Score in bits of every place on strand + and on strand -: float64 [2, places]; one place after the other, base by base."""
    width = matrix.shape[1]
    odds = np.log2((matrix + 1e-4) / 0.25)
    places = len(codes) - width + 1
    plus = sum(odds[codes[i : places + i], i] for i in range(width))
    opposite = 3 - codes[::-1]
    return np.stack([plus, sum(odds[opposite[i : places + i], i] for i in range(width))[::-1]])


def half_words(odds: np.ndarray) -> np.ndarray:
    """Sorted scores of all k-mers of a width."""
    scores = np.zeros(1)
    for column in odds.T:
        scores = (scores[:, None] + column).ravel()
    return np.sort(scores)


def exact_pvalue(matrix: np.ndarray, score: float) -> float:
    """Share of all 4 ** width k-mers that reach a score: every first half of a k-mer with all second halves."""
    odds = np.log2((matrix + 1e-4) / 0.25)
    middle = matrix.shape[1] // 2
    first, second = half_words(odds[:, :middle]), half_words(odds[:, middle:])
    return float((second.size - np.searchsorted(second, score - 1e-9 - first)).sum() / (first.size * second.size))


def test_hits_and_pvalues_of_a_short_motif_equal_those_of_all_words(tmp_path):
    rng = np.random.default_rng(3)
    genome = genome_of(tmp_path, {"chr1": [(0, random_bases(rng, 5_000))]})
    codes = np.asarray(genome.codes)
    for width, threshold in ((1, 0.3), (3, 0.05), (6, 0.02), (6, 0.3)):
        matrix = rng.dirichlet(np.full(4, 0.5), width).T
        kmers = np.array(list(product(range(4), repeat=width)))
        bins = np.rint(np.log2((matrix + 1e-4) / 0.25) / motifs.BIN)
        of_kmers = bins[kmers, np.arange(width)].sum(1)
        expected = {}
        for strand in "+-":
            for place in range(len(codes) - width + 1):
                kmer = codes[place : place + width]
                kmer = kmer if strand == "+" else reverse_complement(kmer)
                expected[place, strand] = bins[kmer, np.arange(width)].sum()
        pvalue = {score: (of_kmers >= score).mean() for score in set(expected.values())}
        expected = {key: pvalue[score] for key, score in expected.items() if pvalue[score] < threshold}
        hits = motifs.scan(genome, matrix, threshold, resolve=False)
        # exact, also at the threshold: shares of 4 ** width k-mers are exact in binary
        assert dict(zip(zip(hits["start"], hits["strand"], strict=True), hits["pvalue"], strict=True)) == expected
        row = (hits["strand"] == "-").to_numpy().astype(int)
        np.testing.assert_allclose(hits["score"], all_scores(codes, matrix)[row, hits["start"]], atol=1e-9)


def test_a_pvalue_equal_to_the_threshold_is_no_match(tmp_path):
    genome = genome_of(tmp_path, {"chr1": [(0, random_bases(np.random.default_rng(4), 20_000))]})
    for threshold, mismatches in ((1 / 4096, None), (1.001 / 4096, 0), (19 / 4096, 0), (19.001 / 4096, 1)):
        hits = motifs.scan(genome, matrix_of("GATTCA", 0.85), threshold, resolve=False)
        shares = {0: {1 / 4096}, 1: {1 / 4096, 19 / 4096}}.get(mismatches, set())
        assert set(hits["pvalue"]) == shares


@pytest.mark.parametrize("threshold", [1e-3, 1e-4])
def test_hits_of_a_long_motif_equal_brute_force_and_fimo(tmp_path, threshold):
    rng = np.random.default_rng(5)
    matrix = rng.dirichlet(np.full(4, 0.4), 16).T
    genome = genome_of(tmp_path, {"chr1": [(0, random_bases(rng, 100_000))]})
    codes = np.asarray(genome.codes)
    hits = motifs.scan(genome, matrix, threshold, resolve=False)
    scores = all_scores(codes, matrix)
    found = {(row.start, row.strand): row.pvalue for row in hits.itertuples()}
    # rounded odds move a score by less than 0.008 bits; beyond that nothing may differ
    surely = {(i, "+-"[s]) for s, i in np.argwhere(scores > hits["score"].min() + 0.016).tolist()}
    assert surely <= set(found) and len(found) > 10
    assert hits["score"].min() > np.sort(scores.ravel())[-len(hits) - 1] - 0.016
    for (place, strand), pvalue in list(found.items())[:8]:
        score = scores["+-".index(strand), place]
        assert exact_pvalue(matrix, score + 0.008) <= pvalue <= exact_pvalue(matrix, score - 0.008)
        assert pvalue == pytest.approx(exact_pvalue(matrix, score), rel=0.01)
    missed = np.sort(scores.ravel())[-len(hits) - 1]
    assert exact_pvalue(matrix, hits["score"].min()) < 1.01 * threshold < 1.02 * exact_pvalue(matrix, missed)

    one_hot = (codes == np.arange(4)[:, None]).astype(np.int8)[None]
    theirs = fimo({"motif": matrix}, one_hot, bin_size=0.001, threshold=threshold)[0]
    both = hits.merge(theirs, on=["start", "strand"], how="outer", suffixes=("", "_theirs"))
    differ = both["score"].isna() | both["score_theirs"].isna()
    assert differ.sum() <= 0.01 * len(both)
    assert (both.loc[differ, ["pvalue", "p-value"]].max(axis=1) > 0.99 * threshold).all()
    both = both[~differ]
    np.testing.assert_allclose(both["score"], both["score_theirs"], atol=1e-9)
    np.testing.assert_allclose(both["pvalue"], both["p-value"], rtol=0.01)


@pytest.mark.parametrize(("width", "threshold"), [(12, 1e-4), (19, 1e-4), (19, 1e-3)])
def test_threshold_and_pvalues_hold_on_random_sequence(tmp_path, width, threshold):
    rng = np.random.default_rng(1)
    size = 2_000_000
    matrix = rng.dirichlet(np.full(4, 0.3), width).T
    np.save(tmp_path / "sequence.npy", rng.integers(0, 4, size, np.uint8))
    (tmp_path / "segments.bed").write_text(f"chr1\t0\t{size}\ts0\n")
    hits = motifs.scan(Genome(tmp_path / "sequence.npy", tmp_path / "segments.bed"), matrix, threshold, resolve=False)
    expected = 2 * (size - width + 1) * threshold
    assert abs(len(hits) - expected) < 3 * np.sqrt(expected)
    # p-values of random matches are uniform below the threshold
    assert abs((hits["pvalue"] < threshold / 2).mean() - 0.5) < 4 * 0.5 / np.sqrt(len(hits))


def test_matches_stand_at_every_place_of_the_core_and_across_chunks(tmp_path, monkeypatch):
    """The most telling bases at the left end, in the middle and at the right end of the motif."""
    rng = np.random.default_rng(6)
    genome = genome_of(tmp_path, {"chr1": [(0, random_bases(rng, 20_000))], "chr2": [(5, random_bases(rng, 20))]})
    codes = np.asarray(genome.codes)[:20_000]
    monkeypatch.setattr(motifs, "CHUNK", 997)
    for first in (0, 5, 10):
        matrix = np.full((4, 20), 0.25) + rng.uniform(-0.05, 0.05, (4, 20))
        matrix[:, first : first + 10] = rng.dirichlet(np.full(4, 0.3), 10).T
        matrix /= matrix.sum(axis=0)
        hits = motifs.scan(genome, matrix, 0.003, resolve=False)
        hits = hits[hits["chrom"] == "chr1"]
        scores = all_scores(codes, matrix)
        cut = hits["score"].min()
        found = {(row.start, row.strand) for row in hits.itertuples() if row.score > cut + 0.02}
        assert found == {(i, "+-"[s]) for s, i in np.argwhere(scores > cut + 0.02).tolist()} and len(found) > 80


def test_best_scores_are_the_best_of_all_places_on_both_strands():
    rng = np.random.default_rng(7)
    matrix = rng.dirichlet(np.full(4, 0.4), 9).T
    codes = rng.integers(0, 4, (50, 80), np.uint8)
    expected = [all_scores(row, matrix).max() for row in codes]
    np.testing.assert_allclose(motifs.best_scores(codes, matrix), expected, atol=1e-9)
    np.testing.assert_allclose(motifs.best_scores(list(codes), matrix), expected, atol=1e-9)
    np.testing.assert_allclose(motifs.best_scores(reverse_complement(codes), matrix), expected, atol=1e-9)
    short = motifs.best_scores([codes[0][:9], codes[0][:8], codes[0][:0], np.full(12, 4, np.uint8)], matrix)
    np.testing.assert_allclose(short, [all_scores(codes[0][:9], matrix).max(), np.nan, np.nan, 0], atol=1e-9)


def test_best_of_neighbours_equals_a_greedy_search_over_all_pairs():
    rng = np.random.default_rng(2)
    hits = pd.DataFrame(
        {
            "chrom": np.sort(rng.choice(["chr1", "chr2"], 300)),
            "start": rng.integers(0, 2000, 300),
            "score": rng.random(300),
        }
    ).sort_values(["chrom", "start"], ignore_index=True)
    taken = []
    for row in hits.sort_values("score", ascending=False).itertuples():
        if all(row.chrom != other.chrom or abs(row.start - other.start) >= 9.5 for other in taken):
            taken.append(row)
    kept = motifs.best_of_neighbours(hits, 9.5)
    assert sorted((row.chrom, row.start, row.score) for row in taken) == sorted(kept.itertuples(index=False, name=None))


def test_a_palindrome_is_one_place(tmp_path):
    genome = genome_of(tmp_path, {"chr1": [(100, "CCCCCCCC" + "ACGCGT" + "CCCCCCCC")]})
    hits = motifs.scan(genome, matrix_of("ACGCGT", 0.97), threshold=0.001)
    assert hits[["chrom", "start", "end"]].to_numpy().tolist() == [["chr1", 108, 114]]


def test_no_match_is_an_empty_table_and_a_wrong_threshold_is_refused(tmp_path):
    genome = genome_of(tmp_path, {"chr1": [(0, "A" * 100)]})
    hits = motifs.scan(genome, matrix_of("GATTCA", 0.97), threshold=0.001)
    assert list(hits.columns) == ["chrom", "start", "end", "strand", "score", "pvalue"] and len(hits) == 0
    with pytest.raises(InputError, match="between 0 and 1"):
        motifs.scan(genome, matrix_of("GATTCA", 0.97), threshold=1e2)


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> Genome:
    folder = tmp_path_factory.mktemp("hg19")
    paths = [folder / name for name in ("sequence.npy", "segments.bed", "softmask.bed", "contigs.tsv")]
    encode_genome(
        read_contigs(Path(DATA) / "hg19" / "genome" / "hg19.partial.fa.gz"), GenomeFiles(*paths), Extraction()
    )
    return Genome(*paths[:2])


@pytest.mark.data
@pytest.mark.skipif(not DATA, reason="GROVER_DATA is not set")
def test_ctcf_on_a_megabase_of_hg19_equals_brute_force_over_all_words(tmp_path, real):
    matrix = read_matrix(Path(DATA) / "hg19" / "motifs" / "jaspar_vertebrates.meme.gz", "MA0139.1")
    codes = np.array(real.fetch("chr1", 1_000_000, 2_000_000))
    np.save(tmp_path / "sequence.npy", codes)
    (tmp_path / "segments.bed").write_text("chr1\t1000000\t2000000\ts0\n")
    hits = motifs.scan(Genome(tmp_path / "sequence.npy", tmp_path / "segments.bed"), matrix, 1e-4, resolve=False)
    scores = all_scores(codes, matrix)
    # the lowest score whose exact p-value is below the threshold, by bisection over the scores that occur
    high = np.unique(scores[scores > hits["score"].min() - 0.5])
    left, right = 0, len(high) - 1
    while left < right:
        middle = (left + right) // 2
        left, right = (left, middle) if exact_pvalue(matrix, high[middle]) < 1e-4 else (middle + 1, right)
    expected = {(i + 1_000_000, "+-"[s]): scores[s, i] for s, i in np.argwhere(scores >= high[left] - 1e-9).tolist()}
    found = {(row.start, row.strand): row.score for row in hits.itertuples()}
    assert found == pytest.approx(expected, abs=1e-9) and len(found) > 300
    for row in hits.sample(20, random_state=0).itertuples():
        assert row.pvalue == pytest.approx(exact_pvalue(matrix, row.score), rel=0.01)


@pytest.mark.data
@pytest.mark.skipif(not DATA, reason="GROVER_DATA is not set")
def test_ctcf_peaks_hold_the_motif_as_often_as_the_kit_says(real):
    """The kit's own count: above 10 bits within 50 nt of the summit, 66 % of peaks and 1.3 % of places 2 kb away."""
    folder = Path(DATA) / "hg19"
    regions = read_bed(folder / "genome" / "regions.bed")
    matrix = read_matrix(folder / "motifs" / "jaspar_vertebrates.meme.gz", "MA0139.1")
    hits = motifs.scan(real, matrix, resolve=False)
    middles = hits[hits["score"] > 10].eval("start = (start + end) // 2").eval("end = start + 1")
    peaks = read_narrowpeak(folder / "ctcf" / "GM12878.CTCF.narrowPeak.gz")
    shares = []
    for shift in (0, 2000):
        summit = peaks["start"] + peaks["summit"] + shift
        places = pd.DataFrame({"chrom": peaks["chrom"], "start": summit - 41, "end": summit + 42})
        shares.append(overlaps(places[inside(places, regions)], middles).mean())
    assert shares == pytest.approx([0.66, 0.013], abs=0.01)
