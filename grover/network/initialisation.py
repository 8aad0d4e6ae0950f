"""How the weights of an encoder are initialised, other than at random.

BERT's positions are learnt. So a randomly initialised model attends to all tokens of a window alike, and the neighbours of a masked token
are two among hundreds. Until heads have found them, the loss stays at that of the frequencies of the tokens. Long trainings
get over that; small models with minutes on a CPU were not seen to. Under `neighbours` the heads start with it. The
positions begin as sines and cosines in coordinates that the token embeddings leave free. The heads of the first layer begin
with attention to the tokens 1 to the left, 1 to the right, 2 to the left, ... That is possible since a shift is a rotation of these
coordinates (Vaswani et al. 2017, section 3.5). All weights are trained from there.
"""

import torch
from transformers import BertModel

from grover.network.attention import Module

FASTEST, SLOWEST = 2.0, 0.2  # radians per token
SHARPNESS = 3.0  # gives about three quarters of the attention to the token that a head starts with
LOUDNESS = 3.0  # factor on the output of attention, relative to the state of the token itself


@torch.no_grad()
def begin(encoder: BertModel) -> None:
    """Set the positions, the tokens and the first attention of a random encoder by `start` of its configuration."""
    config = encoder.config
    if getattr(config, "start", "random") == "random":
        return
    width = config.hidden_size // config.num_attention_heads
    pairs = width // 2
    fastest, slowest = torch.tensor([FASTEST, SLOWEST]).log10().tolist()
    speed = torch.logspace(fastest, slowest, pairs)
    embeddings: Module = encoder.embeddings
    first: Module = encoder.encoder.layer[0].attention
    _place(embeddings, speed, config.initializer_range)
    query, key = first.self.query.weight, first.self.key.weight
    query.zero_(), key.zero_()
    for head in range(config.num_attention_heads):
        rows = slice(head * width, head * width + 2 * pairs)
        distance = head // 2 + 1
        query[rows, : 2 * pairs] = SHARPNESS**0.5 * _rotation(speed * (distance if head % 2 else -distance))
        key[rows, : 2 * pairs] = SHARPNESS**0.5 * torch.eye(2 * pairs)
    first.self.value.weight.mul_(LOUDNESS)
    first.output.dense.weight.mul_(LOUDNESS)


def _place(embeddings: Module, speed: torch.Tensor, spread: float) -> None:
    """Set the positions to sines and cosines, as large as token embeddings, in coordinates that tokens and types then leave to them."""
    used = 2 * len(speed)
    angles = torch.arange(embeddings.position_embeddings.num_embeddings)[:, None] * speed
    positions = embeddings.position_embeddings.weight.zero_()
    positions[:, :used] = torch.stack([angles.sin(), angles.cos()], 2).flatten(1) * spread * 2**0.5
    for others in (embeddings.word_embeddings, embeddings.token_type_embeddings):
        others.weight[:, :used] = 0


def _rotation(angles: torch.Tensor) -> torch.Tensor:
    """The matrix that takes the pairs (sin x, cos x) to (sin(x + angle), cos(x + angle))."""
    turns = [torch.tensor([[c, s], [-s, c]]) for s, c in zip(angles.sin(), angles.cos(), strict=True)]
    return torch.block_diag(*turns)
