"""Dependency maps against a slow computation from the definition, with the model and tokens of `transformers` read one by one."""

from functools import cache

import numpy as np
import pytest
import torch

from grover.genome.bases import decode
from grover.interpretation.dependency import LEAST, Plan, Reader
from grover.network.bert import bert_config, new_language_model
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import CLS, FIRST_BASE, MASK, SEP, Vocabulary
from tests.fakes.networks import architecture

VOCABULARIES = {
    "bpe": Vocabulary.from_merges("bpe", np.array([[0, 0], [3, 3], [4, 1], [5, 2], [1, 2]], np.int32)),
    "kmer": Vocabulary.from_kmers("kmer-2", 2),
    "overlap": Vocabulary.from_overlapping_kmers("overlap-3", 3),
    "char": Vocabulary.from_kmers("char", 1),
    "pair": Vocabulary.from_merges("pair", np.array([[0, 0]], np.int32)),
}
LENGTH, PASSES = 13, 3


def reader(kind: str, passes: int = PASSES, positions: int = 40) -> Reader:
    vocabulary = VOCABULARIES[kind]
    size = architecture(layers=1, hidden=16, heads=2, intermediate=16, positions=positions, dropout=0.0, start="random")
    model = new_language_model(bert_config(size, vocabulary.size), seed=3)
    with torch.no_grad():  # far from uniform, so that substitutions matter
        for parameter in model.parameters():
            parameter.mul_(2)
    return Reader(model.eval(), vocabulary, passes, torch.device("cpu"), "fp32")


def cut(vocabulary, text: str) -> list[tuple[int, int, str]]:
    """Start, end and text of the tokens of a sequence."""
    codes = np.array(["ACGT".index(base) for base in text], np.uint8)
    found, start = [], 0
    for token in vocabulary.encode(codes):
        token = vocabulary.tokens[token]
        found.append((start, start + len(token), token))
        start += 1 if vocabulary.kind == "overlap" else len(token)
    return found


@cache
def probabilities(used: Reader, tokens: tuple, masked: frozenset[int]) -> dict[int, dict[str, float]]:
    """Probability of each word at each masked token, from the model's own forward pass."""
    names = used.vocabulary.tokens
    ids = [MASK if at in masked else names.index(text) for at, (*_, text) in enumerate(tokens)]
    with torch.no_grad():
        logits = used.model(torch.tensor([[CLS, *ids, SEP]])).logits[0, 1:-1, FIRST_BASE:].double()
    return {at: dict(zip(names[FIRST_BASE:], logits[at].softmax(0).tolist(), strict=True)) for at in masked}


def masks(used: Reader, tokens: list, of: int) -> list[int]:
    """Tokens that hold a base."""
    return [at for at, (start, end, _) in enumerate(tokens) if start <= of < end]


def odds(used: Reader, tokens: list, masked: set[int], j: int) -> np.ndarray:
    words = probabilities(used, tuple(tokens), frozenset(masked))
    logs = []
    for at in masks(used, tokens, j):
        start, _, text = tokens[at]
        offset = j - start
        if used.vocabulary.kind == "overlap":  # words that agree with the visible bases
            of_base = [words[at][text[:offset] + base + text[offset + 1 :]] for base in "ACGT"]
        else:
            alike = [word for word in words[at] if len(word) == len(text)]
            of_base = [sum(words[at][word] for word in alike if word[offset] == base) for base in "ACGT"]
        logs.append(np.log(np.array(of_base) / sum(of_base) + 1e-300))
    mean = np.exp(np.mean(logs, axis=0))
    mean = np.clip(mean / mean.sum(), LEAST, 1 - LEAST)
    return np.log2(mean / (1 - mean))


def slow_map(used: Reader, text: str) -> np.ndarray:
    own, overlap = cut(used.vocabulary, text), used.vocabulary.kind == "overlap"
    step = PASSES * (3 if overlap else 1)
    units = [(j, j + 1) for j in range(len(text))] if overlap else [token[:2] for token in own]
    found = np.full((len(text), len(text)), np.nan)
    for i in range(len(text)):
        for base in set("ACGT") - {text[i]}:
            changed = cut(used.vocabulary, text[:i] + base + text[i + 1 :])
            if len(changed) != len(own):
                continue

            def read(unit, i=i, changed=changed):
                tokens = {token[:2] for token in changed}
                if overlap:
                    return set(masks(used, changed, i)) - set(masks(used, changed, unit[0])) != set()
                return unit in tokens and not unit[0] <= i < unit[1]

            for first in range(step):
                kept = [unit for unit in units[first::step] if read(unit)]
                hidden = [{at for unit in kept for at in masks(used, tokens, unit[0])} for tokens in (own, changed)]
                for unit in kept:
                    for j in range(*unit):
                        change = odds(used, changed, hidden[1], j) - odds(used, own, hidden[0], j)
                        found[i, j] = np.fmax(found[i, j], np.abs(change).max())
    np.fill_diagonal(found, 0)
    return found


@pytest.mark.parametrize("kind", VOCABULARIES)
def test_a_map_is_what_its_definition_says(kind):
    used = reader(kind)
    codes = np.random.default_rng(5).integers(0, 4, LENGTH, dtype=np.uint8)
    codes[4:7] = 0, 0, 1  # a token of three bases
    found, expected = used.dependency_map(codes), slow_map(used, decode(codes))
    assert np.array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_allclose(found, expected, atol=2e-4)
    assert np.nanmax(found) > 0.1


def test_bases_of_one_token_are_not_compared_and_all_others_are():
    found = reader("kmer", passes=2).dependency_map(np.array([0, 1, 2, 3, 0, 1], np.uint8))
    same = np.arange(6)[:, None] // 2 == np.arange(6) // 2
    assert np.array_equal(np.isnan(found), same & ~np.eye(6, dtype=bool))


def test_no_pair_is_read_where_each_substitution_changes_the_number_of_tokens():
    found = reader("pair").dependency_map(np.zeros(12, np.uint8))  # six times AA
    assert np.array_equal(np.isnan(found), ~np.eye(12, dtype=bool))


def test_the_unchanged_sequence_is_read_few_times():
    codes = np.random.default_rng(0).integers(0, 4, 60, dtype=np.uint8)
    plan = Plan.of(codes, VOCABULARIES["kmer"], 4)
    assert (
        len(plan.changed) == 3 * 60 * 4 and len(plan.unchanged) == 30 + 4 - 4 + 4
    )  # 30 with one token visible, 4 with none
    assert plan.partner.max() == len(plan.unchanged) - 1


def test_a_map_is_the_same_again_and_leaves_the_sequence_as_it_is():
    codes = np.random.default_rng(2).integers(0, 4, 30, dtype=np.uint8)
    before, used = codes.copy(), reader("bpe")
    np.testing.assert_array_equal(used.dependency_map(codes), used.dependency_map(codes))
    assert np.array_equal(codes, before)


def test_a_locus_beyond_the_positions_is_refused():
    with pytest.raises(InputError, match="loci of dependency maps of 60 tokens"):
        reader("char").dependency_map(np.zeros(60, np.uint8))
