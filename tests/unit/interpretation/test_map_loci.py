import numpy as np
import pandas as pd
import pytest

from grover.genome.assembly import Genome
from grover.interpretation.map_loci import choose_loci, middles_of_sites


@pytest.fixture
def genome(tmp_path):
    np.save(tmp_path / "sequence.npy", np.random.default_rng(0).integers(0, 4, 900, dtype=np.uint8))
    (tmp_path / "segments.bed").write_text("c\t100\t700\ts0\nd\t800\t1100\ts1\n")
    return Genome(tmp_path / "sequence.npy", tmp_path / "segments.bed")


def test_sites_of_fold_test_with_a_label_and_a_place(genome):
    rows = [
        ("c", 100, 121, "test", 1),
        ("c", 200, 211, "train", 1),
        ("d", 810, 820, "test", 0),
        ("d", 850, 861, "test", 2),
    ]
    rows += [("", 0, 10, "test", 1), ("c", 90, 93, "test", 1)]
    dataset = pd.DataFrame(rows, columns=["chrom", "start", "end", "fold", "label"])
    assert middles_of_sites(dataset, genome).tolist() == [10, 600 + 55]


def test_loci_are_drawn_by_turns_within_segments_and_do_not_overlap(genome):
    many, few = np.arange(0, 600, 7), np.array([5, 600, 620, 700])  # 5 and 600 lie too near to an edge
    loci = choose_loci([many, few], genome, length=40, most=4, seed=1)
    assert loci["locus"].tolist() == [0, 1, 2, 3] and (loci["end"] - loci["start"] == 40).all()
    assert loci["chrom"].tolist() == ["c", "d", "c", "d"]
    assert set(loci["start"][loci["chrom"] == "d"]) == {800, 880}
    ranges = sorted(zip(loci["chrom"], loci["start"], loci["end"], strict=True))
    assert all(one[0] != two[0] or one[2] <= two[1] for one, two in zip(ranges, ranges[1:], strict=False))
    assert choose_loci([many, few], genome, length=40, most=4, seed=1).equals(loci)
    for row in loci.itertuples():
        assert (genome.fetch(row.chrom, row.start, row.end) < 4).all()


def test_fewer_loci_where_there_are_no_more(genome):
    assert len(choose_loci([np.array([300, 310, 320])], genome, length=100, most=5, seed=0)) == 1
    assert choose_loci([np.array([], np.int64)], genome, length=100, most=5, seed=0).empty
