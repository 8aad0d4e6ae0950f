"""The attention of [CLS] in the last layer, as DNABERT draws it (Ji et al. 2021): a reproduction, not an explanation.

The value of a token is its attention weight in the row of [CLS], summed over the heads of the last layer. A base has the mean over the
tokens that hold it, and the values of a sequence are divided by their Euclidean norm. Weights say what is read, not what it does.
"""

from collections.abc import Sequence

import numpy as np
import torch

from grover.interpretation.answers import FineTuned
from grover.interpretation.cutting import bases_of, cut
from grover.interpretation.sites import Site
from grover.network.attention import Module, attend
from grover.network.forward import layer_states
from grover.network.inference import evaluating
from grover.network.packed import Layout, pack_rows


def cls_attention(encoder: Module, ids: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Attention weight of each token in the row of its window's [CLS] in the last layer, summed over heads, float32 [tokens]."""
    depth = encoder.config.num_hidden_layers - 1
    (states,) = layer_states(encoder, ids, layout, [depth], attention=attend)
    module = encoder.encoder.layer[depth].attention.self
    heads = module.num_attention_heads
    query, key = (part(states).unflatten(1, (heads, -1)).float() for part in (module.query, module.key))
    first = layout.bounds[:-1].long()
    owner = torch.repeat_interleave(torch.arange(len(first), device=ids.device), layout.bounds.diff().long())
    scores = (query[first][owner] * key).sum(-1) * key.shape[-1] ** -0.5  # [tokens, heads]
    weights = [torch.softmax(window, 0).sum(1) for window in scores.split(list(layout.lengths))]
    return torch.cat(weights)


def attention_per_base(sites: Sequence[Site], model: FineTuned) -> list[np.ndarray]:
    """Values of DNABERT's formula for each base of each site, float64 [length], 0 where no token holds the base."""
    found = []
    with torch.inference_mode(), evaluating(model.classifier, model.device):
        for site in sites:
            tokens, starts = cut(site, site.codes, model.vocabulary).of(0)
            tokens, starts = tokens[: model.longest], starts[: model.longest]
            ids, lengths = pack_rows([tokens])
            layout = Layout.of(lengths).to(model.device)
            weights = cls_attention(model.classifier.bert, torch.from_numpy(ids).to(model.device), layout)
            found.append(
                _per_base(weights.double().cpu().numpy()[1:-1], starts, model.vocabulary.spans[tokens], len(site.codes))
            )
    return found


def _per_base(values: np.ndarray, starts: np.ndarray, spans: np.ndarray, length: int) -> np.ndarray:
    bases, owner = bases_of(starts, spans)
    total, number = np.bincount(bases, values[owner], length), np.bincount(bases, minlength=length)
    mean = total / np.maximum(number, 1)
    norm = np.linalg.norm(mean)
    return mean / norm if norm else mean
