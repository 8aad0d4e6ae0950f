"""Reading `tokenizer.json`, our own and those from outside; each mistake is one sentence that names the file.

Merges are numbered from 1 in the sentences, ids as in the file.
"""

import json
import reprlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from grover.runtime.errors import InputError

BASES = "ACGT"
LARGEST = 65_536
OTHER_TOKENS = 9  # five specials and the bases, which no merge makes
# settings of a byte-pair model with which it does not cut sequence by its merges alone
OTHER_CUTTING = ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback", "ignore_merges")


def read(path: Path | str) -> dict[str, Any]:
    """The content of a `tokenizer.json`; its `model` has a `type` and `vocab`. Raises InputError, also where a name stands twice."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; a tokenizer.json was expected")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                values = f"{reprlib.repr(found[name])} and {reprlib.repr(value)}"
                raise InputError(f"{path}: {name!r} stands twice, with {values}; take one of them out")
            found[name] = value
        return found

    try:
        content = json.loads(_text(path), object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, line {error.lineno}: no JSON ({error.msg}); a tokenizer.json was expected") from None
    except (ValueError, RecursionError):  # numbers of thousands of digits, lists in lists in lists
        raise InputError(f"{path}: no JSON that can be read; a tokenizer.json was expected") from None
    model = content.get("model") if isinstance(content, dict) else None
    if not isinstance(model, dict) or not isinstance(model.get("vocab"), dict | list):
        raise InputError(f"{path}: no `model` with a `vocab` in it; a tokenizer.json of Hugging Face was expected")
    # files of old versions do not name the type
    model.setdefault("type", "BPE" if "merges" in model else "WordLevel")
    if model["type"] == "BPE" and not (isinstance(model["vocab"], dict) and isinstance(model.get("merges"), list)):
        raise InputError(
            f"{path}: its byte-pair `model` has no `vocab` of ids or no list of `merges`; the file is broken"
        )
    return content


def _text(path: Path | str) -> str:
    """The text of a file in UTF-8, with or without a byte order mark."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: no text; a tokenizer.json was expected") from None


def tokens_by_id(path: Path | str, vocab: dict[str, int]) -> list[str]:
    """Texts of all tokens in the order of their ids, which must run from 0 on without a gap or a repeat."""
    check_number(path, len(vocab))
    texts: dict[int, str] = {}
    for text, token in vocab.items():
        if type(token) is not int or token < 0:
            raise InputError(f"{path}: the id of {text!r} is {token!r}, but a whole number from 0 on was expected")
        if token in texts:
            raise InputError(f"{path}: {texts[token]!r} and {text!r} share the id {token}; give each token its own")
        texts[token] = text
    for token in range(len(texts)):
        if token not in texts:
            raise InputError(f"{path}: no token has the id {token}, but ids go up to {max(texts)}; close the gap")
    return [texts[token] for token in range(len(texts))]


def check_number(path: Path | str, number: int) -> None:
    """Raise an InputError if `number` tokens are more than ids can count."""
    if number > LARGEST:
        raise InputError(f"{path}: {number:,} tokens, but ids are stored in 16 bits; at most {LARGEST:,} are possible")


def merges_of(path: Path | str, model: dict[str, Any]) -> np.ndarray:
    """Merges of a byte-pair model as int32 [n, 2]: bases are 0 to 3, and merge r (from 0) makes token 4 + r.

    Merges of anything but A, C, G and T are left out: none of them ever applies to sequence. Each other merge must join tokens that
    are made before it, into a token that is in the `vocab` and that no other merge makes.
    """
    ids = {base: token for token, base in enumerate(BASES)}
    merges = []
    for number, merge in enumerate(model["merges"], 1):
        # written as "A C" or as ["A", "C"]
        parts = merge.split(" ") if isinstance(merge, str) else merge
        if not (isinstance(parts, list) and len(parts) == 2 and all(isinstance(part, str) for part in parts)):
            raise InputError(f"{path}: merge {number} is {merge!r}, but two tokens were expected")
        left, right = parts
        made = left + right
        if not set(made) <= set(BASES):
            continue
        for part in parts:
            if part not in ids:
                raise InputError(
                    f"{path}: merge {number} joins {left} and {right}, but no merge before it makes {part or 'a token of no base'}"
                )
        if made in ids:
            raise InputError(
                f"{path}: merge {number} ({left} and {right}) makes {made}, which an earlier one makes too"
            )
        if made not in model["vocab"]:
            raise InputError(f"{path}: merge {number} makes {made}, which is not in the vocabulary")
        ids[made] = len(ids)
        merges.append((ids[left], ids[right]))
    return np.array(merges, np.int32).reshape(-1, 2)


