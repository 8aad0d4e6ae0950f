"""The forward pass of BERT on windows laid end to end (`grover.network.packed`).

It is the only one: training, prediction, embeddings and scores call it with the attention function that suits them. It
computes no padding, no window attends to another, and the last layer is computed only for the tokens that are read. The modules
and weights are those of the Hugging Face model, and so are the results. The caller sets the model's device and mode.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np
import torch
from torch.nn import functional
from transformers import BertForMaskedLM, BertModel

from grover.network.attention import Attention, Module, attend
from grover.network.linear import ROWS, linear
from grover.network.packed import Layout
from grover.network.splitmix import random_words

AfterAttention = Callable[[Module, torch.Tensor, torch.Tensor, torch.Tensor | None], torch.Tensor]


def after_attention(
    layer: Module, mixed: torch.Tensor, states: torch.Tensor, keys: torch.Tensor | None
) -> torch.Tensor:
    """The part of a layer that works token by token: `mixed` are the values that attention has weighed, `states` its input; the next
    two numbers from `keys` on decide what is dropped.
    """
    attention, last = layer.attention.output, layer.output
    added = dropout(_apply(attention.dense, mixed), attention.dropout.p, layer.training, keys)
    states = attention.LayerNorm(added + states)
    keys = None if keys is None else keys + 1
    grown = layer.intermediate.intermediate_act_fn(_apply(layer.intermediate.dense, states))
    added = dropout(_apply(last.dense, grown), last.dropout.p, layer.training, keys)
    return last.LayerNorm(added + states)


def _apply(module: Module, states: torch.Tensor) -> torch.Tensor:
    return linear(states, module.weight, module.bias)


def layer_states(
    encoder: BertModel,
    ids: torch.Tensor,
    layout: Layout,
    layers: Sequence[int],
    *,
    positions: torch.Tensor | None = None,
    attention: Attention = attend,
    after_attention: AfterAttention = after_attention,
) -> Iterator[torch.Tensor]:
    """States [tokens, hidden] of ascending `layers`, each as soon as it is computed; with `positions` the deepest one only at these.

    Layer 0 is the input of the first layer and i the output of layer i, as in the `hidden_states` of `transformers`. Layers beyond the
    deepest one are not computed. In place of token ids `ids` may be their word embeddings, [tokens, hidden], such as gradients need.
    """
    embeddings: Module = encoder.embeddings
    stack: Module = encoder.encoder.layer
    tokens = len(ids)
    if not (torch.is_grad_enabled() or encoder.training or ids.is_cuda):
        ids, layout = layout.filled(ids, ROWS)  # once, where `linear` would copy the states of every layer
    words = ids if ids.is_floating_point() else embeddings.word_embeddings(ids)
    states = words + embeddings.position_embeddings(layout.places)
    states = embeddings.LayerNorm(states + embeddings.token_type_embeddings.weight[0])
    keys = layout.keys if encoder.training else None
    states = dropout(states, embeddings.dropout.p, encoder.training, keys)
    if 0 in layers:
        yield states[:tokens]
    for number, layer in enumerate(islice(stack, layers[-1]), start=1):
        mixed = attention(layer.attention.self, states, layout)
        if number == layers[-1] and positions is not None:
            mixed, states = mixed.index_select(0, positions), states.index_select(0, positions)
            keys = None if keys is None else keys.index_select(0, positions)
        states = after_attention(layer, mixed, states, None if keys is None else keys + 2 * number)
        if number in layers:
            yield states[:tokens]


def hidden_states(
    encoder: BertModel,
    ids: torch.Tensor,
    layout: Layout,
    positions: torch.Tensor | None = None,
    *,
    attention: Attention = attend,
    after_attention: AfterAttention = after_attention,
) -> torch.Tensor:
    """States of the last layer, [tokens, hidden], or [positions, hidden] at `positions` alone."""
    last = [encoder.config.num_hidden_layers]
    (states,) = layer_states(
        encoder, ids, layout, last, positions=positions, attention=attention, after_attention=after_attention
    )
    return states


def logits_at(
    model: BertForMaskedLM,
    ids: torch.Tensor,
    layout: Layout,
    positions: torch.Tensor,
    *,
    attention: Attention = attend,
    after_attention: AfterAttention = after_attention,
) -> torch.Tensor:
    """Logits, float32 [positions, vocabulary], at `positions` of packed `ids`.

    The output layer is as costly as several of a small model, and its other rows would be thrown away.
    """
    states = hidden_states(model.bert, ids, layout, positions, attention=attention, after_attention=after_attention)
    return model.cls(states).float()


def dropout(states: torch.Tensor, share: float, training: bool, keys: torch.Tensor | None) -> torch.Tensor:
    """Dropout of states [tokens, hidden]; on a CPU from 16 random bits per element, which depend on the key of the token alone.

    A step then drops the same whatever packs and processes it is divided among. Without keys, as on a GPU, torch draws.
    """
    if not training or share == 0:
        return states
    if keys is None:
        return functional.dropout(states, share)
    words = random_words(keys.numpy().view(np.uint64), -(-states.shape[1] // 4))
    draws = torch.from_numpy(words.view(np.int16))[:, : states.shape[1]]
    kept = draws >= round(share * 2**16) - 2**15
    return states * (kept * torch.tensor(1 / (1 - share), dtype=states.dtype))
