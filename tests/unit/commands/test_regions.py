"""Inputs of the user: what is read of which file, in which order, and what is refused in one sentence."""

import gzip
import io
import re
import sys
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest

from grover.commands import regions
from grover.commands.assemblies import open_assembly
from grover.commands.options import Regions
from grover.commands.regions import ALONE, Surroundings, open_inputs
from grover.commands.session import session
from grover.genome.bases import decode, encode, reverse_complement
from grover.genome.twobit_writer import write_twobit
from grover.runtime.errors import InputError
from tests.unit.commands.conftest import QUIET


def read(asked, surroundings=ALONE, trained_on=None):
    """All rows, and the text of each input with status ok by its row."""
    rows, texts = [], {}
    with session(QUIET) as here:
        for chunk in open_inputs(asked, here, surroundings, trained_on).chunks:
            before = sum(map(len, rows))
            texts |= {
                before + int(place): decode(codes) for place, codes in zip(chunk.places, chunk.codes, strict=True)
            }
            rows.append(chunk.rows)
    return pd.concat(rows, ignore_index=True), texts


def test_rows_keep_order_coordinates_strand_and_a_reason(world, bed, monkeypatch):
    monkeypatch.setattr(regions, "ROWS", 2)
    chr1 = world.sequences["chr1"]
    asked = bed(
        world.fasta,
        ("chr1", 390, 420, "beyond", 0, "+"),
        ("chr2", 10, 30, "minus", 0, "-"),
        ("chr2", 10, 30, "minus", 0, "-"),  # twice
        ("chrUn", 1, 5, "unknown", 0, "."),
        ("chr1", 20, 20, "nothing", 0, "."),
        ("chr1", -3, 20, "negative", 0, "."),
        ("chr1", 201, 206, "gap", 0, "."),
        ("chr1", 198, 212, "across", 0, "+"),
        strands="feature",
    )
    rows, texts = read(asked)
    assert rows["name"].tolist() == ["beyond", "minus", "minus", "unknown", "nothing", "negative", "gap", "across"]
    assert rows["status"].tolist() == ["outside", "ok", "ok", "unknown_contig", "empty", "outside", "no_bases", "ok"]
    assert rows["strand"].tolist()[1:4] == ["-", "-", "."] and rows["read_strand"].tolist()[1:4] == ["-", "-", "+"]
    minus = decode(reverse_complement(encode(world.sequences["chr2"][10:30])))
    assert texts == {1: minus, 2: minus, 7: chr1[198:212]}


def test_both_strands_are_two_rows(world, bed):
    rows, texts = read(bed(world.fasta, ("chr2", 0, 9), ("chr2", 5, 9), strands="both"))
    assert rows[["start", "read_strand"]].to_numpy().tolist() == [[0, "+"], [0, "-"], [5, "+"], [5, "-"]]
    assert (
        texts[2] == world.sequences["chr2"][5:9]
        and encode(texts[3]).tolist() == reverse_complement(encode(texts[2])).tolist()
    )
    assert rows["name"].tolist() == ["."] * 4


def test_surroundings_end_at_n_and_at_the_contig(world, bed):
    asked = bed(world.fasta, ("chr1", 190, 198), ("chr1", 210, 230), ("chr2", 4, 20), ("chr2", 140, 150))
    with session(QUIET) as here:
        (chunk,) = open_inputs(asked, here, Surroundings(10)).chunks
        (stepped,) = open_inputs(asked, here, Surroundings(10, 3)).chunks
    chr1, chr2 = world.sequences["chr1"], world.sequences["chr2"]
    expected = [chr1[180:200], chr1[207:240], chr2[:30], chr2[130:]]
    assert [decode(codes) for codes in chunk.stretches] == expected
    assert chunk.first.tolist() == [10, 3, 4, 10] and chunk.last.tolist() == [18, 23, 20, 20]
    # 180 is a multiple of 3 from the beginning of the segment, as 207 is; of the last one 130 is not, 132 is
    assert [decode(codes)[:5] for codes in stepped.stretches] == [text[:5] for text in [*expected[:3], chr2[132:]]]
    assert [decode(codes) for codes in stepped.codes] == [decode(codes) for codes in chunk.codes]


def trained_on(world, *places, chrom="1"):
    """Intervals of chr1 as `trained_on.bed` has them."""
    sums = [sha256(world.sequences["chr1"][start:end].encode()).hexdigest()[:16] for start, end in places]
    starts, ends = zip(*places, strict=True)
    return pd.DataFrame({"chrom": chrom, "start": starts, "end": ends, "checksum": sums})


