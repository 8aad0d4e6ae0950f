"""Byte pairs are compared with Hugging Face `tokenizers`, merge by merge and token by token."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, trainers

from grover import bpe
from grover.errors import InputError

# rich in runs and repeats, where a batched trainer that minds no order goes wrong
pieces = st.tuples(st.sampled_from(["A", "C", "G", "T", "AT", "CG", "AAG"]), st.integers(1, 9)).map(
    lambda p: p[0] * p[1]
)
segment_lists = st.lists(st.lists(pieces, min_size=1, max_size=12).map("".join), min_size=1, max_size=12)


def codes_of(text: str) -> np.ndarray:
    return np.array(["ACGT".index(letter) for letter in text], np.uint8)


def train(segments: list[str], cycles: int):
    return bpe.train(codes_of("".join(segments)), np.cumsum([0] + [len(text) for text in segments]), cycles)


def reference(segments: list[str], cycles: int) -> tuple[Tokenizer, list[tuple[str, str]]]:
    tokenizer = Tokenizer(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=4 + cycles, min_frequency=2, initial_alphabet=list("ACGT"), show_progress=False
    )
    tokenizer.train_from_iterator(segments, trainer)
    return tokenizer, [tuple(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]


@settings(max_examples=150, deadline=None)
@given(segment_lists)
def test_merges_and_tokens_equal_tokenizers(segments):
    tokenizer, expected = reference(segments, 25)
    if not expected:
        return
    merges, counts = train(segments, len(expected))
    encoder = bpe.Encoder(merges)
    assert [(encoder.texts[left], encoder.texts[right]) for left, right in merges] == expected
    assert counts.min() >= 2
    for text in [*segments, "ACGTTGCA" * 5 + "A" * 33]:
        assert [encoder.texts[token] for token in encoder.encode(codes_of(text))] == tokenizer.encode(text).tokens


def test_a_pair_of_equal_tokens_does_not_hide_the_pairs_that_it_makes():
    merges, _ = train(["AAA"] * 100 + ["CG"] * 50, 3)
    assert bpe.Encoder(merges).texts[4:] == ["AA", "AAA", "CG"]


def test_the_count_of_a_merge_is_the_number_of_its_pairs():
    merges, counts = train(["ACACAC", "AC"], 1)
    assert merges.tolist() == [[0, 1]] and counts.tolist() == [4]


def test_merges_do_not_cross_segments():
    with pytest.raises(InputError, match="supports only 0"):
        train(["A", "C"] * 50, 1)


def test_more_cycles_than_the_genome_supports_is_one_sentence():
    with pytest.raises(InputError, match="supports only 1 byte-pair cycles, 9 were asked for"):
        train(["AC", "AC"], 9)


def test_order_of_segments_does_not_matter():
    generator = np.random.default_rng(3)
    segments = ["".join(generator.choice(list("ACGT"), 60)) for _ in range(20)]
    forward, counts = train(segments, 30)
    backward, same = train(segments[::-1], 30)
    assert (forward == backward).all() and (counts == same).all()


def test_every_token_behind_every_token_encodes_as_tokenizers_does():
    generator = np.random.default_rng(5)
    segments = ["".join(generator.choice(list("AACGTT"), 400)) for _ in range(10)]
    tokenizer, expected = reference(segments, 60)
    merges, _ = train(segments, len(expected))
    encoder = bpe.Encoder(merges)
    for left in encoder.texts:
        text = "".join(left + right for right in encoder.texts)
        assert [encoder.texts[token] for token in encoder.encode(codes_of(text))] == tokenizer.encode(text).tokens
