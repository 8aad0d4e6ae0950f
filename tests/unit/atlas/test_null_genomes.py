"""Null genomes against counting by hand, and against the frequencies that they were fitted to."""

from collections import Counter

import numpy as np
import pytest

from grover.atlas.null_genomes import markov_counts, simulate
from grover.tokenization import bpe
from grover.tokenization.encoder import Encoder, token_texts

# dinucleotides of hg19 in ten thousand, both strands alike; rows A C G T
HUMAN = np.array([[977, 503, 699, 773], [726, 521, 99, 699], [593, 426, 521, 503], [656, 593, 726, 977]])


def random_codes(length: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice(4, length, p=[0.4, 0.1, 0.15, 0.35]).astype(np.uint8)


@pytest.mark.parametrize("order", [0, 1, 3])
def test_words_are_counted_within_segments_only(order):
    codes, bounds = random_codes(400), np.array([0, 2, 2, 150, 151, 400])
    kmers = Counter()
    for start, end in zip(bounds[:-1], bounds[1:], strict=True):
        kmers.update(tuple(codes[i : i + order + 1]) for i in range(start, end - order))
    counts = markov_counts(codes, bounds, order)
    assert counts.sum() == sum(kmers.values())
    for number, count in enumerate(counts):
        assert kmers[tuple(number >> 2 * (order - i) & 3 for i in range(order + 1))] == count


@pytest.mark.parametrize("order", [0, 1, 5])
def test_a_null_genome_has_the_frequencies_that_it_was_fitted_to(order):
    # a sequence with memory of its own, so that the chain has something to keep
    source = np.repeat(random_codes(60_000), np.random.default_rng(1).integers(1, 4, 60_000))
    bounds = np.array([0, 50_000, source.size])
    fitted = markov_counts(source, bounds, order)
    lengths = np.array([300_000, 200_000])
    found = markov_counts(simulate(fitted, order, lengths, 3), np.array([0, 300_000, 500_000]), order)
    chances = (fitted.reshape(-1, 4) / np.maximum(fitted.reshape(-1, 4).sum(1, keepdims=True), 1)).ravel()
    behind = np.repeat(found.reshape(-1, 4).sum(1), 4)
    # each base is drawn on its own behind its k-mer: binomial
    assert (np.abs(found - behind * chances) <= 5 * np.sqrt(behind * chances * (1 - chances)) + 1e-9).all()
    shares = fitted.reshape(-1, 4).sum(1) / fitted.sum()
    assert np.abs(found.reshape(-1, 4).sum(1) / found.sum() - shares).max() < 0.01


def test_the_seed_decides():
    counts, lengths = markov_counts(random_codes(5_000), np.array([0, 5_000]), 2), np.array([700, 0, 1, 90])
    first = simulate(counts, 2, lengths, 7)
    assert first.dtype == np.uint8 and first.size == 791
    assert (first == simulate(counts, 2, lengths, 7)).all()
    assert (first != simulate(counts, 2, lengths, 8)).mean() > 0.3


def test_segments_do_not_depend_on_one_another():
    # once begun, a segment stays with its base; each begins anew by frequency
    lengths = np.full(2_000, 3)
    segments = simulate(np.diag([5, 1, 1, 3]).ravel(), 1, lengths, 1).reshape(-1, 3)
    assert (segments == segments[:, :1]).all()
    assert np.bincount(segments[:, 0], minlength=4) / 2_000 == pytest.approx([0.5, 0.1, 0.1, 0.3], abs=0.04)
    same = (segments[1:, 0] == segments[:-1, 0]).mean()
    assert same == pytest.approx(0.25 + 0.01 + 0.01 + 0.09, abs=0.05)


def test_behind_a_word_that_nothing_followed_the_lower_order_draws():
    # A is followed by C, and C by nothing: the bases that followed anything are all C
    counts = np.zeros((4, 4), np.int64)
    counts[0, 1] = 9
    assert simulate(counts.ravel(), 1, np.array([6]), 1).tolist() == [0, 1, 1, 1, 1, 1]
    nothing = simulate(np.zeros(64, np.int64), 2, np.array([4_000]), 1)
    assert np.bincount(nothing, minlength=4) == pytest.approx([1_000] * 4, rel=0.12)


def test_a_short_segment_is_the_beginning_of_a_word():
    counts = np.zeros(4**4, np.int64)
    counts[0b00_01_10_11] = 1  # ACGT
    assert simulate(counts, 3, np.array([1, 2, 3]), 1).tolist() == [0, 0, 1, 0, 1, 2]


def test_dinucleotides_of_human_dna_alone_give_four_of_the_papers_numbers():
    codes = simulate(HUMAN.ravel(), 1, np.array([4_000_000]), 1)
    merges = bpe.train(codes, [0], [codes.size], 600).merges
    texts = token_texts(merges)
    counts = np.bincount(Encoder(merges).encode(codes), minlength=len(texts))
    assert codes.size / counts.sum() == pytest.approx(4.04, abs=0.01)
    assert np.mean([text[0] in "AT" for text in texts]) == pytest.approx(0.975, abs=0.005)
    assert "CG" not in texts
    assert counts[:4].argmax() == 2 and counts[2] > 10 * np.delete(counts[:4], 2).max()
    # what it lacks
    assert max(map(len, texts)) == 7
