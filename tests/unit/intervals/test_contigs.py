"""Contig names and coordinates of a table against the assembly."""

import re

import pytest

from grover.intervals import formats
from grover.intervals.contigs import ContigNames, check
from grover.runtime.errors import InputError

ALIASES = {"chr1": "chr1", "NC_1.11": "chr1", "1": "chr1", "chr2": "chr2", "scaffold_3": "scaffold_3", "M": "M"}
LENGTHS = {"chr1": 5_000, "chr2": 3_000, "chrM": 100}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1\t0\t5\n2\t0\t5\n", "names its contigs like '1', the assembly like 'chr1'; set `rename: add-chr`"),
        ("scaffold1\t0\t5\n", "has 1 of its 1 rows on scaffold1, none of which the assembly has (chr1, chr2, chrM)"),
        ("chr1\t0\t5\nchr1\t9\t8\n", "line 2: the end is not after the start (chr1 9 8)"),
        ("chr1\t-1\t5\n", "line 1: the start is negative"),
        ("chr1\t0\t5\n#c\nchr2\t0\t3001\n", "line 3: the end lies beyond chr2 (3,000 bases)"),
    ],
)
def test_check_refuses(write, text, sentence):
    path = write(text)
    with pytest.raises(InputError, match=re.escape(sentence)):
        check(formats.read_bed(path), LENGTHS, path)


def test_check_offers_to_strip(write):
    path = write("chr1\t0\t5\n")
    with pytest.raises(InputError, match="rename: strip-chr"):
        check(formats.read_bed(path), {"1": 10}, path)


def test_check_keeps_rows_of_known_contigs(write):
    path = write("chr1\t0\t5\nchr9\t0\t99999\nchr2\t10\t20\n")
    kept = check(formats.read_bed(path), LENGTHS, path)
    assert kept["chrom"].tolist() == ["chr1", "chr2"]


@pytest.mark.parametrize(
    ("rename", "aliases", "names", "expected"),
    [
        # MT is chrM at UCSC; what begins with chr gets it once
        ("add-chr", {}, ["1", "chr2", "MT", "M", "chrMT", "chrM"], ["chr1", "chr2", "chrM", "chrM", "chrM", "chrM"]),
        ("strip-chr", {}, ["chr1", "2", "chrM", "chrMT", "MT"], ["1", "2", "MT", "MT", "MT"]),
        ("", ALIASES, ["NC_1.11", "1", "chr1", "other"], ["chr1", "chr1", "chr1", "other"]),
        # a name that the assembly has stays, others are renamed, to an alias too
        ("add-chr", ALIASES, ["NC_1.11", "1", "2", "scaffold_3"], ["chr1", "chr1", "chr2", "scaffold_3"]),
        ("strip-chr", ALIASES, ["chr1", "chr2", "chrM", "chrMT"], ["chr1", "chr2", "M", "M"]),
    ],
)
def test_names_of_the_assembly(rename, aliases, names, expected):
    assert ContigNames(rename, aliases).of(names) == expected


def test_an_unknown_rename_is_refused():
    with pytest.raises(InputError, match="rename 'upper' is unknown; use add-chr"):
        ContigNames("upper")


def test_rows_on_a_contig_that_is_left_out_are_dropped_whatever_their_end(write):
    path = write("chr1\t0\t5\nchrM\t16500\t16571\n")
    known = {"chr1": 5_000, "chrM": 0}
    assert check(formats.read_bed(path), known, path)["chrom"].tolist() == ["chr1"]
    assert formats.read_columns(path, "bed", known)["chrom"].tolist() == ["chr1"]
    with pytest.raises(InputError, match="line 2: the end lies beyond chrM"):
        check(formats.read_bed(path), {"chr1": 5_000, "chrM": 16_569}, path)


def test_most_rows_on_unknown_contigs_are_refused(write):
    path = write("CM1.2\t0\t5\n" * 2 + "scaffold_3\t0\t5\n")
    known = {"1": 100, "scaffold_3": 100}
    sentence = re.escape(
        "has 2 of its 3 rows on CM1.2, which the assembly does not have (1, scaffold_3); give the annotation of this assembly or a table "
        "of contig names as `genome.aliases`; for a FASTA of a part of it, give all contig lengths as `genome.sizes`"
    )
    for read in (lambda: check(formats.read_bed(path), known, path), lambda: formats.read_columns(path, "bed", known)):
        with pytest.raises(InputError, match=sentence):
            read()
    # one half may be lost, and contigs that are left out are known
    path = write("CM1.2\t0\t5\nscaffold_3\t0\t5\n")
    assert len(check(formats.read_bed(path), known, path)) == 1
    path = write("CM1.2\t0\t5\n" * 2 + "scaffold_3\t0\t5\n")
    assert len(check(formats.read_bed(path), known | {"CM1.2": 0}, path)) == 1
    aliases = {"CM1.2": "1", "scaffold_3": "scaffold_3"}
    assert check(formats.read_bed(path, contigs=ContigNames("", aliases)), known, path)["chrom"].tolist()[0] == "1"


def test_a_name_that_is_left_out_asks_for_no_rename(write):
    path = write("chr1\t0\t5\nMT\t0\t5\n")
    assert len(check(formats.read_bed(path), {"chr1": 10, "chrM": 0}, path)) == 1
