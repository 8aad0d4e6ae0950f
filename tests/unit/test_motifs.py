"""Matrices against memelite's own reader; the scan against counted mismatches, brute force and the expected number."""

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyfaidx
import pytest
from memelite.io import read_meme as read_meme_of_memelite

from grover import motifs
from grover.errors import InputError
from grover.genome import Genome, encode
from grover.intervals import inside, overlaps, read_bed, read_narrowpeak

DATA = os.environ.get("GROVER_DATA")

MEME = """MEME version 4

ALPHABET= ACGT

strands: + -

Background letter frequencies
A 0.25 C 0.25 G 0.25 T 0.25

MOTIF MA0001.1 SHORT
letter-probability matrix: alength= 4 w= 2 nsites= 20 E= 0
 0.10  0.20  0.30  0.40
 1.00  0.00  0.00  0.00
URL none

MOTIF MA0002.1 TWIN
letter-probability matrix: alength= 4 w= 1 nsites= 20
0.25 0.25 0.25 0.25

MOTIF MA0002.2 TWIN
letter-probability matrix: alength= 4 w= 1 nsites= 20
0.7 0.1 0.1 0.1
"""


def genome_of(folder, contigs: dict[str, list[tuple[int, str]]]) -> Genome:
    """A genome from the start and letters of its segments."""
    segments = [(chrom, start, letters) for chrom, rows in contigs.items() for start, letters in rows]
    np.save(folder / "sequence.npy", np.concatenate([encode(letters) for _, _, letters in segments]))
    rows = [f"{chrom}\t{start}\t{start + len(letters)}\ts{i}\n" for i, (chrom, start, letters) in enumerate(segments)]
    (folder / "segments.bed").write_text("".join(rows))
    return Genome(folder / "sequence.npy", folder / "segments.bed")


def letters(rng, size: int) -> str:
    return "".join(rng.choice(list("ACGT"), size))


def opposite(sequence: str) -> str:
    return sequence[::-1].translate(str.maketrans("ACGT", "TGCA"))


def matrix_of(word: str, strength: float) -> np.ndarray:
    matrix = np.full((4, len(word)), (1 - strength) / 3)
    matrix[encode(word), np.arange(len(word))] = strength
    return matrix


def test_matrix_by_identifier_and_name_equals_memelites(tmp_path):
    plain, packed = tmp_path / "motifs.meme", tmp_path / "motifs.meme.gz"
    plain.write_text(MEME)
    packed.write_bytes(gzip.compress(MEME.encode()))
    expected = read_meme_of_memelite(str(plain))
    for path in (plain, packed):
        np.testing.assert_array_equal(motifs.read_matrix(path, "MA0001.1"), expected["MA0001.1 SHORT"])
        np.testing.assert_array_equal(motifs.read_matrix(path, "SHORT"), expected["MA0001.1 SHORT"])
        np.testing.assert_array_equal(motifs.read_matrix(path, "MA0002.2"), expected["MA0002.2 TWIN"])


@pytest.mark.parametrize(
    ("text", "motif", "sentence"),
    [
        (MEME, "MA0001", r"no motif 'MA0001' among 3; did you mean MA0001\.1\?"),
        (MEME, "SHROT", "did you mean SHORT"),
        (MEME, "TWIN", r"names 2 motifs; choose one by its identifier: MA0002\.1, MA0002\.2"),
        (MEME.replace("0.10  0.20", "0.50  0.20"), "SHORT", r"line 12: motif MA0001\.1: expected as many rows"),
        (MEME.replace(" 1.00  0.00  0.00  0.00\n", ""), "SHORT", r"motif MA0001\.1: expected as many rows"),
        (">MA0001.1\nA [1 2]", "SHORT", "give motifs in MEME format"),
        ("", "SHORT", "give motifs in MEME format"),
        ("MEME version 4\n", "SHORT", "no motif with a letter-probability matrix"),
    ],
)
def test_damaged_or_missing_motifs_are_named(tmp_path, text, motif, sentence):
    path = tmp_path / "motifs.meme"
    path.write_text(text)
    with pytest.raises(InputError, match=sentence):
        motifs.read_matrix(path, motif)


