"""Base tracks against one masked token per forward pass of the Hugging Face model."""

import numpy as np
import pytest
import torch

from grover.config.sections.interpretation import TrackReading
from grover.genome.bases import reverse_complement
from grover.interpretation.base_tracks import BaseReader, Reading, flank_of, reading_of
from grover.interpretation.bases import log_frequencies
from grover.network.bert import bert_config, new_language_model
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import CLS, FIRST_BASE, MASK, SEP, Vocabulary
from tests.fakes.networks import architecture

BPE = Vocabulary.from_merges("bpe", np.array([[0, 0], [3, 3], [4, 1], [5, 2], [1, 2]], np.int32))
KMERS = Vocabulary.from_kmers("kmer-2", 2)
OVERLAP = Vocabulary.from_overlapping_kmers("overlap-3", 3)
CPU = torch.device("cpu")
ALONE = 1e-4  # a share at which every copy of these windows has a single run


def reader(vocabulary, positions=64):
    model = new_language_model(bert_config(architecture(1, 16, 2, 32, positions, 0.0), vocabulary.size), 1).eval()
    with torch.no_grad():  # random weights predict next to nothing
        model.cls.predictions.decoder.bias.uniform_(-2, 2)
        for parameter in model.bert.parameters():
            parameter.mul_(3)
    counts = np.random.default_rng(0).integers(0, 99, vocabulary.size)
    return BaseReader(model, vocabulary, log_frequencies(counts), CPU, "fp32")


def softmax(of, tokens, masked):
    """Probabilities of word tokens at masked places of one window, with the Hugging Face model."""
    ids = torch.tensor([[CLS, *tokens.tolist(), SEP]])
    ids[0, np.asarray(masked) + 1] = MASK
    with torch.no_grad():
        logits = of.model(ids).logits[0, np.asarray(masked) + 1, FIRST_BASE:].double()
    return np.pad(logits.softmax(-1).numpy(), ((0, 0), (FIRST_BASE, 0)))


def bases_of(vocabulary, token, probabilities):
    """Marginals of one masked token, of the words as long as itself."""
    length = vocabulary.spans[token]
    found = np.zeros((length, 4))
    for word in np.flatnonzero(vocabulary.spans[FIRST_BASE:] == length) + FIRST_BASE:
        found[np.arange(length), ["ACGT".index(base) for base in vocabulary.tokens[word]]] += probabilities[word]
    return found / found.sum(axis=1, keepdims=True)


def drawn(size, seed=0):
    return np.random.default_rng(seed).integers(0, 4, size, dtype=np.uint8)


@pytest.mark.parametrize("vocabulary", [BPE, KMERS], ids=lambda each: each.name)
def test_every_base_has_the_answer_of_its_token_masked_alone(vocabulary):
    asked, codes = reader(vocabulary), drawn(60)
    reading = Reading(window=20, context=4, share=ALONE, both=False)
    model, frequency = asked.read(codes, 10, 40, reading)
    tokens = vocabulary.encode(codes)
    ends = np.cumsum(vocabulary.strides[tokens])
    first, last = int(np.searchsorted(ends, 10, side="right")), int(np.searchsorted(ends, 40))
    expected = []
    for begin in range(first, last + 1, 12):
        end = min(begin + 12, last + 1)
        left, right = max(0, begin - 4), min(len(tokens), end + 4)
        for token in range(begin, end):
            probabilities = softmax(asked, tokens[left:right], [token - left])[0]
            expected.append(bases_of(vocabulary, tokens[token], probabilities))
    begin = 10 - (ends[first] - vocabulary.strides[tokens[first]])
    np.testing.assert_allclose(model[0], np.concatenate(expected)[begin : begin + 30], atol=1e-6)
    logs = np.exp(asked.frequencies.log_frequency)
    alone = [bases_of(vocabulary, token, logs) for token in tokens[first : last + 1]]
    np.testing.assert_allclose(frequency[0], np.concatenate(alone)[begin : begin + 30], atol=1e-12)


def test_overlapping_kmers_are_masked_with_all_that_hold_the_base():
    asked, codes = reader(OVERLAP), drawn(40)
    model, _ = asked.read(codes, 0, 40, Reading(window=62, context=10, share=ALONE, both=False))
    tokens = OVERLAP.encode(codes)
    numbers = {text: token for token, text in enumerate(OVERLAP.tokens)}
    for base in (0, 1, 2, 20, 38, 39):
        words = np.arange(max(0, base - 2), min(base, len(tokens) - 1) + 1)
        logs = []
        for word, probabilities in zip(words, softmax(asked, tokens, words), strict=True):
            text = list(OVERLAP.tokens[tokens[word]])
            row = []
            for other in "ACGT":
                text[base - word] = other
                row.append(probabilities[numbers["".join(text)]])
            logs.append(np.log(np.array(row) / sum(row)))
        mean = np.exp(np.mean(logs, axis=0))
        np.testing.assert_allclose(model[0, base], mean / mean.sum(), atol=1e-6)


