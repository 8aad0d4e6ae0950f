"""The 26 Mb of hg19 in the folder GROVER_DATA have the segments that its README counts. Their AT-rich part gives the
vocabulary of the paper."""

import os
from pathlib import Path

import numpy as np
import pytest

from grover.config.sections.genome import Extraction
from grover.genome import assembly, encoding
from grover.genome.fasta import read_contigs
from grover.intervals.formats import read_bed
from grover.intervals.overlaps import inside
from grover.tokenization import bpe
from grover.tokenization.encoder import Encoder, token_texts

pytestmark = pytest.mark.skipif("GROVER_DATA" not in os.environ, reason="GROVER_DATA is not set")


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("genome")
    paths = [folder / name for name in ("sequence.npy", "segments.bed", "softmask.bed", "contigs.tsv")]
    data = Path(os.environ["GROVER_DATA"]) / "hg19"
    encoding.encode_genome(read_contigs(data / "genome/hg19.partial.fa.gz"), encoding.GenomeFiles(*paths), Extraction())
    return paths


def test_segments_and_mask(paths):
    data = Path(os.environ["GROVER_DATA"]) / "hg19"
    made = assembly.Genome(*paths[:2])
    assert len(made.codes) == 26_081_421
    places = ["chrom", "start", "end"]
    assert made.segments[places].equals(read_bed(data / "genome/regions.bed"))
    published = read_bed(data / "repeats/softmask.hg19.bed.gz")
    # nine masked runs lie in stretches shorter than a segment
    published = published[inside(published, made.segments)]
    assert len(published) == 20_564 - 9
    assert read_bed(paths[2]).equals(published[places].reset_index(drop=True))


def test_the_at_rich_fifth_gives_the_vocabulary_of_the_paper(paths):
    codes, block = np.load(paths[0]), 50_000
    gc = np.isin(codes[: codes.size // block * block], [1, 2]).reshape(-1, block).mean(1)
    starts = np.flatnonzero(gc < np.quantile(gc, 0.2)) * block
    assert gc.mean() > 0.48 and 0.40 < gc[starts // block].mean() < 0.41  # as hg19
    merges = bpe.train(codes, starts, starts + block, 600).merges
    texts = token_texts(merges)
    tokens, _ = Encoder(merges).encode_windows(codes, starts, starts + block)
    counts = np.bincount(tokens, minlength=len(texts))
    assert texts[4:6] == ["AA", "TT"] and "CG" not in texts
    assert np.mean([text[0] in "AT" for text in texts]) == pytest.approx(0.967, abs=0.001)
    assert len(starts) * block / counts.sum() == pytest.approx(4.08, abs=0.01)
    assert sorted(text for text in texts if len(text) >= 16) == ["A" * 16, "T" * 16]
    assert [sum(len(text) == length for text in texts) for length in (5, 6)] == [200, 224]
    assert counts[:4].argmax() == 2 and counts[2] > 100 * np.delete(counts[:4], 2).max()
