from collections import Counter

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import BertForMaskedLM

from grover.network.bert import bert_config, new_language_model
from grover.pretraining import evaluation
from grover.pretraining.count_baselines import NeighbourBaseline, TokenCounts
from grover.pretraining.masking import Masking
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import CLS, FIRST_BASE, MASK, SEP
from tests.fakes.networks import architecture

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
    windows = pd.DataFrame({"segment": 0, "first": first, "length": 40})
    windows["region"] = np.where(first < 16_000, "train", "test")
    return (tokens + FIRST_BASE).astype(np.uint16), windows


@pytest.fixture
def masked(corpus):
    tokens, windows = corpus
    chosen = evaluation.choose_windows(windows, "region", 60, 0)
    return evaluation.mask_tokens(tokens, chosen, SIZE, Masking(0.15, mask=1.0), 0)


def counts(corpus, masked):
    tokens, windows = corpus
    return TokenCounts(tokens, windows[windows["region"] == "train"], SIZE, masked.left, masked.right, 10**6)


def fitted(counts, masked):
    return NeighbourBaseline(counts, masked.targets, masked.left, masked.right)


def test_masked_tokens_are_known_and_their_neighbours_visible(corpus, masked):
    assert len(masked.targets) == sum(len(at) for _, _, at in masked.batches)
    shown = np.concatenate([ids[at] for ids, _, at in masked.batches])
    assert (shown == MASK).all()
    assert set(np.unique(masked.left)) <= {CLS, MASK, *range(FIRST_BASE, SIZE)}
    assert set(np.unique(masked.right)) <= {SEP, MASK, *range(FIRST_BASE, SIZE)}


