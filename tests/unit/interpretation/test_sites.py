"""Which examples are explained, and where their bases lie."""

import numpy as np
import pandas as pd
import pytest

from grover.genome.bases import decode, encode
from grover.interpretation.sites import choose_examples, is_stranded, rows_of, sites_of
from grover.runtime.errors import InputError


def dataset(labels, folds=None, **columns):
    table = pd.DataFrame({"label": labels, "fold": folds or ["test"] * len(labels), "sequence": "ACGTT"})
    place = {"chrom": "chr1", "start": 100, "end": 105, "strand": "+", "before": "GG", "after": "C", "pieces": ""}
    return table.assign(**(place | columns))


def test_of_two_classes_label_1_is_explained_and_of_several_all_equally():
    two = dataset([0, 1, 1, 0, 1, 1], ["test", "test", "train", "test", "test", "test"])
    assert choose_examples(two, "test", 9, seed=0).tolist() == [1, 4, 5]
    assert choose_examples(two, "train", 9, seed=0).tolist() == [2]
    assert len({tuple(choose_examples(two, "test", 2, seed)) for seed in range(20)}) == 3
    many = dataset([0] * 50 + [1] * 5 + [2] * 50)
    drawn = choose_examples(many, "test", 21, seed=3)
    assert np.bincount(many["label"].to_numpy()[drawn]).tolist() == [8, 5, 8] and (np.diff(drawn) > 0).all()


def test_a_fold_without_examples_is_one_sentence():
    table = dataset([0, 1], ["test", "train"])
    table.attrs = {"task": "ctcf"}
    with pytest.raises(InputError, match="ctcf: fold test has no example of label 1 to explain; give"):
        choose_examples(table, "test", 5, seed=0)


def test_places_follow_the_strand_and_without_one_the_sequence():
    plus, minus, nowhere = (
        sites_of(dataset([1], **columns), np.array([0]))[0]
        for columns in ({}, {"strand": "-"}, {"chrom": "", "start": -1, "end": -1, "strand": "."})
    )
    assert plus.positions.tolist() == [100, 101, 102, 103, 104]
    assert minus.positions.tolist() == [104, 103, 102, 101, 100]
    assert nowhere.positions.tolist() == [0, 1, 2, 3, 4]
    rows = rows_of(minus, np.array([0, 4]))
    assert rows["pos"].tolist() == [104, 100] and rows["ref"].tolist() == ["A", "T"] and rows["strand"] == "-"


def test_the_opposite_strand_has_the_same_places():
    (site,) = sites_of(dataset([1]), np.array([0]))
    other = site.reversed()
    assert (decode(other.codes), decode(other.before), decode(other.after)) == ("AACGT", "G", "CC")
    assert other.positions.tolist() == site.positions[::-1].tolist() and other.strand == "-"
    assert np.array_equal(other.reversed().codes, encode("ACGTT"))


def test_a_task_has_strands_where_its_sites_have_both():
    assert is_stranded(dataset([1, 1], strand=["+", "-"]))
    assert not is_stranded(dataset([1, 1], strand=["+", "+"])) and not is_stranded(dataset([1], strand=["."]))
