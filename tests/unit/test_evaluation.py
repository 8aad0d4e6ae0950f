from collections import Counter

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import log_loss, top_k_accuracy_score

from grover import evaluation
from grover.errors import InputError
from grover.model import Architecture, new_language_model
from grover.vocabulary import CLS, FIRST_LETTER, MASK, SEP

SIZE = 12


@pytest.fixture
def corpus():
    """A second-order source: a token is mostly the sum of the two before it."""
    rng = np.random.default_rng(0)
    tokens = np.empty(20_000, np.int64)
    tokens[:2] = 0, 1
    for i in range(2, len(tokens)):
        tokens[i] = (tokens[i - 1] + tokens[i - 2]) % 7 if rng.random() < 0.8 else rng.integers(7)
    first = np.arange(0, 20_000, 40)
    windows = pd.DataFrame({"first": first, "length": 40, "region": np.where(first < 16_000, "train", "test")})
    return (tokens + FIRST_LETTER).astype(np.uint16), windows


@pytest.fixture
def hidden(corpus):
    tokens, windows = corpus
    return evaluation.hide_tokens(tokens, evaluation.choose_windows(windows, "region", 60, 0), SIZE, 0.15, 0)


def counts(corpus, hidden):
    tokens, windows = corpus
    return evaluation.TokenCounts(tokens, windows[windows["region"] == "train"], SIZE, hidden.left, hidden.right, 10**6)


def test_hidden_tokens_are_known_and_their_neighbours_visible(corpus, hidden):
    assert len(hidden.targets) == sum(len(positions) for _, positions in hidden.batches)
    shown = np.concatenate([ids.ravel()[positions] for ids, positions in hidden.batches])
    assert (shown == MASK).all()
    assert set(np.unique(hidden.left)) <= {CLS, MASK, *range(FIRST_LETTER, SIZE)}
    assert set(np.unique(hidden.right)) <= {SEP, MASK, *range(FIRST_LETTER, SIZE)}


def test_counts_are_those_of_a_slow_count(corpus, hidden):
    tokens, windows = corpus
    found = counts(corpus, hidden)
    rows = [tokens[f : f + 40].tolist() for f in windows.loc[windows["region"] == "train", "first"]]
    singles = Counter(token for row in rows for token in row)
    pairs = Counter(pair for row in rows for pair in zip(row, row[1:], strict=False))
    triples = Counter(triple for row in rows for triple in zip(row, row[1:], row[2:], strict=False))
    assert {i: n for i, n in enumerate(found.single) if n} == singles
    assert {(i, j): found.pairs[i, j] for i, j in zip(*np.nonzero(found.pairs), strict=True)} == pairs
    asked = set(zip(hidden.left.tolist(), hidden.right.tolist(), strict=True))
    expected = {(a * SIZE + c) * SIZE + b: n for (a, b, c), n in triples.items() if (a, c) in asked}
    assert dict(zip(found.triples.tolist(), found.triple_counts.tolist(), strict=True)) == expected


def test_floors_are_distributions_and_neighbours_help(corpus, hidden):
    table = counts(corpus, hidden)
    between = table.between(hidden.left, hidden.right)
    np.testing.assert_allclose(between.sum(axis=1), 1, rtol=1e-9)
    assert (between >= 0).all()
    neighbours = evaluation.neighbour_floor(table, hidden)
    frequency = evaluation.frequency_floor(table, hidden)
    assert neighbours.nats.mean() < frequency.nats.mean() - 0.3
    gain = evaluation.difference(neighbours, frequency, hidden.window)
    assert gain["low"] < gain["difference"] < gain["high"] < 0
    assert gain["difference"] == pytest.approx(neighbours.nats.mean() - frequency.nats.mean())


def test_scores_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(SIZE - FIRST_LETTER), 300)
    probabilities = np.hstack([np.zeros((300, FIRST_LETTER)), probabilities])
    targets = rng.integers(FIRST_LETTER, SIZE, 300)
    lengths = np.array([0] * FIRST_LETTER + [1, 2, 3, 1, 2, 3, 4])
    found = evaluation.summarise(evaluation.score(probabilities, targets), targets, lengths, top=3)
    labels = range(SIZE)
    assert found["loss"] == pytest.approx(log_loss(targets, probabilities, labels=labels))
    assert found["top1"] == pytest.approx(top_k_accuracy_score(targets, probabilities, k=1, labels=labels))
    assert found["topk"] == pytest.approx(top_k_accuracy_score(targets, probabilities, k=3, labels=labels))
    assert found["perplexity_share"] == pytest.approx(np.exp(found["loss"]) / 7)
    assert found["bits_per_base"] == pytest.approx(found["loss"] * 300 / np.log(2) / lengths[targets].sum())


def test_an_untrained_network_is_near_uniform_and_its_table_complete(hidden):
    model = new_language_model(Architecture(1, 64, 2, 128, 48).config(SIZE), 0)
    predicted = evaluation.predict(model, hidden, torch.device("cpu"))
    assert predicted.nats.mean() == pytest.approx(np.log(SIZE), abs=0.4)
    table = evaluation.by_token(predicted, hidden.targets, [str(i) for i in range(SIZE)])
    assert table["n"].sum() == len(hidden.targets)
    assert (table["accuracy"] * table["n"]).sum() == pytest.approx((predicted.rank == 0).sum())


def test_no_test_windows_is_an_error(corpus):
    with pytest.raises(InputError, match="no window has fold test"):
        evaluation.choose_windows(corpus[1].assign(region="train"), "region", 10, 0)
