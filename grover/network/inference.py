"""How networks are run where nothing is trained: their mode, and several groups of inputs at a time on a CPU."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

TOKENS_AT_ONCE = {"cpu": 4_096, "cuda": 65_536}  # on a CPU no more than stays in its cache

Item = TypeVar("Item")
Found = TypeVar("Found")


@contextmanager
def evaluating(network: torch.nn.Module, device: torch.device) -> Iterator[None]:
    """Hold the network on `device` in evaluation mode while the block runs, and then restore its device and its modes."""
    training = [module for module in network.modules() if module.training]
    before = next((parameter.device for parameter in network.parameters()), device)
    network.to(device).eval()
    try:
        yield
    finally:
        network.to(before)
        for module in training:
            module.training = True


def moved(given: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """Copy what lies on a device to another one; plain values stay."""
    return {
        name: value.to(device, non_blocking=True) if hasattr(value, "to") else value for name, value in given.items()
    }


def threads_for(device: torch.device, groups: int = 2) -> int:
    """Threads that compute one group each: all on a CPU with several groups, otherwise one."""
    return torch.get_num_threads() if device.type == "cpu" and groups > 1 else 1


def each(compute: Callable[[Item], Found], items: Iterable[Item], threads: int) -> Iterator[Found]:
    """Yield `compute(item)` for each item in order, several at a time and each by one thread; few are computed ahead.

    The sequences of a group are too short to keep the threads of one operation busy. The result of one thread does not depend on
    the number of threads.
    """
    if threads == 1:
        yield from map(compute, items)
        return
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    try:
        ahead: deque[Future[Found]] = deque()
        for item in items:
            ahead.append(pool.submit(compute, item))
            if len(ahead) > 2 * threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)  # a thread's own setting becomes the default of later threads


def compute_at_once(device_type: str, tokens: int) -> None:
    """Set how many tokens a network computes at once on a device; it changes memory and speed, and no result beyond rounding."""
    TOKENS_AT_ONCE[device_type] = tokens
