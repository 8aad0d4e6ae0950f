import numpy as np
import pandas as pd
import pytest

from grover.config.sections.pretraining import CommonSpans
from grover.genome.assembly import Genome
from grover.pretraining import common_spans
from grover.pretraining.scores import PREDICTORS
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import FIRST_BASE, Vocabulary


@pytest.fixture
def genome(tmp_path):
    codes = np.random.default_rng(0).integers(0, 4, 9_000).astype(np.uint8)
    np.save(tmp_path / "sequence.npy", codes)
    (tmp_path / "segments.bed").write_text("chr1\t1000\t6000\ts0\nchr1\t7000\t9000\ts1\nchr2\t0\t2000\ts2\n")
    return Genome(tmp_path / "sequence.npy", tmp_path / "segments.bed")


FOLDS = pd.DataFrame({"chrom": ["chr1", "chr2", "chr1"], "start": [4_950, 0, 1_000], "end": [8_000, 1_000, 4_000]})
FOLDS["fold"] = ["test", "test", "train"]
MARGIN = common_spans.MARGIN


def draw(genome, most=100, seed=0, share=0.1, bases=100):
    return common_spans.draw_spans(
        genome, FOLDS, "test", CommonSpans.model_construct(span=6, span_share=share, span_bases=bases), most, seed
    )


def test_windows_lie_in_one_segment_of_the_held_out_intervals_and_do_not_overlap(genome):
    spans = draw(genome)
    chroms, starts = genome.locate(spans.starts)
    _, last = genome.locate(spans.starts + 99)
    assert (last - starts == 99).all()
    inside = np.where(chroms == 0, (starts >= 4_950) & (last < 8_000), last < 1_000)
    assert inside.all() and (np.diff(spans.starts) >= 100).all()
    assert len(spans.starts) == 10 + 10 + 10  # of 1,050, 1,000 and 1,000 bases


def test_spans_have_their_length_and_about_their_share_and_depend_on_the_seed_alone(genome):
    spans = draw(genome, share=0.3)
    for row in spans.marked:
        edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]])))
        assert (np.diff(edges.reshape(-1, 2), axis=1) % 6 == 0).all()
    middle = spans.marked[:, MARGIN:-MARGIN]
    assert middle.sum() == spans.marked.sum()
    assert middle.mean() == pytest.approx(0.28, abs=0.06)  # cells that are cut by a margin are left out
    again, other = draw(genome, share=0.3), draw(genome, share=0.3, seed=1)
    assert (again.marked == spans.marked).all() and (other.marked != spans.marked).any()
    assert len(draw(genome, most=7).starts) == 7


@pytest.mark.parametrize(
    "vocabulary",
    [
        Vocabulary.from_kmers("kmer-3", 3),
        Vocabulary.from_kmers("char", 1),
        Vocabulary.from_merges("bpe-3", np.array([[0, 0], [4, 3], [1, 2]])),
    ],
)
def test_every_token_that_overlaps_a_span_is_masked_and_no_other(genome, vocabulary):
    spans = draw(genome)
    tokens, offsets, touched = common_spans.touched_tokens(genome.codes, spans, vocabulary)
    begins = common_spans.places(tokens, offsets, spans, vocabulary.strides)
    sizes = vocabulary.strides[tokens]
    hidden = {base + i for base, size in zip(begins[touched], sizes[touched], strict=True) for i in range(size)}
    marked = {
        start + place for start, row in zip(spans.starts, spans.marked, strict=True) for place in np.flatnonzero(row)
    }
    assert marked <= hidden
    assert vocabulary.name != "char" or marked == hidden
    for place, token, hit in zip(begins, tokens, touched, strict=True):
        text = "".join("ACGT"[code] for code in genome.codes[place : place + vocabulary.strides[token]])
        assert text == vocabulary.tokens[token]
        assert hit == any(place + i in marked for i in range(len(text)))


@pytest.mark.parametrize("k", [3, 4, 6, 7])
def test_what_a_word_leaves_over_at_the_end_of_a_window_is_never_hidden(genome, k):
    """k-mers spell the rest of a window in single bases, which are rare in training."""
    vocabulary = Vocabulary.from_kmers(f"kmer-{k}", k)
    tokens, _, touched = common_spans.touched_tokens(genome.codes, draw(genome, share=0.5, bases=101), vocabulary)
    assert (vocabulary.strides[tokens] == 1).any() and (vocabulary.strides[tokens[touched]] == k).all()


def test_bits_are_divided_by_the_bases_hidden(genome):
    spans = draw(genome)
    vocabulary = Vocabulary.from_kmers("char", 1)
    tokens, offsets, touched = common_spans.touched_tokens(genome.codes, spans, vocabulary)
    base = common_spans.places(tokens, offsets, spans, vocabulary.strides)[touched]
    table = pd.DataFrame({"target": FIRST_BASE, "bases": 1, "base": base * 1_000, "seen": base < 4_000})
    for name in PREDICTORS:
        table[f"nats_{name}"] = np.log(4)  # a quarter per base
    found = common_spans.score_spans(table, spans, 6, seed=0)
    assert found["bits_per_base"] == pytest.approx(2) and found["baselines"]["neighbours"]["high"] == pytest.approx(2)
    assert found["n"] == found["bases"] == found["span_bases"] == spans.marked.sum()
    assert found["seen_share"] == (base < 4_000).mean()


def test_what_cannot_be_drawn_is_one_sentence_that_names_the_fold(genome):
    with pytest.raises(InputError, match="no stretch of 5000 bases of fold test"):
        draw(genome, bases=5_000)
    with pytest.raises(InputError, match="no stretch of 100 bases of fold valid"):
        common_spans.draw_spans(genome, FOLDS, "valid", CommonSpans(span=6, span_share=0.1, span_bases=100), 10, 0)
    with pytest.raises(InputError, match="no span was drawn in 1 windows of fold test"):
        draw(genome, most=1, share=1e-9)
    with pytest.raises(InputError, match="set `evaluation.span_bases` to 48 or more"):
        draw(genome, bases=47)
    assert draw(genome, bases=48, share=1).marked.any(axis=1).all()


def test_a_window_that_has_too_many_tokens_for_the_model_names_the_key():
    common_spans.check_windows(np.array([0, 40, 100]), 62, 124, "bpe-60")
    with pytest.raises(InputError, match="up to 124 tokens of char, .* 62; set `evaluation.span_bases` to 62 or less"):
        common_spans.check_windows(np.array([0, 124, 240]), 64, 124, "char")
