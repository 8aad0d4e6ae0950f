"""Byte pairs are compared with Hugging Face `tokenizers`, merge by merge and token by token."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, trainers

from grover.runtime.errors import InputError
from grover.tokenization import bpe, pairs
from grover.tokenization.encoder import Encoder, token_texts

# rich in runs and repeats, where a batched trainer that minds no order goes wrong
pieces = st.tuples(st.sampled_from(["A", "C", "G", "T", "AT", "CG", "AAG"]), st.integers(1, 9)).map(
    lambda p: p[0] * p[1]
)
segment_lists = st.lists(st.lists(pieces, min_size=1, max_size=12).map("".join), min_size=1, max_size=12)


def codes_of(text: str) -> np.ndarray:
    return np.array(["ACGT".index(base) for base in text], np.uint8)


def train(segments: list[str], cycles: int, **options) -> bpe.Learnt:
    bounds = np.cumsum([0] + [len(text) for text in segments])
    return bpe.train(codes_of("".join(segments)), bounds[:-1], bounds[1:], cycles, **options)


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
    merges, counts, _ = train(segments, len(expected))
    encoder = Encoder(merges)
    assert [(encoder.texts[left], encoder.texts[right]) for left, right in merges] == expected
    assert counts.min() >= 2
    for text in [*segments, "ACGTTGCA" * 5 + "A" * 33]:
        assert [encoder.texts[token] for token in encoder.encode(codes_of(text))] == tokenizer.encode(text).tokens


def test_a_pair_of_equal_tokens_does_not_hide_the_pairs_that_it_makes():
    merges, *_ = train(["AAA"] * 100 + ["CG"] * 50, 3)
    assert Encoder(merges).texts[4:] == ["AA", "AAA", "CG"]


def test_the_count_of_a_merge_is_the_number_of_its_pairs():
    merges, counts, _ = train(["ACACAC", "AC"], 1)
    assert merges.tolist() == [[0, 1]] and counts.tolist() == [4]


def test_merges_do_not_cross_segments():
    with pytest.raises(InputError, match="supports only 0"):
        train(["A", "C"] * 50, 1)


def test_what_was_learnt_before_pairs_ran_out_is_kept_where_asked():
    merges, counts, tokens = train(["AC", "AC"], 9, rules=bpe.Rules(partial=True))
    assert merges.tolist() == [[0, 1]] and counts.tolist() == [2] and tokens.tolist() == [2]


def test_too_many_merges_are_refused():
    with pytest.raises(InputError, match="at most 10000 are"):
        train(["ACAC"], 10_001)


def test_progress_is_told_every_base_and_every_merge():
    read, made = [], []
    watch = bpe.Watch(read.append, lambda merges, left: made.append((merges, left)))
    train(["ACACAC" * 20, "GTGTT" * 9], 6, watch=watch)
    assert sum(read) == 165 and sum(merges for merges, _ in made) == 6
    assert [left for _, left in made] == sorted((left for _, left in made), reverse=True)


def test_more_cycles_than_the_genome_supports_is_one_sentence():
    with pytest.raises(InputError, match="supports only 1 byte-pair cycles, 9 were asked for"):
        train(["AC", "AC"], 9)


@settings(max_examples=60, deadline=None)
@given(segment_lists, st.randoms(use_true_random=False))
def test_order_of_segments_and_number_of_threads_do_not_matter(segments, random):
    shuffled = random.sample(segments, len(segments))
    cycles = len(reference(segments, 25)[1])
    learnt = [train(segments, cycles), train(shuffled, cycles), train(segments, cycles, threads=3)]
    for other in learnt[1:]:
        assert all((one == two).all() for one, two in zip(learnt[0], other, strict=True))


@settings(max_examples=30, deadline=None)
@given(segment_lists)
def test_tokens_left_are_those_of_the_encoded_segments(segments):
    cycles = len(reference(segments, 12)[1])
    merges, _, tokens = train(segments, cycles)
    for done in {min(1, cycles), cycles // 2, cycles} - {0}:
        encoder = Encoder(merges[:done])
        assert tokens[done - 1] == sum(len(encoder.encode(codes_of(text))) for text in segments)


def test_more_than_254_tokens_of_sequence_that_compresses_or_does_not():
    generator = np.random.default_rng(11)
    long = ["".join(generator.choice(list("ACGT"), 20_000))]
    # short segments end too soon to become half as many tokens, so that the wider ids need memory of their own
    short = ["".join(generator.choice(list("ACGT"), 4)) for _ in range(3_000)] + ["A", "C"] * 4_000
    for segments in (long, short):
        _, expected = reference(segments, 280)
        merges, *_ = train(segments, len(expected), threads=2)
        texts = token_texts(merges)
        assert len(expected) > 255 or segments is short
        assert [(texts[left], texts[right]) for left, right in merges] == expected


def test_an_empty_list_of_segments_is_one_sentence_and_segments_of_one_base_are_none():
    with pytest.raises(InputError, match="no segment"):
        bpe.train(np.zeros(0, np.uint8), [], [], 1)
    merges, counts, tokens = train(["A", "ACAC", "C", "ACG"], 1)
    assert merges.tolist() == [[0, 1]] and counts.tolist() == [3] and tokens.tolist() == [6]


def test_memory_mapped_codes_give_the_same(tmp_path):
    codes = np.random.default_rng(2).integers(0, 4, 5_000).astype(np.uint8)
    np.save(tmp_path / "codes.npy", codes)
    mapped = np.load(tmp_path / "codes.npy", mmap_mode="r")
    assert (
        bpe.train(mapped, [3, 900], [800, 5_000], 40).merges == bpe.train(codes, [3, 900], [800, 5_000], 40).merges
    ).all()


def by_definition_on_both_strands(segments: list[str], cycles: int) -> list[str]:
    """Tokens, one strand and one merge at a time, counting with dictionaries."""
    strands = segments + [pairs.reverse_complement(text) for text in segments]
    ranks, tokens, waiting = {}, list("ACGT"), []
    while len(ranks) < cycles:
        if waiting:
            pair = waiting.pop()
        else:
            encoded = [pairs.apply_merges(text, ranks) for text in strands]
            counts = Counter(pair for parts in encoded for pair in zip(parts, parts[1:], strict=False))
            ordered = sorted(counts, key=lambda pair: (-counts[pair], tokens.index(pair[0]), tokens.index(pair[1])))
            for pair in ordered:
                mirrored = pairs.reverse_complement("".join(pair))
                halves = pairs.apply_merges(mirrored, ranks | {pair: len(ranks)})
                if counts[pair] >= 2 and (len(halves) == 2 or mirrored == "".join(pair)):
                    waiting = [tuple(halves)] if len(halves) == 2 else []
                    break
            else:
                return tokens
        ranks[pair] = len(ranks)
        tokens.append("".join(pair))
    if waiting:
        tokens.append("".join(waiting[0]))
    return tokens


@settings(max_examples=60, deadline=None)
@given(segment_lists)
def test_on_both_strands_the_vocabulary_is_closed_under_reverse_complement(segments):
    expected = by_definition_on_both_strands(segments, 12)
    if len(expected) < 4 + 12:
        with pytest.raises(InputError, match=f"supports only {len(expected) - 4} "):
            train(segments, 12, rules=bpe.Rules("both"))
        return
    merges, _, tokens = train(segments, 12, rules=bpe.Rules("both"))
    texts = token_texts(merges)
    assert texts == expected and len(set(texts)) == len(texts)
    assert {pairs.reverse_complement(text) for text in texts} == set(texts)
    encoder = Encoder(merges)
    both = segments + [pairs.reverse_complement(text) for text in segments]
    assert tokens[-1] == sum(len(encoder.encode(codes_of(text))) for text in both)


@settings(max_examples=60, deadline=None)
@given(segment_lists, st.integers(1, 40))
def test_encoding_piece_by_piece_equals_encoding_at_once(segments, piece):
    merges, *_ = train(segments, len(reference(segments, 25)[1]))
    encoder, text = Encoder(merges), "".join(segments) * 3
    whole = encoder.encode(codes_of(text))
    assert (encoder.encode(codes_of(text), piece=piece) == whole).all()
    assert "".join(encoder.texts[token] for token in whole) == text


def test_every_token_behind_every_token_encodes_as_tokenizers_does():
    generator = np.random.default_rng(5)
    segments = ["".join(generator.choice(list("AACGTT"), 400)) for _ in range(10)]
    tokenizer, expected = reference(segments, 60)
    merges, *_ = train(segments, len(expected))
    encoder = Encoder(merges)
    for left in encoder.texts:
        text = "".join(left + right for right in encoder.texts)
        assert [encoder.texts[token] for token in encoder.encode(codes_of(text))] == tokenizer.encode(text).tokens


def test_windows_are_encoded_alone_and_other_codes_are_unknown():
    generator = np.random.default_rng(9)
    codes = generator.choice(5, 6_000, p=[0.4, 0.1, 0.1, 0.39, 0.01]).astype(np.uint8)
    encoder = Encoder(train(["".join("ACGT"[code] for code in codes if code < 4)], 60).merges, first=5, unknown=1)
    starts = generator.integers(0, 5_000, 300)
    ends = starts + generator.integers(0, 900, 300)
    tokens, numbers = encoder.encode_windows(codes, starts, ends)
    edges = np.concatenate([[0], np.cumsum(numbers)])
    for start, end, first, last in zip(starts, ends, edges[:-1], edges[1:], strict=True):
        assert (tokens[first:last] == encoder.encode(codes[start:end])).all()
        spelt = "".join("N" if token == 1 else encoder.texts[token - 5] for token in tokens[first:last])
        assert spelt == "".join("ACGTN"[code] for code in codes[start:end])


def test_a_sample_is_whole_segments_in_their_order_and_the_seed_decides():
    starts = np.arange(0, 1_000, 10)
    ends = starts + 10
    few, few_ends = bpe.sample_segments(starts, ends, 0.3, seed=1)
    assert len(few) == 30 and (few_ends - few == 10).all() and (np.diff(few) > 0).all() and set(few) <= set(starts)
    assert (bpe.sample_segments(starts, ends, 0.3, seed=1)[0] == few).all()
    assert (bpe.sample_segments(starts, ends, 0.3, seed=2)[0] != few).any()
