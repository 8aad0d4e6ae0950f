import numpy as np
import pandas as pd
import pytest

from grover.genome.assembly import Genome
from grover.interpretation.track_regions import PIECE, loci_of_test, pieces, stretches, whole_contigs
from grover.runtime.errors import InputError

SEGMENTS = [("b", 10, 5_010), ("b", 6_000, 56_000), ("a", 0, 30_000)]


@pytest.fixture
def genome(tmp_path):
    (tmp_path / "segments.bed").write_text("".join(f"{c}\t{s}\t{e}\ts\n" for c, s, e in SEGMENTS))
    codes = np.random.default_rng(0).integers(0, 4, sum(end - start for _, start, end in SEGMENTS), dtype=np.uint8)
    np.save(tmp_path / "sequence.npy", codes)
    return Genome(tmp_path / "sequence.npy", tmp_path / "segments.bed")


def table(*rows):
    return pd.DataFrame(rows, columns=["chrom", "start", "end"])


def test_stretches_are_what_segments_hold_sorted_and_once(genome):
    found = stretches(table(("b", 5_000, 6_100), ("a", 100, 200), ("b", 0, 20), ("a", 150, 400)), genome)
    assert found[["chrom", "start", "end"]].values.tolist() == [
        ["a", 100, 400],
        ["b", 10, 20],
        ["b", 5_000, 5_010],
        ["b", 6_000, 6_100],
    ]
    for row in found.itertuples():
        codes = genome.fetch(row.chrom, row.start, row.end)
        assert np.array_equal(codes, genome.codes[row.place : row.place + row.end - row.start])
        assert row.left <= row.place and row.place + row.end - row.start <= row.right
        assert (row.left, row.right) in list(zip(genome.bounds, genome.bounds[1:], strict=False))
    with pytest.raises(InputError, match="loci.bed: no base"):
        stretches(table(("b", 5_010, 6_000)), genome, "loci.bed")


@pytest.mark.parametrize("shards", [1, 2, 3, 7, 50])
def test_shards_share_the_bases_in_order(genome, shards):
    regions = stretches(table(("a", 0, 30_000), ("b", 0, 56_000)), genome)
    found = [piece for shard in range(shards) for piece in pieces(regions, shard, shards)]
    assert found == list(pieces(regions, 0, 1))
    assert sum(piece.end - piece.start for piece in found) == 85_000
    assert max(piece.end - piece.start for piece in found) == PIECE
    for piece in found:
        codes = genome.fetch(piece.chrom, piece.start, piece.end)
        assert np.array_equal(codes, genome.codes[piece.place : piece.place + len(codes)])


def test_loci_of_test_lie_in_fold_test_and_in_a_segment(genome):
    folds = table(("b", 4_000, 9_000), ("a", 10_000, 20_000)).assign(fold="test")
    folds = pd.concat([folds, table(("a", 0, 9_000)).assign(fold="train")])
    found = loci_of_test(genome, folds, 5, 1_000)
    assert len(found.drop_duplicates()) == 5 and (found["end"] - found["start"] == 1_000).all()
    for chrom, start, end in found.itertuples(index=False):
        assert not (genome.fetch(chrom, start, end) == 4).any()
        assert any(chrom == c and s <= start and end <= e for c, s, e in [("b", 4_000, 9_000), ("a", 10_000, 20_000)])
    assert set(found["chrom"]) == {"a", "b"}
    assert len(loci_of_test(genome, folds, 500, 1_000)) == 1 + 3 + 10
    with pytest.raises(InputError, match="track_locus"):
        loci_of_test(genome, folds, 5, 20_000)


def test_contigs_by_name():
    lengths = {"chr1": 5, "chr2": 0, "chrX": 7}
    assert whole_contigs(lengths, "*").values.tolist() == [["chr1", 0, 5], ["chrX", 0, 7]]
    assert whole_contigs(lengths, "chrX").values.tolist() == [["chrX", 0, 7]]
    with pytest.raises(InputError, match="'peaks' is neither `test`, nor a source, nor the name of a kept contig"):
        whole_contigs(lengths, "peaks")
