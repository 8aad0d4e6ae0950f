"""The encoder on windows laid end to end (`grover.packed`), where nothing is to be learnt.

On a CPU attention is then computed window by window by torch's fused kernel, without any padding and without keeping the scores.
bench/finetuning.py has what that is worth beside `transformers`.
"""

from itertools import groupby

import torch
from torch.nn.functional import linear, scaled_dot_product_attention
from transformers import BertModel

from grover import packed
from grover.packed import Layout


def hidden_states(
    encoder: BertModel, ids: torch.Tensor, layout: Layout, positions: torch.Tensor | None = None
) -> torch.Tensor:
    """States of the last layer, [tokens, hidden], or at `positions` alone, as `packed.hidden_states` gives them."""
    if encoder.training or ids.is_cuda:
        return packed.hidden_states(encoder, ids, layout, positions)
    embeddings, layers = encoder.embeddings, encoder.encoder.layer
    states = embeddings.word_embeddings(ids) + embeddings.position_embeddings(layout.places)
    states = embeddings.LayerNorm(states + embeddings.token_type_embeddings.weight[0])
    for layer in layers:
        mixed = attend(layer.attention.self, states, layout)
        if layer is layers[-1] and positions is not None:
            mixed, states = mixed.index_select(0, positions), states.index_select(0, positions)
        states = packed.after_attention(layer, mixed, states)
    return states


def attend(attention: torch.nn.Module, states: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Self-attention within each window, [tokens, hidden]; neighbours of the same length go together."""
    parts = attention.query, attention.key, attention.value
    weight, bias = torch.cat([part.weight for part in parts]), torch.cat([part.bias for part in parts])
    projected = linear(states, weight, bias).unflatten(1, (3, attention.num_attention_heads, -1))
    runs = [(length, len(list(run))) for length, run in groupby(layout.lengths)]
    pieces = projected.split([length * number for length, number in runs])
    mixed = []
    for piece, (length, number) in zip(pieces, runs, strict=True):
        query, key, value = piece.unflatten(0, (number, length)).permute(2, 0, 3, 1, 4)
        mixed.append(scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(0, 1).flatten(1))
    return torch.cat(mixed)
