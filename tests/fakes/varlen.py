"""Variable-length attention on the CPU: a plain reference of torch's kernel, and kernels that are wrong in one way each."""

from collections.abc import Callable

import torch

Kernel = Callable[..., torch.Tensor]


def reference(query, key, value, bounds, other_bounds, longest, other_longest) -> torch.Tensor:
    """Return [tokens, heads, width]: attention within the windows between `bounds`, as `varlen_attn` computes it.

    It checks what the kernel needs: 16-bit numbers of one type, int32 bounds, a width that is a multiple of 8, the longest window.
    """
    assert query.dtype == key.dtype == value.dtype and query.dtype in (torch.bfloat16, torch.float16)
    assert query.dim() == 3 and query.shape == key.shape == value.shape and query.shape[-1] % 8 == 0
    assert all(each.stride(-1) == 1 for each in (query, key, value))
    assert bounds.dtype == torch.int32 and torch.equal(bounds, other_bounds)
    lengths = bounds.diff()
    assert int(bounds[-1]) == len(query) and int(lengths.max()) == longest == other_longest
    return attention(query, key, value, bounds.tolist())


def attention(query, key, value, bounds: list[int], scale: float | None = None) -> torch.Tensor:
    """Softmax attention of each head in float32, window by window; rounded as the kernel rounds its result."""
    mixed = []
    for begin, end in zip(bounds[:-1], bounds[1:], strict=True):
        q, k, v = (each[begin:end].float().transpose(0, 1) for each in (query, key, value))
        weights = torch.softmax(q @ k.transpose(1, 2) * (scale or q.shape[-1] ** -0.5), -1)
        mixed.append((weights @ v).transpose(0, 1))
    return torch.cat(mixed).to(query.dtype)


def across_windows(query, key, value, bounds, *rest) -> torch.Tensor:
    """A kernel that ignores the bounds."""
    return attention(query, key, value, [0, len(query)])


def unscaled(query, key, value, bounds, *rest) -> torch.Tensor:
    """A kernel that does not divide scores by the root of the width."""
    return attention(query, key, value, bounds.tolist(), scale=1.0)


def off_by(tokens: int) -> Kernel:
    """A kernel whose windows begin and end some tokens late."""

    def kernel(query, key, value, bounds, *rest):
        inner = [bound + tokens for bound in bounds[1:-1].tolist()]
        return attention(query, key, value, [0, *inner, len(query)])

    return kernel


def wrong_backward(change: Callable) -> Kernel:
    """A kernel with the right result whose gradients of query, key and value are changed."""

    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(context, query, key, value, bounds):
            context.save_for_backward(query, key, value)
            context.bounds = bounds
            return attention(query, key, value, bounds)

        @staticmethod
        def backward(context, gradient):
            inputs = [each.detach().requires_grad_() for each in context.saved_tensors]
            with torch.enable_grad():
                mixed = attention(*inputs, context.bounds)
            return *change(*torch.autograd.grad(mixed, inputs, gradient)), None

    return lambda query, key, value, bounds, *rest: Wrong.apply(query, key, value, bounds.tolist())


WRONG = {
    "across windows": across_windows,
    "unscaled": unscaled,
    "one token late": off_by(1),
    "one token early": off_by(-1),
    "no gradient of query": wrong_backward(lambda query, key, value: (query * 0, key, value)),
    "query and key exchanged": wrong_backward(lambda query, key, value: (key, query, value)),
    "gradient of value too large": wrong_backward(lambda query, key, value: (query, key, value * 1.1)),
}
