"""word2vec on planted contexts, by hand where that can be."""

import numpy as np
import pandas as pd
import pytest

from grover.config.sections.embeddings import Word2vec
from grover.embeddings.word2vec import Sentences, choose_sentences, word_vectors
from grover.runtime.errors import InputError

SIZE = 16


@pytest.fixture(scope="module")
def corpus():
    """Pairs of tokens, of which 5 and 6 stand among 8 to 10, and 12 and 13 among 14, 15 and 7; token 11 and the specials do not occur."""
    rng = np.random.default_rng(2)
    near, far = rng.choice([8, 9, 10], (600, 20)), rng.choice([14, 15, 7], (600, 20))
    near[:, ::2], far[:, ::2] = rng.choice([5, 6], (600, 10)), rng.choice([12, 13], (600, 10))
    tokens = np.concatenate([near, far], axis=1).ravel().astype(np.uint16)
    firsts = np.arange(0, tokens.size, 20)
    return tokens, pd.DataFrame({"first": firsts, "length": np.full(firsts.size, 20, np.int16), "region": "train"})


@pytest.fixture(scope="module")
def vectors(corpus):
    return word_vectors(Sentences(*corpus, SIZE), 8, Word2vec(word2vec_window=1), 4)


def test_tokens_that_share_contexts_come_nearer_than_others(vectors):
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    alike = unit @ unit.T
    for one, other in ((5, 6), (12, 13)):
        strangers = [token for token in (5, 6, 12, 13) if token not in (one, other)]
        assert alike[one, other] > max(alike[one, strangers]) + 0.3


def test_ids_keep_their_rows_and_tokens_that_never_occur_have_zeros(corpus, vectors):
    assert vectors.shape == (SIZE, 8) and vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors.any(axis=1), np.isin(np.arange(SIZE), corpus[0]))


def test_the_same_seed_gives_the_same_vectors(corpus, vectors):
    np.testing.assert_array_equal(vectors, word_vectors(Sentences(*corpus, SIZE), 8, Word2vec(word2vec_window=1), 4))
    assert not np.array_equal(vectors, word_vectors(Sentences(*corpus, SIZE), 8, Word2vec(word2vec_window=1), 5))


def test_sentences_are_the_windows_and_are_counted_by_token():
    seen = []
    windows = pd.DataFrame({"first": [1, 4], "length": np.array([2, 3], np.int16)})
    sentences = Sentences(np.array([9, 5, 6, 9, 5, 5, 7], np.uint16), windows, 8, seen.append)
    assert list(sentences) == [["5", "6"], ["5", "5", "7"]] == list(sentences)
    assert seen == [2, 3, 2, 3]
    assert sentences.counts().tolist() == [0, 0, 0, 0, 0, 3, 1, 1]


def test_progress_counts_every_epoch(corpus):
    seen = []
    word_vectors(Sentences(*corpus, SIZE, seen.append), 4, Word2vec(word2vec_epochs=2), 0)
    assert sum(seen) == 2 * corpus[0].size


def test_sentences_of_fold_train_are_spread_over_the_genome():
    windows = pd.DataFrame({"first": np.arange(1000)[::-1] * 10, "length": np.full(1000, 10, np.int16)})
    windows["region"] = np.where(windows["first"] < 5000, "train", "test")
    assert len(choose_sentences(windows, "region", 0)) == len(choose_sentences(windows, "region", 10_000)) == 500
    chosen = choose_sentences(windows, "region", 1000)
    assert chosen["length"].sum() == 1000 and chosen["first"].is_monotonic_increasing
    assert chosen["first"].iloc[0] == 0 and chosen["first"].iloc[-1] == 4990
    assert chosen["first"].diff().max() <= 60


def test_nothing_to_train_on_and_tokens_of_another_vocabulary_are_refused(corpus):
    with pytest.raises(InputError, match="no window is for training under split region"):
        choose_sentences(corpus[1].assign(region="test"), "region", 0)
    with pytest.raises(InputError, match="contains token 15, but the model has 12 tokens"):
        word_vectors(Sentences(*corpus, 12), 4, Word2vec(), 0)
