"""Baselines of start codons on planted signals and against counts by hand."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from grover.benchmarks.start_codons import BEFORE_CODON
from grover.finetuning import baselines
from grover.finetuning.baselines import Settings
from grover.finetuning.start_baselines import (
    ANTI_SD,
    Chain,
    Motif,
    frame_lengths,
    phased_bases,
    upstream_bases,
    window_frame_lengths,
)
from grover.genome.bases import encode
from grover.runtime.errors import InputError

BEFORE = 22


def random_bases(rng, size: int) -> str:
    return "".join(rng.choice(list("ACGT"), size))


def coding(rng, codons: int) -> str:
    """Codons whose second base follows the first: a signal of phase, not of bases."""
    return "".join(
        first + {"A": "C", "C": "A", "G": "T", "T": "G"}[first] + rng.choice(list("ACGT"))
        for first in rng.choice(list("ACGT"), codons)
    )


def dataset_of(sequences: list[str], labels: list[int], before: int = BEFORE) -> pd.DataFrame:
    table = pd.DataFrame({"sequence": sequences, "label": labels, "score": 0.0})
    table["fold"] = np.resize(["train", "valid", "train", "test", "train"], len(table))
    table.attrs = {"labels": ["other codon", "start codon"], "call": "half", BEFORE_CODON: before}
    return table


def planted(number: int = 400, distances=(4, 5, 6)) -> pd.DataFrame:
    """Starts with AGGAGG at one of a few distances, and codons with a phase; others with neither."""
    rng = np.random.default_rng(3)
    sequences = []
    for i in range(number):
        front, back = random_bases(rng, BEFORE), random_bases(rng, 45)
        if i % 2:
            place = BEFORE - 6 - rng.choice(distances)
            front, back = front[:place] + "AGGAGG" + front[place + 6 :], coding(rng, 15)
        sequences.append(front + "ATG" + back)
    return dataset_of(sequences, list(np.arange(number) % 2))


def auroc(dataset: pd.DataFrame, baseline: str) -> float:
    found = baselines.predict(dataset, baseline, (0,), Settings(trees=1, kmers=(2, 3), maximum_train=0)).query(
        "fold == 'test'"
    )
    return roc_auc_score(found["label"], found["probability"])


def test_each_finds_its_signal_and_nothing_in_shuffled_labels():
    dataset = planted()
    shuffled = dataset.assign(label=np.random.default_rng(0).permutation(dataset["label"]))
    for baseline in ("codon-markov", "shine-dalgarno"):
        assert auroc(dataset, baseline) > 0.97
        assert abs(auroc(shuffled, baseline) - 0.5) < 0.15
    far = planted(distances=(0,)).assign(score=np.resize([3.0, 80.0], 400))
    assert auroc(far, "open-frame") == 1


def test_a_chain_counts_by_side_and_phase():
    # two bases before the codon: one N comes in front, so that the codon begins at column 3
    dataset = dataset_of(["CAATGA", "CTATGA"], [0, 1], before=2)
    bases = phased_bases(dataset)
    assert bases.tolist() == [[4, 1, 0, 0, 3, 2, 0, 3], [4, 1, 3, 0, 3, 2, 0, 3]]
    chain = Chain.learn(bases, 0)
    share = np.exp(chain.table[:, 0])
    assert share[1] == pytest.approx(np.array([1, 3, 1, 1]) / 6)  # before, phase 1: twice C, and one more of each
    assert share[2] == pytest.approx(np.array([2, 1, 1, 2]) / 6)
    assert share[3] == pytest.approx(np.array([5, 1, 1, 1]) / 8)  # from the codon on, phase 0: four times A
    assert share[0] == pytest.approx(np.full(4, 1 / 4))
    second = Chain.learn(bases, 1)
    pair = np.exp(second.table[2])  # the second base of the pair before the codon, after C
    assert pair[1] == pytest.approx(np.array([2, 1, 1, 2]) / 6)
    by_hand = [
        sum(np.log(share[state][base]) for state, base in zip((1, 2, 3, 4, 5, 3), row[1:7], strict=True))
        for row in bases
    ]
    assert chain.log_probability(bases) == pytest.approx(by_hand)


def test_the_order_is_chosen_on_fold_valid():
    # the second base of a codon follows the first, which order 0 does not read
    dataset, seen = planted(), {}
    train, held_out = (dataset[dataset["fold"] == fold] for fold in ("train", "valid"))
    bases, asked = phased_bases(train), phased_bases(held_out)
    for order in (0, 1, 6):
        chains = [Chain.learn(bases[train["label"] == label], order) for label in (0, 1)]
        ratio = chains[1].log_probability(asked) - chains[0].log_probability(asked)
        seen[order] = roc_auc_score(held_out["label"], ratio)
    assert seen[1] > 0.97 > max(seen[0], seen[6])
    assert auroc(dataset, "codon-markov") > 0.97


def test_the_matrix_is_learnt_with_its_distances():
    dataset = planted(1_000, distances=(3, 8))
    bases = upstream_bases(dataset)
    assert bases.shape == (1_000, 20)
    starts = bases[dataset["label"] == 1]
    motif = Motif.learn(starts, np.ones(4))
    assert motif.odds.argmax(axis=0).tolist() == list(ANTI_SD) and motif.odds.max(axis=0).min() > 1
    distance = 20 - 6 - np.argsort(motif.places)[-2:]
    assert sorted(distance) == [3, 8] and motif.places[[6, 11]].sum() > 0.85
    one = encode("A" * 14 + "AGGAGG")[None]
    plain = np.log(
        1
        - motif.places.sum()
        + sum(
            share * np.exp(sum(motif.odds[base, i] for i, base in enumerate(one[0, place : place + 6])))
            for place, share in enumerate(motif.places)
        )
    )
    assert motif.score(one)[0] == pytest.approx(plain)


def test_open_frames_of_the_window_and_of_the_genome():
    dataset = dataset_of(["CCATGAAATAAC", "CCATGAAACAAC", "CCATGTGAAAAC"], [0, 1, 1], before=2)
    dataset["score"] = [2.0, 100.0, 1.0]
    assert window_frame_lengths(dataset)[:, 0] == pytest.approx(np.log2([3, 4, 2]))
    assert frame_lengths(dataset)[:, 0] == pytest.approx(np.log2([3, 101, 2]))


@pytest.mark.parametrize(
    ("baseline", "attrs", "sentence"),
    [
        ("codon-markov", {}, "need a data set of the builder start-codon"),
        ("shine-dalgarno", {BEFORE_CODON: 3}, "needs 6 bases before the codon, but the sequences have 3"),
    ],
)
def test_other_tasks_are_refused(baseline, attrs, sentence):
    dataset = planted(40)
    dataset.attrs = {"labels": ["a", "b"], "call": "half", **attrs}
    with pytest.raises(InputError, match=sentence):
        auroc(dataset, baseline)
    short = planted(40)
    short.loc[0, "sequence"] = short.loc[0, "sequence"][:-1]
    with pytest.raises(InputError, match="need sequences of one length"):
        auroc(short, "codon-markov")
