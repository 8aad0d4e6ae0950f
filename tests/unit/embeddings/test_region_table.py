"""Regions of the genome and the windows that they are read in, against slow computations token by token."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grover.config.sections import embeddings as config
from grover.embeddings.region_table import (
    core_length,
    cut_windows,
    describe_regions,
    places_of_bed,
    places_of_table,
    places_of_tokens,
    sample_regions,
    token_ranges,
)
from grover.genome.assembly import Genome
from grover.intervals.contigs import Contigs
from grover.runtime.errors import InputError
from grover.tokenization.genome_tokens import TokenisedGenome, tokenise
from grover.tokenization.vocabulary import Vocabulary

LENGTHS = (400, 61, 4, 700)  # bases of the segments; words of six do not fit into the third


@pytest.fixture(scope="module")
def genome(tmp_path_factory) -> Genome:
    folder = tmp_path_factory.mktemp("genome")
    np.save(folder / "sequence.npy", np.random.default_rng(0).integers(0, 4, sum(LENGTHS), dtype=np.uint8))
    (folder / "segments.bed").write_text(
        "chr1\t100\t500\ts0\nchr1\t500\t561\ts1\nchr1\t800\t804\ts2\nchr2\t0\t700\ts3\n"
    )
    return Genome(folder / "sequence.npy", folder / "segments.bed")


def vocabularies() -> list[Vocabulary]:
    merges = np.array([[0, 0], [1, 2], [4, 4], [3, 0], [6, 5], [7, 2]])
    kmers = [Vocabulary.from_kmers(f"kmer-{k}", k) for k in (1, 4)]
    return [
        Vocabulary.from_merges("bpe-6", merges),
        *kmers,
        *(Vocabulary.from_overlapping_kmers("o", k) for k in (3, 6)),
    ]


def tokenised(genome: Genome, words: Vocabulary, folder: Path) -> TokenisedGenome:
    tokenise(genome.codes, genome.bounds, words, folder / "tokens.npy", folder / "index.npy")
    return TokenisedGenome(folder / "tokens.npy", folder / "index.npy", words)


def test_regions_tile_the_segments():
    segments = np.array([0, 25, 30, 52])
    assert sample_regions(segments, 10, 100, 0).tolist() == [0, 10, 30, 40]
    assert sample_regions(segments, 10, 0, 0).tolist() == [0, 10, 30, 40]
    chosen = sample_regions(np.array([0, 10_000]), 10, 100, seed=1)
    # one from each hundredth of the genome, on the grid
    assert (chosen // 100).tolist() == list(range(100)) and not (chosen % 10).any()
    assert chosen.tolist() == sample_regions(np.array([0, 10_000]), 10, 100, seed=1).tolist()
    with pytest.raises(InputError, match="no segment contains 60 tokens"):
        sample_regions(segments, 60, 10, 0)


def test_regions_have_coordinates_gc_and_fold(tmp_path):
    codes = np.array([0, 3] * 20 + [1, 2] * 20, np.uint8)
    np.save(tmp_path / "sequence.npy", codes)
    (tmp_path / "segments.bed").write_text("chr1\t100\t140\ts0\nchr2\t0\t40\ts1\n")
    genome = Genome(tmp_path / "sequence.npy", tmp_path / "segments.bed")
    folds = pd.DataFrame({"chrom": ["chr1", "chr1", "chr2"], "start": [0, 125, 0], "end": [125, 200, 40]})
    folds["fold"] = ["train", "test", "valid"]
    table = describe_regions(np.array([0, 20, 40]), np.array([20, 40, 60]), genome, folds)
    expected = [("chr1", 100, 120, 0.0, "train"), ("chr1", 120, 140, 0.0, "gap"), ("chr2", 0, 20, 1.0, "valid")]
    assert list(table.itertuples(index=False, name=None)) == expected
    assert [left.tolist() for left in places_of_table(table, genome, "r")] == [[0, 20, 40], [20, 40, 60]]


@pytest.mark.parametrize("words", vocabularies(), ids=lambda words: f"{words.kind}-{words.size}")
def test_the_tokens_of_an_interval_are_those_whose_middle_base_lies_in_it(words, genome, tmp_path):
    tokens = tokenised(genome, words, tmp_path)
    every = np.arange(len(tokens.tokens))
    start, end = tokens.bases_at(every), tokens.ends_at(every)
    middle = (start + end - 1) // 2
    rng = np.random.default_rng(1)
    segment = rng.integers(0, 4, 300)
    inside = rng.integers(0, np.array(LENGTHS)[segment])
    left = genome.bounds[segment] + inside
    right = np.minimum(left + rng.choice([1, 2, 5, 40, 1000], 300), genome.bounds[segment + 1])
    for a, b, first, last in zip(left, right, *token_ranges(left, right, tokens, genome), strict=True):
        expected = np.flatnonzero((middle >= a) & (middle < b))
        if expected.size:
            assert every[first:last].tolist() == expected.tolist()
        else:  # one token, over the middle of the interval
            assert last == first + 1 and start[first] <= (a + b - 1) // 2 < end[first]


@pytest.mark.parametrize("words", vocabularies(), ids=lambda words: f"{words.kind}-{words.size}")
def test_windows_of_a_vocabulary_are_regions_of_as_many_tokens(words, genome, tmp_path):
    tokens = tokenised(genome, words, tmp_path)
    firsts = sample_regions(tokens.tokens_at(genome.bounds), 12, 0, 0)
    left, right = places_of_tokens(firsts, 12, tokens)
    assert (left[1:] >= right[:-1]).all()
    first, last = token_ranges(left, right, tokens, genome)
    # of overlapping words the middle lies some bases behind the beginning, and none lies in the first bases of a segment
    assert (first[1:] >= last[:-1]).all() and (last - first <= 12).all()
    if words.kind != "overlap":
        assert first.tolist() == firsts.tolist() and (last - first == 12).all()


def test_windows_cut_a_region_evenly_and_see_the_context_of_their_segment():
    segments = np.array([0, 100, 130])
    first, last = np.array([0, 10, 95, 100, 103]), np.array([3, 50, 100, 130, 104])
    windows = cut_windows(first, last, segments, tokens=20, context=4)
    assert windows.length.max() <= 20
    for region in range(5):
        of_region = windows.region == region
        begins, ends = windows.core_first[of_region], windows.core_last[of_region]
        assert begins[0] == first[region] and ends[-1] == last[region] and (begins[1:] == ends[:-1]).all()
        assert len(begins) == -(-(last[region] - first[region]) // 12) and np.ptp(ends - begins) <= 1
        segment = int(first[region] >= 100)
        np.testing.assert_array_equal(windows.first[of_region], np.maximum(begins - 4, segments[segment]))
        behind = windows.first[of_region] + windows.length[of_region]
        np.testing.assert_array_equal(behind, np.minimum(ends + 4, segments[segment + 1]))
    with pytest.raises(InputError, match="8 tokens leave none between 4 tokens of context"):
        core_length(8, 4)


def test_intervals_of_a_bed_that_do_not_lie_in_a_segment_are_left_out(genome, tmp_path, capsys):
    bed = tmp_path / "some.bed"
    # the third crosses from one segment to the next, the fourth begins before the first, the fifth is on another contig
    bed.write_text("chr2\t10\t40\nchr1\t500\t561\nchr1\t480\t510\nchr1\t90\t120\nchr7\t1\t5\nchr1\t100\t101\n")
    contigs = Contigs({"chr1": 561, "chr2": 100}, {})
    left, right = places_of_bed(bed, genome, contigs)
    assert (left.tolist(), right.tolist()) == ([0, 400, 475], [1, 461, 505])
    said = capsys.readouterr().out
    assert "3 of 6 intervals are left out: 1 on dropped contigs, 2 not wholly" in said and said.count("\n") == 1
    bed.write_text("2\t10\t40\n")
    with pytest.raises(InputError, match="rename: add-chr"):
        places_of_bed(bed, genome, contigs)
    assert places_of_bed(bed, genome, contigs, "add-chr")[0].tolist() == [475]
    bed.write_text("chr1\t90\t120\n")
    with pytest.raises(InputError, match="some.bed: none of its 1 intervals lies wholly in a segment"):
        places_of_bed(bed, genome, contigs)
    with pytest.raises(InputError, match="r.parquet, row 1: chr1:480-510 does not lie in one segment"):
        places_of_table(
            pd.DataFrame({"chrom": ["chr1"] * 2, "start": [100, 480], "end": [101, 510]}), genome, "r.parquet"
        )


def test_the_script_writes_windows_or_the_intervals_of_a_bed(genome, tmp_path):
    path = Path(__file__).parents[3] / "workflow/scripts/choose_regions.py"
    spec = importlib.util.spec_from_file_location("choose_regions", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    words = Vocabulary.from_kmers("kmer-4", 4)
    tokens = tokenised(genome, words, tmp_path)
    words.save(tmp_path)
    np.save(tmp_path / "sequence.npy", genome.codes)
    genome.segments.iloc[:, :4].to_csv(tmp_path / "segments.bed", sep="\t", header=False, index=False)
    (tmp_path / "folds.bed").write_text("chr1\t0\t700\ttrain\nchr2\t0\t700\ttest\n")
    (tmp_path / "contigs.tsv").write_text("contig\tlength\tstatus\taliases\nchr1\t700\tkept\t\nchr2\t700\tkept\t\n")
    (tmp_path / "some.bed").write_text("chr2\t10\t40\n")
    names = (
        "tokens.npy",
        "index.npy",
        "tokenizer.json",
        "sequence.npy",
        "segments.bed",
        "contigs.tsv",
        "folds.bed",
        "regions.parquet",
    )
    files = [tmp_path / name for name in names]
    settings = {"windows": config.WindowTokens(window_tokens=20), "margins": config.WindowContext(context=5)}
    settings |= {"number": config.Regions(maximum_regions=0), "seed": 0}
    script.choose_regions(*files, **settings)
    table = pd.read_parquet(files[-1])
    assert len(table) == 10 + 1 + 17 and (table["end"] - table["start"] == 40).all()
    assert len(tokens.tokens) >= 10 * len(table) and set(table["fold"]) == {"train", "test"}
    script.choose_regions(*files, **settings, bed=tmp_path / "some.bed")
    assert pd.read_parquet(files[-1]).iloc[0].tolist()[:3] == ["chr2", 10, 40]
