"""Adapters: how each published model is opened and how it reads sequence.

An external model is a Hugging Face folder: `config.json`, weights, its own tokenizer and, for some, its own code. This module reads
local folders and downloads nothing. Code of a model runs by explicit consent only. The module works with transformers 4 and 5, since
the code of a model may need the former.
"""

import atexit
import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from transformers import AutoConfig, AutoTokenizer, PretrainedConfig, PreTrainedTokenizerBase, dynamic_module_utils

from grover.external_models.folder import CONFIG, TEXTS, auto_map, check_folder, code_of, weights_of
from grover.external_models.network import ExternalNetwork, Source, check_limit, make_network, unreadable, width
from grover.runtime.errors import InputError
from grover.runtime.files import checksum

# their position numbers begin after the id of the padding token
OFFSET_POSITIONS = ("esm", "roberta")


def overlapping_kmers(sequence: str, k: int) -> str:
    """Write all k-mers, one per base, separated by spaces; a sequence shorter than k stays as it is."""
    return " ".join(sequence[start : start + k] for start in range(max(1, len(sequence) - k + 1)))


@dataclass(frozen=True)
class Adapter:
    """How a kind of model is opened.

    `kmers`: its tokenizer reads overlapping k-mers, with the k of its vocabulary, instead of the bare sequence. `pooling`: mean, cls or
    last. `code`: whether it runs its own code: always, never, or where its folder names some (`declared`). `limit`: maximum of tokens
    with specials, where its configuration has none. `settings`: changes of its configuration.
    """

    kmers: bool = False
    pooling: str = "mean"
    code: str = "declared"
    limit: int = 0
    settings: tuple[tuple[str, float], ...] = ()


ADAPTERS = {
    # Ji et al. 2021; a plain BERT of 512 positions, vocab.txt of 4**k k-mers and five specials. The folders on the hub name
    # their own code for the head of a classifier, which is not needed.
    "dnabert": Adapter(kmers=True, pooling="cls", code="never"),
    # Zhou et al. 2023; byte pairs and ALiBi, so that the 512 of its configuration is no limit: ours is for memory. It would silently
    # load as plain BERT, which is another model. Its Triton kernel does not compile with today's Triton, and is used only where
    # attention has no dropout at all.
    "dnabert2": Adapter(code="always", limit=4_096, settings=(("attention_probs_dropout_prob", 1e-8),)),
    # Dalla-Torre et al. 2024; ESM with disjoint 6-mers, [CLS] in front and no special behind. 1,002 positions (2,050 for v2) are
    # 1,000 (2,048) tokens. v2 has its own code, v1 has none.
    "nucleotide-transformer": Adapter(),
    # Nguyen et al. 2023; single bases, causal, no attention mask and no [CLS], so that no state at its front depends on the
    # sequence. `max_seq_len` of its configuration counts tokens.
    "hyenadna": Adapter(code="always"),
    "auto": Adapter(),
}


@dataclass(frozen=True)
class ExternalModel(Source):
    """An external model that is ready to be fine-tuned."""

    adapter: Adapter

    def make(self, classes: int, seed: int) -> ExternalNetwork:
        """Make a network; the seed determines its head, and all weights of a randomly initialised model."""
        return make_network(self, classes, seed)

    @property
    def files(self) -> list[Path]:
        """All files that define the model: configuration, tokenizer, code and the weights that are read."""
        others = [path for path in self.folder.iterdir() if path.suffix in TEXTS]
        return sorted({*others, *self.weights})

    @property
    def weights(self) -> list[Path]:
        """The files of the weights that are read."""
        return weights_of(self.folder)

    @property
    def sha256(self) -> str:
        """One checksum of its weights, or of its configuration where a randomly initialised model has no weights."""
        return joint([checksum(path) for path in self.weights or [self.folder / CONFIG]])

    @property
    def layers(self) -> int:
        """Layers of the encoder by its configuration, 1 where it has no number."""
        return getattr(self.config, "num_hidden_layers", None) or getattr(self.config, "n_layer", None) or 1

    @property
    def hidden(self) -> int:
        """Size of a state."""
        return width(self.config)

    @property
    def poolings(self) -> tuple[str, ...]:
        """Poolings of its states: their mean, and the first state where the tokenizer puts [CLS] in front.

        Without [CLS] the first state is that of the first token, which in a causal model depends on no other.
        """
        first = self.tokenizer("A")["input_ids"][:1]
        return ("cls", "mean") if first == [self.tokenizer.cls_token_id] else ("mean",)

    def read(self, sequences: Sequence[str], what: str = "sequences") -> list[np.ndarray]:
        """Tokenise each sequence, int64 with the specials that the tokenizer adds.

        Raises InputError, beginning with `what`, where a sequence is longer than the model allows. Raises it, too, where half of the
        tokens of A, C, G and T are unknown to the tokenizer.
        """
        inputs = self.tokenise(sequences, what)
        check_limit(max(map(len, inputs), default=0), self.limit, what, max(map(len, sequences), default=0))
        return inputs

    def tokenise(self, sequences: Sequence[str], what: str = "sequences") -> list[np.ndarray]:
        """Tokenise sequences of any length as `read` does."""
        k = longest_kmer(self.tokenizer) if self.adapter.kmers else 0
        texts = [sequence.upper() for sequence in sequences]
        texts = [overlapping_kmers(text, k) for text in texts] if k else texts
        inputs = [np.array(ids, np.int64) for ids in self.tokenizer(texts, verbose=False)["input_ids"]]
        plain = [ids for ids, text in zip(inputs, texts, strict=True) if not set(text) - set("ACGT ")]
        tokens = sum(map(len, plain)) - len(plain) * len(self.tokenizer("")["input_ids"])
        unknown = sum(int((ids == self.tokenizer.unk_token_id).sum()) for ids in plain)
        if unknown > tokens / 2:
            raise InputError(
                f"{self.folder}: its tokenizer does not know {unknown / tokens:.0%} of the tokens of {what}; choose the adapter that "
                "writes sequence as this model reads it"
            )
        return inputs


