"""What a GPU needs beside itself: a driver that is new enough, its library, and an architecture that torch was built for."""

import ctypes
import os
import re
from pathlib import Path

import torch

from grover.runtime.errors import InputError

KERNEL_MODULE = Path("/proc/driver/nvidia/version")
LIBRARY = "libcuda.so.1"
# least driver of each major version of CUDA on Linux, from NVIDIA's release notes
LEAST_DRIVER = {11: "450.80.02", 12: "525.60.13", 13: "580.65.06"}


def driver_version(module: Path = KERNEL_MODULE) -> str:
    """The version of the NVIDIA driver that the kernel has loaded, empty where it has none."""
    found = re.search(r"\s(\d+(?:\.\d+)+)\s", module.read_text()) if module.is_file() else None
    return found[1] if found else ""


def why_no_gpu() -> str:
    """The reason why torch finds no GPU, and what to do, as the end of a sentence."""
    built, driver = torch.version.cuda, driver_version()
    if built is None:
        return f"torch {torch.__version__} is a build without CUDA; install the one of envs/lock.txt or set device: cpu"
    if not driver:
        return "there is no NVIDIA driver on this machine; ask the scheduler for a GPU or set device: cpu"
    least = LEAST_DRIVER.get(int(built.split(".")[0]), "")
    if _numbers(driver) < _numbers(least):
        return (
            f"the NVIDIA driver {driver} is too old for torch {torch.__version__}, whose CUDA {built} needs {least} or newer; use a "
            "node with a newer driver, or install a build of the same torch for an older CUDA (docs/reference/site-installation.md)"
        )
    if not _loads(LIBRARY):
        return f"the NVIDIA driver {driver} is loaded, but {LIBRARY} cannot be opened; start a container with the option --nv"
    return (
        f"the NVIDIA driver {driver} shows no GPU to this process (CUDA_VISIBLE_DEVICES is "
        f"{os.environ.get('CUDA_VISIBLE_DEVICES', 'unset')!r}); ask the scheduler for one or set device: cpu"
    )


def check_architecture(device: torch.device) -> None:
    """Raise an InputError where torch has no code for the architecture of this GPU."""
    major, minor = torch.cuda.get_device_capability(device)
    built = [re.match(r"(sm|compute)_(\d+)(\d)", name) for name in torch.cuda.get_arch_list()]
    kinds = [(found[1], int(found[2]), int(found[3])) for found in built if found]
    # machine code runs on its own major version and later minor ones, and PTX on all later versions
    runs = any(
        (major, minor) >= (first, second) if kind == "compute" else major == first and minor >= second
        for kind, first, second in kinds
    )
    if kinds and not runs:
        names = ", ".join(f"{first}.{second}" for kind, first, second in kinds if kind == "sm")
        raise InputError(
            f"device: {torch.cuda.get_device_name(device)} has compute capability {major}.{minor}, and torch {torch.__version__} is built "
            f"for {names}; take another GPU or set device: cpu"
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part)


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
