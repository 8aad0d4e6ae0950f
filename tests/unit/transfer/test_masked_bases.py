"""Loci of fold test with what a vocabulary makes of them, and token frequencies of fold train."""

import numpy as np
import pandas as pd
import pytest
import torch

from grover.genome.assembly import Genome
from grover.interpretation.base_tracks import BaseReader, Reading
from grover.tokenization.vocabulary import FIRST_BASE, Vocabulary
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
        assert row.bases == 100


def constant(vocabulary: Vocabulary, model: np.ndarray, frequency: np.ndarray) -> BaseReader:
    """A reader whose model has these probabilities of the words whatever surrounds them, as token frequencies have others."""
    asked = reader(vocabulary)
    with torch.no_grad():
        asked.model.cls.predictions.decoder.weight.zero_()
        asked.model.cls.predictions.decoder.bias[FIRST_BASE:] = torch.from_numpy(np.log(model))
    logs = np.concatenate([np.full(FIRST_BASE, -np.inf), np.log(frequency)])
    return BaseReader(asked.model, vocabulary, logs, torch.device("cpu"), "fp32")


def test_bits_are_those_of_the_probabilities_of_both_strands(genome):
    loci = pd.DataFrame({"chrom": "c", "start": [150, 900], "end": [250, 1_000]})
    model, frequency = np.array([0.1, 0.2, 0.4, 0.3]), np.array([0.5, 0.2, 0.2, 0.1])
    asked = constant(Vocabulary.from_kmers("kmer-1", 1), model, frequency)
    table = masked_bases(asked, genome, loci, Reading(window=30, context=4, share=0.2))
    for row in table.itertuples():
        for found, probability in ((row.bits, model), (row.bits_frequency, frequency)):
            both = dict(zip("ACGT", (probability + probability[::-1]) / 2, strict=True))
            assert found == pytest.approx(-sum(np.log2(both[base]) for base in row.sequence), abs=1e-4)


def test_a_model_of_token_frequencies_gains_nothing(genome):
    loci = pd.DataFrame({"chrom": "c", "start": [150], "end": [250]})
    shares = np.random.default_rng(1).dirichlet(np.ones(BPE.size - FIRST_BASE))
    [row] = masked_bases(
        constant(BPE, shares, shares), genome, loci, Reading(window=30, context=4, share=0.2)
    ).itertuples()
    assert row.bits == pytest.approx(row.bits_frequency, abs=1e-3) and row.bits_frequency > 100
