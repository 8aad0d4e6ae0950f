"""The linear layers of the forward pass, by the faster of torch's two libraries on a CPU.

In float32 torch calls MKL, which leaves the 512-bit instructions of AMD's processors unused. oneDNN, which torch calls for other types of
numbers, uses them: 235 instead of 105 Gflop/s per core of an EPYC, with the same rounding error. There is no public function of torch for
it, so that its absence is no error.
"""

import torch
from torch.nn import functional

ONEDNN = getattr(torch.ops.mkldnn, "_linear_pointwise", None) if torch.backends.mkldnn.is_available() else None


def linear(states: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """Return `states` [rows, in] times `weight` [out, in] plus `bias` [out], as `torch.nn.functional.linear` does.

    oneDNN's function has no gradient and takes no part in autocast, and it is slow for rows that do not follow one another.
    """
    plain = states.dtype == weight.dtype == torch.float32 and not torch.is_autocast_enabled(states.device.type)
    if ONEDNN is None or not plain or torch.is_grad_enabled() or states.is_cuda or not states.is_contiguous():
        return functional.linear(states, weight, bias)
    product: torch.Tensor = ONEDNN(states, weight, bias, "none", [], "")
    return product
