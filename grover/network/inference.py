"""The encoder on windows laid end to end (`grover.network.packed`), where nothing is to be learnt.

On a CPU attention is then computed window by window by torch's fused kernel, without any padding and without keeping the scores.
bench/finetuning.py has what that is worth beside `transformers`.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import torch
from torch.nn.functional import linear, scaled_dot_product_attention
from transformers import BertModel

from grover.network import packed
from grover.network.packed import Layout

TOKENS_AT_ONCE = {"cpu": 4_096, "cuda": 65_536}  # on a CPU no more than stays in its cache


def hidden_states(
    encoder: BertModel, ids: torch.Tensor, layout: Layout, positions: torch.Tensor | None = None
) -> torch.Tensor:
    """States of the last layer, [tokens, hidden], or at `positions` alone, as `packed.hidden_states` gives them."""
    if encoder.training or ids.is_cuda:
        return packed.hidden_states(encoder, ids, layout, positions)
    layers, states = encoder.encoder.layer, embed_tokens(encoder, ids, layout)
    for layer in layers:
        mixed = attend(layer.attention.self, states, layout)
        if layer is layers[-1] and positions is not None:
            mixed, states = mixed.index_select(0, positions), states.index_select(0, positions)
        states = packed.after_attention(layer, mixed, states)
    return states


def layer_states(
    encoder: BertModel, ids: torch.Tensor, layout: Layout, layers: Sequence[int]
) -> Iterator[torch.Tensor]:
    """States, [tokens, hidden], of several ascending layers in one pass, each as soon as it is known: 0 is what the first layer reads, i
    what layer i gives, as in the `hidden_states` of `transformers`. What lies behind the last one wanted is not computed.
    """
    weigh = packed.attend if ids.is_cuda else attend
    states = embed_tokens(encoder, ids, layout)
    if layers[0] == 0:
        yield states
    for number, layer in enumerate(encoder.encoder.layer[: layers[-1]], start=1):
        states = packed.after_attention(layer, weigh(layer.attention.self, states, layout), states)
        if number in layers:
            yield states


def embed_tokens(encoder: BertModel, ids: torch.Tensor, layout: Layout) -> torch.Tensor:
    """What the first layer reads, [tokens, hidden]."""
    embeddings = encoder.embeddings
    states = embeddings.word_embeddings(ids) + embeddings.position_embeddings(layout.places)
    return embeddings.LayerNorm(states + embeddings.token_type_embeddings.weight[0])


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


def each(compute: Callable, items: Iterable, threads: int) -> Iterator:
    """What is computed of each item, in their order, several items at a time and each by one thread; few are computed ahead.

    The sequences of a group are too short to keep the threads of one operation busy, and what one thread computes does not depend on
    how many there are.
    """
    if threads == 1:
        yield from map(compute, items)
        return
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    try:
        ahead = deque()
        for item in items:
            ahead.append(pool.submit(compute, item))
            if len(ahead) > 2 * threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)  # what a thread sets for itself is also what later ones begin with
