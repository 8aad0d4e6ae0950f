"""Models from elsewhere on the same benchmarks: how each reads sequence, and a classifier on top of it.

A rival is a Hugging Face folder: `config.json`, weights, its own tokenizer and, for some, code of its own. It is read
from a local folder and nothing is downloaded here; its code runs by explicit consent only. This module works with
transformers 4 and 5, since a rival's own code may need the former.
"""

import atexit
import hashlib
import inspect
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedTokenizerBase, dynamic_module_utils

from grover.batching import by_length
from grover.errors import InputError
from grover.files import checksum
from grover.rival_folder import CONFIG, TEXTS, auto_map, check_folder, code_of, weights_of

POOLINGS = ("mean", "cls", "last")
TOKENS_AT_ONCE = {"cpu": 4_096, "cuda": 16_384}  # padded; rivals are large and their attention is not packed
# what is random where only the rest of a checkpoint is used; nothing here reads it
UNUSED = re.compile(r"(^|\.)(pooler|contact_head|lm_head|cls|score|classifier|position_ids)(\.|$)")
# their position numbers begin behind the id of the padding token
OFFSET_POSITIONS = ("esm", "roberta")


def kmer_words(sequence: str, k: int) -> str:
    """All words of k letters, one at every base, separated by spaces; what is shorter than k stays as it is."""
    return " ".join(sequence[start : start + k] for start in range(max(1, len(sequence) - k + 1)))


@dataclass(frozen=True)
class Adapter:
    """What has to be known of a kind of model.

    `words`: overlapping k-mers are written out, with the k of its vocabulary; else its tokenizer gets the bare
    letters. `pooling`: mean, cls or last. `code`: whether it runs code of its own: always, never, or where its folder
    names some (`declared`). `limit`: tokens with specials at most, where its configuration does not say it.
    `settings`: changes of its configuration.
    """

    words: bool = False
    pooling: str = "mean"
    code: str = "declared"
    limit: int = 0
    settings: tuple[tuple[str, float], ...] = ()


ADAPTERS = {
    # Ji et al. 2021; a plain BERT of 512 positions, vocab.txt of 4**k words and five specials. The folders on the hub name
    # code of their own for the head of a classifier, which is not needed.
    "dnabert": Adapter(words=True, pooling="cls", code="never"),
    # Zhou et al. 2023; byte pairs and ALiBi, so that the 512 of its configuration binds nothing: the limit is ours, for
    # memory. As plain BERT it would load without a word and be another model. Its Triton kernel does not compile with
    # today's Triton, and is used only where attention has no dropout at all.
    "dnabert2": Adapter(code="always", limit=4_096, settings=(("attention_probs_dropout_prob", 1e-8),)),
    # Dalla-Torre et al. 2024; ESM with words of 6 letters one behind the other, [CLS] in front and none behind. 1,002
    # positions (2,050 for v2) are 1,000 (2,048) tokens. v2 brings code of its own, v1 does not.
    "nucleotide-transformer": Adapter(),
    # Nguyen et al. 2023; single letters, causal, no attention mask and no [CLS], so that nothing at its front has seen the
    # sequence. `max_seq_len` of its configuration counts tokens.
    "hyenadna": Adapter(code="always"),
    "auto": Adapter(),
}


