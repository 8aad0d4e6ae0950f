"""2bit files that the reader of this project opens; the reader is tested on files written by hand."""

import numpy as np
import pytest

from grover.genome import twobit_writer
from grover.genome.assembly import Genome
from grover.genome.bases import decode
from grover.genome.twobit import is_twobit, read_contigs
from grover.genome.twobit_writer import write_twobit

LENGTHS = {"chr1": 1_003, "chrN": 7, "b": 12, "whole": 50}


@pytest.fixture
def genome(tmp_path):
    rows = [("chr1", 3, 400), ("chr1", 401, 1_003), ("b", 0, 5), ("whole", 0, 50)]
    (tmp_path / "segments.bed").write_text("".join(f"{c}\t{s}\t{e}\ts\n" for c, s, e in rows))
    codes = np.random.default_rng(0).integers(0, 4, sum(end - start for _, start, end in rows), dtype=np.uint8)
    np.save(tmp_path / "sequence.npy", codes)
    return Genome(tmp_path / "sequence.npy", tmp_path / "segments.bed")


@pytest.mark.parametrize("piece", [8, 1 << 22])
def test_every_contig_comes_back(genome, tmp_path, monkeypatch, piece):
    monkeypatch.setattr(twobit_writer, "PIECE", piece)
    write_twobit(tmp_path / "a.2bit", genome, LENGTHS)
    assert is_twobit(tmp_path / "a.2bit")
    found = {name: bytes(sequence).decode() for name, sequence in read_contigs(tmp_path / "a.2bit")}
    assert found == {name: decode(genome.fetch(name, 0, length)) for name, length in LENGTHS.items()}
    assert found["chrN"] == "N" * 7
