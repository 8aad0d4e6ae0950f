"""Base probabilities against the sum over all spellings, written out."""

from itertools import product
from math import exp, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grover.genome.bases import decode
from grover.interpretation.bases import (
    FrequencyMarginals,
    TokenBases,
    base_marginals,
    log_frequencies,
    log_spelling,
    log_total,
    overlapping_logs,
    overlapping_marginals,
    run_marginals,
)
from grover.tokenization.vocabulary import FIRST_BASE, Vocabulary

BPE = Vocabulary.from_merges("bpe", np.array([[0, 0], [3, 3], [4, 1], [5, 2], [1, 2], [4, 4]], np.int32))
ROUNDING = 1e-14


def drawn(rng, masked, vocabulary, spread=3.0):
    """Logarithms of softmaxes over the word tokens."""
    logits = rng.normal(0, spread, (masked, vocabulary.size))
    logits[:, :FIRST_BASE] = -np.inf
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def spellings(log_probs, vocabulary, length):
    """Every spelling of a run, as text, with its probability."""
    words = range(FIRST_BASE, vocabulary.size)
    for tokens in product(words, repeat=len(log_probs)):
        text = "".join(vocabulary.tokens[token] for token in tokens)
        if len(text) == length:
            yield text, np.prod([exp(row[token]) for row, token in zip(log_probs, tokens, strict=True)])


def brute_force(log_probs, vocabulary, length):
    found, total = np.zeros((length, 4)), 0.0
    for text, probability in spellings(log_probs, vocabulary, length):
        found[np.arange(length), ["ACGT".index(base) for base in text]] += probability
        total += probability
    return found / total, total


@st.composite
def vocabularies(draw):
    """Byte pairs of random merges, k-mers, single bases: at most 30 tokens."""
    kind = draw(st.sampled_from(["bpe", "kmer", "char"]))
    if kind != "bpe":
        return Vocabulary.from_kmers(kind, 2 if kind == "kmer" else 1)
    merges, texts = [], list("ACGT")
    for _ in range(draw(st.integers(0, 8))):
        pair = draw(st.integers(0, len(texts) - 1)), draw(st.integers(0, len(texts) - 1))
        if texts[pair[0]] + texts[pair[1]] not in texts:
            merges.append(pair)
            texts.append(texts[pair[0]] + texts[pair[1]])
    return Vocabulary.from_merges("bpe", np.array(merges, np.int32).reshape(-1, 2))


@st.composite
def runs(draw):
    """A vocabulary, the distributions of a run of at most three masks, and a number of bases that it can cover."""
    vocabulary = draw(vocabularies())
    masked = draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tokens = rng.integers(FIRST_BASE, vocabulary.size, masked)
    log_probs = drawn(rng, masked, vocabulary, spread=draw(st.sampled_from([0.1, 3.0, 30.0])))
    return vocabulary, log_probs, int(vocabulary.strides[tokens].sum())


@settings(max_examples=30, deadline=None)
@given(runs())
def test_marginals_and_total_are_those_of_all_spellings(run):
    vocabulary, log_probs, length = run
    bases = TokenBases.of(vocabulary)
    expected, total = brute_force(log_probs, vocabulary, length)
    found = base_marginals(log_probs, bases, length)
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=0, atol=ROUNDING)
    assert log_total(log_probs, bases, length) == pytest.approx(log(total), rel=1e-13, abs=1e-13)


@settings(max_examples=30, deadline=None)
@given(runs())
def test_the_probability_of_a_sequence_counts_every_segmentation(run):
    vocabulary, log_probs, length = run
    bases = TokenBases.of(vocabulary)
    expected = {}
    for text, probability in spellings(log_probs, vocabulary, length):
        expected[text] = expected.get(text, 0.0) + probability
    for text in sorted(expected)[:5]:
        codes = np.array(["ACGT".index(base) for base in text], np.uint8)
        assert log_spelling(log_probs, bases, codes) == pytest.approx(log(expected[text]), rel=1e-13, abs=1e-13)
    assert log_total(log_probs, bases, length) == pytest.approx(log(sum(expected.values())), rel=1e-13, abs=1e-13)


