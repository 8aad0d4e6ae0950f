import numpy as np
import pytest

from grover.batching import pad
from grover.errors import InputError
from grover.masking import Masking, hide
from grover.vocabulary import CLS, FIRST_LETTER, MASK, PAD, SEP

SIZE = 609


def windows(number: int, length: int, seed: int = 0) -> np.ndarray:
    return pad(np.random.default_rng(seed).integers(FIRST_LETTER, SIZE, (number, length)))


def within(count: int, n: int, share: float) -> bool:
    """A binomial count within four standard deviations."""
    return abs(count - n * share) < 4 * np.sqrt(n * share * (1 - share))


@pytest.mark.parametrize("masking", [Masking(), Masking(0.15, 0.8, 0.1)])
def test_shares_hold_statistically(masking):
    ids = windows(1000, 510)
    hidden, chosen = hide(ids, np.arange(1000), SIZE, masking, seed=3, epoch=1)
    n = chosen.sum()
    assert within(n, 510_000, masking.share)
    assert within((hidden[chosen] == MASK).sum(), n, masking.mask)
    assert within((hidden[chosen] == ids[chosen]).sum(), n, masking.keep) or masking.keep == 0
    replaced = chosen & (hidden != MASK) & (hidden != ids)
    assert within(replaced.sum(), n, 1 - masking.mask - masking.keep)
    assert hidden[replaced].min() >= FIRST_LETTER and hidden[replaced].max() < SIZE


def test_replacements_are_uniform_over_the_other_tokens():
    ids = np.full((2000, 102), 6)
    ids[:, 0], ids[:, -1] = CLS, SEP
    hidden, chosen = hide(ids, np.arange(2000), 10, Masking(0.5, 0.0), 0, 0)
    counts = np.bincount(hidden[chosen], minlength=10)[FIRST_LETTER:]
    assert counts[1] == 0  # never the token itself
    assert all(within(count, counts.sum(), 1 / 4) for count in counts[[0, 2, 3, 4]])


def test_specials_stay_and_every_window_has_a_target():
    ids = pad([np.full(length, 7) for length in (20, 1, 300, 20)])
    hidden, chosen = hide(ids, np.arange(4), SIZE, Masking(0.001), 0, 0)
    special = np.isin(ids, (PAD, CLS, SEP))
    assert not chosen[special].any() and (hidden[special] == ids[special]).all()
    assert (chosen.sum(axis=1) >= 1).all()
    assert (hidden[~chosen] == ids[~chosen]).all()


def test_masks_depend_on_seed_epoch_and_window_alone():
    ids = windows(50, 100)
    _, chosen = hide(ids, np.arange(50), SIZE, Masking(0.15), 5, 2)
    order = np.random.default_rng(1).permutation(50)[:20]
    wider = np.pad(ids[order], ((0, 0), (0, 30)), constant_values=PAD)
    _, again = hide(wider, order, SIZE, Masking(0.15), 5, 2)
    assert (again[:, : ids.shape[1]] == chosen[order]).all()
    for seed, epoch, shift in ((6, 2, 0), (5, 3, 0), (5, 2, 50)):
        _, other = hide(ids, np.arange(50) + shift, SIZE, Masking(0.15), seed, epoch)
        assert within((other & chosen).sum(), 5000, 0.15**2)


def test_impossible_shares_are_refused():
    with pytest.raises(InputError, match="share"):
        Masking(1.5)
    with pytest.raises(InputError, match="keep"):
        Masking(0.1, 0.8, 0.3)
