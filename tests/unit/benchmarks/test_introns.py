"""A task of splice sites is left out before the first job where the genes have too few introns."""

from pathlib import Path

import pytest

from grover.benchmarks.introns import count_introns, lacking_introns, needed_sites
from grover.config.benchmark_table import Task
from grover.config.configuration import complete
from grover.intervals.splice import read_junctions

DONORS = Task("donors", "splice", ("genes",), "unused", 400, 0, {"kind": "donor"})
PEAKS = Task("peaks", "tfbs", ("peaks",), "genomic-matched", 200, 0, {})
# two transcripts of three and two exons, one on the minus strand in the order of transcription; and a gene with a frameshift
GTF = [
    ("exon", 100, 200, "+", 'gene_id "g"; transcript_id "a";'),
    ("exon", 300, 400, "+", 'gene_id "g"; transcript_id "a";'),
    ("exon", 500, 600, "+", 'gene_id "g"; transcript_id "a";'),
    ("CDS", 150, 200, "+", 'gene_id "g"; transcript_id "a";'),
    ("exon", 900, 990, "-", "gene_id h; transcript_id b"),
    ("exon", 700, 800, "-", "gene_id h; transcript_id b"),
    ("exon", 1000, 1100, "+", 'gene_id "i"; transcript_id "c";'),
    ("exon", 1102, 1200, "+", 'gene_id "i"; transcript_id "c";'),
]
NCBI = [
    ("gene", 1, 99, "+", "ID=gene-b0001;locus_tag=b0001"),
    ("CDS", 1, 99, "+", "ID=cds-NP_1.1;Parent=gene-b0001"),
    ("CDS", 200, 275, "+", "ID=cds-NP_2.1;Parent=gene-b0002"),
    ("CDS", 277, 400, "+", "ID=cds-NP_2.1;Parent=gene-b0002"),
    ("exon", 500, 600, "+", "ID=exon-1;Parent=rna-1"),
]


def write(path: Path, rows) -> Path:
    lines = [f"chr1\tx\t{kind}\t{start}\t{end}\t.\t{strand}\t.\t{words}\n" for kind, start, end, strand, words in rows]
    path.write_text("##gff-version 3\n" + "".join(lines))
    return path


def test_contigs_whose_names_begin_like_comments_count(tmp_path):
    path = tmp_path / "genes.gtf"
    rows = [("track1", 1, 9), ("track1", 50, 60), ("browser_2", 1, 9), ("browser_2", 24, 60), ("browser_2", 76, 80)]
    path.write_text(
        "".join(f'{chrom}\tx\texon\t{start}\t{end}\t.\t+\t.\ttranscript_id "{chrom}";\n' for chrom, start, end in rows)
    )
    assert count_introns(path, 100) == len(read_junctions(path)) == 2  # a gap of 14 bases is none


def configured(**sources: str):
    raw = {"run": "x", "sources": {"genome": {"url": "g.fa"}} | {key: {"url": url} for key, url in sources.items()}}
    return complete(raw | {"folds": {"test": 0.2}}, "my.yaml")


@pytest.mark.parametrize(("rows", "introns"), [(GTF, 3), (NCBI, 0), ([], 0)])
def test_introns_are_gaps_between_parts_of_one_transcript(tmp_path, rows, introns):
    assert count_introns(write(tmp_path / "genes.gff", rows), 100) == introns
    assert count_introns(tmp_path / "genes.gff", 2) == min(introns, 2)


def test_a_table_of_junctions_has_enough(tmp_path):
    (tmp_path / "splice.tsv").write_text(
        "gene\tchrom\tstrand\ttx_start\ttx_end\tdonors\tacceptors\na\t1\t+\t1\t9\t3,\t5,\n"
    )
    assert count_introns(tmp_path / "splice.tsv", 100) == 100


def test_the_smallest_fold_must_get_its_minimum():
    assert needed_sites(configured()) == 100  # ten of a tenth
    contigs = {"method": "contigs", "valid": ["a"], "test": ["b"]}
    assert needed_sites(complete({"run": "x", "sources": {"genome": {"url": "g"}}, "folds": contigs}, "")) == 10


def test_a_bacterium_has_no_task_of_splice_sites(tmp_path):
    path = write(tmp_path / "genes.gff", NCBI)
    reason = (
        "genes.gff has 0 gaps between exons or coding sequences, which count as introns, and 10 examples of each label in each fold "
        "(`benchmarks.minimum`) need about 100"
    )
    assert lacking_introns(DONORS, configured(genes=str(path)), tmp_path) == reason
    write(
        path,
        [
            row
            for number in range(101)
            for row in [("exon", 1, 9, "+", f"Parent=t{number}"), ("exon", 50, 60, "+", f"Parent=t{number}")]
        ],
    )
    assert lacking_introns(DONORS, configured(genes=str(path)), tmp_path) == ""


def test_what_cannot_be_looked_into_is_left_to_the_check(tmp_path):
    assert lacking_introns(DONORS, configured(genes="https://x.org/genes.gff"), tmp_path) == ""
    assert lacking_introns(DONORS, configured(genes="absent.gff"), tmp_path) == ""
    (tmp_path / "genes.gff").write_bytes(b"\x1f\x8b\x08broken")
    assert lacking_introns(DONORS, configured(genes=str(tmp_path / "genes.gff")), tmp_path) == ""
    (tmp_path / "peaks.bed").write_text(
        "chr1\t1\t9\n"
    )  # a file that is mistaken for another is no reason to leave it out
    assert lacking_introns(PEAKS, configured(peaks=str(tmp_path / "peaks.bed")), tmp_path) == ""