def test_matches_are_the_words_with_at_most_one_mismatch(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    word = "GATTCA"
    contigs = {
        "chr1": [(7, letters(rng, 3000)), (5000, letters(rng, 2000))],
        "chr2": [(0, letters(rng, 1000) + word[:3])],
    }
    contigs["chr3"] = [(0, word[3:] + letters(rng, 500)), (600, "GATTC")]  # half a word each side, too short a segment
    expected = {
        (chrom, start + i, strand, sum(a != b for a, b in zip(text[i : i + 6], target, strict=True)))
        for chrom, rows in contigs.items()
        for start, text in rows
        for i in range(len(text) - 5)
        for strand, target in (("+", word), ("-", opposite(word)))
        if sum(a != b for a, b in zip(text[i : i + 6], target, strict=True)) <= 1
    }
    genome = genome_of(tmp_path, contigs)
    # of the 4,096 words one has no mismatch and 18 have one
    hits = motifs.scan(genome, matrix_of(word, 0.85), threshold=0.005, resolve=False)
    mismatches = np.where(hits["pvalue"] < 0.001, 0, 1)
    assert set(zip(hits["chrom"], hits["start"], hits["strand"], mismatches, strict=True)) == expected
    assert len(hits) == len(expected) > 20
    assert (hits["end"] - hits["start"] == 6).all()
    np.testing.assert_allclose(hits["pvalue"], np.where(mismatches == 0, 1, 19) / 4096, rtol=1e-6)
    odds = np.log2(np.array([0.85, 0.05]) / 0.25)
    np.testing.assert_allclose(hits["score"], 6 * odds[0] + mismatches * (odds[1] - odds[0]), atol=0.01)

    monkeypatch.setattr(motifs, "CHUNK", int(hits["start"][1]) - 7 + 3)  # the second match spans two chunks
    pd.testing.assert_frame_equal(motifs.scan(genome, matrix_of(word, 0.85), threshold=0.005, resolve=False), hits)


def test_threshold_and_pvalues_hold_on_random_sequence(tmp_path):
    rng = np.random.default_rng(1)
    size, threshold = 2_000_000, 1e-4
    matrix = rng.dirichlet(np.full(4, 0.3), 12).T
    genome = genome_of(tmp_path, {"chr1": [(0, letters(rng, size))]})
    hits = motifs.scan(genome, matrix, threshold, resolve=False)
    expected = 2 * size * threshold
    assert abs(len(hits) - expected) < 4 * np.sqrt(expected)
    # p-values of random matches are uniform below the threshold
    assert abs((hits["pvalue"] < threshold / 2).mean() - 0.5) < 4 * 0.5 / np.sqrt(len(hits))

    # brute force over all places, with the p-value as the share of a million random words that score as high
    codes = np.asarray(genome.codes[:200_000])
    odds = np.log2(matrix + 1e-4) + 2
    score = sum(odds[codes[i : len(codes) - 11 + i], i] for i in range(12))
    words = np.sort(sum(odds[rng.integers(0, 4, 1_000_000), i] for i in range(12)))
    cut = words[-int(threshold * words.size)]
    found = set(hits.loc[(hits["strand"] == "+") & (hits["end"] <= 200_000), "start"])
    assert set(np.flatnonzero(score > cut + 0.5)) <= found <= set(np.flatnonzero(score > cut - 0.5))


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
    assert list(hits.columns) == motifs.COLUMNS and len(hits) == 0
    with pytest.raises(InputError, match="between 0 and 1"):
        motifs.scan(genome, matrix_of("GATTCA", 0.97), threshold=1e2)


@pytest.mark.data
@pytest.mark.skipif(not DATA, reason="GROVER_DATA is not set")
def test_ctcf_peaks_hold_the_motif_as_often_as_the_kit_says(tmp_path):
    """The kit's own count: above 10 bits within 50 nt of the summit, 66 % of peaks and 1.3 % of places 2 kb away."""
    folder = Path(DATA) / "hg19"
    regions = read_bed(folder / "genome" / "regions.bed")
    fasta = pyfaidx.Fasta(str(folder / "genome" / "hg19.partial.fa.gz"), sequence_always_upper=True)
    contigs = {
        chrom: [(start, str(fasta[chrom][start:end])) for start, end in zip(rows["start"], rows["end"], strict=True)]
        for chrom, rows in regions.groupby("chrom", sort=False)
    }
    matrix = motifs.read_matrix(folder / "motifs" / "jaspar_vertebrates.meme.gz", "MA0139.1")
    hits = motifs.scan(genome_of(tmp_path, contigs), matrix, resolve=False)
    middles = hits[hits["score"] > 10].eval("start = (start + end) // 2").eval("end = start + 1")
    peaks = read_narrowpeak(folder / "ctcf" / "GM12878.CTCF.narrowPeak.gz")
    shares = []
    for shift in (0, 2000):
        summit = peaks["start"] + peaks["summit"] + shift
        places = pd.DataFrame({"chrom": peaks["chrom"], "start": summit - 41, "end": summit + 42})
        shares.append(overlaps(places[inside(places, regions)], middles).mean())
    assert shares == pytest.approx([0.66, 0.013], abs=0.01)
