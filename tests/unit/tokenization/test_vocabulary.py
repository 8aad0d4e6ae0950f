"""A vocabulary and the `tokenizer.json` that it writes must give the same ids; broken files are refused in one sentence."""

import json
from functools import cache

import numpy as np
import pytest

from grover.network.bert import bert_config, new_language_model
from grover.runtime.errors import InputError
from grover.tokenization import bpe
from grover.tokenization.genome_tokens import STRIDE, TokenisedGenome, tokenise
from grover.tokenization.merges import check_closed, merge_table, read_merges
from grover.tokenization.vocabulary import FIRST_BASE, MASK, UNK, Vocabulary, overlapping_kmers
from tests.fakes.networks import architecture

NAMES = ["bpe-50", "kmer-4", "char", "overlap-3"]


def random_codes(length: int, seed: int = 0) -> np.ndarray:
    # skewed, so that tokens of several lengths come up
    return np.random.default_rng(seed).choice(4, length, p=[0.4, 0.1, 0.15, 0.35]).astype(np.uint8)


def text_of(codes: np.ndarray) -> str:
    return "".join("ACGTN"[code] for code in codes)


@cache
def make(name: str) -> Vocabulary:
    kind, _, number = name.partition("-")
    if kind == "bpe":
        codes = random_codes(400 * int(number))
        return Vocabulary.from_merges(name, bpe.train(codes, [0], [codes.size], int(number)).merges)
    if kind == "overlap":
        return Vocabulary.from_overlapping_kmers(name, int(number))
    return Vocabulary.from_kmers(name, int(number or 1))


def written(vocabulary: Vocabulary, text: str) -> str:
    """Sequence as the tokenizer of the vocabulary reads it."""
    return overlapping_kmers(text, vocabulary.k) if vocabulary.kind == "overlap" else text


@pytest.fixture(scope="module", params=NAMES)
def vocabulary(request) -> Vocabulary:
    return make(request.param)


