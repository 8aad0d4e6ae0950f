from collections import Counter
from itertools import product

import numpy as np
import pandas as pd
import pytest
import torch

from grover.errors import InputError
from grover.genome import Genome, decode, encode
from grover.model import Architecture, new_language_model, save
from grover.next_kmer import Contexts, cut_contexts, tokenise_contexts
from grover.next_kmer_floors import floors, last_token_answers, markov_answers
from grover.next_kmer_model import fine_tune
from grover.selection import choose
from grover.vocabulary import Vocabulary


@pytest.fixture
def genome(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "sequence.npy", rng.integers(0, 4, 9000, dtype=np.uint8))
    (tmp_path / "segments.bed").write_text("b\t100\t5100\ts0\na\t0\t3000\ts1\na\t3500\t4500\ts2\n")
    return Genome(tmp_path / "sequence.npy", tmp_path / "segments.bed")


def folds():
    rows = [("a", 0, 3000, "test"), ("a", 3000, 5000, "train"), ("b", 0, 4000, "train"), ("b", 4000, 6000, "valid")]
    return pd.DataFrame(rows, columns=["chrom", "start", "end", "fold"])


def test_contexts_lie_in_one_segment_and_one_fold(genome):
    cut = cut_contexts(genome, folds(), 50, 6, 2000, 0)
    text = {
        "train": decode(genome.fetch("b", 100, 4000)) + "|" + decode(genome.fetch("a", 3500, 4500)),
        "valid": decode(genome.fetch("b", 4000, 5100)),
        "test": decode(genome.fetch("a", 0, 3000)),
    }
    assert len(cut.train) + len(cut.valid) + len(cut.test) == 2000 and cut.train.shape[1] == 56
    for fold in ("train", "valid", "test"):
        assert all(decode(row) in text[fold] for row in getattr(cut, fold)[:300])
    again = cut_contexts(genome, folds(), 50, 6, 2000, 0)
    assert (again.train == cut.train).all()
    with pytest.raises(InputError, match="no context"):
        cut_contexts(genome, folds().assign(fold="train"), 50, 6, 100, 0)


def test_labels_are_the_bases_that_follow():
    codes = encode("AAAAACGTAC")[None]
    cut = Contexts(codes, codes, codes, 5)
    assert cut.labels("train", 2).tolist() == [0b0110]
    assert cut.labels("test", 3).tolist() == [0b011011]


def test_a_context_is_tokenised_without_what_follows():
    # AAC is one token in the genome, but a context that ends before C must not tell that C follows
    vocabulary = Vocabulary.from_merges("bpe", np.array([[0, 0], [4, 1]], np.int32))
    whole = encode("GTAAC")
    assert [vocabulary.tokens[i] for i in vocabulary.encode(whole)] == ["G", "T", "AAC"]
    assert [vocabulary.tokens[i] for i in tokenise_contexts(vocabulary, whole[None, :4])[0]] == ["G", "T", "AA"]


@pytest.mark.parametrize("k", [1, 3, 4, 6])
def test_kmers_end_on_the_last_base(k):
    vocabulary = Vocabulary.from_kmers("kmer", k)
    context = np.random.default_rng(0).integers(0, 4, 50, dtype=np.uint8)
    words = [vocabulary.tokens[i] for i in tokenise_contexts(vocabulary, context[None])[0]]
    assert all(len(word) == k for word in words)
    assert decode(context).endswith("".join(words)) and len("".join(words)) == 50 - 50 % k


@pytest.mark.parametrize("order", [0, 1, 2])
def test_markov_answers_are_the_best_of_all_paths(order):
    sequences = np.random.default_rng(1).choice(4, (200, 30), p=[0.4, 0.3, 0.2, 0.1]).astype(np.uint8)
    counts = Counter(tuple(row[i : i + order + 1]) for row in sequences.tolist() for i in range(30 - order))

    def probability(path):
        value = 1.0
        for i in range(order, len(path)):
            state = tuple(path[i - order : i])
            value *= (counts[(*state, path[i])] + 1) / sum(counts[(*state, base)] + 1 for base in range(4))
        return value

    answers = markov_answers(sequences, order, 3)
    for number, state in enumerate(product(range(4), repeat=order)):
        best = max(product(range(4), repeat=3), key=lambda after: probability((*state, *after)))
        assert answers[number] == best[0] * 16 + best[1] * 4 + best[2]


def test_last_token_answers_are_the_commonest_class():
    answers = last_token_answers(np.array([5, 5, 5, 7, 7]), np.array([3, 3, 1, 2, 2]), 1, 9)
    assert answers[5] == 3 and answers[7] == 2 and answers[6] == 2


def test_floors_and_a_model_on_a_repeat(tmp_path):
    # the four bases in turn: an order-1 model, the last token and a fine-tuned network all know what follows
    rng = np.random.default_rng(0)
    rows = ((rng.integers(0, 4, 600)[:, None] + np.arange(26)) % 4).astype(np.uint8)
    cut = Contexts(rows[:500], rows[400:500], rows[500:], 20)
    letters = Vocabulary.from_kmers("char", 1)
    table = floors(cut, [letters], [2, 3], trees=5, forest_examples=200)
    score = table.pivot(index="vocabulary", columns="k", values="accuracy")
    assert score.loc["chance"].tolist() == [1 / 16, 1 / 64]
    assert (score.loc[["markov-1", "markov-5", "last token of char", "tfidf-forest"]] == 1).all(axis=None)
    assert score.loc["markov-0", 2] < 0.5 and score.loc["majority", 3] < 0.5

    letters.save(tmp_path / "vocabulary")
    model = new_language_model(Architecture(1, 16, 2, 32, 32, 0.0).config(letters.size), 0)
    save(model, model.config, tmp_path / "model", tmp_path / "vocabulary")
    found = fine_tune(tmp_path / "model", letters, cut, [2], 10, 32, 1e-2, torch.device("cpu"))
    assert (
        found["accuracy"].tolist() == found["accuracy_valid"].tolist() == [1.0]
        and found["n"].tolist() == [100]
        and found["low"][0] < 1.0
    )


def test_the_best_mean_rank_wins_and_ties_go_to_the_smaller():
    rows = [("a", 2, 0.3), ("a", 3, 0.1), ("b", 2, 0.2), ("b", 3, 0.2), ("c", 2, 0.1), ("c", 3, 0.05)]
    table = pd.DataFrame(rows, columns=["vocabulary", "k", "accuracy_valid"]).assign(kind="model")
    assert choose(table, {"a": 600, "b": 100, "c": 9})[0] == "b"
    assert choose(table, {"a": 100, "b": 600, "c": 9})[0] == "a"
    better = table.assign(accuracy_valid=table["accuracy_valid"] + (table["vocabulary"] == "c"))
    name, reason = choose(better, {"a": 100, "b": 600, "c": 9})
    assert name == "c" and "mean rank" in reason
