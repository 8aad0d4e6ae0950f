"""Byte pairs from outside cut sequence as `tokenizers` does with the same file, or are refused in one sentence."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import Vocabulary

MERGES = [["A", "A"], ["C", "G"], ["AA", "CG"], ["T", "AA"]]
VOCAB = ["[CLS]", "T", "G", "C", "A", "AA", "CG", "TAA", "AACG"]  # in an order of its own


def random_texts(number: int, seed: int) -> list[str]:
    generator = np.random.default_rng(seed)
    weights = generator.dirichlet(np.ones(4), number)
    return ["".join(generator.choice(list("ACGT"), generator.integers(1, 200), p=p)) for p in weights]


def cut(vocabulary: Vocabulary, text: str) -> list[str]:
    codes = np.array(["ACGT".index(base) for base in text], np.uint8)
    return [vocabulary.tokens[token] for token in vocabulary.encode(codes)]


def write(path: Path, change=None, vocab=VOCAB, merges=MERGES, **settings) -> Path:
    """A tokenizer.json with the given model; `change` may alter all of its content."""
    tokenizer = Tokenizer(models.BPE({"A": 0}, [])).to_str()
    content = json.loads(tokenizer)
    content["model"] |= {"vocab": {text: i for i, text in enumerate(vocab)}, "merges": merges, **settings}
    if change is not None:
        change(content)
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("as_text", [False, True])
def test_a_trained_tokenizer_is_taken_over(as_text, tmp_path):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(
        vocab_size=120, special_tokens=["<unk>", "<s>"], initial_alphabet=list("TGCAN"), show_progress=False
    )
    tokenizer.train_from_iterator([text + "NN" + text[::-1] + "NNNN" for text in random_texts(60, 1)], trainer)
    tokenizer.enable_truncation(8)
    path = tmp_path / "tokenizer.json"
    tokenizer.save(str(path))
    content = json.loads(path.read_text())
    made = [left + right for left, right in content["model"]["merges"]]
    assert "NN" in made
    if as_text:
        content["model"]["merges"] = [" ".join(pair) for pair in content["model"]["merges"]]
        path.write_text(json.dumps(content))
    vocabulary = Vocabulary.from_outside("other", path)
    assert (vocabulary.name, vocabulary.kind) == ("other", "bpe")
    assert vocabulary.tokens == [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *"ACGT",
        *(t for t in made if "N" not in t),
    ]
    tokenizer.no_truncation()
    for text in random_texts(100, 2):
        assert cut(vocabulary, text) == tokenizer.encode(text).tokens
    vocabulary.save(tmp_path / "other")
    assert Vocabulary.load(tmp_path / "other").tokens == vocabulary.tokens


def test_no_merge_at_all_is_single_bases(tmp_path):
    vocabulary = Vocabulary.from_outside("letters", write(tmp_path / "tokenizer.json", merges=[]))
    assert cut(vocabulary, "GATTACA") == list("GATTACA")


def random_merges(generator: np.random.Generator) -> list[list[str]]:
    """Merges that no training would give: many of their tokens never come up, since an earlier merge takes their bases."""
    texts, merges = list("ACGT"), []
    bases = "ACGT"[: generator.integers(1, 5)]
    for _ in range(40):
        left, right = (texts[i] for i in generator.integers(0, len(texts), 2))
        if left + right not in texts and len(left + right) < 15 and set(left + right) <= set(bases):
            texts.append(left + right)
            merges.append([left, right])
    return merges


def test_tokens_that_never_come_up_are_never_given(tmp_path):
    generator = np.random.default_rng(0)
    for _ in range(40):
        merges = random_merges(generator)
        texts = ["".join(pair) for pair in merges]
        path = write(tmp_path / "tokenizer.json", vocab=[*"ACGT", *texts], merges=merges)
        vocabulary = Vocabulary.from_outside("odd", path)
        tokenizer = Tokenizer.from_file(str(path))
        drawn = ["".join(generator.choice([*"ACGT", *texts], 12)) for _ in range(20)]
        for text in [*texts, *drawn, *random_texts(5, 3)]:
            assert cut(vocabulary, text) == tokenizer.encode(text).tokens


def in_model(**values):
    return lambda content: content["model"].update(values)


def wordpieces(content):
    content["model"] = {"type": "WordPiece", "vocab": {"A": 0}, "unk_token": "A", "max_input_chars_per_word": 9}


def unigram(content):
    content["model"] = {"type": "Unigram", "vocab": [["A", 0.0]], "unk_id": 0}


def added(content):
    token = {"id": 9, "content": "TATA", "single_word": False, "lstrip": False, "rstrip": False, "normalized": True}
    content["added_tokens"] = [token | {"special": False}]


def tokeniser_part(name: str, part):
    def change(content):
        tokenizer = Tokenizer(models.BPE({"A": 0}, []))
        setattr(tokenizer, name, part)
        content[name] = json.loads(tokenizer.to_str())[name]

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (wordpieces, "is a WordPiece tokenizer, but byte pairs are needed"),
        (unigram, "is a Unigram tokenizer, but byte pairs are needed"),
        (in_model(dropout=0.1), "its model has `dropout` 0.1"),
        (in_model(continuing_subword_prefix="##"), "`continuing_subword_prefix` '##'"),
        (in_model(end_of_word_suffix="</w>"), "`end_of_word_suffix` '</w>'"),
        (in_model(byte_fallback=True), "`byte_fallback` True"),
        (in_model(ignore_merges=True), "`ignore_merges` True"),
        (in_model(vocab={"a": 0, "A": 1, "G": 2}), "C, T not in the vocabulary"),
        (in_model(merges=[["A", "A"], ["AA", "CG"]]), "merge 2 joins AA and CG, but no merge before it makes CG"),
        (in_model(merges=["A A", "A AA"]), "merge 2 makes AAA, which is not in the vocabulary"),
        (in_model(merges=[*MERGES, ["C", "G"]]), r"merge 5 \(C and G\) makes CG, which an earlier one makes too"),
        (in_model(merges=["A A A"]), "merge 1 is 'A A A', but two tokens were expected"),
        (in_model(merges=None), "no list of `merges`"),
        (in_model(merges=None, type=["BPE"]), r"is a \['BPE'\] tokenizer, but byte pairs are needed"),
        (added, "TATA is an added token"),
        (
            lambda content: content.update(added_tokens=[{"id": 0, "special": True}]),
            "added token 1 is {'id': 0, .*`content`",
        ),
        (
            lambda content: content.update(added_tokens=["[UNK]"]),
            r"added token 1 is '\[UNK\]', but a mapping with a text",
        ),
        (lambda content: content.update(added_tokens=[{"content": ""}]), "added token 1 is {'content': ''}"),
        (lambda content: content.update(added_tokens={"[UNK]": 0}), "`added_tokens` is .*, but a list was expected"),
        (lambda content: content.update(model=None), "no `model` with a `vocab`"),
        (tokeniser_part("normalizer", normalizers.Replace("AACG", "G")), "not by its merges alone"),
        (tokeniser_part("normalizer", normalizers.Lowercase()), r"alone \(into nothing, where they give A\)"),
        (tokeniser_part("pre_tokenizer", pre_tokenizers.Split("G", "isolated")), r"\(into C G, where they give CG\)"),
        (lambda content: content.update(normalizer={"type": "Upside"}), "`tokenizers` cannot read it"),
        (lambda content: content.pop("model"), "no `model` with a `vocab`"),
    ],
)
def test_what_cannot_be_taken_over_is_one_sentence(change, sentence, tmp_path):
    path = write(tmp_path / "tokenizer.json", change)
    with pytest.raises(InputError, match=sentence) as error:
        Vocabulary.from_outside("other", path)
    assert "\n" not in str(error.value) and str(path) in str(error.value)


@pytest.mark.parametrize("text", ["AA\tTT\n", "", " ", "[PAD]\n[UNK]\nAAAAAA\n"])
def test_no_json_at_all_names_the_line(text, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"tokenizer.json, line 1: no JSON .* a tokenizer.json was expected"):
        Vocabulary.from_outside("other", path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"[]", "no `model` with a `vocab`"),
        (b"9", "no `model` with a `vocab`"),
        (b"[" * 100_000, "no JSON that can be read"),
        (b"1" * 5_000, "no JSON that can be read"),
        (b'{"model": "\xfc"}', "no text; a tokenizer.json"),
    ],
)
def test_other_json_and_other_text_is_one_sentence(text, sentence, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(text)
    with pytest.raises(InputError, match=sentence):
        Vocabulary.from_outside("other", path)


def test_special_tokens_and_a_byte_order_mark_change_nothing(tmp_path):
    special = {"id": 0, "content": "[CLS]", "special": True, "single_word": False, "lstrip": False, "rstrip": False}
    path = write(
        tmp_path / "tokenizer.json", lambda content: content.update(added_tokens=[special | {"normalized": False}])
    )
    expected = Vocabulary.from_outside("other", write(tmp_path / "plain.json")).tokens
    assert Vocabulary.from_outside("other", path).tokens == expected
    path.write_text(path.read_text(), encoding="utf-8-sig")
    assert Vocabulary.from_outside("other", path).tokens == expected


def test_more_tokens_than_ids_can_count(tmp_path):
    wordpieces, merges = list("ACGT"), []
    while len(merges) < 65_528:
        shorter, wordpieces = wordpieces, []
        for left in shorter:
            for right in "ACGT":
                wordpieces.append(left + right)
                merges.append([left, right])
    merges = merges[:65_528]
    path = write(tmp_path / "tokenizer.json", vocab=[*"ACGT", *map("".join, merges)], merges=merges)
    with pytest.raises(InputError, match="65,537 tokens, but ids are stored in 16 bits; at most 65,536"):
        Vocabulary.from_outside("other", path)


@pytest.mark.skipif("GROVER_DATA" not in os.environ, reason="GROVER_DATA is not set")
def test_dnabert2():
    path = Path(os.environ["GROVER_DATA"]) / "tokenizers/dnabert2.tokenizer.json"
    vocabulary = Vocabulary.from_outside("dnabert2", path)
    assert vocabulary.size == 4_096
    tokenizer = Tokenizer.from_file(str(path))
    for text in random_texts(300, 4):
        assert cut(vocabulary, text) == tokenizer.encode(text, add_special_tokens=False).tokens
