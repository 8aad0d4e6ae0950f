"""The training loop that pretraining, next-k-mer prediction and fine-tuning share.

Everything that a step does is a function of its number: the batch, the masks, the learning rate and the dropout. A
training can therefore be taken up at any step from the weights and the state of the optimiser alone.
"""

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import torch

from grover.device import autocast
from grover.errors import InputError
from grover.progress import Progress
from grover.vocabulary import PAD

Batch = dict[str, torch.Tensor]  # `input_ids` [rows, tokens] and `targets`, one for each prediction, at least
POINTS = 500  # rows of the loss curve at most


@dataclass(frozen=True)
class Optimisation:
    """AdamW with warm-up and linear decay; what the paper leaves open is DNABERT's (Ji et al. 2021)."""

    steps: int
    learning_rate: float = 4e-4
    warmup: float = 0.1  # share of the steps
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.98)
    epsilon: float = 1e-6
    clip: float = 1.0  # largest norm of the gradient

    def rate(self, step: int) -> float:
        """Learning rate of a step, counted from 0: up to `learning_rate` over the warm-up, then down towards 0."""
        warmup = max(1, round(self.warmup * self.steps))
        return self.learning_rate * min((step + 1) / warmup, (self.steps - step) / max(1, self.steps - warmup), 1.0)


def train(
    model: torch.nn.Module,
    batches: Callable[[int], list[Batch]],
    loss: Callable[[torch.nn.Module, Batch], torch.Tensor],
    optimisation: Optimisation,
    device: torch.device,
    precision: str = "auto",
    seed: int = 0,
    label: str = "train",
    after: Callable[[int], bool] | None = None,
) -> pd.DataFrame:
    """Train `model` in place and return its loss curve.

    `batches(step)` gives the micro-batches of one step, and `loss(model, batch)` the loss summed over the targets of
    one. Gradients are added up and divided by the number of targets in the whole step, so that the cut into
    micro-batches does not matter. After each step `after(steps done)` may end the training by returning true. The curve
    has the columns step, loss (mean over a target since the row before), learning_rate, tokens (seen so far, without
    padding) and seconds.

    Raises an InputError if the loss is no longer finite, or if several processes were started.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError(
            "training: several processes were started, but one is what this version trains with; use --nproc-per-node=1"
        )
    model.to(device).train()
    optimiser = _optimiser(model, optimisation)
    every = max(1, optimisation.steps // POINTS)
    curve, tokens, started = [], 0, time.monotonic()
    recent_loss, recent_targets = 0.0, 0

    with Progress(optimisation.steps, label) as bar:
        for step in range(optimisation.steps):
            torch.manual_seed(seed * 1_000_003 + step)
            rate = optimisation.rate(step)
            for group in optimiser.param_groups:
                group["lr"] = rate

            micro_batches = batches(step)
            targets = sum(batch["targets"].shape[0] for batch in micro_batches)
            summed = torch.zeros((), device=device)
            for batch in micro_batches:
                tokens += int((batch["input_ids"] != PAD).sum())
                batch = {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}
                with autocast(device, precision):
                    part = loss(model, batch)
                (part / targets).backward()
                summed += part.detach()
            mean = float(summed) / targets
            if not math.isfinite(mean):
                raise InputError(
                    f"{label}: the loss became {mean} at step {step + 1} of {optimisation.steps} "
                    f"(learning rate {rate:.3g}); lower the learning rate or lengthen the warm-up"
                )
            torch.nn.utils.clip_grad_norm_(model.parameters(), optimisation.clip)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

            done, seconds = step + 1, time.monotonic() - started
            recent_loss, recent_targets = recent_loss + mean * targets, recent_targets + targets
            if done % every == 0 or done == optimisation.steps:
                curve.append((done, recent_loss / recent_targets, rate, tokens, seconds))
                recent_loss, recent_targets = 0.0, 0
            bar.update(1, loss=mean, **{"tokens/s": round(tokens / seconds)})
            if after is not None and after(done):
                break
    model.eval()
    return pd.DataFrame(curve, columns=["step", "loss", "learning_rate", "tokens", "seconds"])


def _optimiser(model: torch.nn.Module, optimisation: Optimisation) -> torch.optim.AdamW:
    """AdamW in one fused kernel; biases and the scales of LayerNorm, which are vectors, do not decay."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": optimisation.weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=0.0, betas=optimisation.betas, eps=optimisation.epsilon, fused=True)
