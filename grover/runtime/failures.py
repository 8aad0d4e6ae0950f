"""End a command with one sentence where its input, a limit of the machine or Ctrl-C stops it; anything else keeps its traceback.

Libraries report a full disk in many forms: pyarrow with the number of the error, safetensors in words, NumPy, pysam and torch without a
reason. One function recognises them all, so that a command and a training say the same of the same disk.
"""

import errno
import os
import pwd
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from grover.runtime.errors import InputError
from grover.runtime.machine import largest_file, peak_memory

PARTIAL = ".partial-"  # begins the name of a file that is not whole
WHILE_WRITING = "while writing "  # begins the note that names the file of an error; most libraries name none

FAILED, INTERRUPTED = 1, 130  # exit codes; the second is that of a shell for a process that SIGINT ended
UNNAMED = 0  # a write failed, and the library keeps the number of the error to itself
FULL = 1 << 20  # bytes: a disk with less room is taken as the reason of a write that failed without one
NUMBERS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EACCES, errno.ENOMEM)
# of torch.save (also where a small file fails), of NumPy and of pysam
UNNAMED_WRITES = re.compile(
    r"inline_container|PytorchStreamWriter|iostream error|\d+ requested and \d+ written|BGZFile (object|write)"
)
NO_MEMORY = re.compile(r"can't allocate memory|std::bad_alloc")
ELSEWHERE = "write to another disk (in the workflow: `results`)"


@contextmanager
def one_sentence(outputs: Callable[[], Iterable[Path]] = tuple) -> Iterator[None]:
    """Run a block as a program: what its user or the machine is to blame for ends it with one line on standard error.

    The exit code is 1, and 130 after Ctrl-C. `outputs()` names the files that the block writes, for errors that name none.
    """
    try:
        yield
    except InputError as error:
        _end(f"error: {error}", FAILED)
    except KeyboardInterrupt:
        _end("interrupted: stopped by Ctrl-C (SIGINT); start again to repeat this step", INTERRUPTED)
    except Exception as error:
        sentence = describe(error, outputs())
        if sentence is None:
            raise
        _end(f"error: {sentence}", FAILED)


def describe(error: Exception, outputs: Iterable[Path] = ()) -> str | None:
    """Return a sentence for an exception that reports a limit of the machine, or None for any other.

    The file is the one that was being written, or the one that the error names. Where neither is known, it is the one of `outputs` whose
    folder has the least room.
    """
    if type(error).__name__ == "OutOfMemoryError":  # torch's, which is not imported for its name
        return (
            f"the memory of the GPU is used up ({str(error).partition('.')[0]}); use a GPU with more memory or one that no other "
            "program uses, or lower the batch or the tokens per window of this step"
        )
    number = number_of(error)
    if number is None:
        return None
    if number == errno.ENOMEM:
        return (
            f"the memory is used up: this command held {in_units(peak_memory())} and was refused more; give it more memory (in the "
            "workflow: --set-resources RULE:mem_mb=MEGABYTES), or run fewer jobs at once"
        )
    path = _file(error, number, outputs)
    return _sentence(number, path, nearest_folder(path), error)


def number_of(error: BaseException) -> int | None:
    """Return the `errno` that an exception reports, ENOMEM for memory, UNNAMED for a failed write; None for anything else."""
    if isinstance(error, MemoryError):
        return errno.ENOMEM
    if isinstance(error, InputError):
        return None
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno if error.errno in NUMBERS else None
    text = str(error)
    if NO_MEMORY.search(text):
        return errno.ENOMEM
    named = next((number for number in NUMBERS if os.strerror(number) in text), None)
    return UNNAMED if named is None and UNNAMED_WRITES.search(text) else named