@dataclass(frozen=True)
class Rival:
    """A model from elsewhere that is ready to be fine-tuned.

    `limit` counts tokens with specials, 0 where there is none; `make(classes, seed)` gives a network whose head, and for
    a twin everything, depends on the seed.
    """

    folder: Path
    adapter: Adapter
    tokenizer: PreTrainedTokenizerBase
    config: object
    limit: int
    pooling: str
    make: Callable[[int, int], "RivalNetwork"]

    @property
    def files(self) -> list[Path]:
        """All files that decide what the model is: configuration, tokenizer, code and the weights that are read."""
        others = [path for path in self.folder.iterdir() if path.suffix in TEXTS]
        return sorted({*others, *self.weights})

    @property
    def weights(self) -> list[Path]:
        """The files of the weights that are read."""
        return weights_of(self.folder)

    @property
    def sha256(self) -> str:
        """One checksum for its weights, or for its configuration where a twin comes without any."""
        return joint([checksum(path) for path in self.weights or [self.folder / CONFIG]])

    @property
    def layers(self) -> int:
        """Layers of the encoder by its configuration, 1 where it does not say."""
        return getattr(self.config, "num_hidden_layers", None) or getattr(self.config, "n_layer", None) or 1

    @property
    def hidden(self) -> int:
        """Numbers in a state."""
        return width(self.config)

    @property
    def poolings(self) -> tuple[str, ...]:
        """What of its states describes a sequence: their mean, and the first one where the tokenizer puts [CLS] in front.

        A model without [CLS] has its first word or letter there, which in a causal one has seen nothing else.
        """
        first = self.tokenizer("A")["input_ids"][:1]
        return ("cls", "mean") if first == [self.tokenizer.cls_token_id] else ("mean",)

    def read(self, sequences: Sequence[str], what: str = "sequences") -> list[np.ndarray]:
        """Token ids, int64 with the specials that the tokenizer adds, of each sequence.

        Raises InputError, beginning with `what`, where one is longer than the model allows, or where the tokenizer
        knows less than half of the words of A, C, G and T.
        """
        inputs = self.tokenise(sequences, what)
        check_limit(max(map(len, inputs), default=0), self.limit, what, max(map(len, sequences), default=0))
        return inputs

    def tokenise(self, sequences: Sequence[str], what: str = "sequences") -> list[np.ndarray]:
        """The same for sequences of any length."""
        k = word_length(self.tokenizer) if self.adapter.words else 0
        texts = [sequence.upper() for sequence in sequences]
        texts = [kmer_words(text, k) for text in texts] if k else texts
        inputs = [np.array(ids, np.int64) for ids in self.tokenizer(texts, verbose=False)["input_ids"]]
        plain = [ids for ids, text in zip(inputs, texts, strict=True) if not set(text) - set("ACGT ")]
        words = sum(map(len, plain)) - len(plain) * len(self.tokenizer("")["input_ids"])
        unknown = sum(int((ids == self.tokenizer.unk_token_id).sum()) for ids in plain)
        if unknown > words / 2:
            raise InputError(
                f"{self.folder}: its tokenizer does not know {unknown / words:.0%} of the words of {what}; choose the adapter that "
                "writes sequence as this model reads it"
            )
        return inputs


def load(
    folder: Path, adapter: str = "auto", remote_code: bool = False, initial: str = "pretrained", pooling: str = ""
) -> Rival:
    """The rival in `folder`, read as `adapter` says.

    `remote_code` is the consent to run the Python files of the folder; `initial` is pretrained, or random for the twin of
    the same size; `pooling` replaces the adapter's. Raises InputError for an unknown adapter, an incomplete folder and
    missing consent.
    """
    folder = Path(folder)
    if adapter not in ADAPTERS:
        raise InputError(f"adapter: {adapter!r} is unknown; expected one of {', '.join(ADAPTERS)}")
    if initial not in ("pretrained", "random"):
        raise InputError(f"initial: {initial!r} is unknown; expected pretrained or random")
    chosen = ADAPTERS[adapter]
    pooling = pooling or chosen.pooling
    if pooling not in POOLINGS:
        raise InputError(f"pooling: {pooling!r} is unknown; expected one of {', '.join(POOLINGS)}")
    check_folder(folder, initial == "pretrained")
    code = own_code(folder, adapter)
    if code and not remote_code:
        files = sorted(path.name for path in folder.glob("*.py"))  # those that are named may import the others
        raise InputError(
            f"{folder}: {', '.join(files)} there would be executed with your rights; read them, and set remote_code: true "
            "for this rival (--remote-code) to consent"
        )
    if code:
        _private_modules()
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=bool(code))
        kind = _own_class(folder) if code else None
        config = _config(folder, kind, bool(code))
    except (OSError, ValueError, ImportError, AttributeError, TypeError, KeyError) as error:
        raise InputError(_unreadable(folder, error)) from error
    for key, value in chosen.settings:
        setattr(config, key, value)
    if tokenizer.pad_token_id is None:
        raise InputError(f"{folder}: its tokenizer has no padding token; name one in tokenizer_config.json")
    limit = chosen.limit or positions(config)
    make = partial(_network, folder, tokenizer, config, kind, initial == "pretrained", pooling, limit)
    return Rival(folder, chosen, tokenizer, config, limit, pooling, make)


