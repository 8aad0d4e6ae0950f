"""Vocabularies of DNA tokens: byte pairs, k-mers that overlap or not, and single bases behind one interface.

A token's id is its row in the embedding matrix, and the same everywhere: in `tokenizer.json`, in the tokenised genome and in
the model. Rows 0 to 4 are the special tokens, 5 to 8 the bases; 600 byte-pair cycles make 609 rows, as published.

Anything but A, C, G and T is one [UNK] per base, and the stretches between are encoded each alone.
"""

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from grover.runtime.errors import InputError
from grover.runtime.files import write_json, write_text
from grover.tokenization import tokenizer_json
from grover.tokenization.encoder import Encoder, token_texts

SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PAD, UNK, CLS, SEP, MASK = range(5)
FIRST_BASE = 5
NOT_ACGT = 4


class Vocabulary:
    """Tokens and how sequence is cut into them.

    Attributes: `name`; `kind`, 'bpe', 'kmer' or 'overlap'; `k`, 1 for single bases, 0 for byte pairs; `tokens`, text by id, the five
    specials first; `strides`, bases from the start of each token to that of the next, int32: 1 for UNK, 0 for the other specials;
    `spans`, the bases that each token holds, likewise; `merges`, the ids of the two parts of each byte-pair token as int32 [n, 2].

    The stride of a token is its span; but overlapping k-mers begin at every base, so that their stride is 1 and their span k.
    A run of tokens ends one span behind the beginning of its last one.
    """

    def __init__(self, name: str, kind: str, tokens: list[str], k: int = 0, merges: np.ndarray | None = None):
        tokenizer_json.check_number(name, len(tokens))
        self.name, self.kind, self.k, self.tokens = name, kind, k, tokens
        self.merges = np.zeros((0, 2), np.int32) if merges is None else merges
        self.spans = np.array([0] * len(SPECIALS) + [len(text) for text in tokens[len(SPECIALS) :]], np.int32)
        self.spans[UNK] = 1
        self.strides = np.minimum(self.spans, 1) if kind == "overlap" else self.spans
        self._encoder = Encoder(self.merges - FIRST_BASE, FIRST_BASE, UNK) if kind == "bpe" else None

    @classmethod
    def from_merges(cls, name: str, merges: np.ndarray) -> "Vocabulary":
        """A byte-pair vocabulary; merges as `grover.tokenization.bpe.train` returns them (bases 0..3)."""
        return cls(name, "bpe", [*SPECIALS, *token_texts(merges)], merges=np.asarray(merges, np.int32) + FIRST_BASE)

    @classmethod
    def from_kmers(cls, name: str, k: int) -> "Vocabulary":
        """All k-mers, read one behind the other; what is left at a segment's end is spelt in single bases."""
        return cls(name, "kmer", _with_kmers(k), k=k)

    @classmethod
    def from_overlapping_kmers(cls, name: str, k: int) -> "Vocabulary":
        """All k-mers, one at every base that begins one (DNABERT; Ji et al. 2021): n - k + 1 tokens for n bases. A
        stretch of fewer than k bases is spelt in single bases."""
        return cls(name, "overlap", _with_kmers(k), k=k)

    @classmethod
    def from_outside(cls, name: str, path: Path | str) -> "Vocabulary":
        """Return the byte-pair vocabulary that cuts sequence as a foreign `tokenizer.json` does.

        Ids are in our order: one token per merge, in the order of the merges. Merges of anything but A, C, G and T are left out.

        Raises InputError, naming the file, where it is broken, no byte-pair tokenizer, or one that cuts otherwise, which test
        sequences show.
        """
        vocabulary = cls.from_merges(name, tokenizer_json.outside_merges(path))

        def cut(text: str) -> list[str]:
            codes = np.array(["ACGT".index(base) for base in text], np.uint8)
            return [vocabulary.tokens[token] for token in vocabulary.encode(codes)]

        tokenizer_json.check_cutting(path, vocabulary.tokens[FIRST_BASE:], cut)
        return vocabulary

    @property
    def size(self) -> int:
        """Rows of the embedding matrix, specials included."""
        return len(self.tokens)

    @property
    def mask_span(self) -> int:
        """Neighbouring tokens that are masked together: k where k-mers overlap, since the others spell one that is masked alone."""
        return self.k if self.kind == "overlap" else 1

    def encode(self, codes: np.ndarray) -> np.ndarray:
        """Token ids, uint16, of uint8 codes (A0 C1 G2 T3; anything else is one UNK per base). No specials are added."""
        codes = np.asarray(codes, np.uint8)
        if self._encoder is not None:
            return self._encoder.encode(codes)
        unknown = np.flatnonzero(codes >= NOT_ACGT)
        if unknown.size == 0:
            return self._encode(codes)
        parts, start = [], 0
        for position in [*unknown, codes.size]:
            parts += [self._encode(codes[start:position]), np.full(int(position < codes.size), UNK, np.uint16)]
            start = position + 1
        return np.concatenate(parts)

    def encode_windows(
        self, codes: np.ndarray, starts: np.ndarray, ends: np.ndarray, threads: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        """Token ids of `codes[starts[i]:ends[i]]`, each window encoded alone, on several threads.

        Returns tokens, uint16, and offsets, int64 [windows + 1]: window i is `tokens[offsets[i]:offsets[i + 1]]`.
        """
        starts, ends = np.asarray(starts, np.int64), np.asarray(ends, np.int64)

        def encode(block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            if self._encoder is not None:
                return self._encoder.encode_windows(codes, starts[block], ends[block])
            encoded = [self.encode(codes[start:end]) for start, end in zip(starts[block], ends[block], strict=True)]
            return np.concatenate([np.zeros(0, np.uint16), *encoded]), np.array([len(ids) for ids in encoded], np.int64)

        # more blocks than threads, so that none waits long for the last one
        blocks = np.array_split(np.arange(len(starts)), max(1, min(8 * threads, len(starts))))
        with ThreadPoolExecutor(threads) as pool:
            tokens, numbers = zip(*pool.map(encode, blocks), strict=True)
        return np.concatenate(tokens), np.concatenate([np.zeros(1, np.int64), *numbers]).cumsum()

    def encode_each(self, stretches: Iterable[np.ndarray], threads: int = 1) -> list[np.ndarray]:
        """Token ids of each of several stretches of codes, encoded alone, on several threads."""
        stretches = [np.zeros(0, np.uint8), *stretches]
        ends = np.cumsum([len(codes) for codes in stretches])
        tokens, offsets = self.encode_windows(np.concatenate(stretches), ends[:-1], ends[1:], threads)
        return [tokens[first:last] for first, last in pairwise(offsets)]

    def _encode(self, codes: np.ndarray) -> np.ndarray:
        encode = _encode_overlapping if self.kind == "overlap" else _encode_kmers
        return encode(codes, self.k, FIRST_BASE)

    def save(self, folder: Path | str) -> None:
        """Write `tokenizer.json` and `tokenizer_config.json`, which `AutoTokenizer.from_pretrained` opens.

        It reads sequence; for overlapping k-mers, as for DNABERT, the text that `overlapping_kmers` makes of it.
        """
        folder = Path(folder)
        write_text(folder / "tokenizer.json", self._tokenizer().to_str(pretty=True) + "\n")
        names = {f"{name[1:-1].lower()}_token": name for name in SPECIALS}
        # PreTrainedTokenizerFast is the name that transformers 4 and 5 both know
        write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", **names})

    def _tokenizer(self) -> Any:
        from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

        ids = {text: number for number, text in enumerate(self.tokens)}
        if self.kind == "bpe":
            merges = [(self.tokens[left], self.tokens[right]) for left, right in self.merges]
            tokenizer = Tokenizer(models.BPE(vocab=ids, merges=merges, unk_token=SPECIALS[UNK]))
        else:
            tokenizer = Tokenizer(models.WordLevel(vocab=ids, unk_token=SPECIALS[UNK]))
            kmer = f"[ACGT]{{{self.k}}}|." if self.k > 1 else "."
            separate = pre_tokenizers.Split(Regex(kmer), behavior="isolated")
            tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit() if self.kind == "overlap" else separate
        # soft-masked bases are the same tokens
        tokenizer.normalizer = normalizers.Sequence([normalizers.Replace(low, low.upper()) for low in "acgt"])
        # without a decoder tokens are joined with spaces
        tokenizer.decoder = None if self.kind == "overlap" else decoders.Fuse()
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] $B [SEP]",
            special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)],
        )
        tokenizer.add_special_tokens(list(SPECIALS))
        return tokenizer

    @classmethod
    def load(cls, folder: Path | str) -> "Vocabulary":
        """Read the `tokenizer.json` of a folder that `save` wrote. Raises InputError where any of its ids is another than it was."""
        path = Path(folder) / "tokenizer.json"
        content = tokenizer_json.read(path)
        model, name = content["model"], Path(folder).name
        if model["type"] not in ("BPE", "WordLevel"):
            raise InputError(
                f"{path} is a {model['type']} tokenizer, but one that build_vocabulary.py wrote was expected"
            )
        tokens = tokenizer_json.tokens_by_id(path, model["vocab"])
        if model["type"] == "BPE":
            vocabulary = cls.from_merges(name, tokenizer_json.merges_of(path, model))
        else:
            overlap = (content.get("pre_tokenizer") or {}).get("type") == "WhitespaceSplit"
            make = cls.from_overlapping_kmers if overlap else cls.from_kmers
            vocabulary = make(name, _k_of(path, len(tokens)))
        for token, (found, expected) in enumerate(zip_longest(tokens, vocabulary.tokens)):
            if found != expected:
                raise InputError(
                    f"{path}: id {token} is {found or 'missing'}, but {expected or 'no further token'} was expected; ids 0 to 4 are "
                    f"{' '.join(SPECIALS)}, 5 to 8 are A C G T, then one token per merge, or all k-mers in order"
                )
        return vocabulary


