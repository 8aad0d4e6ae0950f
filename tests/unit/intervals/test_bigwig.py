"""Means of bigWig files."""

import numpy as np
import pandas as pd
import pybigtools
import pytest

from grover.annotation import coverage
from grover.intervals.bigwig import read_means
from grover.intervals.contigs import ContigNames
from grover.runtime.errors import InputError

LENGTHS = {"chr1": 5_000, "chr2": 3_000, "chrM": 100}


def table(rows, columns=("chrom", "start", "end")):
    return pd.DataFrame(rows, columns=list(columns))


def bigwig(path, values, sizes=LENGTHS):
    writer = pybigtools.open(str(path), "w")
    writer.write(sizes, values)
    return path


def test_means_of_a_bigwig_are_those_of_its_intervals(tmp_path):
    generator = np.random.default_rng(3)
    values = pd.DataFrame({"chrom": np.repeat(["chr1", "chr2"], 30), "start": [*range(0, 3_000, 100)] * 2})
    values = values.assign(end=values["start"] + generator.integers(1, 100, 60))
    values = values.assign(value=generator.normal(size=60).astype(np.float32).astype(float))
    bigwig(tmp_path / "signal.bigWig", values.itertuples(index=False, name=None)).rename(
        tmp_path / "signal"
    )  # the format is not told by the suffix
    start = generator.integers(0, 2_900, 80)
    regions = pd.DataFrame({"chrom": generator.choice(["chr1", "chr2", "chrM"], 80), "start": start})
    regions = regions.assign(end=start + generator.integers(1, 400, 80))
    regions.loc[regions["chrom"] == "chrM", ["start", "end"]] = [10, 90]
    regions["end"] = np.minimum(regions["end"], regions["chrom"].map(LENGTHS))
    found = read_means(tmp_path / "signal", regions, LENGTHS)
    np.testing.assert_allclose(found, coverage.weighted_mean(regions, values), rtol=1e-12)
    assert np.isnan(found[regions["chrom"] == "chrM"]).all() and not np.isnan(found).all()


def test_what_is_not_finite_counts_as_absent_as_in_a_bedgraph(tmp_path):
    """Values that are stored as NaN or infinite, as some tools write them, lie on the bases of a region like gaps."""
    nan, inf = float("nan"), float("inf")
    rows = [("chr1", 1000, 1010, 1.5), ("chr1", 1010, 1020, nan), ("chr1", 1020, 1030, 4.0), ("chr1", 1040, 1050, inf)]
    rows += [("chr1", 1050, 1060, -inf), ("chr2", 0, 10, -2.0)]
    path = bigwig(tmp_path / "a.bw", rows)
    places = [(1000, 1030, 2.75), (1000, 1015, 1.5), (1015, 1025, 4.0), (1010, 1020, nan), (1025, 1060, 4.0)]
    places += [(1045, 1055, nan), (2000, 2100, nan), (0, 5000, 2.75)]
    regions = table([("chr1", start, end) for start, end, _ in places] + [("chr2", 0, 3000)])
    expected = [mean for *_, mean in places] + [-2.0]
    np.testing.assert_array_equal(read_means(path, regions, LENGTHS), expected)
    values = table(rows, ["chrom", "start", "end", "value"])
    np.testing.assert_array_equal(coverage.weighted_mean(regions, values), expected)


def test_a_bigwig_damaged_behind_its_header_is_refused(tmp_path):
    generator = np.random.default_rng(0)
    path = bigwig(
        tmp_path / "a.bw", [("chr1", i, i + 1, value) for i, value in enumerate(generator.normal(size=4_000))]
    )
    content = bytearray(path.read_bytes())
    content[1_000:1_100] = bytes(100)
    path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read as a bigWig .*; give a whole file of this format"):
        read_means(path, table([("chr1", 0, 5_000)]), LENGTHS)


def test_contigs_of_a_bigwig_are_renamed(tmp_path):
    path = bigwig(tmp_path / "a.bw", [("1", 10, 20, 2.0)], {"1": 5_000, "9": 7})
    regions = pd.DataFrame({"chrom": ["chr1", "chr2"], "start": [0, 0], "end": [100, 100]})
    np.testing.assert_array_equal(read_means(path, regions, LENGTHS, ContigNames("add-chr")), [2.0, np.nan])
    with pytest.raises(InputError, match="names its contigs like '1', the assembly like 'chr1'; set `rename: add-chr`"):
        read_means(path, regions, LENGTHS)


def test_two_contigs_of_a_bigwig_that_are_one_of_the_assembly_are_refused(tmp_path):
    path = bigwig(tmp_path / "a.bw", [("1", 10, 20, 2.0), ("chr1", 30, 40, 5.0)], {"1": 5_000, "chr1": 5_000})
    regions = pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [100]})
    with pytest.raises(InputError, match="has '1' and 'chr1', which are both chr1 of the assembly"):
        read_means(path, regions, LENGTHS, ContigNames("add-chr", {name: name for name in LENGTHS}))


def test_a_bigwig_of_another_assembly_is_refused(tmp_path):
    path = bigwig(tmp_path / "a.bw", [("chr2", 10, 20, 2.0)], {"chr1": 5_000, "chr2": 2_000})
    regions = pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [100]})
    sentence = "gives chr2 2,000 bases, the assembly has 3,000; give the bigWig of this assembly"
    with pytest.raises(InputError, match=sentence):
        read_means(path, regions, LENGTHS)


@pytest.mark.parametrize("content", [b"chr1\t0\t5\n", b"", None])
def test_what_is_no_bigwig_is_refused(tmp_path, content):
    path = bigwig(tmp_path / "a.bw", [("chr1", i, i + 1, 2.0) for i in range(200)])
    path.write_bytes(path.read_bytes()[:100] if content is None else content)
    regions = pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [100]})
    with pytest.raises(InputError, match="cannot be read as a bigWig"):
        read_means(path, regions, LENGTHS)
