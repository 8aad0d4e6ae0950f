"""Self-attention within the windows of a pack (`grover.network.packed`), in the ways that BERT's forward pass can compute it.

Each function takes the layer's module that holds the projections, the states [tokens, hidden] and the layout. It returns
the weighed values [tokens, hidden].
"""

from collections.abc import Callable
from itertools import groupby
from typing import Any

import torch
from torch.nn import functional
from torch.nn.attention.varlen import varlen_attn

from grover.network.linear import linear
from grover.network.packed import Layout

Module = Any  # one of `transformers`, whose submodules mypy cannot see
Attention = Callable[[Module, torch.Tensor, Layout], torch.Tensor]

AMPERE = (8, 0)  # the first generation of GPUs that the variable-length kernel runs on
WIDEST = 256  # heads that it computes
SCORES_AT_ONCE = 512 * 512  # attention scores of a head that stay in the cache of a CPU


def choose_attention(device: torch.device, training: bool) -> Attention:
    """The faster way on this device: `attend`, or `attend_fused` on a CPU where nothing is trained.

    `attend` itself takes `attend_fused` on a CPU in float32.
    """
    return attend if training or device.type == "cuda" else attend_fused


def attend(attention: Module, states: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Attention by the variable-length kernel of a GPU; elsewhere by matrix products, window by window.

    In float32 a CPU computes it by torch's fused kernel, 1.04 to 1.44 times as fast in a training; in bfloat16 that is slower.
    """
    return weigh(_project(attention, states), layout)


def weigh(projected: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Weigh the values of `projected` [tokens, 3, heads, width], which are query, key and value, within each window."""
    if projected.device.type == "cpu" and projected.dtype == torch.float32:
        return _fused(projected, layout)
    if has_kernel(projected.device, projected.dtype, projected.shape[-1]):
        query, key, value = projected.unbind(1)
        longest = max(layout.lengths)
        mixed: Any = varlen_attn(query, key, value, layout.bounds, layout.bounds, longest, longest)
        return mixed.flatten(1)
    groups = _groups(layout.lengths)
    pieces = projected.split([sum(lengths) for lengths in groups])
    return torch.cat([_attend_group(piece, lengths) for piece, lengths in zip(pieces, groups, strict=True)])


def attend_fused(attention: Module, states: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Attention by torch's fused kernel, which keeps no scores; neighbouring windows of the same length are computed together."""
    return _fused(_project(attention, states), layout)


def _fused(projected: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Weigh the values of `projected` [tokens, 3, heads, width] by torch's fused kernel."""
    runs = [(length, len(list(run))) for length, run in groupby(layout.lengths)]
    pieces = projected.split([length * number for length, number in runs])
    mixed = []
    for piece, (length, number) in zip(pieces, runs, strict=True):
        query, key, value = piece.unflatten(0, (number, length)).permute(2, 0, 3, 1, 4)
        mixed.append(
            functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(0, 1).flatten(1)
        )
    return torch.cat(mixed)


def has_kernel(device: torch.device, kind: torch.dtype, width: int) -> bool:
    """Whether torch's variable-length kernel computes heads of this width in this type of number on this device."""
    if device.type != "cuda" or kind not in (torch.bfloat16, torch.float16) or width % 8 or width > WIDEST:
        return False
    return torch.cuda.get_device_capability(device) >= AMPERE


def _project(attention: Module, states: torch.Tensor) -> torch.Tensor:
    """Query, key and value of each head, [tokens, 3, heads, width], by one matrix product."""
    parts = attention.query, attention.key, attention.value
    weight, bias = torch.cat([part.weight for part in parts]), torch.cat([part.bias for part in parts])
    return linear(states, weight, bias).unflatten(1, (3, attention.num_attention_heads, -1))


def _groups(lengths: tuple[int, ...]) -> list[list[int]]:
    """Neighbouring windows whose attention is computed at once: long ones alone, short ones together."""
    groups: list[list[int]] = []
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