def test_a_sequence_by_hand():
    # AAC is AAC alone, AA + C, A + AC (no token), A + A + C
    log_probs = np.log(np.full((3, BPE.size), 0.1))
    bases, codes = TokenBases.of(BPE), np.array([0, 0, 1], np.uint8)
    for masked in (1, 2, 3):
        assert log_spelling(log_probs[:masked], bases, codes) == pytest.approx(masked * log(0.1))
    assert log_spelling(log_probs[:1], bases, np.array([0, 4, 1], np.uint8)) == -np.inf
    assert log_spelling(log_probs[:1], bases, np.array([2, 2, 2], np.uint8)) == -np.inf


def test_single_bases_have_their_plain_softmax():
    vocabulary = Vocabulary.from_kmers("char", 1)
    log_probs = drawn(np.random.default_rng(0), 7, vocabulary)
    found = base_marginals(log_probs, TokenBases.of(vocabulary), 7)
    np.testing.assert_allclose(found, np.exp(log_probs[:, FIRST_BASE:]), rtol=0, atol=ROUNDING)


def test_kmers_have_the_margins_of_their_softmax():
    vocabulary = Vocabulary.from_kmers("kmer", 3)
    log_probs = drawn(np.random.default_rng(1), 2, vocabulary)
    kmers = np.exp(log_probs[:, FIRST_BASE + 4 :])
    kmers = (kmers / kmers.sum(axis=1, keepdims=True)).reshape(2, 4, 4, 4)
    expected = [kmers.sum((2, 3)), kmers.sum((1, 3)), kmers.sum((1, 2))]
    found = base_marginals(log_probs, TokenBases.of(vocabulary), 6)
    np.testing.assert_allclose(found.reshape(2, 3, 4), np.stack(expected, axis=1), rtol=0, atol=ROUNDING)


def test_many_runs_at_once_are_the_runs_alone():
    rng, bases = np.random.default_rng(2), TokenBases.of(BPE)
    masked, lengths = np.array([1, 3, 2, 1]), np.array([4, 6, 3, 1])
    log_probs, bounds = drawn(rng, 7, BPE).astype(np.float32), np.append(0, np.cumsum(masked))
    alone = [
        base_marginals(log_probs[first:last], bases, length)
        for first, last, length in zip(bounds, bounds[1:], lengths, strict=False)
    ]
    assert np.array_equal(run_marginals(log_probs, bases, bounds, lengths), np.concatenate(alone))


def test_specials_are_not_read():
    log_probs, bases = drawn(np.random.default_rng(3), 2, BPE), TokenBases.of(BPE)
    other = log_probs.copy()
    other[:, :FIRST_BASE] = 0.0
    assert np.array_equal(base_marginals(log_probs, bases, 5), base_marginals(other, bases, 5))
    assert log_total(log_probs, bases, 5) == log_total(other, bases, 5)


def test_a_long_run_of_improbable_tokens_does_not_underflow():
    # the model expects four bases per token with all but 1e-12 of its mass; the run has few, so every mask must take one of the rare tokens
    masked, bases = 400, TokenBases.of(BPE)
    log_probs = np.full((masked, BPE.size), -np.inf)
    log_probs[:, FIRST_BASE : FIRST_BASE + 4] = np.log([4e-13, 3e-13, 2e-13, 1e-13])
    log_probs[:, BPE.tokens.index("AAAA")] = np.log1p(-1e-12)
    found = base_marginals(log_probs, bases, masked)
    np.testing.assert_allclose(found, np.tile([0.4, 0.3, 0.2, 0.1], (masked, 1)), rtol=1e-12)
    assert log_total(log_probs, bases, masked) == pytest.approx(masked * log(1e-12))
    assert log_spelling(log_probs, bases, np.zeros(masked, np.uint8)) == pytest.approx(masked * log(4e-13))
    # with 600 bases more, exactly 200 of the masks are AAAA: by symmetry every spelling has one probability
    length = masked + 3 * 200
    found = base_marginals(log_probs, bases, length)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-12)
    counts = found.sum(axis=0)
    np.testing.assert_allclose(counts, [200 * 4 + 200 * 0.4, 60, 40, 20], rtol=1e-10)


