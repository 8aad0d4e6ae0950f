"""The comparisons of bench/ read the sequence that they name."""

import importlib
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "bench"))

bench, support = map(importlib.import_module, ("vocabulary", "support"))


def test_gaps_are_left_out_of_the_sequence_that_is_learnt_from(tmp_path):
    path = tmp_path / "genome.fa"
    path.write_text(">a\nNNNNCCGgNNN\nTTTTA\n>b\nACN\n>c\nNNN\n>d\nG\n")
    codes, bounds = support.read_fasta(path)
    stretches = ["".join("ACGT"[code] for code in codes[i:j]) for i, j in zip(bounds[:-1], bounds[1:], strict=True)]
    assert stretches == ["CCGG", "TTTTA", "AC", "G"] and bounds[-1] == len(codes)


def test_pieces_cover_every_segment_and_none_reaches_over_its_end():
    bounds = np.array([0, 7, 10, 25])
    starts, ends = bench.cut(bounds, 5)
    assert starts.tolist() == [0, 5, 7, 10, 15, 20] and ends.tolist() == [5, 7, 10, 15, 20, 25]
    whole = bench.cut(bounds, 0)
    assert whole[0].tolist() == [0, 7, 10] and whole[1].tolist() == [7, 10, 25]


def test_an_enlarged_genome_holds_the_bases_of_the_given_one(tmp_path):
    codes = np.repeat(np.array([0, 3], np.uint8), 50_000)
    bounds = bench.enlarge(codes, 200_000, tmp_path / "codes.npy")
    made = np.load(tmp_path / "codes.npy")
    assert made.size == bounds[-1] == 200_000
    # one base in ten is drawn anew, three in four of which from the two letters that the genome has not or the other one
    assert 0.03 < np.isin(made, [1, 2]).mean() < 0.07


def test_make_bench_runs_no_comparison_that_needs_an_argument():
    needy = {f"bench/{path.name}" for path in (ROOT / "bench").glob("*.py") if "required=True" in path.read_text()}
    (line,) = (line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith("BENCH_OF_RUNS := "))
    assert set(line.split()[2:]) == needy