def own_code(folder: Path, adapter: str) -> list[str]:
    """Python files of `folder` that this adapter would execute. Raises InputError where the model needs some and names none."""
    if ADAPTERS[adapter].code == "never":
        return []
    code = code_of(folder)
    if not code and ADAPTERS[adapter].code == "always":
        raise InputError(
            f"{folder}/config.json: auto_map names no code, and without it a model for {adapter} would be opened as another "
            "one; take config.json and the Python files from the model's repository"
        )
    return code


def positions(config) -> int:
    """Tokens, with specials, that the model takes; 0 where its configuration does not say."""
    most = getattr(config, "max_position_embeddings", None) or getattr(config, "max_seq_len", None) or 0
    return most - config.pad_token_id - 1 if most and config.model_type in OFFSET_POSITIONS else most


def check_limit(longest: int, limit: int, what: str = "sequences", letters: int = 0) -> None:
    """Raise InputError where `longest` tokens with specials are more than the model takes."""
    if limit and longest > limit:
        bases = f" ({letters} bases)" if letters else ""
        raise InputError(
            f"{what}: the longest has {longest} tokens{bases} with specials, but this rival takes {limit} at most; shorten the "
            "sequences (length in the table of tasks) or leave this rival out"
        )


def word_length(tokenizer: PreTrainedTokenizerBase) -> int:
    """Letters of the longest word of A, C, G and T in its vocabulary. Raises InputError where it has no such word."""
    words = [word for word in tokenizer.get_vocab() if not set(word) - set("ACGT")]
    if not words:
        raise InputError("dnabert: its vocabulary has no words of A, C, G and T; choose another adapter")
    return max(map(len, words))