def test_targets_stand_at_their_positions_in_their_windows(corpus, masked):
    tokens, windows = corpus
    np.testing.assert_array_equal(tokens[masked.position], masked.targets)
    chosen = evaluation.choose_windows(windows, "region", 60, 0)
    assert set(masked.position // 40 * 40) <= set(chosen["first"])
    visible = masked.left >= FIRST_BASE
    np.testing.assert_array_equal(tokens[masked.position - 1][visible], masked.left[visible])


def test_marked_tokens_and_no_others_are_masked():
    tokens = np.arange(5, 12).astype(np.uint16)
    marked = np.array([True, False, False, False, True, True, False])
    masked = evaluation.mask_marked(tokens, np.array([0, 3, 7]), marked)
    order = np.argsort(masked.position)
    assert masked.targets[order].tolist() == [5, 9, 10]
    assert masked.left[order].tolist() == [CLS, 8, MASK] and masked.right[order].tolist() == [6, MASK, 11]
    with pytest.raises(InputError, match="none of the tokens"):
        evaluation.mask_marked(tokens, np.array([0, 7]), np.zeros(7, bool))


def test_seen_positions_are_those_inside_training_windows():
    training = pd.DataFrame({"first": [30, 10, 15], "length": np.array([5, 10, 10], np.int16)})
    inside = {*range(10, 25), *range(30, 35)}
    assert evaluation.seen(np.arange(50), training).tolist() == [place in inside for place in range(50)]


def test_counts_are_those_of_a_slow_count(corpus, masked):
    tokens, _ = corpus
    found = counts(corpus, masked)
    rows = [tokens[f : min(f + 512, 16_000)].tolist() for f in range(0, 16_000, 512)]
    singles = Counter(token for row in rows for token in row)
    pairs = Counter(pair for row in rows for pair in zip(row, row[1:], strict=False))
    triples = Counter(triple for row in rows for triple in zip(row, row[1:], row[2:], strict=False))
    assert {i: n for i, n in enumerate(found.single) if n} == singles
    left, right = set(masked.left.tolist()), set(masked.right.tolist())
    asked = set(zip(masked.left.tolist(), masked.right.tolist(), strict=True))
    assert kept(found.after) == {a * SIZE + b: n for (a, b), n in pairs.items() if a in left}
    assert kept(found.before) == {b * SIZE + a: n for (a, b), n in pairs.items() if b in right}
    assert kept(found.both) == {(a * SIZE + c) * SIZE + b: n for (a, b, c), n in triples.items() if (a, c) in asked}
    assert found.counted == found.available == 16_000


def kept(contexts) -> dict[int, int]:
    return dict(zip(contexts.keys.tolist(), contexts.counts.astype(int).tolist(), strict=True))


def test_three_passes_over_the_same_sequence_make_the_same_baseline_as_one(corpus, masked):
    tokens, windows = corpus
    training = windows[windows["region"] == "train"]
    shifted = [training.iloc[1:].assign(first=training["first"].iloc[1:] - shift) for shift in (7, 23)]
    once, thrice = (
        TokenCounts(tokens, table, SIZE, masked.left, masked.right, 10**6)
        for table in (training, pd.concat([training, *shifted], ignore_index=True))
    )
    expected = evaluation.neighbour_baseline(fitted(once, masked), masked)
    found = evaluation.neighbour_baseline(fitted(thrice, masked), masked)
    np.testing.assert_array_equal(found.nats, expected.nats)
    assert thrice.single.sum() == 16_000


def test_no_neighbours_are_counted_across_segments_and_no_more_tokens_than_asked():
    tokens = np.tile(np.arange(FIRST_BASE, 9), 500).astype(np.uint16)
    windows = pd.DataFrame({"segment": [0, 0, 1], "first": [0, 400, 1_001], "length": [500, 601, 999]})
    letters = np.arange(FIRST_BASE, 9)
    found = TokenCounts(tokens, windows, 9, letters, letters, 10**6)
    # 2,000 tokens in four pieces: two in each segment
    assert found.counted == found.available == 2_000 and found.after.counts.sum() == 2_000 - 4
    some = TokenCounts(tokens, windows, 9, letters, letters, 1_100)
    assert 487 <= some.counted <= 1_100 and some.available == 2_000


def test_the_distributions_between_neighbours_are_worked_out_by_hand():
    """A training of A B C D alone, and what it says of the place between A and C."""
    a, b, c, d = range(FIRST_BASE, 9)
    tokens = np.array([a, b, c, d], np.uint16)
    windows = pd.DataFrame({"segment": [0], "first": [0], "length": [4]})
    found = TokenCounts(tokens, windows, 9, np.array([a]), np.array([c]), 10)
    frequency = np.array([0.25] * 4)
    after = 0.5 * np.array([0, 1, 0, 0]) + 0.5 * frequency  # the discount is a half: no count is 2
    product = after * after / frequency  # b alone stands behind a, and before c
    product /= product.sum()
    both = 0.5 * np.array([0, 1, 0, 0]) + 0.5 * product
    tables = found.distributions(np.array([a]), np.array([c]))
    for table, expected in zip(tables, (frequency, after, after, product, both), strict=True):
        np.testing.assert_allclose(table[0, FIRST_BASE:], expected)
    # a masked neighbour and the end of a window say nothing
    for table in found.distributions(np.array([MASK]), np.array([SEP])):
        np.testing.assert_allclose(table[0, FIRST_BASE:], frequency)
    assert found.both.total(np.array([a * 9 + c, a * 9 + d])).tolist() == [1, 0]
    # without held-out tokens every distribution counts alike
    nothing = evaluation.NOTHING
    between = NeighbourBaseline(found, nothing.targets, nothing.left, nothing.right).between(
        np.array([a]), np.array([c])
    )
    mean = (frequency + after + after + product + both) / 5
    np.testing.assert_allclose(between[0, FIRST_BASE:], mean)


def test_baselines_are_distributions_and_neighbours_help(corpus, masked):
    table = counts(corpus, masked)
    baseline = fitted(table, masked)
    between = baseline.between(masked.left, masked.right)
    np.testing.assert_allclose(between.sum(axis=1), 1, rtol=1e-9)
    assert (between >= 0).all()
    neighbours = evaluation.neighbour_baseline(baseline, masked)
    frequency = evaluation.frequency_baseline(table, masked)
    assert neighbours.nats.mean() < frequency.nats.mean() - 0.3


def test_no_single_distribution_predicts_the_tuning_tokens_better_than_their_interpolation(corpus, masked):
    table = counts(corpus, masked)
    interpolated = evaluation.neighbour_baseline(fitted(table, masked), masked).nats.mean()
    for alone in table.distributions(masked.left, masked.right):
        assert interpolated < evaluation.score(alone, masked.targets).nats.mean()


def test_tuning_windows_are_in_fold_valid_and_neither_trained_on_nor_scored():
    folds = ["train", "valid", "valid", "valid", "test", "valid"]
    windows = pd.DataFrame({"region": folds, "random": ["test", "train", "test", "test", "test", "test"]})
    none = windows.iloc[:0]
    assert evaluation.tuning_windows(windows, "region", none, 10, 0).index.tolist() == [1, 2, 3, 5]
    assert evaluation.tuning_windows(windows, "random", windows.loc[[3, 4]], 10, 0).index.tolist() == [2, 5]
    assert len(evaluation.tuning_windows(windows, "region", none, 2, 0)) == 2


def test_a_network_predicts_what_transformers_computes(masked):
    model = new_language_model(bert_config(architecture(1, 64, 2, 128, 48), SIZE), 0).eval()
    predicted = evaluation.predict(model, masked, torch.device("cpu"), precision="auto")
    assert predicted.nats.mean() == pytest.approx(np.log(SIZE), abs=0.4)
    ids, lengths, at = masked.batches[0]
    padded = torch.from_numpy(ids.reshape(len(lengths), -1))  # windows of one length
    assert isinstance(model, BertForMaskedLM)
    with torch.inference_mode():
        logits = model(padded).logits.flatten(0, 1)[torch.from_numpy(at)]
    targets = torch.from_numpy(masked.targets[: len(at)])
    expected = torch.nn.functional.cross_entropy(logits, targets, reduction="none").numpy()
    np.testing.assert_allclose(predicted.nats[: len(at)], expected, atol=1e-4)


def test_scores_in_bfloat16_have_no_ties(masked):
    """A bfloat16 has 8 bits: of thousands of scores most would be equal to another."""
    model = new_language_model(bert_config(architecture(1, 64, 2, 128, 48), 4_000), 0).eval()
    ranks, curves = [], Scores()
    for precision in ("bf16", "fp32"):
        ranks.append(evaluation.predict(model, masked, torch.device("cpu"), precision, curves).rank)
    for scores in curves.scores:
        assert len(scores[0].unique()) > 3_900
    assert np.abs(ranks[0] - ranks[1]).mean() < 20


class Scores:
    def __init__(self):
        self.scores = []

    def add(self, scores, targets):
        self.scores.append(scores)


def test_a_token_is_where_its_middle_base_does_and_overlapping_kmers_have_no_bases(masked):
    begins = np.arange(len(masked.targets)) * 10
    lengths = np.arange(SIZE, dtype=np.int32)
    none = evaluation.Predicted(np.zeros(len(begins)), np.zeros(len(begins), np.int64))
    table = evaluation.tabulate(masked, {"model": none}, begins, lengths, begins > 50)
    np.testing.assert_array_equal(table["base"], begins + (masked.targets - 1) // 2)
    np.testing.assert_array_equal(table["bases"], masked.targets)
    table = evaluation.tabulate(masked, {"model": none}, begins, None, begins > 50)
    assert table["bases"].isna().all() and (table["base"] == begins).all()


def test_no_test_windows_is_an_error(corpus):
    with pytest.raises(InputError, match="no window has fold test"):
        evaluation.choose_windows(corpus[1].assign(region="train"), "region", 10, 0)
