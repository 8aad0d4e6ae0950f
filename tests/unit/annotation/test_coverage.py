"""How intervals lie on regions, plain and as categories: against bedtools, and base by base."""

import numpy as np
import pandas as pd
import pybedtools
import pytest

from grover.annotation import coverage
from grover.intervals import overlaps
from grover.runtime.errors import InputError


def random_table(seed, rows, longest):
    generator = np.random.default_rng(seed)
    start = generator.integers(0, 2_800, rows)
    end = start + generator.integers(1, longest, rows)
    chrom = generator.choice(["chr2", "chr1", f"only{seed}"], rows)
    name = generator.choice(["x", "y", "z"], rows)
    return pd.DataFrame({"chrom": chrom, "start": start, "end": end, "name": name})


def lean(table):
    """As `grover.intervals.formats` reads it."""
    return table.astype({"chrom": "category", "name": "category", "start": "int32", "end": "int32"})


def bedtool(table):
    return pybedtools.BedTool.from_dataframe(table)


def column(result, number):
    return np.array([int(row.fields[number]) for row in result])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("change", [lambda table: table, lean])
def test_covered_bases_are_those_of_bedtools(seed, change):
    regions, others = random_table(seed, 60, 200), random_table(seed + 10, 80, 90)
    covered = column(bedtool(regions).coverage(bedtool(others)), 5)
    assert overlaps.overlap_bases(change(regions), change(others)).tolist() == covered.tolist()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("change", [lambda table: table, lean])
def test_distance_is_that_of_bedtools(seed, change):
    regions, others = random_table(seed, 40, 20), random_table(seed + 10, 12, 10)
    regions = regions.assign(row=range(len(regions)))
    closest = bedtool(regions).sort().closest(bedtool(others).sort(), d=True, t="first")
    oracle = column(closest, 9)[np.argsort(column(closest, 4))]
    # bedtools counts a touching neighbour as 1 base away
    oracle = np.where(oracle > 0, oracle - 1, oracle)
    assert coverage.distance(change(regions), change(others)).tolist() == oracle.tolist()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("cells", [1, 7, 1 << 20])
def test_the_leading_category_is_that_of_bedtools(monkeypatch, seed, cells):
    monkeypatch.setattr(coverage, "CELLS", cells)
    regions, others = random_table(seed, 50, 200), random_table(seed + 10, 80, 90)
    for table in (others, lean(others)):
        names, leading, bases = coverage.leading_category(regions, table, "name")
        assert names == ["x", "y", "z"]
        of_each = [bedtool(others[others["name"] == name]) for name in names]
        covered = np.stack([column(bedtool(regions).coverage(part), 5) for part in of_each], axis=1)
        assert leading.tolist() == covered.argmax(1).tolist() and bases.tolist() == covered.max(1).tolist()


def test_the_mean_by_hand():
    rows = [("chr1", 10, 20, 1.0), ("chr1", 30, 40, 4.0), ("chr2", 0, 5, 9.0)]
    quantities = pd.DataFrame(rows, columns=["chrom", "start", "end", "value"])
    rows = [("chr1", 15, 40), ("chr1", 0, 10), ("chr2", 0, 100), ("chr1", 38, 50), ("chr3", 0, 5)]
    regions = pd.DataFrame(rows, columns=["chrom", "start", "end"])
    means = coverage.weighted_mean(regions, quantities.iloc[[1, 2, 0]])
    np.testing.assert_allclose(means, [(5 * 1 + 10 * 4) / 15, np.nan, 9, 4, np.nan])


@pytest.mark.parametrize("seed", range(3))
def test_the_mean_is_that_of_every_base(seed):
    generator = np.random.default_rng(seed)
    values = overlaps.merge(random_table(seed, 40, 50)).sample(frac=1, random_state=seed)
    values = values.assign(value=generator.normal(size=len(values)))
    regions = random_table(seed + 20, 50, 200)
    means = []
    for region in regions.itertuples():
        line = np.full(region.end, np.nan)
        for row in values[values["chrom"] == region.chrom].itertuples():
            line[row.start : row.end] = row.value
        part = line[region.start :]
        means.append(part[~np.isnan(part)].mean() if not np.isnan(part).all() else np.nan)
    found = coverage.weighted_mean(regions, values)
    assert np.isnan(means).any() and not np.isnan(means).all()
    np.testing.assert_allclose(found, means)
    missing = pd.concat([values, values.head(3).assign(value=np.nan)])
    np.testing.assert_allclose(coverage.weighted_mean(regions, missing), means)


def test_two_values_of_one_base_are_refused():
    values = pd.DataFrame({"chrom": "chr1", "start": [0, 15], "end": [20, 30], "signal": [1.0, 2.0]})
    with pytest.raises(InputError, match="two intervals with a signal overlap at chr1:15; keep one"):
        coverage.weighted_mean(values, values, "signal")


def test_nothing_to_overlap():
    regions, nothing = random_table(0, 5, 50), random_table(1, 0, 5)
    for table in (nothing, lean(nothing)):
        assert overlaps.overlap_bases(regions, table).tolist() == [0] * 5
        assert coverage.distance(regions, table).tolist() == [-1] * 5
        assert coverage.leading_category(regions, table, "name")[0] == []
        assert np.isnan(coverage.weighted_mean(regions, table.assign(value=1.0))).all()
        assert overlaps.overlap_bases(table, regions).tolist() == []
        assert [len(part) for part in coverage.leading_category(table, regions, "name")[1:]] == [0, 0]


def test_what_is_infinite_or_has_no_category_counts_as_absent():
    regions = pd.DataFrame({"chrom": "chr1", "start": [0, 10, 20], "end": [10, 20, 30]})
    values = regions.assign(value=[np.inf, 2.0, np.nan], name=["a", None, "b"])
    np.testing.assert_array_equal(coverage.weighted_mean(regions, values), [np.nan, 2, np.nan])
    names, leading, bases = coverage.leading_category(regions, values, "name")
    assert names == ["a", "b"] and leading[[0, 2]].tolist() == [0, 1] and bases.tolist() == [10, 0, 10]


def test_an_empty_text_is_no_category():
    """In a GFF3 of NCBI the row `region` has no gene and covers all genes."""
    regions = pd.DataFrame({"chrom": "chr1", "start": [0, 10], "end": [10, 20]})
    values = pd.DataFrame({"chrom": "chr1", "start": [0, 0], "end": [20, 10], "name": ["", "thrL"]})
    for table in (values, values.astype({"chrom": "category", "name": "category"})):
        names, leading, bases = coverage.leading_category(regions, table, "name")
        assert [names[leading[0]], *bases] == ["thrL", 10, 0]
