"""Reading contigs: pyfaidx as the oracle for FASTA, a file written here byte by byte for 2bit."""

import bz2
import gzip
import lzma
import re
import struct

import numpy as np
import pyfaidx
import pysam
import pytest

from grover.genome import fasta
from grover.runtime.errors import InputError

CONTIGS = {"chr1": "ACGTNNacgtRYKMac" * 9, "chr2": "", "chr3 with words": "T" * 61, "4": "acgtn" * 30}


def lines(contigs=CONTIGS, width=17, end="\n"):
    rows = []
    for name, sequence in contigs.items():
        rows += [f">{name}", *(sequence[i : i + width] for i in range(0, len(sequence), width))]
    return (end.join(rows) + end).encode()


def read(path):
    return [(name, bytes(sequence).decode()) for name, sequence in fasta.read_contigs(path)]


def expected(contigs=CONTIGS):
    return [(name.split()[0], sequence) for name, sequence in contigs.items()]


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
def test_equals_pyfaidx(tmp_path, monkeypatch, block):
    monkeypatch.setattr(fasta, "BLOCK", block)
    generator = np.random.default_rng(5)
    contigs = {f"c{i}": "".join(generator.choice(list("ACGTNacgtn"), generator.integers(1, 300))) for i in range(20)}
    path = tmp_path / "g.fa"
    path.write_bytes(lines(contigs))
    assert read(path) == [(record.name, str(record)) for record in pyfaidx.Fasta(str(path))]


def test_compressions_and_names_do_not_matter(tmp_path):
    plain, zipped, blocks = tmp_path / "a.txt", tmp_path / "b.fa", tmp_path / "c.fa"
    plain.write_bytes(lines())
    zipped.write_bytes(gzip.compress(lines()))
    with pysam.BGZFile(str(blocks), "wb") as stream:
        stream.write(lines())
    assert read(plain) == read(zipped) == read(blocks) == expected()


def test_line_ends_of_windows_and_a_missing_last_one(tmp_path):
    path = tmp_path / "g.fa"
    path.write_bytes(lines(end="\r\n"))
    assert read(path) == expected()
    path.write_bytes(lines().rstrip(b"\n"))
    assert read(path) == expected()


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress, lzma.compress, bz2.compress])
def test_byte_order_mark_line_ends_and_compression_change_nothing(tmp_path, monkeypatch, block, end, compress):
    monkeypatch.setattr(fasta, "BLOCK", block)
    path = tmp_path / "g.fa"
    path.write_bytes(compress(b"\xef\xbb\xbf" + lines(end=end)))
    assert read(path) == expected()


def test_progress_counts_the_file(tmp_path):
    path, told = tmp_path / "g.fa", []
    path.write_bytes(lines())
    list(fasta.read_contigs(path, told.append))
    assert sum(told) == path.stat().st_size


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"\n\n", "holds no contig"),
        (gzip.compress(b"", mtime=0), "holds no contig"),
        (b"ACGT\n>b\nAC\n", "does not start with '>'"),
        (b">\nACGT\n", "header without a contig name"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"PK\x03\x04", "is a zip archive"),
        (gzip.compress(lines(), mtime=0)[:-12], "truncated or damaged gzip"),
        (gzip.compress(lines(), mtime=0)[:40], "truncated or damaged gzip"),
    ],
)
def test_bad_files(tmp_path, content, sentence):
    path = tmp_path / "g.fa"
    path.write_bytes(content)
    with pytest.raises(InputError, match=re.escape(sentence)):
        read(path)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read(tmp_path / "none.fa")


def test_bgzip_cut_between_two_blocks(tmp_path):
    path = tmp_path / "g.fa.gz"
    with pysam.BGZFile(str(path), "wb") as stream:
        stream.write(lines())
    path.write_bytes(path.read_bytes()[:-28])
    with pytest.raises(InputError, match="truncated or damaged gzip"):
        read(path)


def twobit(order, version=0):
    """chr1: ACGTTNNNacgA; chr2: TCAGT. The bases under N are stored as T."""

    def numbers(*values, wide=False):
        return struct.pack(f"{order}{len(values)}{'Q' if wide else 'I'}", *values)

    first = numbers(12, 1, 5, 3, 1, 8, 3, 0) + bytes([0b10011100, 0b00000000, 0b10011110])
    second = numbers(5, 0, 0, 0) + bytes([0b00011011, 0])
    wide = version == 1
    offset = 16 + 2 * (5 + (8 if wide else 4))
    index = b"\4chr1" + numbers(offset, wide=wide) + b"\4chr2" + numbers(offset + len(first), wide=wide)
    return numbers(0x1A412743, version, 2, 0) + index + first + second


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("version", [0, 1])
def test_twobit(tmp_path, order, version):
    path = tmp_path / "genome"
    path.write_bytes(twobit(order, version))
    assert read(path) == [("chr1", "ACGTTNNNacgA"), ("chr2", "TCAGT")]


def test_truncated_twobit(tmp_path):
    path = tmp_path / "genome.2bit"
    path.write_bytes(twobit("<")[:-1])
    with pytest.raises(InputError, match="truncated 2bit"):
        read(path)
