"""Readout of the states of windows laid end to end: [CLS] and sums by window, sums by token, states of single tokens."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import embedding_bag
from transformers import BertModel

from grover.embeddings.region_table import Windows
from grover.network.attention import choose_attention
from grover.network.forward import layer_states
from grover.network.packed import Layout, pack


@dataclass(frozen=True)
class Bags:
    """Rows that are added up by a key: `rows`, int64, sorted by key; those of each of the ascending `keys` begin at `offsets`."""

    keys: np.ndarray
    rows: torch.Tensor
    offsets: torch.Tensor

    @classmethod
    def of(cls, keys: np.ndarray, rows: np.ndarray, device: torch.device) -> "Bags":
        """Group `rows` by their keys."""
        order = np.argsort(keys, kind="stable")
        distinct, offsets = np.unique(keys[order], return_index=True)
        return cls(distinct.astype(np.int64), to_device(rows[order], device), to_device(offsets, device))

    def sum(self, states: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
        """Sum the states of each bag, [keys, hidden]; weights, [rows], are in the order of `rows`."""
        if not len(self.keys):
            return states.new_zeros(0, states.shape[1])
        # several times as fast as a reduction by segments
        return embedding_bag(self.rows, states, self.offsets, mode="sum", per_sample_weights=weights)


@dataclass(frozen=True)
class Pack:
    """Windows end to end on a device: their ids and layout, where each begins, and the tokens of their cores as bags by window.

    Of the core tokens, window by window, `core` are the places in the pack and `positions` those among the given tokens, both int64.
    """

    ids: torch.Tensor
    layout: Layout
    begins: torch.Tensor
    bags: Bags
    core: np.ndarray
    positions: np.ndarray

    @classmethod
    def of(cls, tokens: np.ndarray, windows: Windows, rows: np.ndarray, device: torch.device) -> "Pack":
        """Pack the windows of these rows, whose positions are those in `tokens`."""
        first, core_first = windows.first[rows], windows.core_first[rows]
        ids, lengths = pack(tokens, first, windows.length[rows])
        begins = np.cumsum(lengths) - lengths
        sizes = windows.core_last[rows] - core_first
        positions = runs(core_first, sizes)
        core = positions + np.repeat(begins + 1 - first, sizes)  # behind [CLS]
        bags = Bags.of(np.repeat(np.arange(len(rows)), sizes), core, device)
        layout = Layout.of(lengths).to(device, non_blocking=True)
        return cls(to_device(ids, device), layout, to_device(begins, device), bags, core, positions)

    def pooled(self, states: torch.Tensor) -> torch.Tensor:
        """Return the state of [CLS] and the sum over the core of each window, [2, windows, hidden]."""
        return torch.stack([states.index_select(0, self.begins), self.bags.sum(states)])


@dataclass(frozen=True)
class Readout:
    """The states of a pack that are kept, on its device.

    pooled [L, 2, windows, hidden], by pooling; sums float64 [L, ids, hidden] over the occurrences of each id; units float64 [L, used ids,
    hidden], sums of states scaled to length 1 over those that are used; kept float16 [L, kept tokens, hidden].
    """

    pooled: torch.Tensor
    ids: np.ndarray
    sums: torch.Tensor
    used_ids: np.ndarray
    units: torch.Tensor
    kept: torch.Tensor


def read_out(
    encoder: BertModel, pack: Pack, ids: np.ndarray, used: np.ndarray, kept: np.ndarray, layers: Sequence[int]
) -> Readout:
    """Compute the states of a pack layer by layer and keep what `Readout` describes.

    ids: of its core tokens; used, kept: bool masks of them.
    """
    device = pack.ids.device
    by_id, by_used_id = Bags.of(ids, pack.core, device), Bags.of(ids[used], pack.core[used], device)
    kept_rows = to_device(pack.core[kept], device)
    found = []
    attention = choose_attention(device, encoder.training)
    for states in layer_states(encoder, pack.ids, pack.layout, layers, attention=attention):
        states = states.float()
        lengths = torch.linalg.vector_norm(states.index_select(0, by_used_id.rows), dim=1)
        units = by_used_id.sum(states, 1 / lengths.clamp_min(1e-12))
        found.append(
            (pack.pooled(states), by_id.sum(states).double(), units.double(), states.index_select(0, kept_rows).half())
        )
    # under autocast torch refuses to stack half precision beside the type of autocast
    with torch.autocast(device.type, enabled=False):
        pooled, sums, units, halves = map(torch.stack, zip(*found, strict=True))
    return Readout(pooled, by_id.keys, sums, by_used_id.keys, units, halves)


def add_rows(total: torch.Tensor, ids: np.ndarray, added: torch.Tensor) -> None:
    """Add [L, ids, hidden] to the rows of `total`, [L, vocabulary, hidden], in place; no id occurs twice."""
    if total.is_cuda:
        total.index_add_(1, to_device(ids, total.device), added)
        return
    # torch would share this little work among busy threads and wait for them
    for layer, values in zip(total.numpy(), added.numpy(), strict=True):
        layer[ids] += values


def runs(first: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Concatenate runs of consecutive numbers that begin at `first` and have these sizes, int64."""
    ends = np.cumsum(sizes)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - ends + sizes, sizes)


def to_device(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """Copy the array to the device."""
    return torch.from_numpy(array).to(device, non_blocking=True)