def _sentence(number: int, path: Path, folder: Path, error: Exception) -> str:
    """The sentence for a file that could not be written, or not be read."""
    left = room(folder)
    free = "of unknown size" if left is None else f"with {in_units(left)} free"
    limit = largest_file()
    if number == UNNAMED and left is not None and left < FULL:
        number = errno.ENOSPC
    elif number == UNNAMED and limit is not None:
        number = errno.EFBIG
    again = "then start again"
    if number == errno.ENOSPC:
        return f"{path}: the disk is full: {folder} is on a disk {free}; free space there or {ELSEWHERE}, {again}"
    if number == errno.EDQUOT:
        return (
            f"{path}: the disk quota is used up in {folder} (on a disk {free}); delete files of yours there, ask for a larger quota or "
            f"{ELSEWHERE}, {again}"
        )
    if number == errno.EROFS:
        return f"{path}: {folder} is on a file system that is read-only; {ELSEWHERE}, {again}"
    if number == errno.EFBIG:
        most = "" if limit is None else f" of {in_units(limit)}"
        return (
            f"{path}: the file exceeds the limit{most} for the size of a file (`ulimit -f`) in {folder} (on a disk {free}); have the "
            f"limit raised or {ELSEWHERE}, {again}"
        )
    if number == errno.EACCES:
        return f"{path}: permission denied; make {_owned(path, folder)}, or ask its owner to, {again}"
    return (
        f"{path}: the file could not be written ({error}); {folder} is on a disk {free}: check that, your quota and the health of the "
        f"disk, {again}"
    )


def _file(error: Exception, number: int, outputs: Iterable[Path]) -> Path:
    """The file that an error is about; of the two that a copy names, the one that is written."""
    notes = getattr(error, "__notes__", [])
    written = [note.removeprefix(WHILE_WRITING) for note in notes if note.startswith(WHILE_WRITING)]
    named = [getattr(error, "filename2", None), getattr(error, "filename", None)]
    for name in [*named[::-1], *written] if number == errno.EACCES else [*written, *named]:
        if isinstance(name, str | bytes | os.PathLike) and not Path(os.fsdecode(name)).name.startswith(PARTIAL):
            return Path(os.fsdecode(name))
    rooms = {path: room(nearest_folder(path)) for path in [*outputs, Path(tempfile.gettempdir())]}
    return min(rooms, key=lambda path: rooms[path] or 0)


def nearest_folder(path: Path) -> Path:
    """Return the folder of a file or, where there is none yet, the innermost one that is there."""
    here = Path(os.path.abspath(path))
    with suppress(OSError):
        if here.is_dir():
            return here
    for folder in here.parents:
        with suppress(OSError):
            if folder.is_dir():
                return folder
    return Path("/")


def room(folder: Path) -> int | None:
    """Return the free bytes on the disk of a folder, None where that cannot be asked; a quota may leave less."""
    with suppress(OSError):
        return shutil.disk_usage(folder).free
    return None


def _owned(path: Path, folder: Path) -> str:
    """What has to be made readable or writable, the file or its folder, with its owner and mode."""
    unreadable = path.exists() and not os.access(path, os.R_OK, effective_ids=True)
    place, needed = (path, "it readable") if unreadable else (folder, f"the folder {folder} accessible and writable")
    try:
        status = place.stat()
        owner = pwd.getpwuid(status.st_uid).pw_name
    except (OSError, KeyError):  # the way there is closed, or the owner is known to another machine only
        return needed
    return f"{needed} (owner {owner}, mode {stat.filemode(status.st_mode)})"


def in_units(count: int) -> str:
    """Return a number of bytes in the largest unit that leaves a whole number above 0: `4 MB`."""
    for power, unit in ((4, "TB"), (3, "GB"), (2, "MB"), (1, "kB")):
        if count >= 1000**power:
            return f"{count / 1000**power:.3g} {unit}"
    return f"{count} bytes"


def _end(line: str, code: int) -> None:
    with suppress(OSError):  # the log may be on the disk that is full
        print(line, file=sys.stderr, flush=True)
    raise SystemExit(code) from None
