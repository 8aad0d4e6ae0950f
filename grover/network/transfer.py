"""Copies between a CPU and a GPU during which neither waits for the other.

A copy from or to memory that is not pinned waits for all that the GPU was given before.
"""

from typing import Any

import torch


def pinned(given: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """Put what will be copied to a GPU into pinned memory; for a CPU, and of plain values, nothing changes."""
    if device.type != "cuda":
        return given
    return {name: value.pin_memory() if hasattr(value, "pin_memory") else value for name, value in given.items()}


class Copied:
    """A tensor on its way to the CPU from the moment when this is made; `tensor` waits for this copy alone.

    What the GPU is given afterwards does not delay it. A tensor of the CPU stays what it is.
    """

    def __init__(self, values: torch.Tensor):
        self._done: torch.cuda.Event | None = None
        self._host = values
        if values.is_cuda:
            self._host = values.to("cpu", non_blocking=True)  # which torch puts into pinned memory
            self._done = torch.cuda.Event()
            self._done.record()

    def tensor(self) -> torch.Tensor:
        """The tensor on the CPU."""
        if self._done is not None:
            self._done.synchronize()
        return self._host
