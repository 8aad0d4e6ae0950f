"""The encoder on windows laid end to end: no padding is computed, and no window sees another.

All layers but attention work token by token, so windows of any lengths can share one array. Attention is computed within each
window: on a GPU by the variable-length kernel that torch ships, elsewhere window by window. The last layer and the
output layer are computed for the tokens to predict alone, since nothing reads the others. The modules and weights are those
of the Hugging Face model, and so are the results.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional
from torch.nn.attention.varlen import varlen_attn
from transformers import BertForMaskedLM, BertModel

from grover.network.batching import SPECIALS
from grover.tokenization.vocabulary import CLS, SEP

AMPERE = (8, 0)  # the first generation of GPUs that the variable-length kernel runs on
SCORES_AT_ONCE = 512 * 512  # attention scores of a head that stay in the cache of a CPU


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


def group_by_tokens(lengths: np.ndarray, limit: int) -> list[np.ndarray]:
    """Cut rows into groups of at most `limit` tokens with specials each (and of one row at least), the longest rows first.

    A training step adds up the gradients of its groups, so that grouping saves memory and changes nothing else.
    """
    order = np.argsort(-np.asarray(lengths), kind="stable")
    groups, total = [[]], 0
    for row, length in zip(order, lengths[order] + SPECIALS, strict=True):
        if groups[-1] and total + length > limit:
            groups.append([])
            total = 0
        groups[-1].append(row)
        total += length
    return [np.array(group) for group in groups]


@dataclass(frozen=True)
class Layout:
    """Where the windows of a pack lie: `lengths` with specials, `places` int64 [tokens] within the windows, and `bounds`
    int32 [windows + 1] between them.
    """

    lengths: tuple[int, ...]
    places: torch.Tensor
    bounds: torch.Tensor

    @classmethod
    def of(cls, lengths: np.ndarray) -> "Layout":
        """The layout of windows of these lengths, on the CPU."""
        bounds = np.concatenate([[0], np.cumsum(lengths)])
        places = np.arange(bounds[-1]) - np.repeat(bounds[:-1], lengths)
        return cls(tuple(map(int, lengths)), torch.from_numpy(places), torch.from_numpy(bounds.astype(np.int32)))

    def to(self, device: torch.device, **options) -> "Layout":
        """The same layout with its tensors on `device`; `options` are those of a tensor's `to`."""
        return Layout(self.lengths, self.places.to(device, **options), self.bounds.to(device, **options))


def after_attention(layer: torch.nn.Module, mixed: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
    """The part of a layer that works token by token: `mixed` are the values that attention has weighed, `states` its input."""
    attention, last = layer.attention.output, layer.output
    added = dropout(attention.dense(mixed), attention.dropout.p, layer.training)
    states = attention.LayerNorm(added + states)
    added = dropout(last.dense(layer.intermediate(states)), last.dropout.p, layer.training)
    return last.LayerNorm(added + states)


def logits_at(
    model: BertForMaskedLM,
    ids: torch.Tensor,
    layout: Layout,
    positions: torch.Tensor,
    after_attention: Callable = after_attention,
) -> torch.Tensor:
    """Logits, float32 [positions, vocabulary], at `positions` of packed `ids`; a compiled `after_attention` may be given."""
    return model.cls(hidden_states(model.bert, ids, layout, positions, after_attention)).float()


def hidden_states(
    encoder: BertModel,
    ids: torch.Tensor,
    layout: Layout,
    positions: torch.Tensor | None = None,
    after_attention: Callable = after_attention,
) -> torch.Tensor:
    """States of the last layer, [tokens, hidden], or at `positions` alone."""
    embeddings, layers = encoder.embeddings, encoder.encoder.layer
    states = embeddings.word_embeddings(ids) + embeddings.position_embeddings(layout.places)
    states = embeddings.LayerNorm(states + embeddings.token_type_embeddings.weight[0])
    states = dropout(states, embeddings.dropout.p, encoder.training)
    for layer in layers:
        mixed = attend(layer.attention.self, states, layout)
        if layer is layers[-1] and positions is not None:
            mixed, states = mixed.index_select(0, positions), states.index_select(0, positions)
        states = after_attention(layer, mixed, states)
    return states


def has_kernel(device: torch.device, kind: torch.dtype, width: int) -> bool:
    """Whether torch's variable-length kernel computes heads of this width in this type of number here."""
    sixteen_bits = kind in (torch.bfloat16, torch.float16)
    return (
        device.type == "cuda" and sixteen_bits and width % 8 == 0 and torch.cuda.get_device_capability(device) >= AMPERE
    )


def attend(attention: torch.nn.Module, states: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Self-attention within each window, [tokens, hidden]."""
    parts = attention.query, attention.key, attention.value
    weight, bias = torch.cat([part.weight for part in parts]), torch.cat([part.bias for part in parts])
    heads = attention.num_attention_heads
    projected = functional.linear(states, weight, bias).view(len(states), 3, heads, -1)
    if has_kernel(states.device, projected.dtype, projected.shape[-1]):
        query, key, value = projected.unbind(1)
        longest = max(layout.lengths)
        return varlen_attn(query, key, value, layout.bounds, layout.bounds, longest, longest).flatten(1)
    groups = _groups(layout.lengths)
    pieces = projected.split([sum(lengths) for lengths in groups])
    return torch.cat([_attend_group(piece, lengths) for piece, lengths in zip(pieces, groups, strict=True)])


def _groups(lengths: tuple[int, ...]) -> list[list[int]]:
    """Neighbouring windows whose attention is computed at once: long ones alone, short ones together."""
    groups = []
    for length in lengths:
        if groups and (len(groups[-1]) + 1) * max(length, *groups[-1]) ** 2 <= SCORES_AT_ONCE:
            groups[-1].append(length)
        else:
            groups.append([length])
    return groups


def _attend_group(projected: torch.Tensor, lengths: list[int]) -> torch.Tensor:
    """Attention within windows of a group: projected is [tokens, 3, heads, width], the result [tokens, hidden].

    Windows of different lengths are padded here, for the scores alone.
    """
    longest = max(lengths)
    equal = all(length == longest for length in lengths)
    if not equal:
        zeros = projected.new_zeros(longest, *projected.shape[1:])
        pieces = [part for piece in projected.split(lengths) for part in (piece, zeros[: longest - len(piece)])]
        projected = torch.cat(pieces)
    query, key, value = projected.view(len(lengths), longest, *projected.shape[1:]).permute(2, 0, 3, 1, 4)
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    if not equal:
        beyond = torch.arange(longest) >= torch.tensor(lengths)[:, None]
        scores = scores.masked_fill(beyond[:, None, None, :].to(scores.device), float("-inf"))
    mixed = (torch.softmax(scores, -1) @ value).transpose(1, 2).flatten(0, 1).flatten(1)
    if equal:
        return mixed
    sizes = [size for length in lengths for size in (length, longest - length)]
    return torch.cat(mixed.split(sizes)[::2])


def dropout(states: torch.Tensor, share: float, training: bool) -> torch.Tensor:
    """Dropout; on the CPU from 16 random bits an element, since torch's own draws one by one and takes a sixth of a step."""
    if not training or share == 0:
        return states
    if states.is_cuda:
        return functional.dropout(states, share)
    words = torch.empty(states.numel() // 4 + 1, dtype=torch.int64).random_(-(2**63), None)
    draws = words.view(torch.int16)[: states.numel()].view(states.shape)
    kept = draws >= round(share * 2**16) - 2**15
    return states * (kept * torch.tensor(1 / (1 - share), dtype=states.dtype))
