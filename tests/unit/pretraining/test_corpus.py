"""Windows follow the published recipe."""

import numpy as np
import pytest

from grover.pretraining import corpus
from grover.pretraining.corpus import lay_windows, random_split

BOUNDS = np.array([0, 15, 40_000, 1_000_000])


def test_half_of_the_windows_have_the_largest_length_and_the_others_are_uniform():
    lengths = lay_windows(BOUNDS, 20, 510, 3, 1)["length"].to_numpy()
    full = (lengths == 510).mean()
    assert abs(full - 0.5) < 4 * np.sqrt(0.25 / len(lengths))
    others = lengths[lengths < 510]
    # Kolmogorov-Smirnov distance to the uniform distribution, at the 0.1 % level
    from scipy.stats import kstest

    assert kstest((others - 20 + 0.5) / 490, "uniform").statistic < 1.95 / np.sqrt(len(others))
    assert lengths.min() >= 20 and lengths.max() == 510


def test_one_pass_tiles_each_segment_without_overlap():
    table = lay_windows(BOUNDS, 20, 510, 1, 1)
    assert set(table.segment) == {1, 2}  # the first segment is too short for any window
    for segment, rows in table.groupby("segment"):
        ends = rows["first"] + rows["length"]
        assert rows["first"].iloc[0] == BOUNDS[segment]
        assert (rows["first"].to_numpy()[1:] == ends.to_numpy()[:-1]).all()
        assert BOUNDS[segment + 1] - 20 < ends.iloc[-1] <= BOUNDS[segment + 1]


def test_further_passes_differ_and_the_seed_decides():
    once, thrice = lay_windows(BOUNDS, 20, 510, 1, 1), lay_windows(BOUNDS, 20, 510, 3, 1)
    assert thrice.iloc[: len(once)].equals(once)
    assert not set(thrice["first"][len(once) :]) <= set(once["first"])
    assert lay_windows(BOUNDS, 20, 510, 3, 1).equals(thrice)
    assert not lay_windows(BOUNDS, 20, 510, 1, 2).equals(once)


@pytest.mark.parametrize("drawn", [1, 300, 1 << 20])
def test_equals_a_plain_loop(monkeypatch, drawn):
    """In whatever groups the segments are taken, the windows are those of one draw after the other."""
    monkeypatch.setattr(corpus, "DRAWN", drawn)
    bounds = np.concatenate([[0], np.cumsum(np.random.default_rng(4).integers(0, 900, 60))])
    generator, expected = np.random.default_rng(7), []
    for number in range(3):
        for segment, (start, end) in enumerate(zip(bounds[:-1], bounds[1:], strict=True)):
            start += generator.integers(100) if number else 0
            count = max(0, end - start) // 12 + 1
            for whole, length in zip(generator.random(count) < 0.5, generator.integers(12, 101, count), strict=True):
                length = min(100 if whole else length, end - start)
                if length >= 12:
                    expected.append((segment, start, length))
                start += length
    table = lay_windows(bounds, 12, 100, 3, 7)
    assert list(table.itertuples(index=False, name=None)) == expected
    assert table.dtypes.astype(str).tolist() == ["int32", "int64", "int16"]


def test_random_split_has_its_share():
    split = random_split(20_000, 0.2, 1)
    assert abs((split == "test").mean() - 0.2) < 0.012
