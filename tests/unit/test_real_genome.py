"""The 26 Mb of hg19 in the folder GROVER_DATA: their segments and peaks are those that its README counts."""

import os
from pathlib import Path

import pytest

from grover import genome
from grover.fasta import read_contigs
from grover.intervals import inside, read_bed

pytestmark = pytest.mark.skipif("GROVER_DATA" not in os.environ, reason="GROVER_DATA is not set")


def test_segments_and_mask(tmp_path):
    data = Path(os.environ["GROVER_DATA"]) / "hg19"
    paths = [tmp_path / name for name in ("sequence.npy", "segments.bed", "softmask.bed", "contigs.tsv")]
    genome.encode_genome(read_contigs(data / "genome/hg19.partial.fa.gz"), *paths)
    made = genome.Genome(*paths[:2])
    assert len(made.codes) == 26_081_421
    places = ["chrom", "start", "end"]
    assert made.segments[places].equals(read_bed(data / "genome/regions.bed"))
    published = read_bed(data / "repeats/softmask.hg19.bed.gz")
    # nine masked runs lie in stretches shorter than a segment
    published = published[inside(published, made.segments)]
    assert len(published) == 20_564 - 9
    assert read_bed(paths[2]).equals(published[places].reset_index(drop=True))