def load(
    folder: Path, adapter: str, remote_code: bool, initial: str = "pretrained", pooling: str = ""
) -> ExternalModel:
    """Open the external model in `folder` with an adapter.

    `remote_code` is the consent to run the Python files of the folder; `initial` is pretrained, or random for a randomly initialised
    model of the same size; `pooling` replaces the adapter's. Raises InputError for an incomplete folder and missing consent.
    """
    folder = Path(folder)
    chosen = ADAPTERS[adapter]
    pooling = pooling or chosen.pooling
    check_folder(folder, initial == "pretrained")
    code = own_code(folder, adapter)
    if code and not remote_code:
        files = sorted(path.name for path in folder.glob("*.py"))  # those that are named may import the others
        raise InputError(
            f"{folder}: {', '.join(files)} there would be executed with your rights; read them, and set remote_code: true "
            "for this external model (--remote-code) to consent"
        )
    if code:
        _private_modules()
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=bool(code))
        kind = _own_class(folder) if code else None
        config = _config(folder, kind, bool(code))
    except (OSError, ValueError, ImportError, AttributeError, TypeError, KeyError) as error:
        raise InputError(unreadable(folder, error)) from error
    for key, value in chosen.settings:
        setattr(config, key, value)
    if tokenizer.pad_token_id is None:
        raise InputError(f"{folder}: its tokenizer has no padding token; name one in tokenizer_config.json")
    limit = chosen.limit or positions(config)
    return ExternalModel(folder, tokenizer, config, kind, initial == "pretrained", pooling, limit, chosen)


def own_code(folder: Path, adapter: str) -> list[str]:
    """List the Python files of `folder` that this adapter would execute. Raises InputError where the model needs some and names none."""
    if ADAPTERS[adapter].code == "never":
        return []
    code = code_of(folder)
    if not code and ADAPTERS[adapter].code == "always":
        raise InputError(
            f"{folder}/config.json: auto_map names no code, and without it a model for {adapter} would be opened as another "
            "one; take config.json and the Python files from the model's repository"
        )
    return code


def positions(config: PretrainedConfig) -> int:
    """Return the maximum of tokens with specials; 0 where the configuration has none."""
    most = getattr(config, "max_position_embeddings", None) or getattr(config, "max_seq_len", None) or 0
    return most - config.pad_token_id - 1 if most and config.model_type in OFFSET_POSITIONS else most


def longest_kmer(tokenizer: PreTrainedTokenizerBase) -> int:
    """Return the k of the longest k-mer in the vocabulary. Raises InputError where it has none."""
    kmers = [token for token in tokenizer.get_vocab() if not set(token) - set("ACGT")]
    if not kmers:
        raise InputError("dnabert: its vocabulary has no k-mers of A, C, G and T; choose another adapter")
    return max(map(len, kmers))


def joint(checksums: list[str]) -> str:
    """Combine the checksums of weights in several files."""
    return checksums[0] if len(checksums) == 1 else hashlib.sha256("\n".join(checksums).encode()).hexdigest()


def _own_class(folder: Path) -> type | None:
    """Return the class of the encoder, or of a whole language model, from the folder's own code; None where it names none."""
    declared = auto_map(folder, "config.json")
    for name in ("AutoModel", "AutoModelForMaskedLM", "AutoModelForCausalLM"):
        if name in declared:
            return dynamic_module_utils.get_class_from_dynamic_module(
                declared[name], str(folder), local_files_only=True
            )
    return None


def _config(folder: Path, kind: type | None, trust: bool) -> PretrainedConfig:
    """Read the configuration with the class that the model's own class uses: DNABERT-2 declares another one."""
    chosen = getattr(kind, "config_class", None)
    if chosen is not None:
        return chosen.from_pretrained(folder, local_files_only=True)
    return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=trust)


@cache
def _private_modules() -> None:
    """Let transformers copy a model's code into a folder of this process, so that jobs do not overwrite each other's."""
    place = tempfile.mkdtemp(prefix="external-code-")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    dynamic_module_utils.HF_MODULES_CACHE = place