def test_the_mirror_image_of_a_run_has_the_mirror_image_of_its_marginals():
    closed = Vocabulary.from_merges("closed", np.array([[0, 0], [3, 3], [1, 2], [4, 4], [5, 5]], np.int32))
    texts = ["".join("TGCA"["ACGT".index(base)] for base in text[::-1]) for text in closed.tokens[FIRST_BASE:]]
    opposite = np.append(np.arange(FIRST_BASE), [closed.tokens.index(text) for text in texts])
    log_probs, bases = drawn(np.random.default_rng(4), 4, closed), TokenBases.of(closed)
    found = base_marginals(log_probs[::-1][:, opposite], bases, 9)
    np.testing.assert_allclose(found[::-1, ::-1], base_marginals(log_probs, bases, 9), rtol=0, atol=ROUNDING)


def test_a_run_that_no_tokens_spell_is_refused():
    log_probs, bases = drawn(np.random.default_rng(5), 2, BPE), TokenBases.of(BPE)
    for length in (1, 9, 50):
        with pytest.raises(ValueError, match=f"no 2 tokens .* cover {length} bases"):
            base_marginals(log_probs, bases, length)
        assert log_total(log_probs, bases, length) == -np.inf
    log_probs[0] = -np.inf
    with pytest.raises(ValueError, match="no 2 tokens"):
        base_marginals(log_probs, bases, 4)


def test_frequencies_have_the_marginals_of_the_same_recursion():
    counts = np.random.default_rng(6).integers(0, 50, BPE.size)
    logs, bases = log_frequencies(counts), TokenBases.of(BPE)
    assert np.all(np.exp(logs[:FIRST_BASE]) == 0) and np.exp(logs).sum() == pytest.approx(1)
    frequencies = FrequencyMarginals(logs, bases)
    expected, _ = brute_force(np.tile(logs, (2, 1)), BPE, 5)
    np.testing.assert_allclose(frequencies.of(2, 5), expected, rtol=0, atol=ROUNDING)
    both = frequencies.of_runs(np.array([0, 2, 3]), np.array([5, 3]))
    assert np.array_equal(both, np.concatenate([frequencies.of(2, 5), frequencies.of(1, 3)]))


@pytest.mark.parametrize("k", [2, 3, 4])
def test_overlapping_kmers_keep_the_words_that_agree_with_the_visible_bases(k):
    rng, vocabulary = np.random.default_rng(k), Vocabulary.from_overlapping_kmers("overlap", k)
    bases = TokenBases.of(vocabulary)
    codes = rng.integers(0, 4, 12, dtype=np.uint8)
    tokens = vocabulary.encode(codes)
    log_probs = drawn(rng, len(tokens), vocabulary)
    ids = {text: token for token, text in enumerate(vocabulary.tokens)}
    words, offsets, bounds, expected = [], [], [0], []
    for place in range(len(codes)):
        holding = range(max(0, place - k + 1), min(place, len(tokens) - 1) + 1)
        logs = []
        for word in holding:
            text = list(decode(codes[word : word + k]))
            row = []
            for base in "ACGT":
                text[place - word] = base
                row.append(log_probs[word, ids["".join(text)]])
            logs.append(np.array(row) - log(sum(map(exp, row))))
            words.append(word)
            offsets.append(place - word)
        bounds.append(len(words))
        mean = np.exp(np.mean(logs, axis=0))
        expected.append(mean / mean.sum())
    words, offsets = np.array(words), np.array(offsets)
    found = overlapping_marginals(log_probs[words], bases, tokens[words], offsets, np.array(bounds))
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING)
    logs = overlapping_logs(log_probs[words], bases, tokens[words], offsets)
    np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1, rtol=0, atol=ROUNDING)


def test_overlapping_kmers_are_refused_by_the_recursion():
    bases = TokenBases.of(Vocabulary.from_overlapping_kmers("overlap", 2))
    with pytest.raises(ValueError, match="overlapping_marginals"):
        base_marginals(np.zeros((1, 25)), bases, 2)


def test_a_short_stretch_of_overlapping_kmers_is_spelt_in_single_bases():
    vocabulary = Vocabulary.from_overlapping_kmers("overlap", 3)
    tokens = vocabulary.encode(np.array([2, 1], np.uint8))
    log_probs = drawn(np.random.default_rng(7), 2, vocabulary)
    logs = overlapping_logs(log_probs, TokenBases.of(vocabulary), tokens, np.array([0, 0]))
    expected = np.exp(log_probs[:, FIRST_BASE : FIRST_BASE + 4])
    np.testing.assert_allclose(np.exp(logs), expected / expected.sum(axis=1, keepdims=True), rtol=0, atol=ROUNDING)
