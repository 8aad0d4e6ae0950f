"""How changed sequences are cut, against the reader of the datasets and a comparison token by token."""

import numpy as np
import pandas as pd
import pytest

from grover.benchmarks.tokenise import read_tokens
from grover.genome.bases import decode, encode
from grover.interpretation.cutting import bases_of, compare_cuts, cut, spans_per_base
from grover.interpretation.mutagenesis import substitutions
from grover.interpretation.sites import sites_of
from grover.tokenization.bpe import train
from grover.tokenization.vocabulary import Vocabulary

GENOME = decode(np.random.default_rng(1).integers(0, 4, 4_000).astype(np.uint8))
VOCABULARIES = {
    "bpe": Vocabulary.from_merges("bpe-60", train(encode(GENOME), np.array([0]), np.array([4_000]), 60).merges),
    "kmer": Vocabulary.from_kmers("kmer-4", 4),
    "overlap": Vocabulary.from_overlapping_kmers("overlap-3", 3),
    "char": Vocabulary.from_kmers("char", 1),
}


def dataset(**columns) -> pd.DataFrame:
    place = {"label": 1, "chrom": "chr1", "start": 1_000, "end": 1_060, "strand": "+", "pieces": ""}
    texts = {"sequence": GENOME[1_000:1_060], "before": GENOME[950:1_000], "after": GENOME[1_060:1_090]}
    return pd.DataFrame([place | texts | columns])


@pytest.mark.parametrize("name", VOCABULARIES)
@pytest.mark.parametrize("columns", [{}, {"before": "", "after": ""}])
def test_versions_are_cut_as_the_reader_of_the_datasets_cuts_them(name, columns):
    table, vocabulary = dataset(**columns), VOCABULARIES[name]
    (site,) = sites_of(table, np.array([0]))
    sequences, _, _ = substitutions(site.codes)
    found = cut(site, sequences[::7], vocabulary)
    texts = [decode(row) for row in sequences[::7]]
    expected = read_tokens(pd.concat([table] * len(texts)).assign(sequence=texts), vocabulary)
    assert all(np.array_equal(*pair) for pair in zip(found.inputs(1_000), expected, strict=True))
    tokens, starts = found.of(3)
    for token, start in zip(tokens, starts, strict=True):
        assert texts[3][start : start + vocabulary.spans[token]] == vocabulary.tokens[token]
    assert all(len(tokens) <= 5 for tokens in found.inputs(5))


def test_pieces_that_did_not_change_stay():
    vocabulary = VOCABULARIES["bpe"]
    tokens = vocabulary.encode(encode(GENOME[1_000:1_060]))[::-1]
    pieces = [vocabulary.tokens[token] for token in tokens]
    (site,) = sites_of(dataset(sequence="".join(pieces), pieces=" ".join(pieces), before="", after=""), np.array([0]))
    sequences, position, _ = substitutions(site.codes)
    found = cut(site, np.vstack([site.codes[None], sequences]), vocabulary)
    assert np.array_equal(found.of(0)[0], tokens)
    owner = np.repeat(np.arange(len(pieces)), list(map(len, pieces)))
    for row in range(0, len(position), 11):
        piece = owner[position[row]]
        alone = vocabulary.encode(sequences[row][owner == piece])
        assert np.array_equal(found.of(row + 1)[0], np.concatenate([tokens[:piece], alone, tokens[piece + 1 :]]))
    # who lacks a piece reads the bare sequence
    kmers = VOCABULARIES["kmer"]
    assert np.array_equal(cut(site, site.codes, kmers).of(0)[0], kmers.encode(site.codes))


def test_where_no_token_lies_in_a_sequence_it_is_read_alone():
    (site,) = sites_of(dataset(sequence="ACG", before="T", after="TTTT", start=0, end=3), np.array([0]))
    found = cut(site, np.array([site.codes, encode("AAA")]), VOCABULARIES["kmer"])
    assert found.of(0)[0].tolist() == [5, 6, 7] and found.of(1)[0].tolist() == [5, 5, 5]


@pytest.mark.parametrize("name", VOCABULARIES)
def test_the_change_of_a_cut_is_that_of_its_sets_of_tokens(name):
    vocabulary = VOCABULARIES[name]
    (site,) = sites_of(dataset(), np.array([0]))
    sequences, position, _ = substitutions(site.codes)
    reference, changed = cut(site, site.codes, vocabulary), cut(site, sequences, vocabulary)
    found = compare_cuts(reference, changed, position, vocabulary)

    def tokens(one, number):
        ids, starts = one.of(number)
        return {
            (int(start), int(start + vocabulary.spans[token]), int(token))
            for token, start in zip(ids, starts, strict=True)
        }

    before = tokens(reference, 0)
    for row, place in enumerate(position):
        after = tokens(changed, row)
        bounds = {each[:2] for each in before} ^ {each[:2] for each in after}
        lost = {each[:2] for each in before} - {each[:2] for each in after}
        assert found["tokens_changed"][row] == len(after - before)
        assert found["boundary_moved"][row] == bool(bounds)
        assert found["reach"][row] == sum(end - start for start, end in lost if not start <= place < end)
    moved = found["boundary_moved"].mean()
    assert 0.05 < moved < 1 if name == "bpe" else moved == 0


def test_bases_of_tokens_and_the_longest_span_of_each():
    bases, owner = bases_of(np.array([2, 5]), np.array([3, 1]))
    assert bases.tolist() == [2, 3, 4, 5] and owner.tolist() == [0, 0, 0, 1]
    (site,) = sites_of(dataset(sequence="ACGTAC", before="", after="", start=0, end=6), np.array([0]))
    assert spans_per_base(site, VOCABULARIES["kmer"]).tolist() == [4, 4, 4, 4, 1, 1]
    assert spans_per_base(site, VOCABULARIES["overlap"]).tolist() == [3] * 6
