"""Windows of tokens laid end to end, so that no padding is computed.

All layers of BERT but attention work token by token, so windows of any lengths can share one array. `Layout` says where each
window lies; attention (`grover.network.attention`) is computed within each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from grover.network.batching import SPECIALS
from grover.network.splitmix import token_keys
from grover.tokenization.vocabulary import CLS, SEP


def pack(tokens: np.ndarray, first: np.ndarray, length: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Windows `tokens[first : first + length]`, each as [CLS] tokens [SEP], end to end.

    Returns the ids, int64 [tokens], and the lengths of the windows with their specials, int64 [windows].
    """
    lengths = np.asarray(length, np.int64) + SPECIALS
    ends = np.cumsum(lengths)
    ids = np.empty(ends[-1], np.int64)
    ids[ends - lengths], ids[ends - 1] = CLS, SEP
    for begin, start, count in zip(ends - lengths + 1, first, length, strict=True):
        ids[begin : begin + count] = tokens[start : start + count]
    return ids, lengths


def pack_rows(rows: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The same of sequences of token ids without specials, each a window."""
    lengths = np.array([len(row) for row in rows], np.int64)
    return pack(np.concatenate(rows), np.cumsum(lengths) - lengths, lengths)


def group_by_tokens(lengths: ArrayLike, limit: int) -> list[np.ndarray]:
    """Cut rows into groups of at most `limit` tokens with specials each (and of one row at least), the longest rows first.

    A training step adds up the gradients of its groups, so that grouping saves memory and changes nothing else.
    """
    lengths = np.asarray(lengths, np.int64)
    order = np.argsort(-lengths, kind="stable")
    groups: list[list[int]] = []
    total = 0
    for row, length in zip(order, lengths[order] + SPECIALS, strict=True):
        if not groups or total + length > limit:
            groups.append([])
            total = 0
        groups[-1].append(row)
        total += length
    return [np.array(group) for group in groups]


@dataclass(frozen=True)
class Layout:
    """Where the windows of a pack lie: `lengths` with specials, `places` int64 [tokens] within the windows, and `bounds`
    int32 [windows + 1] between them. `keys`, int64 [tokens], decide the dropout of each token on a CPU.
    """

    lengths: tuple[int, ...]
    places: torch.Tensor
    bounds: torch.Tensor
    keys: torch.Tensor | None = None

    @classmethod
    def of(cls, lengths: np.ndarray, keys: np.ndarray | None = None) -> "Layout":
        """The layout of windows of these lengths, on the CPU; `keys` are those of the windows, uint64 (`grover.network.splitmix`)."""
        bounds = np.concatenate([[0], np.cumsum(lengths)])
        places = np.arange(bounds[-1]) - np.repeat(bounds[:-1], lengths)
        return cls(
            tuple(map(int, lengths)),
            torch.from_numpy(places),
            torch.from_numpy(bounds.astype(np.int32)),
            None if keys is None else torch.from_numpy(token_keys(keys, lengths).view(np.int64)),
        )

    def to(self, device: torch.device, **options: Any) -> "Layout":
        """The same layout with its tensors on `device`, on a GPU without keys; `options` are those of a tensor's `to`."""
        keys = self.keys if device.type == "cpu" else None
        return Layout(self.lengths, self.places.to(device, **options), self.bounds.to(device, **options), keys)

    def filled(self, ids: torch.Tensor, multiple: int) -> tuple[torch.Tensor, "Layout"]:
        """Return ids, or their embeddings, and the layout with a window of padding at the end, up to a multiple of so many tokens."""
        missing = -len(ids) % multiple
        if not missing or len(ids) < multiple:
            return ids, self
        ids = torch.cat([ids, ids.new_zeros(missing, *ids.shape[1:])])
        places = torch.cat([self.places, self.places.new_zeros(missing)])
        return ids, Layout((*self.lengths, missing), places, torch.cat([self.bounds, self.bounds[-1:] + missing]))

    def pin_memory(self) -> "Layout":
        """The same layout in memory from which a GPU copies by itself; keys are for CPUs."""
        return Layout(self.lengths, self.places.pin_memory(), self.bounds.pin_memory())