class RivalNetwork(torch.nn.Module):
    """An encoder from elsewhere, dropout and a linear layer on one vector a sequence.

    Inputs are rows of token ids with specials. The mean is that of the tokens that stand for sequence; `cls` is the
    first token and `last` the last one that is no padding.
    """

    reentrant = False  # who knows what code from elsewhere keeps

    def __init__(
        self,
        encoder: torch.nn.Module,
        tokenizer: PreTrainedTokenizerBase,
        classes: int,
        pooling: str,
        limit: int = 0,
        dropout: float = 0.1,
    ):
        super().__init__()
        self.encoder, self.pooling, self.limit = encoder, pooling, limit
        self.takes_mask = "attention_mask" in inspect.signature(encoder.forward).parameters
        self.padding = tokenizer.pad_token_id
        # [UNK] stands for sequence too
        names = ("cls_token_id", "sep_token_id", "bos_token_id", "eos_token_id", "pad_token_id")
        self.specials = sorted({getattr(tokenizer, name) for name in names} - {None})
        self.dropout = torch.nn.Dropout(dropout)
        self.classifier = torch.nn.Linear(width(encoder.config), classes)

    def collate(self, inputs: Sequence[np.ndarray]) -> dict[str, torch.Tensor]:
        """`input_ids` int64 [rows, longest], padded behind, and `mask` bool, true where there is no padding.

        Padding behind leaves a causal model untouched, whatever side its tokenizer would choose.
        """
        lengths = np.array([len(row) for row in inputs])
        ids = np.full((len(inputs), lengths.max()), self.padding, np.int64)
        for line, row in zip(ids, inputs, strict=True):
            line[: len(row)] = row
        return {
            "input_ids": torch.from_numpy(ids),
            "mask": torch.from_numpy(np.arange(lengths.max()) < lengths[:, None]),
        }

    def groups(self, lengths: np.ndarray, device_type: str) -> list[np.ndarray]:
        """Rows of similar length that are computed together."""
        return by_length(lengths, TOKENS_AT_ONCE[device_type])

    def check(self, longest: int) -> None:
        """Raise InputError where so many tokens with specials are too many."""
        check_limit(longest, self.limit)

    def forward(self, input_ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Logits float32 [rows, classes]."""
        (vectors,) = self.pooled(input_ids, mask, [self.pooling])
        return self.classifier(self.dropout(vectors)).float()

    def pooled(self, input_ids: torch.Tensor, mask: torch.Tensor, poolings: Sequence[str]) -> list[torch.Tensor]:
        """Vectors of the last layer, [rows, hidden], one for each of `poolings`."""
        given = {"attention_mask": mask.long()} if self.takes_mask else {}
        # the models differ in what they return, but the states of the last layer come first
        states = self.encoder(input_ids, **given)
        states = states if isinstance(states, torch.Tensor) else states[0]
        return [self._pool(states, input_ids, mask, pooling) for pooling in poolings]

    def _pool(self, states: torch.Tensor, input_ids: torch.Tensor, mask: torch.Tensor, pooling: str) -> torch.Tensor:
        if pooling == "cls":
            return states[:, 0]
        if pooling == "last":
            return states[torch.arange(len(states), device=states.device), mask.sum(1) - 1]
        counted = (mask & self.sequence(input_ids))[:, :, None]
        return (states.float() * counted).sum(1) / counted.sum(1).clamp(min=1)

    def sequence(self, input_ids: torch.Tensor) -> torch.Tensor:
        """True where a token stands for sequence, bool of the shape of `input_ids`."""
        return ~torch.isin(input_ids, torch.tensor(self.specials, device=input_ids.device))


def width(config) -> int:
    """Numbers in a state of a model of this configuration."""
    return getattr(config, "hidden_size", None) or config.d_model


def joint(checksums: list[str]) -> str:
    """One checksum for weights that lie in several files."""
    return checksums[0] if len(checksums) == 1 else hashlib.sha256("\n".join(checksums).encode()).hexdigest()


def _network(
    folder: Path,
    tokenizer: PreTrainedTokenizerBase,
    config,
    kind: type | None,
    pretrained: bool,
    pooling: str,
    limit: int,
    classes: int,
    seed: int,
) -> RivalNetwork:
    torch.manual_seed(seed)
    encoder = (
        _pretrained(folder, config, kind) if pretrained else kind(config) if kind else AutoModel.from_config(config)
    )
    encoder = getattr(encoder, encoder.base_model_prefix, encoder)  # without the head that some come with
    # the random numbers of the head do not depend on how many the encoder used up
    torch.manual_seed(seed)
    return RivalNetwork(encoder.float(), tokenizer, classes, pooling, limit)


def _pretrained(folder: Path, config, kind: type | None) -> torch.nn.Module:
    """The encoder with its stored weights. Raises InputError where some of them are not in the file."""
    try:
        encoder, report = (kind or AutoModel).from_pretrained(
            folder, config=config, local_files_only=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, ImportError, AttributeError, TypeError, KeyError) as error:
        raise InputError(_unreadable(folder, error)) from error
    lacking = sorted(name for name in report["missing_keys"] if not UNUSED.search(name))
    wrong = sorted(str(name) for name in report.get("mismatched_keys") or [])
    if lacking or wrong:
        raise InputError(
            f"{folder}: its weights are not those of its configuration, {(lacking or wrong)[0]} is missing or of another "
            "size; take config.json and weights from one version of the model"
        )
    return encoder


def _own_class(folder: Path) -> type:
    """The encoder's class, or that of a whole language model, from the folder's own code."""
    declared = auto_map(folder, "config.json")
    for name in ("AutoModel", "AutoModelForMaskedLM", "AutoModelForCausalLM"):
        if name in declared:
            return dynamic_module_utils.get_class_from_dynamic_module(
                declared[name], str(folder), local_files_only=True
            )
    return None


def _config(folder: Path, kind: type | None, trust: bool):
    """The configuration, of the class that the model's own class asks for: DNABERT-2 declares another one than it uses."""
    chosen = getattr(kind, "config_class", None)
    if chosen is not None:
        return chosen.from_pretrained(folder, local_files_only=True)
    return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=trust)


@cache
def _private_modules() -> None:
    """Let transformers copy a model's code into a folder of this process, so that jobs do not write over each other's."""
    place = tempfile.mkdtemp(prefix="rival-code-")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    dynamic_module_utils.HF_MODULES_CACHE = place


def _unreadable(folder: Path, error: Exception) -> str:
    import transformers

    reason = " ".join(str(error).split())[:300]
    return (
        f"{folder}: transformers {transformers.__version__} cannot open this model ({reason}); see docs/rivals.md for the "
        "environment that a rival needs"
    )
