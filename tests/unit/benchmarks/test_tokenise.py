"""How a model reads the sequences of a benchmark."""

import numpy as np
import pandas as pd
import pytest

from grover.benchmarks.tokenise import read_tokens
from grover.genome.bases import decode, encode
from grover.tokenization.bpe import train
from grover.tokenization.vocabulary import Vocabulary

GENOME = decode(np.random.default_rng(1).integers(0, 4, 4_000).astype(np.uint8))


@pytest.fixture(scope="module")
def pairs():
    codes = encode(GENOME)
    return Vocabulary.from_merges("bpe-60", train(codes, np.array([0]), np.array([codes.size]), 60).merges)


def dataset(**columns):
    return pd.DataFrame({"sequence": [GENOME[1_000:1_200]]} | {name: [value] for name, value in columns.items()})


def texts(vocabulary, tokens):
    return [vocabulary.tokens[token] for token in tokens]


@pytest.mark.parametrize("name", ["pairs", "kmer-4", "overlap-3"])
def test_alone_it_is_the_tokenizer_of_the_sequence(pairs, name):
    makers = {"kmer-4": Vocabulary.from_kmers, "overlap-3": Vocabulary.from_overlapping_kmers}
    vocabulary = pairs if name == "pairs" else makers[name](name, int(name[-1]))
    (tokens,) = read_tokens(dataset(), vocabulary)
    assert np.array_equal(tokens, vocabulary.encode(encode(GENOME[1_000:1_200])))


def test_between_its_neighbours_it_is_cut_as_in_the_genome(pairs):
    whole = texts(pairs, pairs.encode(encode(GENOME)))
    starts = np.cumsum([0, *map(len, whole)])
    expected = [
        text for text, start in zip(whole, starts, strict=False) if start >= 1_000 and start + len(text) <= 1_200
    ]
    (tokens,) = read_tokens(dataset(before=GENOME[600:1_000], after=GENOME[1_200:1_600]), pairs)
    assert texts(pairs, tokens) == expected
    assert "".join(expected) in GENOME[1_000:1_200]


def test_pieces_are_read_as_they_are_by_who_knows_them_all(pairs):
    pieces = texts(pairs, pairs.encode(encode(GENOME[1_000:1_200])))[::-1]
    shuffled = dataset(pieces=" ".join(pieces)).assign(sequence="".join(pieces))
    (tokens,) = read_tokens(shuffled, pairs)
    assert texts(pairs, tokens) == pieces
    kmers = Vocabulary.from_kmers("kmer-4", 4)
    (others,) = read_tokens(shuffled, kmers)
    assert np.array_equal(others, kmers.encode(encode("".join(pieces))))


@pytest.mark.parametrize("vocabulary", [Vocabulary.from_kmers("kmer-4", 4), Vocabulary.from_overlapping_kmers("o", 4)])
def test_where_no_token_lies_in_a_sequence_it_is_read_alone_and_nothing_around_it(vocabulary):
    # k-mers of four begin at 0, 4, 8, ..., and of the overlapping ones none fits into three bases
    short = pd.DataFrame({"sequence": ["CGC", "AT"], "before": ["AAA", "GGGG"], "after": ["TTTTTT", "CC"]})
    tokens = read_tokens(short, vocabulary)
    assert [texts(vocabulary, row) for row in tokens] == [["C", "G", "C"], ["A", "T"]]


def test_a_sequence_inside_one_long_token_is_read_alone():
    pair = Vocabulary.from_merges("two", np.array([[0, 1], [4, 4]]))  # AC and then ACAC
    (tokens,) = read_tokens(pd.DataFrame({"sequence": ["CA"], "before": ["A"], "after": ["C"]}), pair)
    assert texts(pair, tokens) == ["C", "A"]
