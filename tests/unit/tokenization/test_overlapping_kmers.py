"""Overlapping k-mers after their making: what is hidden stays hidden, and intervals end where their last k-mer does."""

import importlib.util
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grover.config.sections.genome import Windows
from grover.embeddings.region_table import places_of_tokens, token_ranges
from grover.genome.assembly import Genome
from grover.genome.bases import decode
from grover.network.packed import pack
from grover.pretraining.masking import Masking, mask
from grover.tokenization.genome_tokens import TokenisedGenome, tokenise
from grover.tokenization.vocabulary import CLS, MASK, SEP, Vocabulary

SCRIPTS = Path(__file__).parents[3] / "workflow/scripts"


def kmers(k: int) -> Vocabulary:
    return Vocabulary.from_overlapping_kmers(f"overlap-{k}", k)


def bases_shown(vocabulary: Vocabulary, ids: np.ndarray, begins: np.ndarray) -> dict[int, str]:
    """The bases that the visible k-mers of a window spell, by base."""
    shown = {}
    for token, begin in zip(ids, begins, strict=True):
        if token not in (CLS, SEP, MASK):
            shown |= dict(enumerate(vocabulary.tokens[token], begin))
    return shown


@pytest.mark.parametrize("k", [3, 4, 5, 6])
def test_no_masked_base_is_visible_in_an_unmasked_word(k):
    vocabulary = kmers(k)
    codes = np.random.default_rng(k).integers(0, 4, 3_000, dtype=np.uint8)
    tokens = vocabulary.encode(codes)
    first, length = np.arange(0, 2_800, 50), np.resize([5, 50, 20, 33], 56)
    ids, lengths = pack(tokens, first, length)
    ends = np.cumsum(lengths)
    begins = np.concatenate([[-1, *range(start, start + n), -1] for start, n in zip(first, length, strict=True)])
    masked = 0
    for epoch in range(20):
        masking = Masking(0.15, mask=1.0, span=vocabulary.mask_span)
        hidden, chosen = mask(ids, lengths, np.arange(56), vocabulary.size, masking, 7, epoch)
        assert (hidden[chosen] == MASK).all() and (hidden[~chosen] == ids[~chosen]).all()
        for stop, n in zip(ends, lengths, strict=True):
            window = slice(stop - n, stop)
            shown = bases_shown(vocabulary, hidden[window], begins[window])
            inside = chosen[window]
            # each masked k-mer holds a base that no visible k-mer spells, so that none can be copied from its neighbours
            assert all(set(range(at, at + k)) - shown.keys() for at in begins[window][inside])
            runs = np.flatnonzero(np.diff(np.concatenate([[0], inside, [0]]))).reshape(-1, 2)
            for left, right in runs:
                # hidden are the bases that all k-mers of the run hold, at either end of the window those beyond them, too
                low = begins[window][left] + (k - 1) * (left > 1)
                high = begins[window][right - 1] + 1 + (k - 1) * (right == n - 1)
                assert low < high and not set(range(low, high)) & shown.keys()
            masked += inside.sum()
    assert masked > 1_000


def test_a_word_hidden_alone_is_spelt_by_its_neighbours():
    vocabulary = kmers(3)
    tokens = vocabulary.encode(np.random.default_rng(0).integers(0, 4, 402, dtype=np.uint8))
    ids, lengths = pack(tokens, np.array([0]), np.array([400]))
    hidden, chosen = mask(ids, lengths, np.array([0]), vocabulary.size, Masking(0.05, mask=1.0, span=1), 0, 0)
    shown = bases_shown(vocabulary, hidden, np.arange(-1, 401))
    alone = [at - 1 for at in np.flatnonzero(chosen) if not chosen[[at - 2, at - 1, at + 1, at + 2]].any()]
    spelt = ["".join(shown[base] for base in range(at, at + 3)) for at in alone]
    assert len(spelt) > 5 and spelt == [vocabulary.tokens[tokens[at]] for at in alone]


def test_visible_kmers_leave_all_bases_open_at_a_masked_base():
    vocabulary, text = kmers(3), np.array([0, 1, 2, 3, 0, 1, 2, 2, 1], np.uint8)
    texts = np.array(list(product(range(4), repeat=3)), np.uint8)
    for at in range(1, 4):
        visible = np.delete(vocabulary.encode(text), range(at, at + 3))
        # of all bases at these bases those fit that differ at the one base which the three masked k-mers share
        others = np.tile(text, (64, 1))
        others[:, at + 1 : at + 4] = texts
        fitting = [
            other for other in others if (np.delete(vocabulary.encode(other), range(at, at + 3)) == visible).all()
        ]
        assert sorted(other[at + 2] for other in fitting) == [0, 1, 2, 3]