def outside_merges(path: Path | str) -> np.ndarray:
    """Merges, as `merges_of` gives them, of any byte-pair tokenizer.json that cuts sequence by them alone.

    That it does can only be seen in part from the file; `check_cutting` tries.
    """
    content = read(path)
    model = content["model"]
    if model["type"] != "BPE":
        raise InputError(f"{path} is a {model['type']} tokenizer, but byte pairs are needed; give one of type BPE")
    for setting in OTHER_CUTTING:
        if model.get(setting):
            raise InputError(
                f"{path}: its model has `{setting}` {model[setting]!r}, so that it does not cut by its merges alone; "
                "give a tokenizer without it"
            )
    lacking = [base for base in BASES if base not in model["vocab"]]
    if lacking:
        raise InputError(f"{path}: {', '.join(lacking)} not in the vocabulary; a tokenizer of DNA was expected")
    for text in _added(path, content):
        if set(text.upper()) <= set(BASES):
            raise InputError(
                f"{path}: {text} is an added token, which is cut out before any merge; give a tokenizer without it"
            )
    merges = merges_of(path, model)
    check_number(path, OTHER_TOKENS + len(merges))
    return merges


def _added(path: Path | str, content: dict[str, Any]) -> list[str]:
    """Texts of the added tokens."""
    tokens = content.get("added_tokens") or []
    if not isinstance(tokens, list):
        raise InputError(f"{path}: `added_tokens` is {reprlib.repr(tokens)}, but a list was expected; correct it")
    for number, token in enumerate(tokens, 1):
        if not (isinstance(token, dict) and isinstance(token.get("content"), str) and token["content"]):
            raise InputError(
                f"{path}: added token {number} is {reprlib.repr(token)}, but a mapping with a text `content` was expected; "
                "correct it or take it out"
            )
    return [token["content"] for token in tokens]


def check_cutting(path: Path | str, tokens: list[str], cut: Callable[[str], list[str]], seed: int = 0) -> None:
    """Raise an InputError unless the tokenizer of `path` cuts test sequences into the same tokens as `cut` does.

    tokens: texts of all tokens. The sequences are each token by itself; tokens drawn at random, end to end; and random bases,
    skewed and with runs, of 1 to 300 bases and of 5,000.
    """
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_str(_text(path))
    except Exception as error:  # the bindings raise nothing more special
        raise InputError(f"{path}: `tokenizers` cannot read it ({error}); a tokenizer.json was expected") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    sequences = [*tokens, *_joined(tokens, 100, seed), *_with_runs(200, seed)]
    for text, found in zip(sequences, tokenizer.encode_batch(sequences, add_special_tokens=False), strict=True):
        ours = cut(text)
        if ours != found.tokens:
            same = next(
                i for i, pair in enumerate(zip([*ours, ""], [*found.tokens, ""], strict=False)) if len({*pair}) > 1
            )
            theirs, alone = (" ".join(texts[same : same + 3]) or "nothing" for texts in (found.tokens, ours))
            raise InputError(
                f"{path}: it cuts sequence not by its merges alone (into {theirs}, where they give {alone}), so its tokens cannot "
                "be taken over; give a tokenizer without normalizer and without other pre-tokenizer than white space"
            )


def _joined(tokens: list[str], number: int, seed: int) -> list[str]:
    generator = np.random.default_rng([seed, 0])
    return ["".join(generator.choice(tokens, generator.integers(2, 30))) for _ in range(number)]


def _with_runs(number: int, seed: int) -> list[str]:
    generator = np.random.default_rng([seed, 1])
    sequences = []
    for length in [*generator.integers(1, 301, number), 5_000]:
        bases = generator.choice(list(BASES), length, p=generator.dirichlet(np.ones(4)))
        runs = generator.geometric(generator.uniform(0.3, 1), length)
        sequences.append("".join(np.repeat(bases, runs))[:length])
    return sequences
