"""Predictions of a masked language model at chosen tokens of packed windows, where nothing is trained."""

import numpy as np
import torch
from transformers import BertForMaskedLM

from grover.network.attention import choose_attention
from grover.network.device import autocast
from grover.network.forward import hidden_states
from grover.network.packed import Layout


def masked_logits(
    model: BertForMaskedLM,
    ids: np.ndarray,
    lengths: np.ndarray,
    positions: np.ndarray,
    device: torch.device,
    precision: str,
) -> torch.Tensor:
    """Return the logits, float32 [positions, vocabulary] on `device`, at `positions` of packed windows (`grover.network.packed.pack`).

    The output layer is computed in float32 with every precision: in bfloat16 many tokens of a large vocabulary tie. The caller sets the
    model's device and mode.
    """
    packed, layout = torch.from_numpy(ids).to(device), Layout.of(lengths).to(device)
    where = torch.from_numpy(positions).to(device)
    attention = choose_attention(device, training=False)
    with torch.inference_mode():
        with autocast(device, precision):
            states = hidden_states(model.bert, packed, layout, where, attention=attention)
        logits: torch.Tensor = model.cls(states.float())
        return logits