@pytest.mark.parametrize("vocabulary", [BPE, KMERS, OVERLAP], ids=lambda each: each.name)
@pytest.mark.parametrize(("share", "span"), [(0.2, 1), (0.25, 3), (ALONE, 2)])
def test_the_copies_mask_every_token_once_at_the_share_of_the_training(vocabulary, share, span):
    asked, codes = reader(vocabulary), drawn(300, seed=3)
    span = 1 if vocabulary is OVERLAP else span
    reading = Reading(window=30, context=6, share=share, span=span)
    tokens = vocabulary.encode(codes)
    copies = [*asked.copies(tokens, 40, 260, reading)]
    read = np.zeros(len(codes), int)
    for copy in copies:
        assert len(copy.tokens) <= reading.window
        assert set(copy.read.tolist()) <= set(copy.masked.tolist())
        for begin, length in zip(copy.begins, copy.lengths, strict=True):
            read[begin : begin + length] += 1
    assert np.all(read[40:260] == 1) and read.max() == 1
    if share > ALONE:
        masked = sum(len(copy.masked) for copy in copies) / sum(len(copy.tokens) for copy in copies)
        assert masked == pytest.approx(share, rel=0.25)
    model, frequency = asked.read(codes, 40, 260, reading)
    assert model.shape == frequency.shape == (2, 220, 4)
    np.testing.assert_allclose(model.sum(axis=2), 1, atol=1e-9)
    np.testing.assert_allclose(frequency.sum(axis=2), 1, atol=1e-9)


def test_the_runs_are_seen_with_context_on_both_sides():
    asked, codes = reader(BPE), drawn(400, seed=4)
    reading = Reading(window=30, context=6, share=0.2)
    tokens = BPE.encode(codes)
    for copy in asked.copies(tokens, 100, 300, reading):
        assert copy.read.min() >= 6 and copy.read.max() < len(copy.tokens) - 6


def test_the_opposite_strand_is_read_in_its_own_tokens():
    asked, codes = reader(BPE), drawn(120, seed=5)
    reading = Reading(window=24, context=4, share=0.2)
    model, frequency = asked.read(codes, 30, 90, reading)
    mirrored, _ = asked.read(reverse_complement(codes), 30, 90, reading)
    np.testing.assert_allclose(mirrored[0][::-1, ::-1], model[1], atol=1e-12)
    np.testing.assert_allclose(mirrored[1][::-1, ::-1], model[0], atol=1e-12)
    assert np.abs(model[0] - model[1]).max() > 0.01 and np.abs(frequency[0] - frequency[1]).max() > 0.01


def test_bf16_is_close():
    codes, reading = drawn(100, seed=6), Reading(window=24, context=4, share=0.2)
    asked = reader(BPE)
    exact, _ = asked.read(codes, 10, 90, reading)
    asked.precision = "bf16"
    rough, _ = asked.read(codes, 10, 90, reading)
    assert 0 < np.abs(exact - rough).max() < 0.1


def test_a_stretch_needs_no_more_than_its_flank():
    asked, codes = reader(BPE), drawn(600, seed=7)
    reading = Reading(window=24, context=4, share=0.2, both=False)
    flank = flank_of(reading, BPE)
    whole, _ = asked.read(codes, 250, 350, reading)
    tokens = BPE.encode(codes)
    ends = np.cumsum(BPE.strides[tokens])
    cut = ends[np.searchsorted(ends, 250 - flank)]  # at a border of tokens, where the segmentation is the same
    part, _ = asked.read(codes[cut:], 250 - cut, 350 - cut, reading)
    np.testing.assert_allclose(part, whole, atol=1e-6)


def test_windows_without_room_for_a_run_are_refused():
    with pytest.raises(InputError, match="lower `interpretation.track_context`"):
        Reading(window=20, context=10, share=0.2)
    asked = TrackReading(track_window=510, track_context=4)
    assert reading_of(asked, 64, BPE, 0.1, 0) == Reading(62, 4, 0.1)
    assert reading_of(asked.model_copy(update={"track_window": 30, "track_ratio": 0.2}), 64, BPE, 0.1, 3) == Reading(
        30, 4, 0.2, 3
    )
    with pytest.raises(InputError, match="positions"):
        reader(BPE).read(drawn(50), 0, 50, Reading(window=100, context=10, share=0.2))
