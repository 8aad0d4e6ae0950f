"""The linear layers of the forward pass, by the faster of torch's two libraries on a CPU.

In float32 torch calls MKL, which leaves the 512-bit instructions of AMD's processors unused. oneDNN, which torch calls for other types of
numbers, uses them: 235 instead of 105 Gflop/s per core of an EPYC, with the same rounding error. There is no public function of torch for
it, so that its absence is no error.
"""

import math
from typing import Any

import torch
from torch.nn import functional

ONEDNN = getattr(torch.ops.mkldnn, "_linear_pointwise", None) if torch.backends.mkldnn.is_available() else None
# weights from which a training step is faster with oneDNN, whose gradients need transposed copies: equal at 96 x 288. Without 512-bit
# instructions it was 8 to 15 % slower at all sizes, and a forward pass alone 0.95 to 1.23 times as fast
TRAINED_FROM = 2**15 if torch.backends.cpu.get_cpu_capability() == "AVX512" else math.inf
# oneDNN compiles code for each number of rows and keeps it, 0.6 MB each time: numbers are rounded up, and fewer rows are torch's
ROWS = 256


def linear(states: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """Return `states` [rows, in] times `weight` [out, in] plus `bias` [out], as `torch.nn.functional.linear` does.

    Under autocast torch calls oneDNN itself. Its function is slow for rows that do not follow one another.
    """
    if states.dim() == 2 and states.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
        return functional.linear(_filled(states), weight, bias)[: len(states)]  # which is oneDNN's, too
    plain = states.dtype == weight.dtype == torch.float32 and not torch.is_autocast_enabled(states.device.type)
    few = states.dim() != 2 or len(states) < ROWS
    if ONEDNN is None or not plain or few or states.is_cuda or not states.is_contiguous():
        return functional.linear(states, weight, bias)
    if not torch.is_grad_enabled():
        return _product(_filled(states), weight, bias)[: len(states)]
    if weight.numel() < TRAINED_FROM:
        return functional.linear(states, weight, bias)
    product: torch.Tensor = _Linear.apply(states, weight, bias)
    return product


def _product(left: torch.Tensor, right: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """Return `left` [rows, in] times the transpose of `right` [out, in]."""
    assert ONEDNN is not None
    product: torch.Tensor = ONEDNN(left, right, bias, "none", [], "")
    return product


def _filled(states: torch.Tensor) -> torch.Tensor:
    """Append rows of zeros up to a multiple of `ROWS`."""
    missing = -len(states) % ROWS
    return functional.pad(states, (0, 0, 0, missing)) if missing else states


class _Linear(torch.autograd.Function):
    """The product with its gradients, each of which is one product as well."""

    @staticmethod
    def forward(context: Any, states: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        context.save_for_backward(states, weight)
        return _product(_filled(states), weight, bias)[: len(states)]

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        states, weight = context.saved_tensors
        of_states, of_weight, of_bias = context.needs_input_grad
        rows, gradient, states = len(gradient), _filled(gradient.contiguous()), _filled(states)
        return (
            _product(gradient, weight.t().contiguous())[:rows] if of_states else None,
            _product(gradient.t().contiguous(), states.t().contiguous()) if of_weight else None,
            gradient.sum(0) if of_bias else None,
        )
