"""What a machine must have before a run: room on disks, caches that can be written, a clock that agrees; each problem is one sentence."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from grover.runtime.failures import in_units, nearest_folder, room
from grover.runtime.machine import CLOCKS

# variables that name folders of caches; Snakemake needs the first, for which an unset variable means ~/.cache
WRITTEN = ("XDG_CACHE_HOME", "NUMBA_CACHE_DIR")  # by each run; the others may be shared and read-only
CACHES = (*WRITTEN, "HF_HOME", "MPLCONFIGDIR")
QUOTA_SECONDS = 10


@dataclass(frozen=True)
class Need:
    """A folder that a run writes to: what the user calls it, and the bytes that it is expected to take."""

    name: str
    folder: Path
    size: float = 0.0


def disk_problems(needs: Iterable[Need]) -> list[str]:
    """Find folders that cannot be written and disks with less room, or quota, than the folders on them need together."""
    said: list[str] = []
    disks: dict[int, list[tuple[Need, Path]]] = {}
    for need in needs:
        folder = nearest_folder(need.folder)
        if why := unwritable(folder):
            said.append(
                f"{need.name} ({need.folder}): {folder} cannot be written ({why}); make it writable, or {_other(need.name)}"
            )
        else:
            disks.setdefault(folder.stat().st_dev, []).append((need, folder))
    for shared in disks.values():
        folder, size = shared[0][1], sum(need.size for need, _ in shared)
        names = " and ".join(f"{need.name} ({need.folder})" for need, _ in shared if need.size)
        for left, what in ((room(folder), "free on the disk"), (quota_left(folder), "left of the quota")):
            if left is not None and left < size:
                said.append(
                    f"{names}: {in_units(left)} {what} of {folder}, but the plan needs {in_units(int(size))}; "
                    f"make room there, or {_other(shared[0][0].name)}"
                )
    return said


def cache_problems(names: Iterable[str] = CACHES) -> list[str]:
    """Find folders of caches that cannot be written. names: the variables that name them."""
    places = {name: os.environ[name] for name in names if os.environ.get(name)}
    places.setdefault("XDG_CACHE_HOME", str(Path("~/.cache").expanduser()))
    return [
        f"{name} ({place}) cannot be written ({why}); export {name}=FOLDER, on a disk that all nodes can write"
        for name, place in places.items()
        if (why := unwritable(nearest_folder(Path(place))))
    ]


def clock_problems(folder: Path) -> list[str]:
    """Compare the clock of this machine with the one that dates files in `folder`, by which Snakemake knows what is newer."""
    with suppress(OSError), tempfile.TemporaryFile(dir=nearest_folder(folder)) as stream:
        before = time.time()
        os.utime(stream.fileno())  # the present time of the file system
        apart = os.fstat(stream.fileno()).st_mtime - before
        if abs(apart) > CLOCKS:
            return [
                f"the clock of this machine is {abs(apart):.0f} s {'behind' if apart > 0 else 'ahead of'} that of the disk of {folder}; "
                "have it set (NTP), since outputs would look older than their inputs"
            ]
    return []


def program_problems() -> list[str]:
    """Find programs of the system that are missing."""
    if shutil.which("bedtools"):
        return []
    return [
        "bedtools is missing, with which the tests and pybedtools compare (no job of the workflow calls it); install it (on Debian: "
        "apt-get install bedtools) or load its module"
    ]


def torch_problems(device: str) -> list[str]:
    """Find a build of torch that cannot use a GPU where `device` is cuda, without importing it."""
    try:
        build = metadata.version("torch")
    except metadata.PackageNotFoundError:
        return ["torch is missing; install the locked packages: make setup"]
    if device == "cuda" and build.endswith("+cpu"):
        return [
            f"device: cuda was asked for, but torch {build} is built for the CPU; install a build for CUDA, or set device: cpu"
        ]
    return []


def unwritable(folder: Path) -> str:
    """Return why no file can be made in a folder, by a trial file, since modes say nothing of read-only mounts; nothing where one can."""
    try:
        with tempfile.TemporaryFile(dir=folder) as stream:
            stream.write(b"\0")
    except OSError as error:
        return error.strerror or str(error)
    return ""


def quota_left(folder: Path) -> int | None:
    """Return the bytes that the user's quota leaves on the disk of a folder, by the program `quota`; None where it knows of no limit.

    Its line of a file system is `NAME blocks soft hard ...`, in kB, with a star behind the blocks of a quota that is exceeded.
    """
    mount = folder.resolve()
    while not mount.is_mount():
        mount = mount.parent
    command = ["quota", "--user", "--no-wrap", "--show-mntpoint", "--hide-device"]
    try:
        # its exit code says whether a quota is exceeded, not whether it could be read
        said = subprocess.run(command, capture_output=True, text=True, timeout=QUOTA_SECONDS, errors="replace").stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    for line in said.splitlines():
        name, *cells = line.split() or [""]
        numbers = [int(cell.rstrip("*")) for cell in cells[:3] if cell.rstrip("*").isdigit()]
        if name == str(mount) and len(numbers) == 3:
            used, soft, hard = numbers
            limit = hard or soft
            return max(limit - used, 0) * 1024 if limit else None
    return None


def _other(name: str) -> str:
    return "export TMPDIR=FOLDER on another disk" if name == "TMPDIR" else f"set `{name}` to a folder on another disk"
