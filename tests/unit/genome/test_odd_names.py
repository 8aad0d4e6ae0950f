"""Contigs called NA or nan, or with a quote in their names, from the FASTA to folds and annotation."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from grover.config.sections.genome import Extraction, Folds
from grover.genome.assembly import Genome
from grover.genome.bases import decode
from grover.genome.contig_table import read_contig_table
from grover.genome.encoding import GenomeFiles, encode_genome
from grover.genome.fasta import read_contigs
from grover.genome.folds import fold_of, read_folds
from grover.intervals.contigs import check
from grover.intervals.formats import read_bed, read_columns
from grover.sources.check import Readings, check_sources

SCRIPTS = Path(__file__).parents[3] / "workflow/scripts"
NAMES = ["NA", "nan", "null", '"q1', 'q2"', "it's", "1e5", "a,b", "7#", "tracks", "None", "True", "007"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    generator = np.random.default_rng(3)
    rows = [f">{name}\n{''.join(generator.choice(list('ACGTac'), 90))}\n" for name in NAMES]
    (folder / "genome.fa").write_text("".join(rows))
    files = GenomeFiles(*(folder / name for name in ("sequence.npy", "segments.bed", "softmask.bed", "contigs.tsv")))
    encode_genome(read_contigs(folder / "genome.fa"), files, Extraction())
    make_folds = runpy.run_path(str(SCRIPTS / "make_folds.py"))["make_folds"]
    settings = Folds.model_construct(method="blocks", block=10, gap=2, valid=0.2, test=0.2)
    make_folds(files.segments, files.contigs, folder / "folds.bed", settings, seed=1)
    return folder


def test_names_stay_as_they_are(folder):
    genome = Genome(folder / "sequence.npy", folder / "segments.bed")
    assert genome.chroms == NAMES
    assert [*read_contig_table(folder / "contigs.tsv").lengths] == NAMES
    sequences = dict(read_contigs(folder / "genome.fa"))
    for name in NAMES:
        assert decode(genome.fetch(name, 0, 90)) == sequences[name].decode().upper()
    folds = read_folds(folder / "folds.bed")
    assert [*folds["chrom"].unique()] == NAMES
    assert {*fold_of(folds, NAMES, np.full(len(NAMES), 3), np.full(len(NAMES), 5))} <= {"train", "valid", "test"}
    assert {line.split("\t")[0] for line in (folder / "softmask.bed").read_text().splitlines()} == {*NAMES}


def test_annotation_finds_them(folder):
    contigs = read_contig_table(folder / "contigs.tsv")
    path = folder / "some.bed"
    path.write_text("".join(f"{name}\t10\t20\tx\n" for name in NAMES))
    assert check(read_bed(path, contigs=contigs.names()), contigs.lengths, path)["chrom"].tolist() == NAMES
    assert read_columns(path, "bed", contigs.lengths, contigs.names())["chrom"].tolist() == NAMES
    genome = Genome(folder / "sequence.npy", folder / "segments.bed")
    table = check_sources(Readings({"some": path}, intervals="some", rows={"some": 1}), genome, contigs)
    assert table["rows_in_segments"].tolist() == [len(NAMES)]