def test_auto_tokenizer_gives_the_same_ids_and_the_text_back(vocabulary, tmp_path):
    from transformers import AutoTokenizer

    vocabulary.save(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert tokenizer.mask_token_id == MASK
    for length in (1, 2, 3, 7, 50, 333):
        codes = random_codes(length, length)
        text = written(vocabulary, text_of(codes))
        ids = tokenizer(text)["input_ids"]
        assert ids == [2, *vocabulary.encode(codes).tolist(), 3]
        assert tokenizer.decode(ids, skip_special_tokens=True) == text
        assert tokenizer(text.lower())["input_ids"] == ids


def test_anything_but_acgt_is_one_unknown_a_base(vocabulary, tmp_path):
    from transformers import AutoTokenizer

    stretches = [random_codes(9), random_codes(5, 1), random_codes(2, 2)]
    codes = np.concatenate([stretches[0], [4, 4], stretches[1], [4], stretches[2], [4]]).astype(np.uint8)
    ids = vocabulary.encode(codes)
    between = np.split(ids, np.flatnonzero(ids == UNK))
    assert (ids == UNK).sum() == 4
    for alone, stretch in zip([between[0], between[2][1:], between[3][1:]], stretches, strict=True):
        assert (alone == vocabulary.encode(stretch)).all()
    vocabulary.save(tmp_path)
    text = written(vocabulary, text_of(codes))
    assert AutoTokenizer.from_pretrained(tmp_path)(text)["input_ids"][1:-1] == ids.tolist()


@pytest.mark.parametrize("name", ["bpe-600", "kmer-4", "char", "overlap-3"])
def test_tokenizer_and_embedding_matrix_have_the_same_number_of_rows(name, tmp_path):
    # the published model has 609 rows, its tokenizer 610 tokens
    from transformers import AutoTokenizer

    vocabulary = make(name)
    vocabulary.save(tmp_path)
    small = architecture(layers=1, hidden=8, heads=1, intermediate=8, positions=8)
    model = new_language_model(bert_config(small, vocabulary.size), seed=0)
    rows = {"bpe-600": 609, "kmer-4": 265, "char": 9, "overlap-3": 73}[name]
    assert len(AutoTokenizer.from_pretrained(tmp_path)) == vocabulary.size == rows
    assert model.get_input_embeddings().weight.shape[0] == model.get_output_embeddings().weight.shape[0] == rows


def test_load_gives_back_what_was_saved(vocabulary, tmp_path):
    vocabulary.save(tmp_path / vocabulary.name)
    again = Vocabulary.load(tmp_path / vocabulary.name)
    codes = random_codes(500, 7)
    assert (again.name, again.kind, again.k) == (vocabulary.name, vocabulary.kind, vocabulary.k)
    assert again.tokens == vocabulary.tokens and (again.strides == vocabulary.strides).all()
    assert (again.encode(codes) == vocabulary.encode(codes)).all()


@pytest.mark.parametrize("name", ["bpe-50", "kmer-4", "char"])
def test_bases_and_tokens_map_both_ways(name, tmp_path):
    vocabulary = make(name)
    codes = random_codes(30_000, 4)
    offsets = np.array([0, 7, 10_000, 10_001, 30_000])
    counts = tokenise(codes, offsets, vocabulary, tmp_path / "tokens.npy", tmp_path / "index.npy")
    genome = TokenisedGenome(tmp_path / "tokens.npy", tmp_path / "index.npy", vocabulary)
    assert counts.sum() == len(genome.tokens) > STRIDE
    assert "".join(vocabulary.tokens[token] for token in genome.tokens) == text_of(codes)
    lengths = vocabulary.strides[genome.tokens]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    assert (genome.bases_at(np.arange(len(starts))) == starts).all()
    assert (genome.tokens_at(np.arange(codes.size)) == np.repeat(np.arange(len(lengths)), lengths)).all()
    assert genome.tokens_at(codes.size)[0] == len(genome.tokens)
    # no token crosses from one segment into the next
    assert np.isin(offsets, starts).all()


def test_the_last_overlapping_word_of_a_segment_holds_its_last_bases(tmp_path):
    vocabulary = make("overlap-3")
    codes = random_codes(3_000, 4)
    offsets = np.array([0, 7, 9, 1_500, 1_501, 3_000])
    tokenise(codes, offsets, vocabulary, tmp_path / "tokens.npy", tmp_path / "index.npy")
    genome = TokenisedGenome(tmp_path / "tokens.npy", tmp_path / "index.npy", vocabulary)
    # segments of 7, 2, 1491, 1 and 1499 bases: one token per base but for the last two bases, unless there are no more
    numbers = [5, 2, 1_489, 1, 1_497]
    firsts = np.concatenate([[0], np.cumsum(numbers)])
    assert len(genome.tokens) == firsts[-1]
    assert (genome.tokens_at(offsets) == firsts).all() and (genome.bases_at(firsts) == offsets).all()
    expected, begins = [], []
    for first, number, start, end in zip(firsts, numbers, offsets, offsets[1:], strict=False):
        begins += range(start, start + number)
        expected += [first + min(base - start, number - 1) for base in range(start, end)]
    assert (genome.tokens_at(np.arange(3_000)) == expected).all()
    assert (genome.bases_at(np.arange(firsts[-1])) == begins).all()


def test_kmers_spell_the_rest_of_a_segment_in_bases():
    vocabulary = make("kmer-4")
    ids = vocabulary.encode(np.array([0, 1, 2, 3, 3, 0], np.uint8))
    assert [vocabulary.tokens[token] for token in ids] == ["ACGT", "T", "A"]
    assert ids[-1] == FIRST_BASE


@pytest.mark.parametrize("k", [3, 4, 5, 6])
def test_overlapping_kmers_begin_at_every_base(k):
    vocabulary = make(f"overlap-{k}")
    assert vocabulary.size == 9 + 4**k
    for length in (0, 1, k - 1, k, k + 1, 90):
        text = text_of(random_codes(length, length))
        kmers = [text[i : i + k] for i in range(length - k + 1)] or list(text)
        ids = vocabulary.encode(random_codes(length, length))
        assert [vocabulary.tokens[token] for token in ids] == kmers
        assert overlapping_kmers(text, k) == " ".join(kmers)
    tokens, offsets = vocabulary.encode_windows(random_codes(90, 90), [0, 5], [20, 7])
    assert offsets.tolist() == [0, 20 - k + 1, 20 - k + 1 + 2]


def test_no_overlapping_word_holds_an_n():
    assert overlapping_kmers("ACGTNNACnacgt", 3) == "ACG CGT N N A C n acg cgt"


def changed(vocabulary: Vocabulary, folder, change) -> None:
    """Save a vocabulary and change the `model` of its tokenizer.json."""
    vocabulary.save(folder)
    content = json.loads((folder / "tokenizer.json").read_text())
    change(content["model"])
    (folder / "tokenizer.json").write_text(json.dumps(content))


def give(token: str, number: int):
    return lambda model: model["vocab"].__setitem__(token, number)


def take(token: str):
    return lambda model: model["vocab"].pop(token)


def swap(one: str, other: str):
    def change(model):
        vocab = model["vocab"]
        vocab[one], vocab[other] = vocab[other], vocab[one]

    return change


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("bpe-50", give("AA", 8), "'T' and 'AA' share the id 8"),
        ("bpe-50", give("G", 99), "no token has the id 7, but ids go up to 99"),
        ("bpe-50", give("G", 7.5), "the id of 'G' is 7.5, but a whole number"),
        ("bpe-50", take("[PAD]"), "no token has the id 0"),
        ("kmer-4", take("TTTT"), "264 tokens, but k-mers of 1 to 7 bases with the specials make 9, 25, 73, 265,"),
        ("bpe-50", swap("[MASK]", "A"), r"id 4 is A, but \[MASK\] was expected; ids 0 to 4 are \[PAD\]"),
        ("kmer-4", swap("AAAA", "AAAC"), "id 9 is AAAC, but AAAA was expected"),
        ("overlap-3", swap("C", "G"), "id 6 is G, but C was expected"),
        ("bpe-50", lambda model: model["merges"].pop(), "id 58 is [ACGT]+, but no further token was expected"),
        ("bpe-50", lambda model: model["merges"].reverse(), "merge 1 joins .* but no merge before it makes"),
        ("bpe-50", lambda model: model["merges"].insert(1, model["merges"][0]), "merge 2 .* an earlier one makes too"),
        ("bpe-50", lambda model: model["merges"].insert(0, ["A"]), r"merge 1 is \['A'\], but two tokens were expected"),
        ("bpe-50", lambda model: model["merges"].append(["CG", "N"]), None),
        ("char", give("N", 9), "10 tokens, but k-mers of 1 to 7 bases"),
        (
            "char",
            lambda model: model.update(type="WordPiece"),
            "is a WordPiece tokenizer, but one that build_vocabulary.py",
        ),
        (
            "char",
            lambda model: model["vocab"].update({f"x{i}": i for i in range(9, 65_537)}),
            "65,537 tokens, but ids are",
        ),
    ],
)
def test_a_broken_tokenizer_is_one_sentence(name, change, sentence, tmp_path):
    changed(make(name), tmp_path, change)
    if sentence is None:
        assert Vocabulary.load(tmp_path).tokens == make(name).tokens
        return
    with pytest.raises(InputError, match=sentence) as error:
        Vocabulary.load(tmp_path)
    assert "\n" not in str(error.value) and f"{tmp_path}/tokenizer.json" in str(error.value)


