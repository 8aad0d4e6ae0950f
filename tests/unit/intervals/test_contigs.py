"""Contig names and coordinates of a table against the assembly."""

import re

import pandas as pd
import pytest

from grover.intervals import contigs, formats
from grover.runtime.errors import InputError

LENGTHS = {"chr1": 5_000, "chr2": 3_000, "chrM": 100}


def table(rows, columns=("chrom", "start", "end")):
    return pd.DataFrame(rows, columns=list(columns))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1\t0\t5\n2\t0\t5\n", "names its contigs like '1', the assembly like 'chr1'; set `rename: add-chr`"),
        ("scaffold1\t0\t5\n", "lies on scaffold1, none of which the assembly has (chr1, chr2, chrM)"),
        ("chr1\t0\t5\nchr1\t9\t8\n", "line 2: the end is not after the start (chr1 9 8)"),
        ("chr1\t-1\t5\n", "line 1: the start is negative"),
        ("chr1\t0\t5\n#c\nchr2\t0\t3001\n", "line 3: the end lies beyond chr2 (3,000 bases)"),
    ],
)
def test_check_refuses(write, text, sentence):
    path = write(text)
    with pytest.raises(InputError, match=re.escape(sentence)):
        contigs.check(formats.read_bed(path), LENGTHS, path)


def test_check_offers_to_strip(write):
    path = write("chr1\t0\t5\n")
    with pytest.raises(InputError, match="rename: strip-chr"):
        contigs.check(formats.read_bed(path), {"1": 10}, path)


def test_check_keeps_rows_of_known_contigs_and_regions(write):
    path = write("chr1\t0\t5\nchr9\t0\t99999\nchr2\t10\t20\n")
    kept = contigs.check(formats.read_bed(path), LENGTHS, path)
    assert kept["chrom"].tolist() == ["chr1", "chr2"]
    kept = contigs.check(formats.read_bed(path), LENGTHS, path, regions=table([("chr2", 19, 30), ("chr1", 5, 9)]))
    assert kept["chrom"].tolist() == ["chr2"]
