"""Overlaps against bedtools."""

import numpy as np
import pandas as pd
import pybedtools
import pytest

from grover.intervals import overlaps


def table(rows, columns=("chrom", "start", "end")):
    return pd.DataFrame(rows, columns=list(columns))


def random_table(seed, rows, longest):
    generator = np.random.default_rng(seed)
    start = generator.integers(0, 2_800, rows)
    end = start + generator.integers(1, longest, rows)
    return pd.DataFrame(
        {
            "chrom": generator.choice(["chr1", "chr2", f"only{seed}"], rows),
            "start": start,
            "end": end,
            "name": generator.choice(["x", "y", "z"], rows),
        }
    )


def bedtool(frame):
    return pybedtools.BedTool.from_dataframe(frame)


def column(result, number):
    return np.array([int(row.fields[number]) for row in result])


# Overlaps


@pytest.mark.parametrize(
    ("together", "many"), [(1, 0), (70, 0), (overlaps.TOGETHER, 0), (overlaps.TOGETHER, overlaps.MANY)]
)
@pytest.mark.parametrize("seed", range(4))
def test_overlap_equals_bedtools(monkeypatch, seed, together, many):
    monkeypatch.setattr(overlaps, "TOGETHER", together)
    monkeypatch.setattr(overlaps, "MANY", many)
    regions, others = random_table(seed, 60, 200), random_table(seed + 10, 80, 90)
    covered = bedtool(regions).coverage(bedtool(others))
    covered = column(covered, 5)
    assert overlaps.overlap_bases(regions, others).tolist() == covered.tolist()
    assert overlaps.overlaps(regions, others).tolist() == (covered > 0).tolist()
    widths = (regions["end"] - regions["start"]).to_numpy()
    assert overlaps.inside(regions, others).tolist() == (covered == widths).tolist()
    merged = [[row.chrom, row.start, row.end] for row in bedtool(others).sort().merge()]
    assert overlaps.merge(others).to_numpy().tolist() == merged


def test_nothing_to_overlap():
    regions, nothing = table([("chr1", 0, 5)]), random_table(0, 0, 5)
    assert overlaps.overlap_bases(regions, nothing).tolist() == [0]
    assert overlaps.overlap_bases(nothing, regions).tolist() == []
    assert len(overlaps.merge(nothing)) == 0