def overlapping_kmers(text: str, k: int) -> str:
    """Write sequence as a vocabulary of overlapping k-mers reads it: its k-mers, separated by spaces.

    `ACGTN` is `ACG CGT N` for k = 3: anything but A, C, G and T (in either case) stands by itself, and no k-mer contains it. A stretch
    of fewer than k bases is written base by base.
    """
    kmers = []
    for stretch in re.findall("[ACGTacgt]+|.", text):
        k_or_one = k if len(stretch) >= k else 1
        kmers += [stretch[i : i + k_or_one] for i in range(len(stretch) - k_or_one + 1)]
    return " ".join(kmers)


def _with_kmers(k: int) -> list[str]:
    """Specials, bases, and all k-mers in the order of the alphabet; for k = 1 the bases are the k-mers."""
    kmers = (
        ["".join("ACGT"[number >> 2 * (k - 1 - i) & 3] for i in range(k)) for number in range(4**k)] if k > 1 else []
    )
    return [*SPECIALS, *"ACGT", *kmers]


def _k_of(path: Path, size: int) -> int:
    """Return k of the k-mers of a vocabulary of `size` tokens."""
    sizes = {len(SPECIALS) + 4 + (4**k if k > 1 else 0): k for k in range(1, 8)}
    if size not in sizes:
        raise InputError(
            f"{path}: {size:,} tokens, but k-mers of 1 to 7 bases with the specials make {', '.join(map(str, sizes))}; the file is broken"
        )
    return sizes[size]


@njit(cache=True, nogil=True)
def _encode_kmers(codes: np.ndarray, k: int, first_base: int) -> np.ndarray:
    kmers = codes.size // k if k > 1 else 0
    tail = codes.size - kmers * k
    tokens = np.empty(kmers + tail, np.uint16)
    for i in range(kmers):
        number = 0
        for j in range(k):
            number = 4 * number + codes[i * k + j]
        tokens[i] = first_base + 4 + number
    for i in range(tail):
        tokens[kmers + i] = first_base + codes[kmers * k + i]
    return tokens


@njit(cache=True, nogil=True)
def _encode_overlapping(codes: np.ndarray, k: int, first_base: int) -> np.ndarray:
    if codes.size < k or k == 1:
        return _encode_kmers(codes, 1, first_base)
    tokens = np.empty(codes.size - k + 1, np.uint16)
    number, kmers = np.int64(0), np.int64(4) ** k
    for i in range(codes.size):
        number = (4 * number + codes[i]) % kmers
        if i >= k - 1:
            tokens[i - k + 1] = first_base + 4 + number
    return tokens
