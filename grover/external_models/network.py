"""The network of an external model: its encoder with the stored weights, and a classifier on top of it.

It works with transformers 4 and 5, since the code that a model brings may need the former.
"""

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModel, PretrainedConfig, PreTrainedTokenizerBase

from grover.network.batching import by_length
from grover.network.classifier import Network
from grover.runtime.errors import InputError

TOKENS_AT_ONCE = {"cpu": 4_096, "cuda": 16_384}  # padded; external models are large and their attention is not packed
# what is random where only the rest of a checkpoint is used; nothing here reads it
UNUSED = re.compile(r"(^|\.)(pooler|contact_head|lm_head|cls|score|classifier|position_ids)(\.|$)")


def check_limit(longest: int, limit: int, what: str = "sequences", bases: int = 0) -> None:
    """Raise InputError where `longest` tokens with specials are more than the model takes."""
    if limit and longest > limit:
        length = f" ({bases} bases)" if bases else ""
        raise InputError(
            f"{what}: the longest has {longest} tokens{length} with specials, but this external model takes {limit} at most; shorten the "
            "sequences (length in the table of tasks) or leave this external model out"
        )


class ExternalNetwork(Network):
    """An encoder from elsewhere, dropout and a linear layer on one vector a sequence.

    Inputs are rows of token ids with specials. The mean is that of the tokens that stand for sequence; `cls` is the
    first token and `last` the last one that is no padding.
    """

    reentrant = False  # code from outside may keep state between calls

    def __init__(
        self,
        encoder: Any,
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


def width(config: PretrainedConfig) -> int:
    """Numbers in a state of a model of this configuration."""
    return getattr(config, "hidden_size", None) or config.d_model


@dataclass(frozen=True)
class Source:
    """What an external model is built from.

    kind: class of the encoder, None for the one that transformers chooses. pretrained: with the weights in `folder`, else with random
    ones. limit: tokens with specials that the model takes at most, 0 where there is no limit.
    """

    folder: Path
    tokenizer: PreTrainedTokenizerBase
    config: PretrainedConfig
    kind: Any
    pretrained: bool
    pooling: str
    limit: int


def make_network(source: Source, classes: int, seed: int) -> ExternalNetwork:
    """Return a classifier over an external model: its encoder and a new linear layer.

    Raises InputError where the stored weights do not fit the configuration.
    """
    torch.manual_seed(seed)
    if source.pretrained:
        encoder = _pretrained(source)
    else:
        encoder = source.kind(source.config) if source.kind else AutoModel.from_config(source.config)
    encoder = getattr(encoder, encoder.base_model_prefix, encoder)  # without the head that some come with
    # the random numbers of the head do not depend on how many the encoder used up
    torch.manual_seed(seed)
    return ExternalNetwork(encoder.float(), source.tokenizer, classes, source.pooling, source.limit)


def _pretrained(source: Source) -> Any:
    """The encoder with its stored weights. Raises InputError where some of them are not in the file."""
    try:
        encoder, report = (source.kind or AutoModel).from_pretrained(
            source.folder, config=source.config, local_files_only=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, ImportError, AttributeError, TypeError, KeyError) as error:
        raise InputError(unreadable(source.folder, error)) from error
    missing = sorted(name for name in report["missing_keys"] if not UNUSED.search(name))
    wrong = sorted(str(name) for name in report.get("mismatched_keys") or [])
    if missing or wrong:
        raise InputError(
            f"{source.folder}: its weights are not those of its configuration, {(missing or wrong)[0]} is missing or of another "
            "size; take config.json and weights from one version of the model"
        )
    return encoder


def unreadable(folder: Path, error: Exception) -> str:
    """Return the message for a folder that transformers cannot open."""
    import transformers

    reason = " ".join(str(error).split())[:300]
    return (
        f"{folder}: transformers {transformers.__version__} cannot open this model ({reason}); see "
        "docs/reference/external-models.md for the environment that an external model needs"
    )