def test_a_token_that_stands_twice_is_noticed(tmp_path):
    make("char").save(tmp_path)
    path = tmp_path / "tokenizer.json"
    path.write_text(path.read_text().replace('"C": 6,', '"C": 6, "C": 7,'))
    with pytest.raises(InputError, match="'C' stands twice, with 6 and 7"):
        Vocabulary.load(tmp_path)


def test_load_names_a_missing_file_and_the_line_where_json_breaks(tmp_path):
    path = tmp_path / "tokenizer.json"
    with pytest.raises(InputError, match="no such file"):
        Vocabulary.load(tmp_path)
    path.write_text('{"model":\n {"vocab": }}')
    with pytest.raises(InputError, match="tokenizer.json, line 2: no JSON"):
        Vocabulary.load(tmp_path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="no text; a tokenizer.json was expected"):
        Vocabulary.load(tmp_path)
    path.write_text('{"version": "1.0"}')
    with pytest.raises(InputError, match="no `model` with a `vocab`"):
        Vocabulary.load(tmp_path)


@pytest.fixture
def merges(tmp_path):
    """A table of four merges as a list of its lines, and its path."""
    path = tmp_path / "merges.tsv"
    rows = ["1\tA\tA\tAA\t9\t90", "2\tC\tG\tCG\t8\t80", "3\tAA\tCG\tAACG\t7\t70", "4\tT\tAA\tTAA\t6\t60"]
    return ["rank\tleft\tright\ttoken\tcount\ttokens", *rows], path


