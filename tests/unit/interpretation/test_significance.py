"""p-values against the pooled null of a stratum, and shuffles as a null."""

import numpy as np

from grover.genome.bases import encode
from grover.interpretation.significance import FEWEST, p_values, shuffled_sites, strata
from grover.interpretation.sites import Site

NONE = np.zeros(0, np.uint8)


def test_p_is_the_share_of_the_null_of_the_stratum_that_is_as_far_from_0():
    null = np.concatenate([np.arange(FEWEST) - FEWEST / 2, 1_000 * np.ones(FEWEST), [5.0, -5.0]])
    null_stratum = np.repeat([0, 1, 2], [FEWEST, FEWEST, 2])
    value, stratum = np.array([-95.0, 0.0, 95.0, 2_000.0, 96.0]), np.array([0, 0, 1, 1, 2])
    expected = []
    for each, place in zip(value, stratum, strict=True):
        own = null if place == 2 else null[null_stratum == place]  # stratum 2 is too small to stand alone
        expected.append((1 + (np.abs(own) >= abs(each)).sum()) / (1 + len(own)))
    assert np.allclose(p_values(value, stratum, null, null_stratum), expected)


def test_values_drawn_like_the_null_have_uniform_p():
    rng = np.random.default_rng(0)
    p = p_values(rng.normal(size=4_000), np.zeros(4_000), rng.normal(size=4_000), np.zeros(4_000))
    assert abs((p < 0.05).mean() - 0.05) < 0.015 and abs(p.mean() - 0.5) < 0.02


def test_a_stratum_counts_the_substitutions_that_move_a_bound():
    assert strata(np.array([0, 0, 0, 2, 2, 2]), np.array([True, False, True, False, False, True]), 4).tolist() == [
        2,
        0,
        1,
        0,
    ]


def test_shuffles_keep_dinucleotides_and_neighbours():
    site = Site(3, 1, encode("ACGTTGCAACGTAGGCATTAC"), encode("GG"), encode("T"), ("ACG",))
    shuffled = shuffled_sites([site, site], 2, seed=0)
    assert len(shuffled) == 4 and all(each.pieces == () and each.before is site.before for each in shuffled)
    for each in shuffled:
        assert sorted(zip(each.codes[:-1], each.codes[1:], strict=True)) == sorted(
            zip(site.codes[:-1], site.codes[1:], strict=True)
        )
    assert len({each.codes.tobytes() for each in shuffled}) > 2 and shuffled_sites([], 2, seed=0) == []
