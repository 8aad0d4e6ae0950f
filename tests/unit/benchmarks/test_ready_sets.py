"""Ready sets on hand-made files, and GUE in the folder GROVER_DATA."""

import gzip
import os
import re
from pathlib import Path

import numpy as np
import pytest

from grover.benchmarks.datasets import COLUMNS
from grover.benchmarks.ready_sets import read_labelled
from grover.runtime.errors import InputError


@pytest.fixture
def write(tmp_path):
    def write(text, name="set.csv", zipped=False):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if zipped else text.encode())
        return path

    return write


def test_three_files_are_train_valid_and_test(write):
    paths = [
        write("sequence,label\nACGT,1\nGGCC,0\n", "train", zipped=True),
        write("\ufefflabel,id,sequence\r\n0,a,acgn\r\n\r\n1,b,TT\r\n", "dev"),
        write('sequence\tlabel\n"ACGT"\t1\n', "test"),
    ]
    table, labels = read_labelled(paths)
    assert table.columns.tolist() == COLUMNS and labels == ("0", "1")
    assert table[["sequence", "label", "fold"]].to_numpy().tolist() == [
        ["ACGT", 1, "train"],
        ["GGCC", 0, "train"],
        ["ACGN", 0, "valid"],
        ["TT", 1, "valid"],
        ["ACGT", 1, "test"],
    ]
    assert set(table["chrom"]) == {""} and set(table["start"]) == set(table["end"]) == {-1}


def test_one_file_tells_its_folds(write):
    text = "seq,class,split\nA,exon,train\nC,intron,Train\nG,exon,dev\nT,intron,test\nA,10,train\n"
    table, labels = read_labelled([write(text)], "seq", "class")
    assert labels == ("10", "exon", "intron")
    assert table["label"].tolist() == [1, 2, 1, 2, 0]
    assert table["fold"].tolist() == ["train", "train", "valid", "test", "train"]


def test_whole_numbers_are_sorted_as_numbers(write):
    rows = "".join(f"C,{label},train\nA,{label},test\n" for label in (10, 9, 2))
    assert read_labelled([write("sequence,label,fold\n" + rows)])[1] == ("2", "9", "10")


@pytest.mark.parametrize(
    ("train", "test", "names", "labels"),
    [
        (["1", "0", "1.0"], ["0.0", "+1"], ("0", "1"), [1, 0, 1, 0, 1]),
        (["-1", "1"], ["-1.0", "1e0"], ("-1", "1"), [0, 1, 0, 1]),
        (["0.5", "0.50", "10", "-0"], ["1e1"], ("0", "0.5", "10"), [1, 1, 2, 0, 2]),
        (["1" * 40, "1" * 39 + "2"], ["1" * 40], ("1" * 40, "1" * 39 + "2"), [0, 1, 0]),
        (["1", "1.0", "exon"], ["1.0"], ("1", "1.0", "exon"), [0, 1, 2, 1]),
    ],
)
def test_equal_numbers_are_one_label(write, train, test, names, labels):
    rows = [f"{'ACGT'[n % 4] * (n + 1)},{label}" for n, label in enumerate([*train, *test])]
    paths = [
        write("\n".join(["sequence,label", *part]), name)
        for name, part in (("a", rows[: len(train)]), ("b", rows[len(train) :]))
    ]
    table, found = read_labelled([paths[0], paths[0], paths[1]])
    assert found == names
    assert table["label"].tolist()[len(train) :] == labels


def test_a_long_sequence_and_blanks_in_the_header(write):
    path = write(f"sequence, label, fold\n{'ACGT' * 50_000},1,train\nA,0,train\nG,0,valid\nC,1,test\n")
    assert read_labelled([path])[0]["sequence"].str.len().tolist() == [200_000, 1, 1, 1]


def test_valid_is_drawn_from_train_by_the_sequence_on_either_strand(write):
    rng = np.random.default_rng(0)
    sequences = ["".join(rng.choice(list("ACGT"), 12)) for _ in range(500)]
    opposite = [text[::-1].translate(str.maketrans("ACGT", "TGCA")) for text in sequences]
    rows = [f"{text},{number % 2}\n" for number, text in enumerate(sequences)]
    paths = [write("sequence,label\n" + "".join(rows), "train"), write("sequence,label\n" + "".join(rows[:9]), "test")]
    folds = read_labelled(paths)[0]["fold"].to_numpy()
    assert 30 < (folds[:500] == "valid").sum() < 70 and set(folds[500:]) == {"test"}
    turned = write("sequence,label\n" + "".join(f"{text},{n % 2}\n" for n, text in enumerate(opposite)), "turned")
    order = [499, *range(499)]
    shuffled = write("sequence,label\n" + "".join(rows[number] for number in order), "shuffled")
    assert (read_labelled([turned, paths[1]])[0]["fold"].to_numpy() == folds).all()
    assert (read_labelled([shuffled, paths[1]])[0]["fold"].to_numpy()[:500] == folds[order]).all()


TRAIN, TEST = "sequence,label\nAA,0\nC,1\n", "sequence,label\nA,1\n"


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (
            ["sequence,class\nA,0\n", TEST],
            "0: no column 'label' among sequence, class; name it with the option label=COLUMN",
        ),
        ([TRAIN, "seq,label\nA,0\n"], "1: no column 'sequence' among seq, label"),
        (
            [TRAIN, "sequence,label\nA,0\nACXT,0\n"],
            "1, line 3: the sequence holds 'X'; only A, C, G, T and N",
        ),
        ([TRAIN, "sequence,label\n,0\n"], "1, line 2: the sequence is empty"),
        ([TRAIN, "sequence,label\nA,1\n  ,0\n"], "1, line 3: the sequence is empty"),
        (
            [TRAIN, "sequence;label\nA;1\n"],
            "1: no column 'sequence' among sequence;label; separate the columns by commas",
        ),
        ([TRAIN, ""], "1: no column 'sequence' among none; separate the columns by commas or tabs"),
        ([TRAIN, "sequence,label\n\nA,\n"], "1, line 3: the label is missing"),
        ([TRAIN, "sequence,label\nA,0,3\n"], "1, line 2: expected 2 columns as in the header, found 3"),
        ([TRAIN, "sequence,label\n"], "1: no row below the header"),
        ([TRAIN, "sequence,label\nA,2\n"], "label '2' has no example in fold train"),
        (["sequence,label\nC,0\n", "sequence,label\nA,0\n"], "all examples have the label '0'"),
        ([TRAIN], "0: no column `fold` or `split` tells train from test"),
        (["sequence,label,fold\nA,0,left\n"], "0, line 2: fold 'left' is none of train"),
    ],
)
def test_what_is_no_labelled_set_is_refused(write, files, sentence):
    paths = [write(text, str(number)) for number, text in enumerate(files)]
    with pytest.raises(InputError, match=re.escape(sentence)):
        read_labelled(paths)


@pytest.mark.skipif("GROVER_DATA" not in os.environ, reason="GROVER_DATA is not set")
def test_gue_keeps_its_split_and_its_duplicates():
    folder = Path(os.environ["GROVER_DATA"]) / "gue/prom_core_all"
    table, labels = read_labelled([folder / f"{name}.csv.gz" for name in ("train", "dev", "test")])
    assert labels == ("0", "1")
    found = {fold: set(rows) for fold, rows in table.groupby("fold")["sequence"]}
    assert len(found["train"] & found["test"]) == 42 and len(found["train"] & found["valid"]) == 54