def test_merges_are_read_as_they_were_learnt(tmp_path):
    codes = random_codes(3_000)
    learnt = bpe.train(codes, [0], [codes.size], 12)
    merge_table(learnt).to_csv(tmp_path / "merges.tsv", sep="\t", index=False)
    table, merges = read_merges(tmp_path / "merges.tsv", 10)
    assert (merges == learnt.merges[:10]).all() and merges.dtype == np.int32
    assert table.equals(merge_table(learnt).head(10))
    assert len(read_merges(tmp_path / "merges.tsv", 0)[0]) == 0


@pytest.mark.parametrize(
    ("line", "text", "sentence"),
    [
        (1, "rank\tleft\tright\tcount\ttokens", "line 1: no column token; rank, left, right, token, count, tokens"),
        (3, "2\tC\tG\tCG\t8\t80\t1\t2", "no table .*Expected 6 fields in line 3, saw 8"),
        (3, None, "line 3: rank 2 was expected, found '3'"),
        (3, "", "line 3: rank 2 was expected, found ''"),
        (3, "2\tC\tT\tCG\t8\t80", "line 3: the parts 'C' and 'T' make 'CT', but the token is 'CG'"),
        (3, "2\tC\tGG\tCGG\t8\t80", "line 3: 'GG', a part of 'CGG', is made by no row before it"),
        (3, "2\tA\tA\tAA\t8\t80", "line 3: 'AA' is made a second time"),
        (4, "3\tAA", "line 4: the parts 'AA' and '' make 'AA', but the token is ''"),
        (4, "3\tAA\tCG\tAACG\t7\t?", "line 4: count and tokens are '7' and '\\?', but numbers were expected"),
        (5, None, "3 merges, but bpe-4 needs 4; raise `vocabulary.cycles`"),
    ],
)
def test_a_broken_table_of_merges_is_one_sentence(line, text, sentence, merges):
    lines, path = merges
    lines[line - 1 : line] = [] if text is None else [text]
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match=sentence) as error:
        read_merges(path, 4)
    assert "\n" not in str(error.value) and str(path) in str(error.value)


def test_more_tokens_than_ids_of_16_bits_are_refused():
    with pytest.raises(InputError, match="kmer-8: 65,545 tokens, but ids are stored in 16 bits"):
        Vocabulary.from_kmers("kmer-8", 8)


def test_a_size_that_parts_a_token_from_its_reverse_complement_is_refused():
    check_closed("bpe-3", ["AC", "GT", "AT"])
    with pytest.raises(InputError, match="bpe-1 ends with AC and without .* GT; .* take bpe-0 or bpe-2 "):
        check_closed("bpe-1", ["AC"])


def test_each_of_several_stretches_is_encoded_alone():
    vocabulary = make("kmer-4")
    stretches = [random_codes(length, length) for length in (7, 0, 1, 40)]
    encoded = vocabulary.encode_each(stretches, threads=2)
    assert [ids.tolist() for ids in encoded] == [vocabulary.encode(codes).tolist() for codes in stretches]
    assert vocabulary.encode_each([]) == []
