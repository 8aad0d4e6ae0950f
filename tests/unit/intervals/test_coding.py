"""Pieces of coding sequences: their frames and starts, on hand-made annotation."""

import pytest

from grover.intervals.coding import COLUMNS, read_coding
from grover.runtime.errors import InputError

REGION = "c\tx\tregion\t1\t100\t.\t+\t.\tID=c:1..100;Is_circular=true\n"


def gff3(folder, *rows: str, region: str = REGION):
    """A GFF3; a row is `feature start end strand phase attributes`, 1-based."""
    lines = ["\t".join(["c", "x", *cells[:3], ".", *cells[3:]]) for cells in (row.split(maxsplit=5) for row in rows)]
    path = folder / "genes.gff3"
    path.write_text("##gff-version 3\n" + region + "\n".join(lines) + "\n")
    return path


def pieces(path) -> list[tuple]:
    table = read_coding(path)
    assert list(table.columns) == COLUMNS
    coding = table[table["feature"] == "CDS"]
    return sorted(coding[["start", "end", "strand", "phase", "opens"]].itertuples(index=False, name=None))


def test_each_coding_sequence_opens_once_along_its_strand(tmp_path):
    path = gff3(
        tmp_path,
        "gene 11 40 + . ID=gene-a",
        "CDS 11 25 + 0 ID=cds-a;Parent=gene-a",  # a shift of the frame: two rows of one coding sequence
        "CDS 25 40 + 0 ID=cds-a;Parent=gene-a",
        "gene 51 70 - . ID=gene-b",
        "CDS 51 58 - 1 ID=cds-b;Parent=gene-b",
        "CDS 62 70 - 0 ID=cds-b;Parent=gene-b",
        "gene 81 89 + . ID=gene-p;pseudo=true",
        "CDS 81 89 + 0 ID=cds-p;Parent=gene-p;pseudo=true",
    )
    assert pieces(path) == [
        (10, 25, "+", 0, True),
        (24, 40, "+", 0, False),
        (50, 58, "-", 1, False),
        (61, 70, "-", 0, True),
    ]
    table = read_coding(path)
    assert (table["feature"] == "gene").sum() == 3 and not table.loc[table["feature"] == "gene", "opens"].any()


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        # 10 bases before the origin, the second piece goes on within a codon
        ("CDS 91 106 + 0 ID=cds-a;Parent=gene-a", [(0, 6, "+", 2, False), (90, 100, "+", 0, True)]),
        ("CDS 91 106 - 0 ID=cds-a;Parent=gene-a", [(0, 6, "-", 0, True), (90, 100, "-", 0, False)]),
        ("CDS 91 107 - 0 ID=cds-a;Parent=gene-a", [(0, 7, "-", 0, True), (90, 100, "-", 2, False)]),
        # the origin divides the start codon
        ("CDS 99 110 + 0 ID=cds-a;Parent=gene-a", [(0, 10, "+", 1, False), (98, 100, "+", 0, False)]),
        ("CDS 91 102 - 0 ID=cds-a;Parent=gene-a", [(0, 2, "-", 0, False), (90, 100, "-", 1, False)]),
    ],
)
def test_a_coding_sequence_across_the_origin_keeps_its_frame(tmp_path, row, expected):
    gene = row.replace("CDS", "gene").replace(" 0 ID=cds-a;Parent=", " . ID=")
    assert pieces(gff3(tmp_path, gene, row)) == expected


def test_a_gtf_with_introns_opens_with_its_first_exon(tmp_path):
    path = tmp_path / "genes.gtf"
    rows = [("CDS", 11, 20, 0), ("CDS", 31, 40, 2), ("exon", 5, 20, "."), ("exon", 31, 50, ".")]
    path.write_text(
        "".join(
            f'c\tx\t{kind}\t{a}\t{b}\t.\t+\t{phase}\tgene_id "g"; transcript_id "t";\n' for kind, a, b, phase in rows
        )
    )
    assert pieces(path) == [(10, 20, "+", 0, True), (30, 40, "+", 2, False)]
    genes = read_coding(path).query("feature == 'gene'")
    assert genes[["start", "end"]].to_numpy().tolist() == [[4, 50]]  # made of its exons


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (["gene 11 40 + . ID=gene-a"], "no row CDS with a strand belongs to a gene"),
        (["CDS 11 40 + . ID=cds-a"], "line 3.*needs the phase 0, 1 or 2"),
    ],
)
def test_what_has_no_coding_sequence_is_refused(tmp_path, rows, sentence):
    with pytest.raises(InputError, match=sentence):
        read_coding(gff3(tmp_path, *rows))
    bed = tmp_path / "a.bed"
    bed.write_text("c\t1\t5\n")
    with pytest.raises(InputError, match="expected a GTF or GFF3"):
        read_coding(bed)
