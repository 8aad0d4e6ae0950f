"""Vocabularies of DNA tokens: byte pairs, non-overlapping k-mers and single letters behind one interface.

A token's id is its row in the embedding matrix, and the same everywhere: in `tokenizer.json`, in the tokenised genome and in
the model. Rows 0 to 4 are the special tokens, 5 to 8 the letters; 600 byte-pair cycles make 609 rows, as published.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numba import njit

from grover import bpe
from grover.errors import InputError
from grover.files import write_json, write_text

SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PAD, UNK, CLS, SEP, MASK = range(5)
FIRST_LETTER = 5
NOT_ACGT = 4


class Vocabulary:
    """Tokens and how sequence is cut into them.

    Attributes: `name`; `kind`, 'bpe' or 'kmer'; `k`, 1 for single letters, 0 for byte pairs; `tokens`, text by id, the five
    specials first; `lengths`, bases of each token, int32, 0 for specials other than UNK, which stands for one base; `merges`, the ids of
    the two parts of each byte-pair token as int32 [n, 2].
    """

    def __init__(self, name: str, kind: str, tokens: list[str], k: int = 0, merges: np.ndarray | None = None):
        self.name, self.kind, self.k, self.tokens = name, kind, k, tokens
        self.merges = np.zeros((0, 2), np.int32) if merges is None else merges
        self.lengths = np.array([0 if text in SPECIALS else len(text) for text in tokens], np.int32)
        self.lengths[UNK] = 1
        self._encoder = bpe.Encoder(self.merges - FIRST_LETTER, FIRST_LETTER, UNK) if kind == "bpe" else None

    @classmethod
    def from_merges(cls, name: str, merges: np.ndarray) -> "Vocabulary":
        """A byte-pair vocabulary; merges as `grover.bpe.train` returns them (letters 0..3)."""
        texts = bpe.texts(merges)
        return cls(name, "bpe", [*SPECIALS, *texts], merges=np.asarray(merges, np.int32) + FIRST_LETTER)

    @classmethod
    def from_kmers(cls, name: str, k: int) -> "Vocabulary":
        """All words of k letters, read one behind the other; what is left at a segment's end is spelt in single letters."""
        tokens = [*SPECIALS, *"ACGT"]
        if k > 1:
            tokens += ["".join("ACGT"[number >> 2 * (k - 1 - i) & 3] for i in range(k)) for number in range(4**k)]
        return cls(name, "kmer", tokens, k=k)

    @property
    def size(self) -> int:
        """Rows of the embedding matrix, specials included."""
        return len(self.tokens)

    def encode(self, codes: np.ndarray) -> np.ndarray:
        """Token ids, uint16, of a stretch of uint8 codes (A0 C1 G2 T3; anything else is one UNK a base). No specials are added."""
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

    def _encode(self, codes: np.ndarray) -> np.ndarray:
        return _encode_kmers(codes, self.k, FIRST_LETTER)

    def save(self, folder: Path | str) -> None:
        """Write `tokenizer.json` and `tokenizer_config.json`, which `AutoTokenizer.from_pretrained` opens."""
        folder = Path(folder)
        write_text(folder / "tokenizer.json", self._tokenizer().to_str(pretty=True) + "\n")
        names = {f"{name[1:-1].lower()}_token": name for name in SPECIALS}
        # PreTrainedTokenizerFast is the name that transformers 4 and 5 both know
        write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", **names})

    def _tokenizer(self):
        from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

        ids = {text: number for number, text in enumerate(self.tokens)}
        if self.kind == "bpe":
            merges = [(self.tokens[left], self.tokens[right]) for left, right in self.merges]
            tokenizer = Tokenizer(models.BPE(vocab=ids, merges=merges, unk_token=SPECIALS[UNK]))
        else:
            tokenizer = Tokenizer(models.WordLevel(vocab=ids, unk_token=SPECIALS[UNK]))
            word = f"[ACGT]{{{self.k}}}|." if self.k > 1 else "."
            tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(word), behavior="isolated")
        # soft-masked bases are the same letters
        tokenizer.normalizer = normalizers.Sequence([normalizers.Replace(low, low.upper()) for low in "acgt"])
        tokenizer.decoder = decoders.Fuse()
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] $B [SEP]",
            special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)],
        )
        tokenizer.add_special_tokens(list(SPECIALS))
        return tokenizer

    @classmethod
    def load(cls, folder: Path | str) -> "Vocabulary":
        """Read the `tokenizer.json` of a folder that `save` wrote."""
        path = Path(folder) / "tokenizer.json"
        if not path.is_file():
            raise InputError(f"{path}: no such file; a vocabulary folder with its tokenizer.json was expected")
        model = json.loads(path.read_text())["model"]
        tokens = sorted(model["vocab"], key=model["vocab"].get)
        if list(model["vocab"].values()) != sorted(set(model["vocab"].values())) and len(
            set(model["vocab"].values())
        ) != len(tokens):
            raise InputError(f"{path}: two tokens share an id")
        if (
            tuple(tokens[:5]) != SPECIALS
            or tokens[5:9] != list("ACGT")
            or max(model["vocab"].values()) != len(tokens) - 1
        ):
            raise InputError(
                f"{path}: ids 0 to 8 were expected to be {' '.join(SPECIALS)} A C G T, without a gap behind them"
            )
        name = Path(folder).name
        if model["type"] == "BPE":
            ids = model["vocab"]
            merges = [(ids[left], ids[right]) for left, right in model["merges"]]
            return cls(name, "bpe", tokens, merges=np.array(merges, np.int32).reshape(-1, 2))
        return cls(name, "kmer", tokens, k=len(tokens[-1]))


@njit(cache=True)
def _encode_kmers(codes, k, first_letter):
    words = codes.size // k if k > 1 else 0
    tail = codes.size - words * k
    tokens = np.empty(words + tail, np.uint16)
    for i in range(words):
        number = 0
        for j in range(k):
            number = 4 * number + codes[i * k + j]
        tokens[i] = first_letter + 4 + number
    for i in range(tail):
        tokens[words + i] = first_letter + codes[words * k + i]
    return tokens
