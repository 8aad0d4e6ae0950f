"""Loci of fold test with what a vocabulary makes of them, and token frequencies of fold train."""

import numpy as np
import pandas as pd
import pytest

from grover.genome.assembly import Genome
from grover.interpretation.base_tracks import Reading
from grover.transfer.masked_bases import count_tokens, masked_bases
from tests.unit.interpretation.test_base_tracks import BPE, reader


@pytest.fixture
def genome(tmp_path):
    """Two segments of contig c, 100-700 and 800-1100."""
    np.save(tmp_path / "sequence.npy", np.random.default_rng(0).integers(0, 4, 900, dtype=np.uint8))
    (tmp_path / "segments.bed").write_text("c\t100\t700\ts0\nc\t800\t1100\ts1\n")
    return Genome(tmp_path / "sequence.npy", tmp_path / "segments.bed")


def test_tokens_of_fold_train_alone_are_counted(genome):
    folds = pd.DataFrame(
        {"chrom": "c", "start": [0, 400, 750], "end": [400, 750, 900], "fold": ["train", "test", "train"]}
    )
    parts = genome.codes[:300], genome.codes[600:700]  # 100-400, and 800-900 of the second segment
    expected = sum(np.bincount(BPE.encode(codes), minlength=BPE.size) for codes in parts)
    assert np.array_equal(count_tokens(genome, folds, BPE), expected)


def test_a_row_has_the_sequence_of_its_locus_and_what_the_vocabulary_makes_of_it(genome):
    loci = pd.DataFrame({"chrom": "c", "start": [150, 900], "end": [250, 1_000]})
    table = masked_bases(reader(BPE), genome, loci, Reading(window=30, context=4, share=0.2))
    for row, codes in zip(table.itertuples(), (genome.codes[50:150], genome.codes[700:800]), strict=True):
        assert row.sequence == "".join("ACGT"[code] for code in codes)
        assert row.gc == pytest.approx(np.isin(codes, [1, 2]).mean()) and row.tokens == len(BPE.encode(codes))
        assert row.bases == 100 and 0 < row.bits < 400 and 0 < row.bits_frequency < 400
