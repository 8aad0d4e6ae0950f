"""Proof that a training fits into memory and that this machine computes it correctly, before its first step.

The packed model is compared with the plain one, as Hugging Face computes it. Compared are predictions at all tokens and at the borders of
windows, and gradients of the first layer.
"""

from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import BertForMaskedLM

from grover.network.attention import Attention, Module, attend
from grover.network.device import autocast, computes_in_bf16
from grover.network.forward import AfterAttention, after_attention, hidden_states, logits_at
from grover.network.inference import evaluating, moved
from grover.network.packed import Layout
from grover.network.training import Batch
from grover.runtime.errors import InputError

WINDOWS = 8  # that are compared
# nats by which logarithms of probabilities may differ, in the mean: bfloat16 comes to 0.003 with random weights. Attention beyond the
# window comes to 0.010 and more at all tokens; with bounds that are wrong by one token, at the first or the last ones
TOLERANCE = 0.008
# by which gradients may differ, as a share of their length: bfloat16 comes to 0.03
GRADIENT_TOLERANCE = 0.06
# or as often what bfloat16 alone changes in the plain model, which is more in a trained one
TIMES = 2.0


class Differs(InputError):
    """What this machine computes is not what the plain model computes."""


def prove_memory(model: BertForMaskedLM, batch: Batch, device: torch.device, precision: str, **parts: Any) -> None:
    """Run one step on the largest pack of a training without taking it; raises torch.OutOfMemoryError where it does not fit.

    `parts` are the attention and the part of a layer behind it, as of `prove_step`.
    """
    batch = moved(batch, device)
    model.train()
    with autocast(device, precision):
        logits = logits_at(model, batch["input_ids"], batch["layout"], batch["positions"], **parts)
        cross_entropy(logits, batch["targets"], reduction="sum").backward()
    model.zero_grad(set_to_none=True)


def prove_step(
    model: BertForMaskedLM,
    batch: Batch,
    device: torch.device,
    precision: str,
    *,
    attention: Attention = attend,
    after_attention: AfterAttention = after_attention,
) -> None:
    """Compare some windows of a batch, of all its lengths, with the model as Hugging Face computes it.

    Raises Differs where predictions or gradients differ: a kernel of this machine then computes something else.
    """
    pieces = batch["input_ids"].split(batch["layout"].lengths)
    chosen = np.unique(np.linspace(0, len(pieces) - 1, WINDOWS).round().astype(int))
    ids = torch.cat([pieces[number] for number in chosen]).to(device)
    layout = Layout.of(np.array([len(pieces[number]) for number in chosen])).to(device)
    parts: dict = {"attention": attention, "after_attention": after_attention}

    def packed() -> torch.Tensor:
        # at all tokens, where the last layer is computed as the others are: one graph to compile instead of two
        return model.cls(hidden_states(model.bert, ids, layout, **parts)).float()

    def plain() -> torch.Tensor:
        rows = torch.nn.utils.rnn.pad_sequence(ids.split(layout.lengths), batch_first=True)
        inside = (torch.arange(rows.shape[1]) < torch.tensor(layout.lengths)[:, None]).to(device)
        return model(input_ids=rows, attention_mask=inside.long()).logits[inside].float()

    with evaluating(model, device):
        ours, theirs = (_answers(model, compute, ids, device, precision) for compute in (packed, plain))
        exact = _answers(model, plain, ids, device, "fp32") if computes_in_bf16(device, precision) else theirs
    _compare(ours, theirs, exact, layout.bounds.long(), device)


Answers = tuple[torch.Tensor, list[torch.Tensor]]  # logarithms of probabilities [tokens, vocabulary], gradients


def _answers(model: BertForMaskedLM, compute: Any, ids: torch.Tensor, device: torch.device, precision: str) -> Answers:
    """What a way to compute the model predicts, and gradients of what its first attention reads by."""
    first: Module = model.bert.encoder.layer[0].attention.self
    with autocast(device, precision):
        logits = compute()
        loss = cross_entropy(logits, ids, reduction="sum")
    gradients = torch.autograd.grad(loss, [first.query.weight, first.value.weight])
    return logits.detach().log_softmax(1), [gradient.float() for gradient in gradients]


def _compare(ours: Answers, theirs: Answers, exact: Answers, bounds: torch.Tensor, device: torch.device) -> None:
    """Raise Differs unless two ways agree; `exact` is the plain model in float32, from which bfloat16 alone may take it."""
    off, noise = ((one[0] - other[0]).abs().mean(1) for one, other in ((ours, theirs), (theirs, exact)))
    tolerance = max(TOLERANCE, TIMES * float(noise.mean()))
    places = {"all tokens": off, "first tokens": off[bounds[:-1]], "last tokens": off[bounds[1:] - 1]}
    found = [
        (f"predictions at {place} of windows", float(at.mean()), tolerance, "nats") for place, at in places.items()
    ]
    for name, mine, plain, reference in zip(("query", "value"), ours[1], theirs[1], exact[1], strict=True):
        size = plain.norm()
        allowed = max(GRADIENT_TOLERANCE, TIMES * float((plain - reference).norm() / size))
        found.append((f"gradients of {name} weights", float((mine - plain).norm() / size), allowed, "of their length"))
    for what, difference, limit, unit in found:
        if not difference < limit:
            raise Differs(
                f"pretrain: on {device} the {what} of the packed model differ from those of the plain one by {difference:.3g} {unit}, "
                f"where less than {limit:.3g} is expected; a kernel of this machine is wrong: try `precision: fp32` or another GPU"
            )
