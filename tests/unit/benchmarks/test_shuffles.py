"""Shuffles against counted dinucleotides and against all permutations of short sequences, written out."""

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from scipy.stats import chisquare

from grover.benchmarks.shuffles import dinucleotide_shuffle, token_shuffle


def dinucleotides(row: np.ndarray) -> np.ndarray:
    return np.bincount(row[:-1].astype(int) * 5 + row[1:], minlength=25)


def rows_with_runs(rng, number: int, size_of_alphabet: int) -> list[np.ndarray]:
    """Rows of 0 to 200 bases in which each base follows itself often."""
    rows = []
    for _ in range(number):
        size = rng.integers(0, 200)
        runs = rng.geometric(rng.uniform(0.1, 1), max(size, 1))
        rows.append(np.repeat(rng.integers(0, size_of_alphabet, runs.size), runs)[:size].astype(np.uint8))
    return rows


def test_every_dinucleotide_count_and_both_ends_are_kept():
    rows = rows_with_runs(np.random.default_rng(0), 5000, 5)
    shuffled = dinucleotide_shuffle(rows, seed=1)
    changed = 0
    for row, other in zip(rows, shuffled, strict=True):
        assert other.dtype == np.uint8 and len(row) == len(other)
        np.testing.assert_array_equal(dinucleotides(row), dinucleotides(other))
        np.testing.assert_array_equal(row[[0, -1]] if len(row) else [], other[[0, -1]] if len(row) else [])
        changed += not np.array_equal(row, other)
    assert changed > 4000


def test_a_rare_way_out_of_two_bases_is_found():
    """500 times AC, then G once: the walk may leave A and C for G only at the end of its edges."""
    row = np.array([0, 1] * 500 + [2, 3, 2], np.uint8)
    shuffled = dinucleotide_shuffle([row] * 50, seed=0)
    assert all(np.array_equal(dinucleotides(row), dinucleotides(other)) for other in shuffled)


@pytest.mark.parametrize("text", ["00112021", "012030120", "0001011", "210120122", "01420410"])
def test_all_orders_with_the_same_dinucleotides_come_equally_often(text):
    row = np.array(list(text), np.uint8)
    inner = {(row[0], *middle, row[-1]) for middle in permutations(row[1:-1])}
    expected = {order for order in inner if np.array_equal(dinucleotides(np.array(order)), dinucleotides(row))}
    assert len(expected) > 1
    drawn = Counter(map(tuple, dinucleotide_shuffle(np.tile(row, (400 * len(expected), 1)), seed=3)))
    assert set(drawn) == expected
    assert chisquare(list(drawn.values())).pvalue > 1e-3


def test_shuffles_are_seeded_and_keep_their_form():
    codes = np.random.default_rng(0).integers(0, 4, (20, 50), np.uint8)
    given = codes.copy()
    shuffled = dinucleotide_shuffle(codes, seed=5)
    assert shuffled.shape == codes.shape and shuffled.dtype == np.uint8
    np.testing.assert_array_equal(codes, given)
    np.testing.assert_array_equal(shuffled, dinucleotide_shuffle(codes, seed=5))
    np.testing.assert_array_equal(shuffled, np.array(dinucleotide_shuffle(list(codes), seed=5)))
    assert (shuffled != dinucleotide_shuffle(codes, seed=6)).any()
    assert dinucleotide_shuffle([], seed=0) == [] and dinucleotide_shuffle(codes[:0], seed=0).shape == (0, 50)
    with pytest.raises(ValueError, match="0..4"):
        dinucleotide_shuffle([np.array([9, 0], np.uint8)], seed=0)


def test_tokens_come_in_another_order_where_there_is_one():
    rng = np.random.default_rng(0)
    rows = [rng.integers(0, 3, rng.integers(0, 6)) for _ in range(2000)]
    for row, shuffled in zip(rows, token_shuffle(rows, rng), strict=True):
        assert sorted(row) == sorted(shuffled) and shuffled.dtype == row.dtype
        assert np.array_equal(row, shuffled) == (len(set(row.tolist())) < 2)


def test_the_other_orders_of_tokens_come_equally_often():
    row = np.array([7, 7, 9, 8])
    drawn = Counter(map(tuple, token_shuffle([row] * 11_000, np.random.default_rng(1))))
    assert set(drawn) == set(permutations(row.tolist())) - {tuple(row.tolist())} and len(drawn) == 11
    assert chisquare(list(drawn.values())).pvalue > 1e-3
