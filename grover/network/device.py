"""Where a network runs and in which precision."""

import sys
from contextlib import AbstractContextManager, nullcontext
from functools import cache

import torch

from grover.network.distributed import ALONE, Processes
from grover.network.gpu import check_architecture, driver_version, why_no_gpu
from grover.runtime.errors import InputError
from grover.runtime.machine import TRAINED_IN_BF16, computes_bf16, cores


def choose_device(name: str, threads: int = 0, processes: Processes = ALONE) -> torch.device:
    """Select the device (`auto`, `cpu` or `cuda`) and print it.

    Each of several processes on a node gets a GPU of its own, that of its number. Where the site binds one to each task, it is the only one
    visible. Raises an InputError where a GPU is asked for and cannot be used, or where there are too few; `threads` above 0
    limits those of the CPU.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError(f"device: cuda was asked for but torch finds no GPU here: {why_no_gpu()}")
    if name == "auto" and not torch.cuda.is_available() and driver_version():
        print(f"device: no GPU is used: {why_no_gpu()}", file=sys.stderr, flush=True)
    if threads > 0:
        torch.set_num_threads(min(threads, cores()))
    device = torch.device("cpu")
    if name != "cpu" and torch.cuda.is_available():
        gpu = _own_gpu(processes)
        if _has_code_for(gpu, name):
            device = gpu
            torch.cuda.set_device(device)
    kind = f"CPU, {torch.get_num_threads()} threads"
    if device.type == "cuda":
        kind = f"{torch.cuda.get_device_name(device)}, driver {driver_version() or 'unknown'}"
    print(f"device: RUNNING ON {device.type.upper()} ({kind})", file=sys.stderr, flush=True)
    return device


def _own_gpu(processes: Processes) -> torch.device:
    """Return the GPU of this process; raises an InputError where there are too few."""
    there = torch.cuda.device_count()
    bound = there == 1 and processes.by_srun
    if processes.local_world > there and not bound:
        raise InputError(
            f"device: {processes.local_world} processes on this node want a GPU each, but torch finds {there}; set `gpus: {there}`"
        )
    return torch.device("cuda", 0 if bound else processes.local)


def _has_code_for(gpu: torch.device, name: str) -> bool:
    """Whether torch was built for the GPU; where not, an InputError says so if a GPU was asked for, and a line for `auto`."""
    try:
        check_architecture(gpu)
    except InputError as error:
        if name == "cuda":
            raise
        print(f"device: no GPU is used: {error}", file=sys.stderr, flush=True)
        return False
    return True


def compute_once(device: torch.device, precision: str) -> None:
    """Compute one layer forward and backward, so that a device that cannot is found before a long job; raises what torch raises."""
    with autocast(device, precision):
        layer = torch.nn.Linear(64, 64).to(device)
        layer(torch.ones(8, 64, device=device)).float().sum().backward()


def computes_in_bf16(device: torch.device, precision: str) -> bool:
    """Whether the `precision` (auto, fp32, bf16) means bfloat16 on this device; raises an InputError where a GPU cannot."""
    if precision == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise InputError(
            f"precision: bf16 was asked for, which {torch.cuda.get_device_name(device)} does not compute in; set precision: fp32"
        )
    if precision == "auto":
        return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return precision == "bf16"


def precision_to_train(device: torch.device, precision: str) -> str:
    """Return the precision of a training of the encoder, and print where `auto` is bf16 on a CPU.

    Predictions and scores stay in fp32 there under `auto`, so that they can be compared between machines.
    """
    if precision != "auto" or device.type != "cpu" or not computes_bf16(instructions=TRAINED_IN_BF16):
        return precision
    _say_bf16()
    return "bf16"


def trained_in(device: torch.device, precision: str) -> str:
    """Return the number format in which the encoder is trained, `bf16` or `fp32`, for the metadata of what is trained."""
    return "bf16" if computes_in_bf16(device, precision_to_train(device, precision)) else "fp32"


@cache
def _say_bf16() -> None:
    print("precision: auto trains in bf16, for which this processor has instructions", file=sys.stderr, flush=True)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[None]:
    """Context in which the network computes: bfloat16 where the `precision` says so."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if computes_in_bf16(device, precision) else nullcontext()
