"""Introns from a table and from a GTF of the same hand-made genes, and those of the folder GROVER_DATA."""

import os
import re
from pathlib import Path

import pandas as pd
import pytest

from grover.genome.fasta import read_contigs
from grover.intervals.contigs import ContigNames, check
from grover.intervals.splice import COLUMNS, read_junctions
from grover.runtime.errors import InputError

HEADER = "gene\tparalog\tchrom\tstrand\ttx_start\ttx_end\tdonors\tacceptors\n"
# exons 101-110, 201-210, 301-400 on +; 1001-1010, 1101-1110 on -, all 1-based
TABLE = (
    HEADER
    + "G1\t0\tchr1\t+\t101\t400\t110,210,\t201,301,\nG2\t0\tchr1\t-\t1001\t1110\t1101,\t1010,\nG3\t0\tchr1\t+\t1\t9\t\t\n"
)
EXONS = [(301, 400, "+", "G1", "a"), (101, 110, "+", "G1", "a"), (201, 210, "+", "G1", "a"), (101, 110, "+", "G1", "b")]
EXONS += [(201, 230, "+", "G1", "b"), (1001, 1010, "-", "G2", "c"), (1101, 1110, "-", "G2", "c")]
GTF = "#!genome\n" + "".join(
    f'chr1\tx\texon\t{start}\t{end}\t.\t{strand}\t.\tgene_id "{gene}"; transcript_id "{transcript}";\n'
    for start, end, strand, gene, transcript in EXONS
)
INTRONS = [["chr1", 110, 200, "+", "G1", 100, 400], ["chr1", 210, 300, "+", "G1", 100, 400]]
INTRONS += [["chr1", 1010, 1100, "-", "G2", 1000, 1110]]


@pytest.mark.parametrize("text", [TABLE, GTF, "# made by hand\n\n" + TABLE])
def test_both_formats_give_the_same_introns(tmp_path, text):
    path = tmp_path / "genes"
    path.write_text(text)
    introns = read_junctions(path)
    assert introns.columns.tolist() == COLUMNS
    assert introns.sort_values("start").to_numpy().tolist() == INTRONS
    path.write_text(text.replace("chr1", "1"))
    assert set(read_junctions(path, contigs=ContigNames("add-chr"))["chrom"]) == {"chr1"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("chr1\t0\t5\n", "expected a table with the header gene chrom strand"),
        ("", "expected a table with the header gene chrom strand"),
        (HEADER + "G\t0\tchr1\t+\t1\t9\t4,7,\t6,\n", "line 2: as many donors as acceptors were expected"),
        ("\n" + HEADER + "G\t0\tchr1\t.\t1\t9\t4,\t6,\n", "line 3: the strand is neither + nor -"),
        (HEADER + "G\t0\tchr1\t+\t1\t9\tx,\t6,\n", "line 2: donors must be whole numbers"),
        (HEADER + "G\t0\tchr1\t-\t1\t9\t4,\t6,\n", "line 2: a donor does not stand before its acceptor"),
        (
            'chr1\tx\tgene\t1\t9\t.\t+\t.\tgene_id "G";\n',
            "introns are read from rows `exon` or `CDS` with a transcript_id",
        ),
    ],
)
def test_what_gives_no_introns_is_refused(tmp_path, text, sentence):
    path = tmp_path / "genes"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(f"{path}")) as caught:
        read_junctions(path)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("text", [TABLE, GTF])
def test_comments_between_rows_give_no_introns_and_the_line_is_that_of_the_file(tmp_path, text):
    path = tmp_path / "genes"
    header, *rows = text.splitlines(keepends=True)
    path.write_text("".join([header, "# by hand\n", rows[0], "#" + rows[0], *rows[1:]]))
    introns = read_junctions(path)
    assert introns.sort_values("start").to_numpy().tolist() == INTRONS
    with pytest.raises(InputError, match=r"line \d+: the end lies beyond chr1") as caught:
        check(introns, {"chr1": 250}, path)
    number = int(re.search(r"line (\d+)", str(caught.value))[1])
    assert re.search("\\b(210|1101|1001)\\b", path.read_text().splitlines()[number - 1])


def exons(*rows):
    """Lines of a GTF from `FEATURE START END STRAND TRANSCRIPT`; the gene has the name of the transcript up to the first dot."""
    cells = [row.split() for row in rows]
    return "".join(
        f'chr1\tx\t{feature}\t{start}\t{end}\t.\t{strand}\t.\tgene_id "{name.partition(".")[0]}"; transcript_id "{name}";\n'
        for feature, start, end, strand, name in cells
    )


