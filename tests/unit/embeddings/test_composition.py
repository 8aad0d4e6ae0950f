"""Composition of regions: against counting by text, and through the command into a file of embeddings."""

import runpy
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grover.config.sections.embeddings import Composition
from grover.embeddings.composition import compose, kmer_frequencies, mean_vectors
from grover.embeddings.region_table import Places
from grover.embeddings.vectors import open_embeddings
from grover.genome.assembly import Genome
from grover.genome.bases import decode
from grover.runtime.errors import InputError
from grover.tokenization.genome_tokens import tokenise
from grover.tokenization.vocabulary import Vocabulary

SCRIPT = Path(__file__).parents[3] / "workflow/scripts/compose_regions.py"


@pytest.mark.parametrize("k", [1, 3, 4])
def test_kmers_are_those_of_the_text(k):
    codes = np.random.default_rng(1).integers(0, 4, 300).astype(np.uint8)
    left, right = np.array([0, 17, 100, 299]), np.array([300, 40, 102, 300])
    kmers = ["".join(bases) for bases in product("ACGT", repeat=k)]
    found = kmer_frequencies(codes, left, right, k)
    assert found.shape == (4, 4**k) and found.dtype == np.float32
    for row, begin, end in zip(found, left, right, strict=True):
        text = decode(codes[begin:end])
        counted = [sum(text.startswith(kmer, at) for at in range(len(text))) for kmer in kmers]
        assert row == pytest.approx(np.array(counted) / max(1, len(text) - k + 1))


def test_the_mean_is_that_of_the_tokens_with_a_vector():
    rng = np.random.default_rng(2)
    tokens, vectors = rng.integers(1, 6, 50).astype(np.uint16), rng.normal(size=(6, 3)).astype(np.float32)
    vectors[5] = 0
    first, last = np.array([0, 10, 48]), np.array([50, 11, 50])
    tokens[10], tokens[48:] = 5, 1
    found = mean_vectors(tokens, first, last, vectors)
    kept = tokens[tokens != 5]
    assert found[0] == pytest.approx(vectors[kept].mean(0), abs=1e-6)
    assert found[1].tolist() == [0, 0, 0] and found[2] == pytest.approx(vectors[1])


def test_vectors_of_another_vocabulary_are_refused():
    with pytest.raises(InputError, match=r"of 3 tokens, but the genome contains token 7.*same vocabulary"):
        mean_vectors(np.array([7], np.uint16), np.array([0]), np.array([1]), np.ones((3, 2), np.float32))


def test_blocks_are_those_of_all_regions_at_once(monkeypatch):
    rng = np.random.default_rng(3)
    codes, tokens = rng.integers(0, 4, 500).astype(np.uint8), rng.integers(1, 6, 100).astype(np.uint16)
    left, first = np.arange(0, 490, 10), np.arange(0, 98, 2)
    regions = (Places(left, left + 10, first, first + 2), codes, tokens, np.eye(6, dtype=np.float32))
    (whole,) = compose(*regions, 4)
    monkeypatch.setattr("grover.embeddings.composition.REGIONS_AT_ONCE", 20)
    blocks = list(compose(*regions, 4))
    assert [len(block["kmers"]) for block in blocks] == [20, 20, 9]
    for name, values in whole.items():
        assert (np.concatenate([block[name] for block in blocks]) == values).all()


def test_the_command_writes_a_file_of_embeddings(tmp_path):
    rng = np.random.default_rng(4)
    codes = rng.integers(0, 4, 900).astype(np.uint8)
    np.save(tmp_path / "sequence.npy", codes)
    (tmp_path / "segments.bed").write_text("chr1\t100\t700\ts0\nchr2\t0\t300\ts1\n")
    genome = Genome(tmp_path / "sequence.npy", tmp_path / "segments.bed")
    vocabulary = Vocabulary.from_kmers("kmer-3", 3)
    vocabulary.save(tmp_path / "vocabulary")
    tokenise(codes, genome.bounds, vocabulary, tmp_path / "tokens.npy", tmp_path / "index.npy")
    vectors = rng.normal(size=(vocabulary.size, 5)).astype(np.float32)
    np.save(tmp_path / "word2vec.npy", vectors)
    regions = pd.DataFrame({"chrom": ["chr1", "chr2"], "start": [103, 30], "end": [130, 90]})
    regions.to_parquet(tmp_path / "regions.parquet")
    names = ["regions", "word2vec", "tokens", "index", "vocabulary", "sequence", "segments", "output"]
    files = ["regions.parquet", "word2vec.npy", "tokens.npy", "index.npy", "vocabulary/tokenizer.json"]
    files += ["sequence.npy", "segments.bed", "composition.parquet"]
    command = runpy.run_path(str(SCRIPT))["compose_regions"]
    given = {name: tmp_path / file for name, file in zip(names, files, strict=True)}
    command(**given, composition=Composition(kmers=2))

    found = open_embeddings([tmp_path / "composition.parquet"], tmp_path / "regions.parquet")["composition"]
    assert found.regions().drop(columns=["region", "tokens"]).equals(regions)
    assert found.regions()["tokens"].tolist() == [9, 20] and found.regions()["region"].tolist() == [0, 1]
    words = [decode(codes[at : at + 3]) for at in range(3, 30, 3)]
    mean = vectors[[vocabulary.tokens.index(word) for word in words]].mean(0)
    assert found.column("word2vec")[0] == pytest.approx(mean, abs=1e-6)
    assert found.column("kmers")[1] == pytest.approx(kmer_frequencies(codes, np.array([630]), np.array([690]), 2)[0])
