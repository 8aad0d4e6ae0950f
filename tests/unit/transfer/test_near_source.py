"""Copies of sequence that a model saw are found on either strand, changed or not; unrelated sequence is not."""

import numpy as np

from grover.genome.bases import decode
from grover.transfer.near_source import similarity_to_genome


def test_copies_are_similar_and_others_are_not():
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 4, 30_000).astype(np.uint8)
    bounds = np.array([0, 12_000, 12_050, 30_000])  # a segment shorter than a window
    copy = codes[20_013:20_173]
    changed = copy.copy()
    changed[::20] ^= 1  # 95 % identity
    across = np.concatenate([codes[11_920:12_000], codes[12_050:12_130]])
    texts = [decode(each) for each in (copy, 3 - copy[::-1], changed, across, rng.integers(0, 4, 160).astype(np.uint8))]
    found = similarity_to_genome(texts, codes, bounds, 0)
    assert (found[:2] > 0.6).all() and found[2] > 0.2 and found[4] < 0.1
    assert 0.2 < found[3] < 0.6  # half of it is in one window
    assert similarity_to_genome([], codes, bounds, 0).size == 0
