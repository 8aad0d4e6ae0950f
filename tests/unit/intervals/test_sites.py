"""Transcription starts from the genes of GTF and GFF3."""

import pandas as pd
import pytest

from grover.annotation.tracks import annotate
from grover.intervals.contigs import ContigNames
from grover.intervals.sites import read_tss
from grover.runtime.errors import InputError
from tests.unit.annotation.test_tracks import tracks_of

ROWS = [
    ("gene", 101, 500, "+", "ID=gene-a;Name=a"),
    ("mRNA", 131, 500, "+", "ID=t;Parent=gene-a"),
    ("gene", 701, 900, "-", "ID=gene-b"),
    ("gene", 701, 900, ".", "ID=gene-c"),
    ("gene", 101, 300, "+", "ID=gene-d"),
    ("pseudogene", 1001, 1200, "+", "ID=gene-e"),
]


def genes(write, rows=ROWS):
    lines = [
        f"chr1\tx\t{feature}\t{start}\t{end}\t.\t{strand}\t.\t{text}\n" for feature, start, end, strand, text in rows
    ]
    return write("##gff-version 3\n" + "".join(lines))


def test_starts_of_genes(write):
    starts = read_tss(genes(write))
    assert starts.to_numpy().tolist() == [["chr1", 100, 101, "a", "+"], ["chr1", 899, 900, "b", "-"]]
    path = write("1\tx\texon\t5\t9\t.\t-\t.\tgene_id g;\n1\tx\texon\t50\t90\t.\t-\t.\tgene_id g;\n")
    assert read_tss(path, ContigNames("add-chr")).to_numpy().tolist() == [["chr1", 89, 90, "g", "-"]]
    with pytest.raises(InputError, match="no row is a gene with a strand, whose start could be read"):
        read_tss(genes(write, ROWS[-1:]))


def test_a_gene_that_ends_before_its_start_is_refused(write):
    path = genes(write, [ROWS[0], ("gene", 900, 100, "-", "ID=gene-b")])
    with pytest.raises(InputError, match=r"line 3: the end is not after the start \(chr1 x gene 900 100"):
        read_tss(path)


def test_starts_are_a_track(tmp_path, write):
    regions = pd.DataFrame({"chrom": "chr1", "start": [0, 200, 800], "end": [200, 400, 1000]})
    rows = [("promoter", "promoters", "tss", "presence", "-"), ("strand", "promoters", "tss", "strand", "-")]
    bed = write("chr1\t100\t101\ta\t0\t+\nchr1\t899\t900\tb\t0\t-\n", "bed")
    for path in (genes(write), bed):
        table = annotate(regions, tracks_of(tmp_path, *rows), {"promoters": path}, {"chr1": 5_000}, {}, 0.001)
        assert table["promoter"].tolist() == [True, False, True] and table["strand"].tolist() == ["+", "", "-"]
