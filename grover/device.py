"""Where a network runs and in which precision."""

import sys
from contextlib import nullcontext

import torch

from grover.errors import InputError


def choose_device(name: str, threads: int = 0) -> torch.device:
    """The device asked for (`auto`, `cpu` or `cuda`), said aloud, since a job on the wrong one wastes days.

    Raises an InputError where a GPU is asked for and there is none; `threads` above 0 limits those of the CPU.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f"device: {name!r} is unknown; expected auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError(
            "device: cuda was asked for but torch finds no GPU here; ask the scheduler for one or set device: cpu"
        )
    if threads > 0:
        torch.set_num_threads(threads)
    device = torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
    kind = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    print(f"device: RUNNING ON {device.type.upper()} ({kind})", file=sys.stderr, flush=True)
    return device


def autocast(device: torch.device, precision: str):
    """Context in which the network computes: bfloat16 where the `precision` (auto, fp32, bf16) says so."""
    if precision not in ("auto", "fp32", "bf16"):
        raise InputError(f"precision: {precision!r} is unknown; expected auto, fp32 or bf16")
    if precision == "bf16" or (precision == "auto" and device.type == "cuda"):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()