@pytest.fixture
def tokenised(tmp_path):
    """Two segments, of 8 and of 12 bases, in overlapping k-mers of three: 6 and 10 tokens."""
    codes = np.array([0, 3] * 4 + [1, 2] * 6, np.uint8)
    np.save(tmp_path / "sequence.npy", codes)
    (tmp_path / "segments.bed").write_text("chr1\t100\t108\ts0\nchr2\t0\t12\ts1\n")
    tokenise(codes, np.array([0, 8, 20]), kmers(3), tmp_path / "tokens.npy", tmp_path / "index.npy")
    genome = Genome(tmp_path / "sequence.npy", tmp_path / "segments.bed")
    return genome, TokenisedGenome(tmp_path / "tokens.npy", tmp_path / "index.npy", kmers(3))


def test_a_run_of_words_ends_with_its_last_word(tokenised):
    _, tokens = tokenised
    assert tokens.ends_at(np.arange(16)).tolist() == [3, 4, 5, 6, 7, 8, *range(11, 21)]


@pytest.mark.parametrize(
    "vocabulary",
    [
        Vocabulary.from_kmers("kmer-4", 4),
        Vocabulary.from_kmers("char", 1),
        Vocabulary.from_merges("bpe", np.array([[0, 3], [4, 4], [1, 2]], np.int32)),
        kmers(4),
    ],
    ids=lambda vocabulary: vocabulary.name,
)
def test_every_token_ends_where_its_text_does(vocabulary, tmp_path):
    codes = np.random.default_rng(0).choice(4, 4_000, p=[0.4, 0.1, 0.1, 0.4]).astype(np.uint8)
    offsets = np.array([0, 3, 1_500, 1_504, 4_000])
    tokenise(codes, offsets, vocabulary, tmp_path / "tokens.npy", tmp_path / "index.npy")
    genome = TokenisedGenome(tmp_path / "tokens.npy", tmp_path / "index.npy", vocabulary)
    places = np.arange(len(genome.tokens))
    for token, begin, end in zip(genome.tokens, genome.bases_at(places), genome.ends_at(places), strict=True):
        assert decode(codes[begin:end]) == vocabulary.tokens[token]
    if vocabulary.kind != "overlap":
        assert (genome.ends_at(places) == genome.bases_at(places + 1)).all()


def test_regions_end_where_the_next_one_begins(tokenised):
    genome, tokens = tokenised
    left, right = places_of_tokens(np.array([0, 6, 11]), 5, tokens)
    # five k-mers begin at five bases
    assert (left.tolist(), right.tolist()) == ([0, 8, 13], [5, 13, 18])
    first, last = token_ranges(left, right, tokens, genome)
    # a k-mer of three bases belongs to the region of its second one, and none of those of a segment has its first one there
    assert (first.tolist(), last.tolist()) == ([0, 6, 10], [4, 10, 15])


def test_a_substitution_changes_all_words_that_hold_it():
    codes = np.random.default_rng(0).integers(0, 4, 40, dtype=np.uint8)
    for base, k in product((0, 3, 20, 39), (3, 6)):
        other = codes.copy()
        other[base] ^= 1
        changed = np.flatnonzero(kmers(k).encode(codes) != kmers(k).encode(other))
        assert len(kmers(k).encode(codes)) == 40 - k + 1
        assert changed.tolist() == [at for at in range(40 - k + 1) if at <= base < at + k]


def test_a_window_is_in_a_fold_with_all_bases_of_its_last_word(tmp_path):
    spec = importlib.util.spec_from_file_location("make_windows", SCRIPTS / "make_windows.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    codes = np.random.default_rng(0).integers(0, 4, 4_000, dtype=np.uint8)
    paths = {name: tmp_path / f"{name}.npy" for name in ("sequence", "tokens", "index")}
    np.save(paths["sequence"], codes)
    (tmp_path / "segments.bed").write_text("c\t500\t4500\ts0\n")
    folds = ["train", "test"] * 30
    rows = [f"c\t{500 + 67 * i}\t{567 + 67 * i}\t{fold}\n" for i, fold in enumerate(folds)]
    (tmp_path / "folds.bed").write_text("".join(rows))
    kmers(6).save(tmp_path / "overlap-6")
    tokenise(codes, np.array([0, 4_000]), kmers(6), paths["tokens"], paths["index"])
    script.make_windows(
        segments=tmp_path / "segments.bed",
        tokenizer=tmp_path / "overlap-6/tokenizer.json",
        folds=tmp_path / "folds.bed",
        windows=tmp_path / "windows.parquet",
        **paths,
        cutting=Windows(shortest=5, longest=20, passes=1),
        seed=1,
    )
    table = pd.read_parquet(tmp_path / "windows.parquet")
    # in one segment the number of a k-mer is that of its first base; n k-mers hold n + 5 bases
    first, last = table["first"] // 67, (table["first"] + table["length"] + 5 - 1) // 67
    expected = [folds[block] if block == end else "gap" for block, end in zip(first, last, strict=True)]
    assert table["region"].tolist() == expected and len(table) > 200
    assert set(expected) == {"train", "test", "gap"}
