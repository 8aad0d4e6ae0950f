"""Ready sets of labelled sequences, as GUE, the tasks of the Nucleotide Transformer and Genomic Benchmarks publish them.

Their own split is kept: nothing is dealt out anew and nothing left out, whatever the audit finds.
"""

import csv
import hashlib
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TextIO

import numpy as np
import pandas as pd

from grover.benchmarks.datasets import COLUMNS, canonical
from grover.genome.folds import FOLDS
from grover.runtime.errors import InputError
from grover.runtime.text import open_text

FOLD_COLUMNS = ("fold", "split")
FOLD_NAMES = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
    "dev": "valid",
    "test": "test",
}
GIVEN = {2: ("train", "test"), 3: FOLDS}
VALID = 10  # where no fold valid is given, one sequence in so many of train
NOTHING: tuple[int, list[str]] = (0, [])  # where a file has no such line
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,2})?")
LONGEST = 1 << 30  # characters of a sequence, where the csv module would stop at 131,072


def read_labelled(
    paths: list[Path], sequence: str = "sequence", label: str = "label"
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The examples of one to three files, as `grover.benchmarks.datasets.COLUMNS`, and the names of their labels.

    One file has the fold of a row in a column `fold` or `split`; two are train and test, of which valid is drawn from train by a
    hash of the sequence, the same on both strands; three are train, valid and test. Files are plain or gzip, separated by commas,
    or by tabs where the header has one. Lower case is folded. Labels are text or numbers and are numbered in sorted order; equal
    numbers are one label. Raises InputError, naming file and line, for a missing column, an empty label or fold, or other characters than
    ACGTN. Raises it, too, for labels that no row of train has.
    """
    if len(paths) == 1:
        table = _read(paths[0], sequence, label, None)
    else:
        table = pd.concat(
            [_read(path, sequence, label, fold) for path, fold in zip(paths, GIVEN[len(paths)], strict=True)],
            ignore_index=True,
        )
    if "valid" not in set(table["fold"]):
        digests = (hashlib.blake2b(canonical(text).encode(), digest_size=8).digest() for text in table["sequence"])
        drawn = np.array([int.from_bytes(digest) % VALID == 0 for digest in digests])
        table.loc[drawn & (table["fold"] == "train").to_numpy(), "fold"] = "valid"
    table["label"] = _class_names(table["label"])
    names = sorted(table["label"].unique())
    if all(map(NUMBER.fullmatch, names)):
        names.sort(key=Decimal)
    missing = set(names) - set(table.loc[table["fold"] == "train", "label"])
    if missing:
        files = ", ".join(map(str, paths))
        raise InputError(
            f"{files}: label {min(missing)!r} has no example in fold train; every label must be there to be learnt"
        )
    if len(names) < 2:
        raise InputError(f"{paths[0]}: all examples have the label {names[0]!r}; at least two labels are needed")
    numbers = table["label"].map({name: number for number, name in enumerate(names)})
    table = table.assign(label=numbers.astype("int64"), chrom="", start=-1, end=-1, strand=".", score=np.nan)
    return table.assign(before="", after="", pieces="", stratum="")[COLUMNS], tuple(names)


def count_labelled(table: pd.DataFrame, files: int) -> list[int]:
    """Rows that `read_labelled` read from each of one to three files, in their order."""
    folds = table["fold"].value_counts()
    by_fold = [int(folds.get(fold, 0)) for fold in FOLDS]
    return by_fold if files == len(FOLDS) else [len(table) - by_fold[-1], by_fold[-1]] if files > 1 else [len(table)]


def _class_names(labels: pd.Series) -> pd.Series:
    """Labels with one text for each class: numbers that are equal, such as 1, 1.0 and +1, are one where all labels are numbers."""
    texts = labels.unique()
    if not all(map(NUMBER.fullmatch, texts)):
        return labels
    return labels.map({text: _plain(text) for text in texts})


def _plain(number: str) -> str:
    """A number without a sign +, an exponent, or zeros that do not count."""
    text = f"{Decimal(number):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _read(path: Path, sequence: str, label: str, fold: str | None) -> pd.DataFrame:
    """Columns sequence, label and fold of one file; `fold` is that of all its rows, else a column has it."""
    with open_text(path) as stream:
        rows = _rows(path, stream)
        header = next(rows, NOTHING)[1]
        column = next((name for name in FOLD_COLUMNS if name in header), "")
        for name, option in ((sequence, "sequence"), (label, "label")):
            if name not in header:
                advice = f"name it with the option {option}=COLUMN"
                if len(header) < 2:
                    advice = "separate the columns by commas or tabs, and name them in the first line"
                raise InputError(f"{path}: no column {name!r} among {', '.join(header) or 'none'}; {advice}")
        if fold is None and not column:
            raise InputError(
                f"{path}: no column `fold` or `split` tells train from test; add one, or give the folds as two or three files"
            )
        wanted = [sequence, label, column] if fold is None else [sequence, label]
        places = [header.index(name) for name in wanted]
        found = []
        for line, values in rows:
            if len(values) != len(header):
                raise InputError(
                    f"{path}, line {line}: expected {len(header)} columns as in the header, found {len(values)}"
                )
            found.append(_example(path, line, *(values[place] for place in places), *([] if fold is None else [fold])))
    if not found:
        raise InputError(f"{path}: no row below the header; give a file with examples")
    return pd.DataFrame(found, columns=["sequence", "label", "fold"], dtype=str)


def _example(path: Path, line: int, sequence: str, label: str, fold: str) -> tuple[str, str, str]:
    bases, label = sequence.strip().upper(), label.strip()
    wrong = bases.strip("ACGTN")
    if wrong or not bases:
        found = f"holds {wrong[0]!r}" if wrong else "is empty"
        raise InputError(f"{path}, line {line}: the sequence {found}; only A, C, G, T and N are read")
    if not label:
        raise InputError(f"{path}, line {line}: the label is missing; give each sequence one")
    if fold.strip().lower() not in FOLD_NAMES:
        raise InputError(f"{path}, line {line}: fold {fold!r} is none of {', '.join(FOLD_NAMES)}")
    return bases, label, FOLD_NAMES[fold.strip().lower()]


def _rows(path: Path | str, stream: TextIO) -> Iterator[tuple[int, list[str]]]:
    """Line number and values of the header and of each row; empty lines are left out."""
    csv.field_size_limit(LONGEST)
    try:
        header = stream.readline()
        names = next(csv.reader([header], delimiter=(mark := "\t" if "\t" in header else ",")), [])
        yield 1, [name.strip() for name in names]
        reader = csv.reader(stream, delimiter=mark)
        for values in reader:
            if values:
                yield reader.line_num + 1, values
    except csv.Error as error:
        raise InputError(f"{path} is no text of comma-separated values: {error}") from None