COPIES = ["exon 10001 10100 + A", "exon 10301 10440 + A", "exon 90001 90100 + A", "exon 90301 90440 + A"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (COPIES, [(10100, 10300, 10000, 10440), (90100, 90300, 90000, 90440)]),
        # a long intron stays one, as the exons on its sides are no copies of each other
        (
            [*COPIES[:3], "exon 90301 90470 + A"],
            [(10100, 10300, 10000, 90470), (10440, 90000, 10000, 90470), (90100, 90300, 10000, 90470)],
        ),
        # so it does where a row `transcript` contains it
        (
            ["transcript 10001 90440 + A", *COPIES],
            [(10100, 10300, 10000, 90440), (10440, 90000, 10000, 90440), (90100, 90300, 10000, 90440)],
        ),
        # two rows `transcript` are two loci, however near
        (
            [
                "transcript 101 300 + A",
                "transcript 501 900 + A",
                "exon 101 150 + A",
                "exon 251 300 + A",
                "exon 501 900 + A",
            ],
            [(150, 250, 100, 300)],
        ),
        (
            ["exon 101 150 + A", "exon 201 250 - A", "exon 401 450 + A", "exon 601 650 - A"],
            [(150, 400, 100, 450), (250, 600, 200, 650)],
        ),
        # a row that stands twice, exons that overlap, and gaps that are shorter than any intron
        (
            ["exon 101 150 + A", "exon 101 150 + A", "exon 141 170 + A", "exon 172 200 + A", "exon 401 450 + A"],
            [(200, 400, 100, 450)],
        ),
        # coding sequences where there are no exons; rows without a strand have no donor
        (["CDS 101 150 + A", "CDS 301 350 + A", "exon 501 550 . B", "exon 701 750 . B"], [(150, 300, 100, 350)]),
        (
            ["exon 101 150 + A.1", "exon 301 350 + A.1", "exon 340 360 + A.2", "CDS 101 150 + A.2"],
            [(150, 300, 100, 360)],
        ),
    ],
)
def test_introns_join_exons_of_one_locus(tmp_path, rows, expected):
    path = tmp_path / "genes.gtf"
    for order in (rows, rows[::-1]):
        path.write_text(exons(*order))
        introns = read_junctions(path)
        assert (
            sorted(introns[["start", "end", "gene_start", "gene_end"]].itertuples(index=False, name=None)) == expected
        )


def test_a_name_at_several_loci_is_said(tmp_path, capsys):
    path = tmp_path / "genes.gtf"
    path.write_text(exons(*COPIES))
    read_junctions(path)
    assert (
        "genes.gtf: 1 names of transcripts stand at several loci of a contig, such as A on chr1"
        in capsys.readouterr().out
    )
    for rows, sentence in (
        (
            ["transcript 101 300 + A", "transcript 201 900 + A", "exon 101 150 + A"],
            "A stands in two rows `transcript` that overlap on chr1",
        ),
        (
            ["transcript 101 300 + A", "transcript 501 900 + A", "exon 301 350 + A"],
            "chr1:300-350 of the transcript_id A, which stands at",
        ),
    ):
        path.write_text(exons(*rows))
        with pytest.raises(InputError, match=sentence):
            read_junctions(path)


def test_pieces_spliced_in_trans_and_interrupted_pseudogenes_have_no_introns(tmp_path):
    path = tmp_path / "genes.gff3"
    rows = [
        ("gene", 1, 900, "ID=gene-rps12;exception=trans-splicing;part=1"),
        ("CDS", 101, 150, "ID=cds-1;Parent=gene-rps12;exception=trans-splicing;part=1"),
        ("CDS", 501, 550, "ID=cds-1;Parent=gene-rps12;exception=trans-splicing;part=2"),
        ("pseudogene", 1001, 1900, "ID=gene-p;pseudo=true"),
        ("CDS", 1001, 1100, "ID=cds-2;Parent=gene-p;pseudo=true"),
        ("CDS", 1501, 1600, "ID=cds-2;Parent=gene-p;pseudo=true"),
    ]
    text = "".join(f"chr1\tx\t{feature}\t{start}\t{end}\t.\t+\t.\t{named}\n" for feature, start, end, named in rows)
    path.write_text(text)
    with pytest.raises(InputError, match="no intron; leave out tasks of the builder splice"):
        read_junctions(path)
    path.write_text(text + exons("CDS 5001 5100 - A", "CDS 5201 5300 - A"))
    assert read_junctions(path)[["start", "end", "gene"]].to_numpy().tolist() == [[5100, 5200, "A"]]


def test_names_in_latin_1(tmp_path):
    path = tmp_path / "genes.gtf"
    path.write_bytes(exons("exon 101 150 + \xe9.1", "exon 301 350 + \xe9.1").encode("latin-1"))
    assert read_junctions(path)[["start", "end"]].to_numpy().tolist() == [[150, 300]]


@pytest.mark.skipif("GROVER_DATA" not in os.environ, reason="GROVER_DATA is not set")
def test_introns_of_the_data_begin_with_gt_and_end_with_ag():
    data = Path(os.environ["GROVER_DATA"]) / "hg19"
    introns = read_junctions(data / "genes/canonical_splice.hg19.tsv.gz")
    ends = []
    for name, sequence in read_contigs(data / "genome/hg19.partial.fa.gz"):
        text, rows = sequence.decode().upper(), introns[introns["chrom"] == name]
        for start, end, strand in rows[["start", "end", "strand"]].itertuples(index=False):
            pair = text[start : start + 2] + text[end - 2 : end]
            if len(pair) == 4 and "N" not in pair:
                ends.append(pair if strand == "+" else pair[::-1].translate(str.maketrans("ACGT", "TGCA")))
    ends = pd.Series(ends)
    assert len(ends) == pytest.approx(3_689, rel=0.02)  # as its README counts, or 3,755
    assert (ends.str[:2] == "GT").mean() == pytest.approx(0.988, abs=0.001)
    assert (ends.str[:2] == "GC").mean() == pytest.approx(0.007, abs=0.001)
    assert (ends.str[2:] == "AG").mean() == pytest.approx(0.995, abs=0.001)
