"""Windows follow the published recipe."""

import numpy as np

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


def test_random_split_has_its_share():
    split = random_split(20_000, 0.2, 1)
    assert abs((split == "test").mean() - 0.2) < 0.012
