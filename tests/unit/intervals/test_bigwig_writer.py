"""bigWigs that are read back, with their zoom levels against numpy."""

import numpy as np
import pybigtools
import pytest

from grover.intervals.bigwig_writer import write_bigbed, write_bigwig

LENGTHS = {"chr2": 500, "chr10": 9_000, "chr1": 400_000}


def read(path, chrom, start, end, **options):
    with open(path, "rb") as stream:
        return pybigtools.open(stream).values(chrom, start, end, fillna=np.nan, **options)


def test_values_come_back_as_float32_and_the_rest_is_absent(tmp_path):
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=5_000).astype(np.float32), rng.normal(size=10)
    second[[3, 4]] = np.nan, np.inf
    path = tmp_path / "a.bw"
    assert (
        write_bigwig(path, LENGTHS, [("chr1", 100, first), ("chr10", 8_990, second), ("chr2", 0, np.zeros(2))]) == 5_010
    )
    found = read(path, "chr1", 0, 10_000)
    assert np.array_equal(found[100:5_100].astype(np.float32), first)
    assert np.isnan(found[:100]).all() and np.isnan(found[5_100:]).all()
    found = read(path, "chr10", 8_980, 9_000)
    assert np.array_equal(np.isnan(found), [True] * 10 + [False] * 3 + [True] * 2 + [False] * 5)
    assert np.array_equal(read(path, "chr2", 0, 3), [0, 0, np.nan], equal_nan=True)


def test_zoom_levels_are_the_means_of_the_values(tmp_path):
    values = np.random.default_rng(1).normal(2, 1, 327_680).astype(np.float32)
    path = tmp_path / "a.bw"
    write_bigwig(path, LENGTHS, [("chr1", 0, values)])
    with open(path, "rb") as stream:
        reader = pybigtools.open(stream)
        levels = reader.zooms()
        assert len(levels) >= 2 and reader.info()["zoomLevels"] == len(levels)
        for level in levels:
            records = list(reader.zoom_records(level, "chr1"))
            assert sum(summary["bases_covered"] for _, _, summary in records) == len(values)
            for start, end, summary in records[:: max(1, len(records) // 20)]:
                piece = values[start:end].astype(np.float64)
                assert summary["sum"] == pytest.approx(piece.sum(), rel=1e-5)
                assert (summary["min_val"], summary["max_val"]) == pytest.approx((piece.min(), piece.max()), rel=1e-6)


def test_an_error_of_the_source_is_not_swallowed(tmp_path):
    def stretches():
        yield "chr1", 0, np.ones(10)
        raise RuntimeError("the shard is damaged")

    path = tmp_path / "a.bw"
    with pytest.raises(RuntimeError, match="the shard is damaged"):
        write_bigwig(path, LENGTHS, stretches())
    assert not path.exists()


def test_values_that_the_library_refuses_are_an_error(tmp_path, capfd):
    with pytest.raises(OSError, match="could not be written|were written"):
        write_bigwig(tmp_path / "a.bw", LENGTHS, [("chr1", 50, np.ones(10)), ("chr1", 20, np.ones(10))])
    assert not (tmp_path / "a.bw").exists()


def test_no_value_at_all_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="without values"):
        write_bigwig(tmp_path / "a.bw", LENGTHS, [("chr1", 50, np.full(10, np.nan))])


def test_intervals_come_back(tmp_path):
    rows = [("chr1", 5, 10, "a"), ("chr1", 7, 90, "b"), ("chr10", 0, 9_000, "c")]
    write_bigbed(tmp_path / "a.bb", LENGTHS, rows)
    with open(tmp_path / "a.bb", "rb") as stream:
        reader = pybigtools.open(stream)
        assert [("chr1", *row) for row in reader.records("chr1")] == rows[:2]
        assert [("chr10", *row) for row in reader.records("chr10")] == rows[2:]
