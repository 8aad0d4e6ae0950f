"""Embeddings of tokens and regions against a plain computation, window by window."""

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import BertConfig, BertModel

from grover.embedding import describe_regions, embed, sample_regions
from grover.errors import InputError
from grover.genome import Genome
from grover.tokens import TokenisedGenome, tokenise
from grover.vocabulary import CLS, SEP, Vocabulary


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    sizes = {"num_hidden_layers": 2, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(vocab_size=30, max_position_embeddings=14, **sizes)
    return BertModel(config, add_pooling_layer=False).eval()


def test_averages_are_those_of_single_windows(encoder):
    windows = np.random.default_rng(0).integers(5, 29, (7, 12)).astype(np.uint16)
    tokens, counts, cls, mean = embed(encoder, windows, batch=3, device=torch.device("cpu"))
    states = []
    for row in windows.astype(np.int64):
        ids = torch.tensor([[CLS, *row, SEP]])
        with torch.no_grad():
            states.append(encoder(ids).last_hidden_state[0].numpy())
    states = np.stack(states)
    np.testing.assert_allclose(cls, states[:, 0], atol=1e-5)
    np.testing.assert_allclose(mean, states[:, 1:-1].mean(1), atol=1e-5)
    for token in np.unique(windows):
        np.testing.assert_allclose(tokens[token], states[:, 1:-1][windows == token].mean(0), atol=1e-5)
        assert counts[token] == (windows == token).sum()
    assert not tokens[29].any() and counts[29] == 0 and counts.sum() == windows.size


def test_windows_longer_than_the_model_are_refused(encoder):
    with pytest.raises(InputError, match="14 positions"):
        embed(encoder, np.full((1, 13), 5), batch=1, device=torch.device("cpu"))


def test_regions_tile_the_segments():
    segments = np.array([0, 25, 30, 52])
    assert sample_regions(segments, 10, 100, 0).tolist() == [0, 10, 30, 40]
    chosen = sample_regions(np.array([0, 10_000]), 10, 100, seed=1)
    # one from each hundredth of the genome, on the grid
    assert (chosen // 100).tolist() == list(range(100)) and not (chosen % 10).any()
    assert chosen.tolist() == sample_regions(np.array([0, 10_000]), 10, 100, seed=1).tolist()
    with pytest.raises(InputError, match="no segment holds 60 tokens"):
        sample_regions(segments, 60, 10, 0)


def test_regions_have_coordinates_gc_and_fold(tmp_path):
    codes = np.array([0, 3] * 20 + [1, 2] * 20, np.uint8)
    np.save(tmp_path / "sequence.npy", codes)
    (tmp_path / "segments.bed").write_text("chr1\t100\t140\ts0\nchr2\t0\t40\ts1\n")
    genome = Genome(tmp_path / "sequence.npy", tmp_path / "segments.bed")
    words = Vocabulary.from_kmers("kmer-2", 2)
    tokenise(codes, np.array([0, 40, 80]), words, tmp_path / "tokens.npy", tmp_path / "index.npy")
    tokens = TokenisedGenome(tmp_path / "tokens.npy", tmp_path / "index.npy", words)
    folds = pd.DataFrame({"chrom": ["chr1", "chr1", "chr2"], "start": [0, 125, 0], "end": [125, 200, 40]})
    folds["fold"] = ["train", "test", "valid"]
    table = describe_regions(np.array([0, 10, 20]), 10, tokens, genome, folds)
    expected = [("chr1", 100, 120, 0.0, "train"), ("chr1", 120, 140, 0.0, "gap"), ("chr2", 0, 20, 1.0, "valid")]
    assert list(table.itertuples(index=False, name=None)) == expected
