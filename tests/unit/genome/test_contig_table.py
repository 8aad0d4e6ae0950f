"""Lengths and names of contigs: tables that users bring, and contigs.tsv."""

import re

import pandas as pd
import pytest

from grover.config.sections.genome import Extraction
from grover.genome.contig_table import read_contig_table, read_sizes
from grover.genome.encoding import GenomeFiles, SideFiles, encode_genome
from grover.intervals.formats import read_bed
from grover.runtime.errors import InputError

CONTIGS = [("NC_1.1", b"ACGTACGTAC"), ("NC_2.1", b"TTTTTTTTTTTT"), ("NC_M.1", b"GGGGG")]
ALIASES = "# refseq\tucsc\tensembl\nNC_1.1\tchr1\t1\nNC_2.1\tchr2\t2\nNC_M.1\tchrM\tMT\nNC_3.1\tchr3\t3\n"


@pytest.fixture
def encoded(tmp_path):
    """Encode CONTIGS with files beside the FASTA, given as texts; returns contigs.tsv and segments.bed."""

    def encode(contigs=CONTIGS, extraction=None, rename="", **texts):
        side = {name: tmp_path / name for name in texts}
        for name, text in texts.items():
            side[name].write_text(text, newline="")
        paths = [tmp_path / name for name in ("sequence.npy", "segments.bed", "softmask.bed", "contigs.tsv")]
        extraction = extraction or Extraction(minimum_segment=2)
        encode_genome(contigs, GenomeFiles(*paths), extraction, side=SideFiles(rename=rename, **side))
        return paths[3], paths[1].read_text()

    return encode


@pytest.mark.parametrize(
    "text",
    [
        "chr1\t12\nchr2\t5\n",
        "chr1\t12\r\nchr2\t5\r\n",
        "chr1 12\nchr2  5\n",
        "chromosome\tsize\nchr1\t12\nchr2\t5\n",
        "#chrom\tsize\nchr1\t12\nchr2\t5\n",
        "chr1\t12\t6\t60\t61\nchr2\t5\t9162\t60\t61\n",
        "chr1\t12\t/x/a.2bit\nchr2\t5\t/x/a.2bit\n",
    ],
)
def test_lengths_are_the_first_two_columns(tmp_path, text):
    path = tmp_path / "sizes"
    path.write_text(text, newline="")
    assert read_sizes(path) == {"chr1": 12, "chr2": 5}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "chr1\t12\nchr2\tlong\n",
            "sizes, line 2: expected a contig and its length in bases, separated by a tab (chr2 long)",
        ),
        ("chr1\n", "sizes, line 1: expected a contig and its length"),
        ("chr1\t1,200\n", "sizes, line 1: expected a contig and its length"),
        ("chr1\t12\nchr1\t13\n", "sizes, line 2: another row gives chr1 12 bases"),
        ("", "sizes has no contig and length"),
    ],
)
def test_a_malformed_table_of_lengths_is_refused(tmp_path, text, sentence):
    path = tmp_path / "sizes"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(sentence)):
        read_sizes(path)


def test_lengths_of_another_assembly_are_refused(encoded):
    with pytest.raises(InputError, match=r"sizes gives NC_1.1 9 bases, but the FASTA holds 10 of it"):
        encoded(sizes="NC_1.1\t9\n")
    with pytest.raises(InputError, match=r"sizes has the contigs chr1, chr2, none of which the FASTA has \(NC_1.1, "):
        encoded(sizes="chr1\t50\nchr2\t60\n")


def test_contigs_that_the_fasta_lacks_are_known_but_not_read(encoded):
    path, _ = encoded(sizes="NC_1.1\t50\nNC_9.1\t70\n")
    table = pd.read_csv(path, sep="\t", index_col="contig")
    assert table.loc["NC_9.1", ["length", "kept", "status"]].tolist() == [70, 0, "not in the FASTA"]
    assert table.loc["NC_1.1", ["length", "not_acgt"]].tolist() == [50, 40]
    assert read_contig_table(path).lengths == {"NC_1.1": 50, "NC_2.1": 12, "NC_M.1": 5, "NC_9.1": 0}


def test_every_alias_leads_to_the_name_in_the_fasta(encoded, tmp_path):
    path, segments = encoded(
        aliases=ALIASES, sizes="chr1\t50\n2\t60\n3\t70\n", regions="chr1\t2\t6\n2\t0\t4\nNC_2.1\t8\t12\n"
    )
    known = read_contig_table(path)
    # the default `exclude` names chrM
    assert known.lengths == {"NC_1.1": 50, "NC_2.1": 60, "NC_M.1": 0, "NC_3.1": 0}
    assert segments.splitlines() == ["NC_1.1\t2\t6\ts0", "NC_2.1\t0\t4\ts1", "NC_2.1\t8\t12\ts2"]
    bed = tmp_path / "some.bed"
    bed.write_text("chr1\t0\t5\nNC_2.1\t0\t5\n2\t0\t5\nMT\t0\t5\n3\t0\t5\n4\t0\t5\n")
    found = read_bed(bed, contigs=known.names())["chrom"].tolist()
    assert found == ["NC_1.1", "NC_2.1", "NC_2.1", "NC_M.1", "NC_3.1", "4"]
    found = read_bed(bed, contigs=known.names("add-chr"))["chrom"].tolist()
    assert found == ["NC_1.1", "NC_2.1", "NC_2.1", "NC_M.1", "NC_3.1", "chr4"]


def test_patterns_match_aliases(encoded):
    _, segments = encoded(aliases=ALIASES, extraction=Extraction(include=["chr1"], minimum_segment=2))
    assert segments == "NC_1.1\t0\t10\ts0\n"


def test_regions_are_renamed(encoded):
    contigs = [("chr1", b"ACGTACGTAC"), ("scaffold_2", b"TTTTTTTTTTTT")]
    _, segments = encoded(contigs, rename="add-chr", regions="1\t2\t6\nscaffold_2\t0\t4\n")
    assert segments.splitlines() == ["chr1\t2\t6\ts0", "scaffold_2\t0\t4\ts1"]


@pytest.mark.parametrize("mitochondrion", ["chrM", "chrMT"])
def test_regions_of_the_mitochondrion_are_found_under_both_of_its_names(encoded, mitochondrion):
    contigs = [("chr1", b"ACGTACGTAC"), (mitochondrion, b"GGGGG")]
    kept = Extraction(minimum_segment=2, exclude=[])
    _, segments = encoded(contigs, kept, rename="add-chr", regions="1\t2\t6\nMT\t1\t4\n")
    assert segments == f"chr1\t2\t6\ts0\n{mitochondrion}\t1\t4\ts1\n"


def test_a_table_of_an_earlier_version_has_no_aliases(tmp_path):
    path = tmp_path / "contigs.tsv"
    path.write_text("contig\tlength\tkept\tstatus\nNA\t9\t9\tkept\nchrM\t5\t0\texcluded\n")
    known = read_contig_table(path)
    assert known.lengths == {"NA": 9, "chrM": 0} and known.aliases == {"NA": "NA", "chrM": "chrM"}
