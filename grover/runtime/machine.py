"""What this process may use of its machine, and how far its clock may be trusted."""

import os
import re
import resource
from collections.abc import Collection
from pathlib import Path

PROCESSOR = Path("/proc/cpuinfo")
TRAINED_IN_BF16 = {"amx_bf16", "avx512_bf16"}  # those of x86, where trainings in bfloat16 were measured to be faster
BF16 = {"amx_bf16", "avx512_bf16", "bf16"}  # as Linux names the instructions of x86 and, the last one, of Arm
CLOCKS = 60.0  # seconds by which the clocks of two machines may differ


def cores() -> int:
    """Count the cores that this process may run on; a scheduler or `taskset` may leave it fewer than the machine has."""
    return len(os.sched_getaffinity(0))


def computes_bf16(described: Path = PROCESSOR, instructions: Collection[str] = BF16) -> bool:
    """Return whether the processor has one of these instructions for bfloat16; False where Linux does not describe it."""
    try:
        text = described.read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return any(
        not set(instructions).isdisjoint(flags.split())
        for flags in re.findall(r"^(?:flags|Features)\s*:(.*)$", text, re.M)
    )


def peak_memory() -> int:
    """Return the largest resident memory of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def largest_file() -> int | None:
    """Return the largest size in bytes of a file that this process may write (`ulimit -f`), or None without a limit."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    return None if limit == resource.RLIM_INFINITY else limit
