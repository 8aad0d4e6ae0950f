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
