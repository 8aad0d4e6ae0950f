import numpy as np
import pytest

from grover.network.packed import pack
from grover.pretraining.masking import Masking, mask
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import CLS, FIRST_BASE, MASK, SEP

SIZE = 609


def windows(number: int, length: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    tokens = np.random.default_rng(seed).integers(FIRST_BASE, SIZE, number * length)
    return pack(tokens, np.arange(number) * length, np.full(number, length))


def within(count: int, n: int, share: float) -> bool:
    """A binomial count within four standard deviations."""
    return abs(count - n * share) < 4 * np.sqrt(n * share * (1 - share))


@pytest.mark.parametrize("masking", [Masking(0.022), Masking(0.15, 0.8, 0.1)])
def test_shares_hold_statistically(masking):
    ids, lengths = windows(2000, 510)
    masked, chosen = mask(ids, lengths, np.arange(2000), SIZE, masking, seed=3, epoch=1)
    n = chosen.sum()
    assert within(n, 1_020_000, masking.share)
    assert within((masked[chosen] == MASK).sum(), n, masking.mask)
    assert within((masked[chosen] == ids[chosen]).sum(), n, masking.keep) or masking.keep == 0
    replaced = chosen & (masked != MASK) & (masked != ids)
    assert within(replaced.sum(), n, 1 - masking.mask - masking.keep)
    assert masked[replaced].min() >= FIRST_BASE and masked[replaced].max() < SIZE


def test_every_place_of_a_window_is_masked_alike_and_neighbours_do_not_matter():
    ids, lengths = windows(4000, 30)
    _, chosen = mask(ids, lengths, np.arange(4000), SIZE, Masking(0.1), 5, 0)
    places = chosen.reshape(4000, 32)
    assert all(within(count, 4000, 0.1) for count in places.sum(0)[1:-1]) and not places[:, [0, -1]].any()
    assert within((places[:, 1:-2] & places[:, 2:-1]).sum(), 4000 * 29, 0.01)


def test_replacements_are_uniform_over_the_other_tokens():
    ids, lengths = pack(np.full(100, 6), np.zeros(2000, int), np.full(2000, 100))
    masked, chosen = mask(ids, lengths, np.arange(2000), 10, Masking(0.5, 0.0), 0, 0)
    counts = np.bincount(masked[chosen], minlength=10)[FIRST_BASE:]
    assert counts[1] == 0  # never the token itself
    assert all(within(count, counts.sum(), 1 / 4) for count in counts[[0, 2, 3, 4]])


def test_specials_stay():
    ids, lengths = pack(np.full(400, 7), np.array([0, 20, 30, 40]), np.array([20, 1, 300, 20]))
    masked, chosen = mask(ids, lengths, np.arange(4), SIZE, Masking(0.9), 0, 0)
    special = np.isin(ids, (CLS, SEP))
    assert special.sum() == 8 and not chosen[special].any()
    assert (masked[~chosen] == ids[~chosen]).all() and chosen.sum() > 250


def test_masks_depend_on_seed_epoch_and_window_alone():
    ids, lengths = windows(50, 100)
    masked, chosen = mask(ids, lengths, np.arange(50), SIZE, Masking(0.15), 5, 2)
    order = np.random.default_rng(1).permutation(50)[:20]
    some, there = np.concatenate(ids.reshape(50, 102)[order]), lengths[order]
    again, _ = mask(some, there, order, SIZE, Masking(0.15), 5, 2)
    assert (again.reshape(20, 102) == masked.reshape(50, 102)[order]).all()
    for seed, epoch, shift in ((6, 2, 0), (5, 3, 0), (5, 2, 50)):
        _, other = mask(ids, lengths, np.arange(50) + shift, SIZE, Masking(0.15), seed, epoch)
        assert within((other & chosen).sum(), 5000, 0.15**2)


def test_each_window_can_be_in_an_epoch_of_its_own():
    ids, lengths = windows(6, 50)
    mixed, _ = mask(ids, lengths, np.arange(6), SIZE, Masking(0.3), 1, np.array([0, 1, 0, 1, 0, 1]))
    apart = [mask(ids, lengths, np.arange(6), SIZE, Masking(0.3), 1, epoch)[0].reshape(6, 52) for epoch in (0, 1)]
    for row, masked in enumerate(mixed.reshape(6, 52)):
        assert (masked == apart[row % 2][row]).all() and not (masked == apart[1 - row % 2][row]).all()


def test_spans_mask_neighbours_together_and_keep_the_share():
    ids, lengths = windows(1000, 510)
    masked, chosen = mask(ids, lengths, np.arange(1000), SIZE, Masking(0.15, span=6), 3, 0)
    rows = chosen.reshape(1000, 512)
    # the first tokens of a window can be reached by fewer spans
    assert abs(rows[:, 7:-1].mean() - 0.15) < 0.005
    edges = np.diff(np.pad(rows.astype(int), ((0, 0), (1, 1))))
    begins, ends = np.nonzero(edges == 1), np.nonzero(edges == -1)
    runs = ends[1] - begins[1]
    assert (runs[ends[1] < 511] >= 6).all() and len(runs) > 5000
    # a run of six has one fate: all of it becomes [MASK], or all of it other tokens
    masked = (masked == MASK).reshape(1000, 512)
    alone = (runs == 6) & (ends[1] < 511)
    fates = [
        masked[row, begin : begin + 6].sum() for row, begin in zip(begins[0][alone], begins[1][alone], strict=True)
    ]
    assert set(fates) == {0, 6} and within(sum(fate == 6 for fate in fates), len(fates), 0.8)


def test_an_impossible_span_is_refused():
    with pytest.raises(InputError, match="spans of 6 tokens with keep 0.1"):
        Masking(0.15, 0.8, 0.1, span=6)
