"""A vocabulary and the `tokenizer.json` that it writes must give the same ids."""

import numpy as np
import pytest

from grover import bpe
from grover.errors import InputError
from grover.tokens import STRIDE, TokenisedGenome, tokenise
from grover.vocabulary import FIRST_LETTER, MASK, UNK, Vocabulary


def random_codes(length: int, seed: int = 0) -> np.ndarray:
    # skewed, so that tokens of several lengths come up
    return np.random.default_rng(seed).choice(4, length, p=[0.4, 0.1, 0.15, 0.35]).astype(np.uint8)


def text_of(codes: np.ndarray) -> str:
    return "".join("ACGTN"[code] for code in codes)


@pytest.fixture(scope="module", params=["bpe", "kmer-4", "char"])
def vocabulary(request) -> Vocabulary:
    if request.param == "bpe":
        codes = random_codes(20_000)
        return Vocabulary.from_merges("bpe-50", bpe.train(codes, [0], [codes.size], 50)[0])
    return Vocabulary.from_kmers(request.param, 4 if request.param == "kmer-4" else 1)


def test_auto_tokenizer_gives_the_same_ids_and_the_text_back(vocabulary, tmp_path):
    from transformers import AutoTokenizer

    vocabulary.save(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert len(tokenizer) == vocabulary.size and tokenizer.mask_token_id == MASK
    for length in (1, 2, 3, 7, 50, 333):
        codes = random_codes(length, length)
        ids = tokenizer(text_of(codes))["input_ids"]
        assert ids == [2, *vocabulary.encode(codes).tolist(), 3]
        assert tokenizer.decode(ids, skip_special_tokens=True) == text_of(codes)
        assert tokenizer(text_of(codes).lower())["input_ids"] == ids


def test_anything_but_acgt_is_one_unknown_a_base(vocabulary, tmp_path):
    from transformers import AutoTokenizer

    codes = np.concatenate([random_codes(9), [4, 4], random_codes(5, 1), [4]]).astype(np.uint8)
    ids = vocabulary.encode(codes)
    assert (ids == UNK).sum() == 3
    assert vocabulary.lengths[ids].sum() == codes.size
    if vocabulary.kind == "bpe":
        vocabulary.save(tmp_path)
        assert AutoTokenizer.from_pretrained(tmp_path)(text_of(codes))["input_ids"][1:-1] == ids.tolist()


def test_600_cycles_make_609_rows():
    assert Vocabulary.from_merges("bpe-600", np.zeros((600, 2), np.int32)[:0]).size == 9
    codes = random_codes(300_000, 2)
    assert Vocabulary.from_merges("bpe-600", bpe.train(codes, [0], [codes.size], 600)[0]).size == 609


def test_load_gives_back_what_was_saved(vocabulary, tmp_path):
    vocabulary.save(tmp_path / vocabulary.name)
    again = Vocabulary.load(tmp_path / vocabulary.name)
    codes = random_codes(500, 7)
    assert (again.name, again.kind, again.tokens) == (vocabulary.name, vocabulary.kind, vocabulary.tokens)
    assert (again.encode(codes) == vocabulary.encode(codes)).all()


def test_load_names_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        Vocabulary.load(tmp_path)


def test_bases_and_tokens_map_both_ways(vocabulary, tmp_path):
    codes = random_codes(30_000, 4)
    offsets = np.array([0, 7, 10_000, 10_001, 30_000])
    counts = tokenise(codes, offsets, vocabulary, tmp_path / "tokens.npy", tmp_path / "index.npy")
    genome = TokenisedGenome(tmp_path / "tokens.npy", tmp_path / "index.npy", vocabulary)
    assert counts.sum() == len(genome.tokens) > STRIDE
    assert "".join(vocabulary.tokens[token] for token in genome.tokens) == text_of(codes)
    lengths = vocabulary.lengths[genome.tokens]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    assert (genome.bases_at(np.arange(len(starts))) == starts).all()
    assert (genome.tokens_at(np.arange(codes.size)) == np.repeat(np.arange(len(lengths)), lengths)).all()
    assert genome.tokens_at(codes.size)[0] == len(genome.tokens)
    # no token crosses from one segment into the next
    assert np.isin(offsets, starts).all()


def test_kmers_spell_the_rest_of_a_segment_in_letters():
    vocabulary = Vocabulary.from_kmers("kmer-4", 4)
    ids = vocabulary.encode(np.array([0, 1, 2, 3, 3, 0], np.uint8))
    assert [vocabulary.tokens[token] for token in ids] == ["ACGT", "T", "A"]
    assert ids[-1] == FIRST_LETTER