def test_the_share_that_the_model_has_seen(world, bed):
    rows = [("chr1", 10, 50), ("chr2", 0, 10), ("chr1", 55, 60), ("chr9", 1, 2)]
    whole = trained_on(world, (0, 20), (50, 60))
    partly = pd.concat([whole, whole.tail(1).assign(end=500), whole.assign(chrom="20")])  # what a slice does not have
    for trained in (whole, partly):
        found, _ = read(bed(world.fasta, *rows), trained_on=trained)
        np.testing.assert_allclose(found["seen"].iloc[[0, 1, 3]], [0.25, 0, np.nan])
        assert found["seen"][2] == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda table: table.assign(chrom="scaffold"), "the model was pretrained on other contigs than those of"),
        (lambda table: table.assign(start=table["start"] + 1), "is another assembly than .*: chr1:1-20 differs"),
        (
            lambda table: table.assign(end=408),
            "it has no whole interval of trained_on.bed",
        ),  # chr1 has 407 bases
        (lambda table: table.assign(checksum=""), "or these have no checksums"),
    ],
)
def test_nothing_is_said_of_another_assembly(world, bed, capsys, change, sentence):
    """Also where its contigs have the same names and are longer than those of the training."""
    asked = bed(world.fasta, ("chr1", 10, 50))
    with session(replace(QUIET, quiet=False)) as here:
        (chunk,) = open_inputs(asked, here, ALONE, change(trained_on(world, (0, 20), (50, 60)))).chunks
    assert "seen" not in chunk.rows
    assert re.search(f"{sentence}.*; no column `seen`", capsys.readouterr().err)


def test_a_fasta_alone_gives_its_sequences_in_order(world, monkeypatch):
    monkeypatch.setattr(regions, "ROWS", 1)
    rows, texts = read(Regions(str(world.fasta)))
    assert rows[["chrom", "start", "end"]].to_numpy().tolist() == [["chr1", 0, 407], ["chr2", 0, 150]]
    assert [*texts.values()] == [*world.sequences.values()]


def test_gzip_and_windows_line_ends_and_standard_input(world, tmp_path, monkeypatch):
    packed = tmp_path / "packed.fa.gz"
    packed.write_bytes(gzip.compress(world.fasta.read_bytes().replace(b"\n", b"\r\n")))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"track name=x\r\n2\t3\t9\r\n2\t0\t4\r\n")))
    rows, texts = read(Regions(str(packed), "-", rename="add-chr"))
    chr2 = world.sequences["chr2"]
    assert rows["chrom"].tolist() == ["2", "2"] and [*texts.values()] == [chr2[3:9], chr2[:4]]


@pytest.mark.parametrize(
    ("fasta", "rows", "sentence"),
    [
        (">a\nACGU\n", None, r"sequence a holds 'U' at position 4, which is no code of DNA; give"),
        (">a\nMKVLA\n", None, r"sequence a holds 'L' at position 4, which is no code of DNA"),
        ("", None, r"is empty; give the assembly as FASTA"),
        ("ACGT\n", None, r"is no FASTA: it does not start with '>'"),
        (">a\nAC\n>a\nGT\n", "a\t0\t1\n", r"contig a stands twice"),
        (">chr1\nACGT\n", "", r"has no interval; give a BED file"),
        (">chr1\nACGT\n", "1\t0\t2\n", r"names its contigs 1, .* chr1; add --rename add-chr"),
        (">chr1\nACGT\n", "z\t0\t2\n", r"has the contigs z, none of which .* has \(chr1\); give the sequences"),
        (">chr1\nACGT\n", "chr1\tone\t2\n", r"line 1: start must be a whole number"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, fasta, rows, sentence):
    (tmp_path / "x.fa").write_text(fasta)
    if rows is not None:
        (tmp_path / "x.bed").write_text(rows)
    with pytest.raises(InputError, match=sentence):
        read(Regions(str(tmp_path / "x.fa"), None if rows is None else str(tmp_path / "x.bed")))


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        (b"chr1\tone\t2\n", {"bed": "-"}, "^standard input, line 1: start must be a whole number"),
        (b"ACGT\n", {"fasta": "-"}, "^standard input is no FASTA"),
    ],
)
def test_errors_of_standard_input_name_it(world, monkeypatch, text, options, sentence):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    with pytest.raises(InputError, match=sentence):
        read(Regions(**{"fasta": str(world.fasta)} | options))


def test_a_2bit_file_is_read_as_a_fasta_is(world, tmp_path):
    with session(QUIET) as here:
        opened = open_assembly(str(world.fasta), here)
        write_twobit(tmp_path / "genome.2bit", opened.genome, opened.contigs.lengths)
    for asked in (Regions(str(tmp_path / "genome.2bit")), Regions(str(world.fasta))):
        rows, texts = read(asked)
        assert rows["chrom"].tolist() == ["chr1", "chr2"] and [*texts.values()] == [*world.sequences.values()]


def test_strands_of_features_need_a_column_of_them(world, bed):
    with pytest.raises(InputError, match="has no strands in column 6"):
        read(bed(world.fasta, ("chr1", 1, 9), strands="feature"))
    with pytest.raises(InputError, match="needs --bed with a column of strands"):
        read(Regions(str(world.fasta), strands="feature"))
